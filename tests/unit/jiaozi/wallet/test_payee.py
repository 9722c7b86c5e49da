"""The payee's rules: a receipt or a void for every authentic payment, the same one each time."""

from __future__ import annotations

import itertools

import pytest

from jiaozi.wallet import book, payee
from jiaozi.wallet.store_keys import EPOCH_KEY, POLICY_KEY
from jiaozi.wire import certificates, cose, errors, messages
from jiaozi.wire.errors import Refused
from jiaozi.wire.trust import Trust
from protocol.tools.vector_world import forge
from tests.fixtures.wallets import Bank, answer, ask, finish, key_of, take, transfer

BANK = Bank()
HASH = bytes(32)


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


def hash_of(request: bytes) -> bytes:
    return messages.read_request(request, BANK.network).hash


def cancel(wallet: book.Book, request: bytes) -> None:
    wallet.apply(payee.cancel(wallet, hash_of(request)))


NUMBERS = itertools.count(1)


def pay(payer: book.Book, request: bytes, **parts: object) -> bytes:
    """A payment as a payer may sign it that keeps no rules."""
    fields: dict[str, object] = {
        "sequence": next(NUMBERS),
        "request": hash_of(request),
        "amount": 500,
        "purse": 0,
        "hop": 1,
        "epoch": 1,
        "version": 1,
    }
    key, signer = parts.pop("key", payer.key), parts.pop("signer", payer.me.hash)
    kind = parts.pop("kind", cose.PAYMENT)
    return forge(kind, list((fields | parts).values()), key, signer)  # type: ignore[arg-type]


def refusal(wallet: book.Book, payer_raw: bytes, payment: bytes, request: bytes | None) -> int:
    """The status word by which a payment is refused; nothing may have changed."""
    before = dict(wallet.store.data), wallet.state.encode()  # type: ignore[attr-defined]
    with pytest.raises(Refused) as caught:
        take(wallet, payer_raw, payment, request)
    assert (wallet.store.data, wallet.state.encode()) == before  # type: ignore[attr-defined]
    return caught.value.sw


def kind_of(outcome: bytes) -> type:
    return type(messages.read_outcome(outcome, BANK.network))


# Requests -----------------------------------------------------------------------------------------


def test_request() -> None:
    bob = BANK.wallet("bob", request_lifetime=3, epoch=BANK.epoch(7))
    request = messages.read_request(ask(bob, 500), BANK.network)
    request.verify(bob.me.public, bob.me.hash)
    assert request.body == [1, 500, 0, "CNY", [0], 10]
    assert messages.read_request(ask(bob, 0, 900), BANK.network).body[:3] == [2, 0, 900]


@pytest.mark.parametrize(("amount", "ceiling"), [(0, 0), (5, 5), (-1, 0), (-1, 5), (5, -1)])
def test_amount_invalid(amount: int, ceiling: int) -> None:
    with pytest.raises(Refused) as caught:
        ask(BANK.wallet("bob"), amount, ceiling)
    assert caught.value.sw == errors.AMOUNT_INVALID


def over_cap(wallet: book.Book, amount: int, ceiling: int = 0) -> bool:
    try:
        payee.request(wallet, amount, ceiling)
    except Refused as refused:
        return refused.sw == errors.OVER_CAP
    return False


def test_the_cap_at_its_boundary() -> None:
    bob = BANK.wallet("bob", balance_cap=1_000)
    assert over_cap(bob, 1_001)
    assert over_cap(bob, 0, 1_001)
    assert not over_cap(bob, 1_000)
    ask(bob, 300)
    ask(bob, 0, 300)
    assert over_cap(bob, 401)
    assert not over_cap(bob, 400)
    transfer(rich(), bob, 400)
    assert over_cap(bob, 1)


def test_the_cap_counts_what_a_void_may_bring_back() -> None:
    alice, bob = rich(1_000, balance_cap=1_000), BANK.wallet("bob")
    request = ask(bob, 600)
    payment = answer(alice, bob.me.raw, request)
    assert over_cap(alice, 1)
    cancel(bob, request)
    finish(alice, take(bob, alice.me.raw, payment, request))
    assert alice.state.balance == 1_000
    transfer(alice, bob, 600)
    assert not over_cap(alice, 600)


