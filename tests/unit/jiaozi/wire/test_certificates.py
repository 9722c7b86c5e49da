"""Certificates and whom a wallet believes."""

from __future__ import annotations

import pytest

from _jzcbor import dumps
from jiaozi.operator import issue
from jiaozi.wire import certificates, cose, epochs, errors
from jiaozi.wire.epochs import Epoch
from jiaozi.wire.errors import Refused
from jiaozi.wire.suites import EDDSA
from jiaozi.wire.trust import Trust
from protocol.tools.vector_world import forge
from tests.fixtures.wallets import Bank, key_of

BANK = Bank()
OPERATOR = BANK.operator.hash
KEY_CLAIM = {1: {1: 1, -1: 6, -2: key_of("w").public}}
BODY = {7: b"walletid", 8: KEY_CLAIM, -65537: [certificates.CARD, 3, 0, 9]}


def trust() -> Trust:
    return Trust(BANK.authority, [BANK.operator], cose.TEST)


def epoch(number: int, **parts: object) -> Epoch:
    return epochs.read_epoch(BANK.epoch(number, **parts), cose.TEST)  # type: ignore[arg-type]


def refusal(raw: bytes) -> int:
    with pytest.raises(Refused) as caught:
        trust().wallet(raw)
    return caught.value.sw


def test_claims() -> None:
    raw = forge(cose.WALLET, BODY, BANK.operator_key, OPERATOR)
    read = trust().wallet(raw)
    assert (read.id, read.public, read.raw) == (b"walletid", key_of("w").public, raw)
    assert (read.form, read.tier, read.category, read.expiry) == (certificates.CARD, 3, 0, 9)
    assert read.issuer == OPERATOR


def test_issue_makes_the_same() -> None:
    made = BANK.certificate("w")
    body = {7: made.id, 8: KEY_CLAIM, -65537: [certificates.CARD, 3, 0, 100]}
    assert made.raw == forge(cose.WALLET, body, BANK.operator_key, OPERATOR)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {7: b"walletid", 8: KEY_CLAIM},
        BODY | {1: "issuer"},
        BODY | {7: b"short"},
        BODY | {7: "walletid"},
        BODY | {7: None},
        BODY | {-65537: []},
        BODY | {-65537: None},
        BODY | {-65537: [1, 3, 0]},
        BODY | {-65537: [1, 3, 0, -1]},
        BODY | {-65537: [1, 3, 0, 2**30]},
        BODY | {-65537: [1, 3, 0, True]},
        BODY | {-65537: [1, 3, 0, 9, 9]},
        BODY | {8: None},
        BODY | {8: key_of("w").public},
        BODY | {8: {}},
        BODY | {8: {1: {1: 1, -1: 6}}},
        BODY | {8: {1: {1: 2, -1: 6, -2: bytes(32)}}},  # EC2
        BODY | {8: {1: {1: 1, -1: 4, -2: bytes(32)}}},  # X25519
        BODY | {8: {1: {True: 1, -1: 6, -2: bytes(32)}}},
        BODY | {8: {1: {1: True, -1: 6, -2: bytes(32)}}},
        BODY | {8: {True: {1: 1, -1: 6, -2: bytes(32)}}},
        BODY | {8: {1: {1: 1, -1: 6, -2: bytes(31)}}},
        BODY | {8: {1: {1: 1, -1: 6, -2: bytes(33)}}},
        BODY | {8: {1: {1: 1, -1: 6, -2: "x" * 32}}},
        BODY | {8: {1: {1: 1, 3: -8, -1: 6, -2: bytes(32)}}},
        BODY | {8: {1: {1: 1, -1: 6, -2: bytes(32)}, 3: b"kid"}},
        BODY | {8: {3: b"kid"}},
    ],
)
def test_other_claims(body: object) -> None:
    assert refusal(forge(cose.WALLET, body, BANK.operator_key, OPERATOR)) == errors.MALFORMED


def test_another_operator() -> None:
    raw = forge(cose.WALLET, BODY, key_of("rogue"), bytes(32))
    assert refusal(raw) == errors.UNKNOWN_OPERATOR


def test_another_key_of_the_operator() -> None:
    raw = forge(cose.WALLET, BODY, key_of("rogue"), OPERATOR)
    assert refusal(raw) == errors.BAD_SIGNATURE


