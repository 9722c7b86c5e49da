"""Installation and updates: nothing is believed unverified, nothing gets older."""

from __future__ import annotations

from typing import Any

import pytest

from _jzcbor import dumps
from jiaozi.operator import issue
from jiaozi.wallet import book, install
from jiaozi.wallet.store_keys import SEED_KEY
from jiaozi.wire import certificates, cose, errors, policies
from jiaozi.wire.errors import Refused
from protocol.tools.vector_world import forge
from tests.fixtures.wallets import (
    LIMITS,
    Bank,
    MemoryStore,
    answer,
    ask,
    finish,
    key_of,
    take,
    transfer,
)

BANK = Bank()
ROGUE = key_of("rogue")
PARTS = ("network", "authority", "operators", "certificate", "policy", "epoch")


def package(**parts: Any) -> bytes:
    good = {
        "network": BANK.network,
        "authority": BANK.authority.raw,
        "operators": [BANK.operator.raw],
        "certificate": BANK.certificate("w").raw,
        "policy": BANK.policy(),
        "epoch": BANK.epoch(),
    }
    return dumps([(good | parts)[name] for name in PARTS])


def refusal(raw: bytes, public: bytes = key_of("w").public) -> int:
    with pytest.raises(Refused) as caught:
        install.install(raw, public)
    return caught.value.sw


def operator_of(
    name: str, currency: str = "CNY", expiry: int = 1000, key: Any = BANK.authority_key
) -> certificates.Certificate:
    return certificates.issue(
        cose.OPERATOR,
        name.encode().ljust(8),
        key_of(name).public,
        [currency, expiry],
        key,
        BANK.authority,
        BANK.network,
    )


def test_install() -> None:
    changes = install.install(package(), key_of("w").public)
    store = MemoryStore()
    store.commit(changes | {SEED_KEY: bytes(32)})
    wallet = book.Book(store)
    assert wallet.me.raw == BANK.certificate("w").raw
    assert wallet.operator.raw == BANK.operator.raw
    assert wallet.policy.raw == BANK.policy()
    assert wallet.epoch.raw == BANK.epoch()
    assert wallet.state.synced_epoch == 1
    assert wallet.state.balance == 0


def test_package_makes_what_install_takes() -> None:
    parts = (BANK.authority.raw, [BANK.operator.raw], BANK.certificate("w").raw)
    assert issue.package(BANK.network, *parts, BANK.policy(), BANK.epoch()) == package()


@pytest.mark.parametrize(
    ("parts", "sw"),
    [
        ({"network": 2}, errors.MALFORMED),
        ({"network": -1}, errors.MALFORMED),
        ({"network": None}, errors.MALFORMED),
        ({"network": cose.LIVE}, errors.BAD_SIGNATURE),
        ({"authority": b""}, errors.MALFORMED),
        ({"authority": BANK.operator.raw}, errors.MALFORMED),
        ({"operators": None}, errors.MALFORMED),
        ({"operators": ["text"]}, errors.MALFORMED),
        ({"operators": [5]}, errors.MALFORMED),
        ({"operators": [10**9]}, errors.MALFORMED),
        ({"operators": [None]}, errors.MALFORMED),
        ({"operators": [[BANK.operator.raw]]}, errors.MALFORMED),
        ({"operators": []}, errors.UNKNOWN_OPERATOR),
        ({"operators": [operator_of("other").raw]}, errors.UNKNOWN_OPERATOR),
        ({"operators": [operator_of("rogue", key=ROGUE).raw]}, errors.BAD_SIGNATURE),
        ({"operators": [BANK.operator.raw, BANK.authority.raw]}, errors.MALFORMED),
        ({"certificate": BANK.certificate("v").raw}, errors.WRONG_KEY),
        ({"certificate": BANK.operator.raw}, errors.MALFORMED),
        ({"certificate": BANK.certificate("w", expiry=0).raw}, errors.EXPIRED),
        ({"policy": BANK.epoch()}, errors.MALFORMED),
        ({"policy": BANK.policy(currency="USD")}, errors.WRONG_CURRENCY),
        ({"policy": BANK.policy(tier=1)}, errors.WRONG_TIER),
        ({"epoch": BANK.policy()}, errors.MALFORMED),
        ({"epoch": BANK.epoch(101)}, errors.EXPIRED),
        ({"epoch": BANK.epoch(1, [BANK.certificate("w").id])}, errors.REVOKED),
        ({"epoch": BANK.epoch(1, operators=[])}, errors.REVOKED),
    ],
)
def test_other_packages(parts: dict[str, Any], sw: int) -> None:
    assert refusal(package(**parts)) == sw


@pytest.mark.parametrize("raw", [b"", dumps([]), dumps({}), package() + b"\0", package()[:-1]])
def test_what_is_no_package(raw: bytes) -> None:
    assert refusal(raw) == errors.MALFORMED


def signed_by_another(kind: int, raw: bytes) -> bytes:
    """The same object, signed by a rogue in the name of its signer."""
    good = cose.parse(kind, raw, BANK.network)
    return forge(kind, good.body, ROGUE, good.signer)


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("authority", cose.AUTHORITY),
        ("certificate", cose.WALLET),
        ("policy", cose.POLICY),
        ("epoch", cose.EPOCH),
    ],
)
def test_each_signature_is_checked(part: str, kind: int) -> None:
    good = {
        "authority": BANK.authority.raw,
        "certificate": BANK.certificate("w").raw,
        "policy": BANK.policy(),
        "epoch": BANK.epoch(),
    }
    raw = package(**{part: signed_by_another(kind, good[part])})
    assert refusal(raw) == errors.BAD_SIGNATURE