def test_too_many_requests() -> None:
    bob = BANK.wallet("bob")
    requests = [ask(bob, 1) for _ in range(book.OPEN_LIMIT)]
    with pytest.raises(Refused) as caught:
        ask(bob, 1)
    assert caught.value.sw == errors.TOO_MANY_REQUESTS
    cancel(bob, requests[0])
    ask(bob, 1)


def test_journal_full() -> None:
    bob = BANK.wallet("bob")
    full(bob, keep=2)
    request = ask(bob, 1)
    for _ in range(2):
        with pytest.raises(Refused) as caught:
            ask(bob, 1)
        assert caught.value.sw == errors.JOURNAL_FULL
        cancel(bob, request)
        full(bob, keep=0)


def full(wallet: book.Book, keep: int) -> None:
    """Fill the journal of a wallet up to `keep` slots by small credits."""
    source = BANK.account("filler")
    while wallet.slots() > keep:
        take(wallet, source.me.raw, pay(source, ask(wallet, 1), amount=1))


def test_a_number_is_used_once() -> None:
    bob = BANK.wallet("bob")
    numbers = []
    for _ in range(3):
        raw = ask(bob, 1)
        numbers.append(messages.read_request(raw, BANK.network).number)
        cancel(bob, raw)
        bob = book.Book(bob.store)
    assert numbers == [1, 2, 3]


def test_an_old_request_stays_open_beside_hundreds_of_newer_ones() -> None:
    bob = BANK.wallet("bob")
    old = ask(bob, 7)
    for _ in range(600):
        cancel(bob, ask(bob, 1))
        assert hash_of(old) in book.Book(bob.store).open
    newer = [ask(bob, 1) for _ in range(3)]
    assert sorted(book.Book(bob.store).open) == sorted(map(hash_of, [old, *newer]))


# Credits ------------------------------------------------------------------------------------------


def test_a_payment_is_credited_once_and_has_one_receipt() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    request = ask(bob, 500)
    payment = answer(alice, bob.me.raw, request)
    receipt = take(bob, alice.me.raw, payment)
    assert kind_of(receipt) is messages.Receipt
    state = bob.state.encode()
    for wallet in (bob, book.Book(bob.store)):
        for attached in (None, request):
            assert take(wallet, alice.me.raw, payment, attached) == receipt
    assert bob.state.encode() == state
    assert bob.state.balance == 500
    assert not bob.open


def test_credited_one_level_up() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    for hop, level in ((0, 1), (3, 4), (14, 15), (15, 15)):
        before = bob.state.copy()
        take(bob, alice.me.raw, pay(alice, ask(bob, 500), hop=hop))
        assert bob.state.levels[level] == (before.levels + [0] * 16)[level] + 500


def test_what_comes_back_to_an_operator_is_fresh() -> None:
    alice, account = rich(), BANK.account("other", 0)
    take(account, alice.me.raw, answer(alice, account.me.raw, ask(account, 500)))
    assert account.state.levels == [500]


def test_what_a_request_reserved_can_always_be_credited() -> None:
    alice, bob = rich(), BANK.wallet("bob", balance_cap=1_000)
    requests = [ask(bob, 250) for _ in range(book.OPEN_LIMIT - 1)]
    cancelled = ask(bob, 1)
    cancel(bob, cancelled)
    payments = [answer(alice, bob.me.raw, request) for request in requests]
    full(bob, keep=0)  # by other payments, meanwhile
    source = BANK.account("filler")
    late = pay(source, cancelled, amount=1)
    assert refusal(bob, source.me.raw, late, cancelled) == errors.JOURNAL_FULL
    for payment in payments:
        assert kind_of(take(bob, alice.me.raw, payment)) is messages.Receipt


# Voids --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "sw"),
    [
        ({"amount": 499}, errors.AMOUNT_INVALID),
        ({"amount": 501}, errors.AMOUNT_INVALID),
        ({"amount": 0}, errors.AMOUNT_INVALID),
        ({"purse": 1}, errors.PURSE_REFUSED),
    ],
)
def test_another_payment_than_was_asked_for(parts: dict[str, object], sw: int) -> None:
    alice, bob = rich(), BANK.wallet("bob")
    request = ask(bob, 500)
    assert refusal(bob, alice.me.raw, pay(alice, request, **parts), None) == sw
    # The request is still open for who pays what was asked for.
    assert kind_of(take(bob, alice.me.raw, pay(alice, request))) is messages.Receipt


