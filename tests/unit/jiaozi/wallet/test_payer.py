"""The payer's rules at commit: every refusal by its name, every limit exact."""

from __future__ import annotations

import itertools

import pytest

from jiaozi.wallet import book, payer
from jiaozi.wallet.store_keys import EPOCH_KEY, POLICY_KEY
from jiaozi.wire import certificates, cose, errors
from jiaozi.wire.errors import Refused
from jiaozi.wire.journal import PAYMENT_HASH, REQUEST_HASH
from jiaozi.wire.trust import Trust
from protocol.tools.vector_world import forge
from tests.fixtures.wallets import (
    Bank,
    answer,
    ask,
    finish,
    key_of,
    take,
    transfer,
)

BANK = Bank()


def rich(amount: int = 100_000, name: str = "alice", **parts: object) -> book.Book:
    """A wallet with money."""
    wallet = BANK.wallet(name, **parts)  # type: ignore[arg-type]
    transfer(BANK.account(), wallet, amount)
    return wallet


def with_rules(wallet: book.Book, **changes: bytes) -> book.Book:
    """The same wallet, with another policy or epoch."""
    keys = {"policy": POLICY_KEY, "epoch": EPOCH_KEY}
    wallet.store.commit({keys[name]: value for name, value in changes.items()})
    return book.Book(wallet.store)


def order_of(wallet: book.Book, other: book.Book, request: bytes) -> payer.Order:
    return payer.read_order(wallet, other.me.raw, request)


def try_to_pay(
    wallet: book.Book, other: book.Book, amount: int, request: bytes | None = None
) -> int:
    """Pay a request of `amount`; the status word, 0x9000 when it was paid."""
    order = order_of(wallet, other, request or ask(other, amount))
    before = wallet.state.encode()
    try:
        payer.check(wallet, order, amount)
        wallet.apply(payer.pay(wallet, order, amount, False))
    except Refused as refused:
        assert wallet.state.encode() == before
        return refused.sw
    return 0x9000


def forged(other: book.Book, **parts: object) -> bytes:
    """A request with any body, signed by the payee unless another key is given."""
    fields = {"number": 1, "amount": 5, "ceiling": 0, "currency": "CNY", "purses": [0], "expiry": 2}
    key = parts.pop("key", other.key)
    signer = parts.pop("signer", other.me.hash)
    kind = parts.pop("kind", cose.REQUEST)
    body = list((fields | parts).values())
    return forge(kind, body, key, signer)  # type: ignore[arg-type]


# What is refused at commit ------------------------------------------------------------------------


def test_paid() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    assert try_to_pay(alice, bob, 500) == 0x9000
    assert alice.state.balance == 99_500


def test_same_wallet() -> None:
    alice = rich()
    assert try_to_pay(alice, alice, 5) == errors.SAME_WALLET


@pytest.mark.parametrize(
    ("parts", "sw"),
    [
        ({"currency": "USD"}, errors.WRONG_CURRENCY),
        ({"purses": [1, 2]}, errors.PURSE_REFUSED),
        ({"purses": [1, 0]}, 0x9000),
        ({"expiry": 0}, errors.REQUEST_EXPIRED),
        ({"expiry": 1}, 0x9000),
        ({"expiry": 12}, 0x9000),  # our epoch, and as far ahead as the payee's may be
        ({"expiry": 13}, errors.SYNC_OVERDUE),
        ({"key": key_of("rogue")}, errors.BAD_SIGNATURE),
        ({"kind": cose.PAYMENT}, errors.BAD_SIGNATURE),
        ({"signer": bytes(32)}, errors.WRONG_SIGNER),
        ({"amount": 0, "ceiling": 4}, errors.AMOUNT_INVALID),
        ({"amount": 0, "ceiling": 5}, 0x9000),
        ({"amount": 6}, errors.AMOUNT_INVALID),
        ({"amount": 4}, errors.AMOUNT_INVALID),
    ],
)
def test_requests(parts: dict[str, object], sw: int) -> None:
    alice, bob = rich(), BANK.wallet("bob")
    assert try_to_pay(alice, bob, 5, forged(bob, **parts)) == sw


def test_nothing_is_no_payment() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    assert try_to_pay(alice, bob, 0, forged(bob, amount=0, ceiling=9)) == errors.AMOUNT_INVALID


def test_a_request_of_another_network() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    raw = forge(cose.REQUEST, [1, 5, 0, "CNY", [0], 2], bob.key, bob.me.hash, network=cose.LIVE)
    assert try_to_pay(alice, bob, 5, raw) == errors.BAD_SIGNATURE


def test_a_request_of_a_third_wallet() -> None:
    alice, bob, carol = rich(), BANK.wallet("bob"), BANK.wallet("carol")
    assert try_to_pay(alice, carol, 5, ask(bob, 5)) == errors.WRONG_SIGNER


def payee_with(certificate: certificates.Certificate, name: str) -> book.Book:
    """A payee with another certificate."""
    other = BANK.wallet(name)
    other.me = certificate
    return other