def test_each_signer_is_checked() -> None:
    body: object = [LIMITS[name] for name in policies.POLICY_FIELDS]
    policy = forge(cose.POLICY, body, BANK.authority_key, BANK.authority.hash)
    assert refusal(package(policy=policy)) == errors.WRONG_SIGNER
    epoch = forge(cose.EPOCH, [1, [], []], BANK.operator_key, BANK.operator.hash)
    assert refusal(package(epoch=epoch)) == errors.WRONG_SIGNER
    body = {7: b"AUTHORTY", 8: {1: {1: 1, -1: 6, -2: ROGUE.public}}, -65537: []}
    authority = forge(cose.AUTHORITY, body, ROGUE, BANK.authority.hash)
    assert refusal(package(authority=authority)) == errors.WRONG_SIGNER


def test_every_changed_byte_is_refused() -> None:
    raw = package()
    for position in range(len(raw)):
        changed = bytearray(raw)
        changed[position] ^= 0x01
        assert refusal(bytes(changed)) in (
            errors.MALFORMED,
            errors.BAD_SIGNATURE,
            errors.WRONG_SIGNER,
            errors.UNKNOWN_OPERATOR,
        ), position


# Updates ------------------------------------------------------------------------------------------


def update_of(**parts: Any) -> bytes:
    good = {"operators": [BANK.operator.raw], "policy": BANK.policy(), "epoch": BANK.epoch()}
    return dumps([(good | parts)[name] for name in ("operators", "policy", "epoch")])


def updated(wallet: book.Book, **parts: Any) -> book.Book:
    wallet.store.commit(install.update(wallet, update_of(**parts)))
    return book.Book(wallet.store)


def test_update() -> None:
    other = operator_of("other")
    wallet = updated(
        BANK.wallet("w"),
        operators=[BANK.operator.raw, other.raw],
        policy=BANK.policy(version=2, single=7),
        epoch=BANK.epoch(5),
    )
    assert (wallet.policy.version, wallet.policy.single, wallet.epoch.number) == (2, 7, 5)
    assert set(wallet.trust.operators) == {BANK.operator.hash, other.hash}
    # The same again changes nothing, and is taken.
    assert updated(wallet, policy=wallet.policy.raw, epoch=wallet.epoch.raw).epoch.number == 5


@pytest.mark.parametrize(
    ("parts", "sw"),
    [
        ({"policy": BANK.policy(version=4)}, errors.POLICY_OLDER),
        ({"policy": BANK.policy(version=5, single=1)}, errors.POLICY_OLDER),
        ({"policy": BANK.policy(version=6, currency="USD")}, errors.WRONG_CURRENCY),
        ({"policy": BANK.policy(version=6, tier=2)}, errors.WRONG_TIER),
        ({"policy": signed_by_another(cose.POLICY, BANK.policy(version=6))}, errors.BAD_SIGNATURE),
        ({"epoch": BANK.epoch(5, [b"walletid"])}, errors.EPOCH_OLDER),
        ({"epoch": signed_by_another(cose.EPOCH, BANK.epoch(6))}, errors.BAD_SIGNATURE),
        ({"operators": [operator_of("rogue", key=ROGUE).raw]}, errors.BAD_SIGNATURE),
        ({"operators": ["text"]}, errors.MALFORMED),
        ({"operators": [5]}, errors.MALFORMED),
        ({"operators": None}, errors.MALFORMED),
    ],
)
def test_other_updates(parts: dict[str, Any], sw: int) -> None:
    wallet = BANK.wallet("w", version=5, epoch=BANK.epoch(5))
    good = {"policy": BANK.policy(version=5), "epoch": BANK.epoch(5)}
    with pytest.raises(Refused) as caught:
        install.update(wallet, update_of(**good | parts))
    assert caught.value.sw == sw


def test_an_update_from_a_host_behind_the_wallet_takes_the_policy_alone() -> None:
    wallet = BANK.wallet("w", version=5, epoch=BANK.epoch(5))
    wallet = updated(wallet, policy=BANK.policy(version=6, single=7), epoch=BANK.epoch(4))
    assert (wallet.policy.version, wallet.policy.single, wallet.epoch.number) == (6, 7, 5)


def test_operators_are_never_forgotten() -> None:
    """A wallet whose own operator is left out still starts; payers of others are answered."""
    other = operator_of("other")
    wallet = updated(BANK.wallet("w"), operators=[other.raw])
    wallet = updated(wallet, operators=[], epoch=BANK.epoch(2))
    assert wallet.operator.hash == BANK.operator.hash
    assert set(wallet.trust.operators) == {BANK.operator.hash, other.hash}


def test_an_update_leaves_money_and_journal_alone() -> None:
    alice, bob = BANK.wallet("alice"), BANK.wallet("bob")
    transfer(BANK.account(), alice, 1000)
    payment = answer(alice, bob.me.raw, ask(bob, 500))
    state = alice.state.encode()
    alice = updated(alice, epoch=BANK.epoch(2), policy=BANK.policy(version=2))
    assert alice.state.encode() == state
    finish(alice, take(bob, alice.me.raw, payment))
    assert alice.unresolved() == 0