@pytest.mark.parametrize(("amount", "taken"), [(0, False), (1, True), (500, True), (501, False)])
def test_open_amounts_at_the_boundary(amount: int, taken: bool) -> None:
    alice, bob = rich(), BANK.wallet("bob")
    payment = pay(alice, ask(bob, 0, 500), amount=amount)
    if taken:
        assert kind_of(take(bob, alice.me.raw, payment)) is messages.Receipt
    else:
        assert refusal(bob, alice.me.raw, payment, None) == errors.AMOUNT_INVALID


def test_two_payers_answer_one_request() -> None:
    alice, carol, bob = rich(), rich(name="carol"), BANK.wallet("bob")
    request = ask(bob, 500)
    first = answer(alice, bob.me.raw, request)
    second = answer(carol, bob.me.raw, request)
    finish(alice, take(bob, alice.me.raw, first))
    assert refusal(bob, carol.me.raw, second, None) == errors.OTHER_REQUEST
    void = take(bob, carol.me.raw, second, request)
    finish(carol, void)
    assert kind_of(void) is messages.Void
    balances = [wallet.state.balance for wallet in (alice, carol, bob)]
    assert balances == [99_500, 100_000, 500]


def test_a_cancelled_request() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    request = ask(bob, 500)
    payment = answer(alice, bob.me.raw, request)
    cancel(bob, request)
    assert bob.reserved == 0
    assert refusal(bob, alice.me.raw, payment, None) == errors.OTHER_REQUEST
    void = take(bob, alice.me.raw, payment, request)
    assert kind_of(void) is messages.Void
    for wallet in (bob, book.Book(bob.store)):
        for attached in (None, request):
            assert take(wallet, alice.me.raw, payment, attached) == void
    finish(alice, void)
    assert (alice.state.balance, bob.state.balance) == (100_000, 0)


@pytest.mark.parametrize(("number", "kind"), [(2, messages.Receipt), (3, messages.Void)])
def test_expiry_of_the_request_at_its_boundary(number: int, kind: type) -> None:
    alice, bob = rich(), BANK.wallet("bob")  # in epoch 1; requests live one epoch more
    payment = answer(alice, bob.me.raw, ask(bob, 500))
    bob = with_rules(bob, epoch=BANK.epoch(number))
    assert kind_of(take(bob, alice.me.raw, payment)) is kind
    assert not bob.open  # what has expired can never be credited: room and slot are free again
    assert bob.reserved == 0


def test_an_expired_request_is_voided_in_its_own_slot() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    payment = answer(alice, bob.me.raw, ask(bob, 500))
    full(bob, keep=0)
    bob = with_rules(bob, epoch=BANK.epoch(3))
    assert kind_of(take(bob, alice.me.raw, payment)) is messages.Void
    assert bob.slots() == 0


@pytest.mark.parametrize(
    ("number", "revoked", "kind"),
    [
        (5, False, messages.Receipt),
        (6, False, messages.Void),
        (5, True, messages.Void),
    ],
)
def test_payers_that_are_no_longer_valid(number: int, revoked: bool, kind: type) -> None:
    alice, bob = rich(expiry=5), BANK.wallet("bob", request_lifetime=9)
    payment = answer(alice, bob.me.raw, ask(bob, 500))
    bob = with_rules(bob, epoch=BANK.epoch(number, [alice.me.id] if revoked else []))
    outcome = take(bob, alice.me.raw, payment)
    assert kind_of(outcome) is kind
    finish(alice, outcome)
    assert alice.state.balance + bob.state.balance == 100_000


def test_a_payer_of_another_currency() -> None:
    dollars = Bank(currency="USD", name="dollars")
    alice, bob = dollars.wallet("alice", currency="USD"), BANK.wallet("bob")
    epoch = BANK.epoch(1, operators=[BANK.operator.hash, dollars.operator.hash])
    bob = with_rules(bob, epoch=epoch)
    bob.trust = Trust(BANK.authority, [BANK.operator, dollars.operator], BANK.network)
    assert kind_of(take(bob, alice.me.raw, pay(alice, ask(bob, 500)))) is messages.Void