def test_a_payee_of_an_unknown_operator() -> None:
    rogue = key_of("rogue")
    own = certificates.issue(
        cose.OPERATOR, b"ROGUE---", rogue.public, ["CNY", 9], rogue, None, BANK.network
    )
    certificate = certificates.issue(
        cose.WALLET, b"bobbobbo", key_of("bob").public, [1, 3, 0, 9], rogue, own, BANK.network
    )
    bob = payee_with(certificate, "bob")
    assert try_to_pay(rich(), bob, 5) == errors.UNKNOWN_OPERATOR


def test_a_payee_with_a_forged_certificate() -> None:
    rogue = key_of("rogue")
    certificate = certificates.issue(
        cose.WALLET, b"bobbobbo", rogue.public, [1, 3, 0, 9], rogue, BANK.operator, BANK.network
    )
    bob = payee_with(certificate, "rogue")
    assert try_to_pay(rich(), bob, 5) == errors.BAD_SIGNATURE


def test_a_payee_of_another_currency() -> None:
    dollars = Bank(currency="USD", name="dollars")
    bob = dollars.wallet("bob", currency="USD")
    alice = rich()
    both = Trust(BANK.authority, [BANK.operator, dollars.operator], BANK.network)
    alice.trust = both
    raw = forge(cose.REQUEST, [1, 5, 0, "CNY", [0], 2], bob.key, bob.me.hash)
    epoch = BANK.epoch(1, operators=[BANK.operator.hash, dollars.operator.hash])
    alice = with_rules(alice, epoch=epoch)
    alice.trust = both
    assert try_to_pay(alice, bob, 5, raw) == errors.WRONG_CURRENCY


@pytest.mark.parametrize("which", ["payer", "payee"])
@pytest.mark.parametrize(("number", "sw"), [(5, 0x9000), (6, errors.EXPIRED)])
def test_expiry_at_its_boundary(which: str, number: int, sw: int) -> None:
    alice = rich(expiry=5 if which == "payer" else 100)
    bob = BANK.wallet("bob", expiry=5 if which == "payee" else 100)
    alice, bob = (with_rules(wallet, epoch=BANK.epoch(number)) for wallet in (alice, bob))
    assert try_to_pay(alice, bob, 5) == sw


@pytest.mark.parametrize("which", ["payer", "payee"])
def test_revoked(which: str) -> None:
    alice, bob = rich(), BANK.wallet("bob")
    revoked = (alice if which == "payer" else bob).me.id
    alice = with_rules(alice, epoch=BANK.epoch(2, [revoked]))
    assert try_to_pay(alice, bob, 5) == errors.REVOKED


def test_a_request_is_paid_once() -> None:
    """Also when the caller does not ask `recall` first."""
    alice, bob = rich(), BANK.wallet("bob")
    request = ask(bob, 5)
    assert try_to_pay(alice, bob, 5, request) == 0x9000
    assert try_to_pay(alice, bob, 5, request) == errors.REQUEST_CLOSED


# Limits, exactly ----------------------------------------------------------------------------------


def test_balance() -> None:
    alice, bob = rich(100), BANK.wallet("bob")
    assert try_to_pay(alice, bob, 101) == errors.OVER_BALANCE
    assert try_to_pay(alice, bob, 100) == 0x9000
    assert alice.state.balance == 0


def test_single() -> None:
    alice, bob = rich(single=1_000), BANK.wallet("bob")
    assert try_to_pay(alice, bob, 1_001) == errors.OVER_SINGLE
    assert try_to_pay(alice, bob, alice.state.balance + 1) == errors.OVER_SINGLE
    assert try_to_pay(alice, bob, 1_000) == 0x9000


def test_offline_count() -> None:
    alice, bob = rich(offline_count=3), BANK.wallet("bob", balance_cap=10**6)
    for _ in range(3):
        transfer(alice, bob, 1)
    assert try_to_pay(alice, bob, 1) == errors.OVER_OFFLINE_COUNT


def test_offline_total() -> None:
    alice, bob = rich(offline_total=1_000), BANK.wallet("bob")
    assert try_to_pay(alice, bob, 1_001) == errors.OVER_OFFLINE_TOTAL
    transfer(alice, bob, 999)
    assert try_to_pay(alice, bob, 2) == errors.OVER_OFFLINE_TOTAL
    assert try_to_pay(alice, bob, 1) == 0x9000


def test_what_goes_to_an_operator_is_not_offline() -> None:
    alice, account = rich(offline_count=0, offline_total=0), BANK.account("other")
    assert try_to_pay(alice, account, 500) == 0x9000
    assert (alice.state.offline_count, alice.state.offline_total) == (0, 0)


def needs_consent(wallet: book.Book, amount: int) -> bool:
    bob = BANK.wallet("bob")
    order = payer.read_order(wallet, bob.me.raw, ask(bob, amount))
    return payer.needs_consent(wallet, order, amount)