def test_a_wallet_issues_nothing() -> None:
    wallet = BANK.certificate("w")
    raw = forge(cose.WALLET, BODY, key_of("w"), wallet.hash)
    assert refusal(raw) == errors.UNKNOWN_OPERATOR


def test_another_network() -> None:
    raw = forge(cose.WALLET, BODY, BANK.operator_key, OPERATOR, network=cose.LIVE)
    assert refusal(raw) == errors.BAD_SIGNATURE


def test_an_operator_is_no_wallet() -> None:
    assert refusal(BANK.operator.raw) == errors.MALFORMED


def test_every_changed_byte_is_refused() -> None:
    raw = BANK.certificate("w").raw
    for position in range(len(raw)):
        changed = bytearray(raw)
        changed[position] ^= 1
        assert refusal(bytes(changed)) in (
            errors.MALFORMED,
            errors.BAD_SIGNATURE,
            errors.UNKNOWN_OPERATOR,
        ), position


def test_wallets_that_met_before_are_not_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    believer, raw = trust(), BANK.certificate("w").raw
    first = believer.wallet(raw)
    monkeypatch.setattr(EDDSA, "verify", lambda *_: pytest.fail("checked again"))
    assert believer.wallet(raw) is first
    # A signature that was not checked does not come back: what was verified does.
    altered = raw[:-1] + bytes([raw[-1] ^ 1])
    assert believer.wallet(altered).raw == raw


def test_what_was_refused_is_not_remembered() -> None:
    believer, raw = trust(), BANK.certificate("w").raw
    altered = raw[:-1] + bytes([raw[-1] ^ 1])
    for _ in range(2):
        with pytest.raises(Refused):
            believer.wallet(altered)


def test_memory_of_wallets_is_bounded() -> None:
    believer = trust()
    for number in range(40):
        believer.wallet(BANK.certificate(f"w{number}").raw)
    assert len(believer._met) <= 8


@pytest.mark.parametrize(
    ("number", "parts", "sw"),
    [
        (9, {}, None),
        (10, {}, errors.EXPIRED),
        (9, {"revoked": [b"walletid"]}, errors.REVOKED),
        (9, {"revoked": [b"another1", b"walletid"]}, errors.REVOKED),
        (9, {"revoked": [b"another1"]}, None),
    ],
)
def test_current(number: int, parts: dict[str, object], sw: int | None) -> None:
    believer = trust()
    certificate = believer.wallet(forge(cose.WALLET, BODY, BANK.operator_key, OPERATOR))
    if sw is None:
        believer.check_current(certificate, epoch(number, **parts))
        return
    with pytest.raises(Refused) as caught:
        believer.check_current(certificate, epoch(number, **parts))
    assert caught.value.sw == sw


def test_operators_expire_and_are_revoked() -> None:
    believer, certificate = trust(), BANK.certificate("w", expiry=2000)
    believer.check_current(certificate, epoch(1000))
    with pytest.raises(Refused) as caught:
        believer.check_current(certificate, epoch(1001))
    assert caught.value.sw == errors.EXPIRED
    none = issue.make_epoch(1, [], [], BANK.authority_key, BANK.authority, cose.TEST)
    with pytest.raises(Refused) as caught:
        believer.check_current(certificate, epochs.read_epoch(none, cose.TEST))
    assert caught.value.sw == errors.REVOKED


@pytest.mark.parametrize(
    ("kind", "claims", "good"),
    [
        (cose.AUTHORITY, [], True),
        (cose.AUTHORITY, [1], False),
        (cose.OPERATOR, ["CNY", 5], True),
        (cose.OPERATOR, [b"CNY", 5], False),
        (cose.OPERATOR, ["CNY"], False),
        (cose.WALLET, ["CNY", 5], False),
    ],
)
def test_claims_of_each_kind(kind: int, claims: list, good: bool) -> None:
    raw = forge(kind, BODY | {-65537: claims}, key_of("x"), bytes(32))
    if good:
        assert certificates.read(kind, raw, cose.TEST).claims == claims
    else:
        with pytest.raises(Refused):
            certificates.read(kind, raw, cose.TEST)


def test_size_over_the_air() -> None:
    assert len(BANK.certificate("w").raw) <= 200
    assert len(dumps(BODY)) < 100