def test_a_payment_to_oneself() -> None:
    bob = rich(name="bob")
    assert kind_of(take(bob, bob.me.raw, pay(bob, ask(bob, 500)))) is messages.Void


# What is no payment for a request of this wallet --------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "sw"),
    [
        ({"key": key_of("rogue")}, errors.BAD_SIGNATURE),
        ({"kind": cose.RECEIPT}, errors.BAD_SIGNATURE),
        ({"signer": HASH}, errors.WRONG_SIGNER),
        ({"amount": -1}, errors.MALFORMED),
        ({"hop": 2**30}, errors.MALFORMED),
        ({"purse": None}, errors.MALFORMED),
    ],
)
def test_payments_that_are_not_authentic(parts: dict[str, object], sw: int) -> None:
    alice, bob = rich(), BANK.wallet("bob")
    request = ask(bob, 500)
    assert refusal(bob, alice.me.raw, pay(alice, request, **parts), None) == sw


def test_certificates_that_are_not_authentic() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    payment = pay(alice, ask(bob, 500))
    rogue = key_of("rogue")
    claims = alice.me.claims
    forged = certificates.issue(
        cose.WALLET, alice.me.id, rogue.public, claims, rogue, BANK.operator, BANK.network
    )
    unknown = certificates.issue(
        cose.WALLET, alice.me.id, rogue.public, claims, rogue, alice.me, BANK.network
    )
    assert refusal(bob, forged.raw, payment, None) == errors.BAD_SIGNATURE
    assert refusal(bob, unknown.raw, payment, None) == errors.UNKNOWN_OPERATOR
    assert refusal(bob, bob.me.raw, payment, None) == errors.WRONG_SIGNER
    assert refusal(bob, BANK.operator.raw, payment, None) == errors.MALFORMED


def test_other_requests() -> None:
    alice, bob, carol = rich(), BANK.wallet("bob"), BANK.wallet("carol")
    other = ask(carol, 500)
    payment = pay(alice, other)
    ask(bob, 500)
    assert refusal(bob, alice.me.raw, payment, None) == errors.OTHER_REQUEST
    assert refusal(bob, alice.me.raw, payment, other) == errors.OTHER_REQUEST
    own = ask(bob, 7)
    cancel(bob, own)
    assert refusal(bob, alice.me.raw, payment, own) == errors.OTHER_REQUEST
    assert refusal(bob, alice.me.raw, payment, b"") == errors.MALFORMED
    forged = forge(cose.REQUEST, [9, 500, 0, "CNY", [0], 2], alice.key, bob.me.hash)
    assert refusal(bob, alice.me.raw, pay(alice, forged), forged) == errors.BAD_SIGNATURE


def test_below_the_floor() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    request = ask(bob, 500)
    payment = pay(alice, request)
    cancel(bob, request)
    state = bob.state.copy()
    state.floor = 2
    bob.apply(book.Step(state))
    assert refusal(bob, alice.me.raw, payment, request) == errors.REQUEST_CLOSED


# One position, one content ------------------------------------------------------------------------


def test_positions_are_signed_once() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    requests = [ask(bob, 500), ask(bob, 500), ask(bob, 500)]
    cancel(bob, requests[1])
    positions = []
    for request in requests:
        outcome = take(bob, alice.me.raw, pay(alice, request), request)
        positions.append(messages.read_outcome(outcome, BANK.network).position)
        bob = book.Book(bob.store)
    assert positions == [0, 1, 2]


def test_a_payment_has_a_receipt_or_a_void_never_both() -> None:
    """Whatever happens between two deliveries of the same payment, the answer is the same."""
    for credited in (True, False):
        alice, bob = rich(), BANK.wallet("bob")
        request = ask(bob, 500)
        payment = pay(alice, request)
        if not credited:
            cancel(bob, request)
        outcome = take(bob, alice.me.raw, payment, request)
        for number, revoked in ((2, []), (3, [alice.me.id]), (900, [alice.me.id, bob.me.id])):
            bob = with_rules(bob, epoch=BANK.epoch(number, revoked))
            assert take(bob, alice.me.raw, payment, request) == outcome