@pytest.mark.parametrize(
    ("single", "count", "total", "needed"),
    [
        (100, 1, 100, False),
        (99, 1, 100, True),
        (100, 0, 100, True),
        (100, 1, 99, True),
    ],
)
def test_consent_at_the_boundary(single: int, count: int, total: int, needed: bool) -> None:
    limits = {"unconfirmed_single": single, "unconfirmed_count": count, "unconfirmed_total": total}
    assert needs_consent(rich(**limits), 100) is needed


def test_only_unconfirmed_payments_count_as_such() -> None:
    alice, bob = rich(unconfirmed_count=1), BANK.wallet("bob")
    answer(alice, bob.me.raw, ask(bob, 5))  # confirmed
    assert (alice.state.unconfirmed_count, alice.state.unconfirmed_total) == (0, 0)
    assert (alice.state.offline_count, alice.state.offline_total) == (1, 5)
    assert try_to_pay(alice, bob, 7) == 0x9000
    assert (alice.state.unconfirmed_count, alice.state.unconfirmed_total) == (1, 7)
    assert needs_consent(alice, 1)


def test_sync_overdue_at_the_boundary() -> None:
    alice = rich(epochs_since_sync=3)
    for number, sw in ((4, 0x9000), (5, errors.SYNC_OVERDUE)):
        bob = BANK.wallet("bob", epoch=BANK.epoch(number))
        alice = with_rules(alice, epoch=BANK.epoch(number))
        assert try_to_pay(alice, bob, 5) == sw


def test_journal_full() -> None:
    alice, payees = rich(offline_count=100), []
    while alice.slots() >= 2:
        payees.append(BANK.wallet(f"payee {len(payees)}"))
        assert try_to_pay(alice, payees[-1], 1) == 0x9000
    assert try_to_pay(alice, BANK.wallet("bob"), 1) == errors.JOURNAL_FULL
    # What was paid can still be resolved, each and every one.
    for entry, bob in zip(alice.pending(), payees, strict=True):
        hashes = [entry[REQUEST_HASH], entry[PAYMENT_HASH]]
        finish(alice, forge(cose.VOID, [*hashes, 0, 1], bob.key, bob.me.hash))
    assert alice.unresolved() == 0
    assert alice.state.balance == 100_000
    assert alice.slots() >= 0


# Hops ---------------------------------------------------------------------------------------------


def test_lowest_levels_go_first_and_the_highest_used_is_signed() -> None:
    alice, bob = rich(100), BANK.wallet("bob")
    state = alice.state.copy()
    state.levels = [0, 60, 0, 40]
    alice.apply(book.Step(state))
    payment = cose.parse(cose.PAYMENT, answer(alice, bob.me.raw, ask(bob, 60)), 0)
    assert payment.body[4] == 1
    assert alice.state.levels == [0, 0, 0, 40]
    raw = answer(alice, bob.me.raw, ask(bob, 1))
    assert cose.parse(cose.PAYMENT, raw, 0).body[4] == 3
    take(bob, alice.me.raw, raw)
    assert bob.state.levels == [0, 0, 0, 0, 1]


def chain(length: int, **limits: object) -> list[book.Book]:
    """Wallets through which value is handed on."""
    return [BANK.wallet(f"hop{number}", **limits) for number in range(length)]  # type: ignore[arg-type]


def test_hops_at_the_boundary() -> None:
    wallets = chain(5, hops=3)
    transfer(BANK.account(), wallets[0], 100)
    for giver, taker in itertools.pairwise(wallets[:4]):
        transfer(giver, taker, 100)
    holder = wallets[3]
    assert holder.state.levels == [0, 0, 0, 0, 100]
    assert try_to_pay(holder, wallets[4], 1) == errors.OVER_HOPS
    # Back to an operator it goes at any level.
    assert try_to_pay(holder, BANK.account("other"), 100) == 0x9000


def test_what_an_operator_pays_out_has_level_one() -> None:
    assert rich(7).state.levels == [0, 7]


# Amounts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "ceiling", "entered", "paid", "sw"),
    [
        (500, 0, 0, 500, None),
        (500, 0, 500, 500, None),
        (500, 0, 499, None, errors.AMOUNT_MISMATCH),
        (500, 0, 501, None, errors.AMOUNT_MISMATCH),
        (0, 500, 0, None, errors.AMOUNT_NEEDED),
        (0, 500, 500, 500, None),
        (0, 500, 1, 1, None),
        (0, 500, 501, None, errors.AMOUNT_INVALID),
        (0, 500, -1, None, errors.AMOUNT_INVALID),
    ],
)
def test_amounts(amount: int, ceiling: int, entered: int, paid: int | None, sw: int | None) -> None:
    bob = BANK.wallet("bob")
    request = order_of(bob, bob, ask(bob, amount, ceiling)).request
    if sw is None:
        assert payer.amount_of(request, entered) == paid
    else:
        with pytest.raises(Refused) as caught:
            payer.amount_of(request, entered)
        assert caught.value.sw == sw
