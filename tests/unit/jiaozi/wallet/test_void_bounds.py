"""Voids are bounded at the payee, and give back at the payer what the payment counted."""

from __future__ import annotations

import pytest

from jiaozi.operator import issue
from jiaozi.wallet import book, install, payee, payer, settle
from jiaozi.wire import cose, errors, messages
from jiaozi.wire.errors import Refused
from jiaozi.wire.journal import (
    CONFIRMED,
    COUNTED,
    KIND,
    MOST_COUNTS_RETURNED,
    MOST_VOIDS_A_PAYER,
    OFFLINE,
    PAID,
    POLICY_HASH,
    SETTLED_AT,
    UNCONFIRMED,
    VOIDED,
)
from tests.fixtures.wallets import Bank, answer, ask, finish, take, transfer

BANK = Bank()
NONCE = bytes(16)


def rich(amount: int = 200_000, name: str = "alice", **limits: object) -> book.Book:
    """A wallet with money."""
    wallet = BANK.wallet(name, **limits)  # type: ignore[arg-type]
    transfer(BANK.account(), wallet, amount)
    return wallet


def settled(wallet: book.Book) -> book.Book:
    """The wallet after a settlement of its journal as it stands."""
    state = wallet.state
    place = (wallet.me.hash, NONCE, state.position, state.head)
    raw = issue.make_settlement(*place, BANK.operator_key, BANK.operator, BANK.network, [])
    changes = settle.settle(wallet, raw, NONCE)
    while changes:
        wallet.store.commit(changes)
        wallet = book.Book(wallet.store)
        changes = settle.forget(wallet, state.position)
    return wallet


def at_epoch(wallet: book.Book, number: int) -> book.Book:
    """The same wallet in another epoch."""
    raw = cose.dumps([[BANK.operator.raw], wallet.policy.raw, BANK.epoch(number)])
    wallet.store.commit(install.update(wallet, raw))
    return book.Book(wallet.store)


def cancelled(wallet: book.Book, amount: int = 5) -> bytes:
    """A request that its payee has cancelled: each payment for it is voided."""
    request = ask(wallet, amount)
    wallet.apply(payee.cancel(wallet, messages.read_request(request, BANK.network).hash))
    return request


class Thief:
    """A certified key that signs any number of payments for one request."""

    def __init__(self, name: str) -> None:
        self.book = BANK.wallet(name)
        self._sequence = 0

    def pay(self, request: bytes, amount: int = 5) -> bytes:
        self._sequence += 1
        request_hash = messages.read_request(request, BANK.network).hash
        body = [self._sequence, request_hash, amount, 0, 1, 1, 1]
        return cose.sign(cose.PAYMENT, body, self.book.key, self.book.me.hash, BANK.network).raw


def refusal(wallet: book.Book, payer_raw: bytes, payment: bytes, request: bytes) -> int:
    """The status word by which a payment is refused; nothing may have changed."""
    before = dict(wallet.store.data)  # type: ignore[attr-defined]
    with pytest.raises(Refused) as caught:
        take(wallet, payer_raw, payment, request)
    assert wallet.store.data == before  # type: ignore[attr-defined]
    return caught.value.sw


# The payee ----------------------------------------------------------------------------------------


def test_a_request_gives_two_voids_to_one_certificate() -> None:
    bob, thief, other = BANK.wallet("bob"), Thief("thief"), Thief("other")
    request, raw = cancelled(bob), thief.book.me.raw
    payments = [thief.pay(request) for _ in range(MOST_VOIDS_A_PAYER)]
    voids = [take(bob, raw, payment, request) for payment in payments]
    for wallet in (bob, book.Book(bob.store)):
        assert refusal(wallet, raw, thief.pay(request), request) == errors.TOO_MANY_VOIDS
        assert [take(wallet, raw, payment) for payment in payments] == voids
    take(bob, other.book.me.raw, other.pay(request), request)
    later = cancelled(bob)
    take(bob, raw, thief.pay(later), later)


def flood(bob: book.Book) -> bytes:
    """Void for thieves until their number is up; return the request that they paid."""
    request, names = cancelled(bob), 0
    while bob.free_voids():
        names += 1
        thief = Thief(f"thief {names}")
        for _ in range(min(MOST_VOIDS_A_PAYER, bob.free_voids())):
            take(bob, thief.book.me.raw, thief.pay(request), request)
    return request


def test_sixteen_voids_fit_into_a_journal_and_leave_the_rest_alone() -> None:
    bob = BANK.wallet("bob")
    free = bob.slots()
    requests = [ask(bob, 250) for _ in range(3)]
    flood(bob)
    kinds = [entry[KIND] for _, entry in bob.entries()]
    assert kinds == [VOIDED] * book.MOST_VOIDS
    reserved = len(requests) * book.ANSWER_SLOTS
    assert bob.slots() == free - reserved - book.MOST_VOIDS * book.ANSWER_SLOTS
    late, request = Thief("late"), cancelled(bob)
    for wallet in (bob, book.Book(bob.store)):
        sw = refusal(wallet, late.book.me.raw, late.pay(request), request)
        assert sw == errors.TOO_MANY_VOIDS
    alice = rich()
    for one in requests:
        receipt = take(bob, alice.me.raw, answer(alice, bob.me.raw, one))
        assert messages.read_outcome(receipt, BANK.network).credited


def test_a_settlement_makes_room_once_the_requests_have_expired() -> None:
    """Not before: a payee that syncs each day would give away its journal in a week."""
    bob = BANK.wallet("bob")
    request = flood(bob)
    bob = settled(bob)
    assert bob.free_voids() == 0
    bob = settled(at_epoch(bob, 3))
    assert bob.free_voids() == book.MOST_VOIDS
    late = Thief("late")
    assert refusal(bob, late.book.me.raw, late.pay(request), request) == errors.REQUEST_CLOSED


def test_an_expired_request_gives_no_void_beyond_the_bound() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    request = ask(bob, 500)
    payment = answer(alice, bob.me.raw, request)
    flood(bob)
    bob = at_epoch(bob, 3)
    assert refusal(bob, alice.me.raw, payment, request) == errors.TOO_MANY_VOIDS


def test_an_honest_payer_among_thieves_gets_its_money_at_the_floor() -> None:
    alice, bob = rich(10_000), BANK.wallet("bob")
    request = cancelled(bob, 500)
    payment = answer(alice, bob.me.raw, request)
    flood(bob)
    assert refusal(bob, alice.me.raw, payment, request) == errors.TOO_MANY_VOIDS
    bob = settled(at_epoch(bob, 3))
    wanted = messages.read_request(request, BANK.network)
    paid = messages.read_payment(payment, BANK.network)
    assert bob.state.floor > wanted.number
    assert bob.outcome(paid.hash) is None
    state = alice.state
    place = (alice.me.hash, NONCE, state.position, state.head)
    closing = issue.make_settlement(
        *place, BANK.operator_key, BANK.operator, BANK.network, [paid.hash]
    )
    alice.store.commit(settle.settle(alice, closing, NONCE))
    assert book.Book(alice.store).state.balance == 10_000


# The payer ----------------------------------------------------------------------------------------


def pay(alice: book.Book, bob: book.Book, amount: int, confirmed: bool) -> tuple[bytes, bytes]:
    """A payment for a request that bob has cancelled: it, and the request."""
    request = cancelled(bob, amount)
    order = payer.read_order(alice, bob.me.raw, request)
    payer.check(alice, order, amount)
    reply = alice.apply(payer.pay(alice, order, amount, confirmed))
    return cose.decode(reply)[0], request


def void(alice: book.Book, bob: book.Book, amount: int, confirmed: bool = False) -> None:
    """A payment that its payee voids."""
    payment, request = pay(alice, bob, amount, confirmed)
    finish(alice, take(bob, alice.me.raw, payment, request))


def payee_of(number: int) -> book.Book:
    """Another payee each time, since each gives sixteen voids."""
    return BANK.wallet(f"payee {number}")


def counters(wallet: book.Book) -> tuple[int, int, int, int]:
    """Number and total of offline payments, then of unconfirmed ones."""
    state = wallet.state
    offline = state.offline_count, state.offline_total
    return (*offline, state.unconfirmed_count, state.unconfirmed_total)


def test_an_entry_records_what_its_payment_counted() -> None:
    alice, bob = settled(rich()), BANK.wallet("bob")
    position = alice.state.position
    pay(alice, bob, 5, confirmed=False)
    pay(alice, bob, 5, confirmed=True)
    account = BANK.account("other", 0)
    for confirmed in (False, True):
        order = payer.read_order(alice, account.me.raw, ask(account, 5))
        payer.check(alice, order, 5)
        alice.apply(payer.pay(alice, order, 5, confirmed))
    entries = [entry for _, entry in alice.entries() if entry[KIND] == PAID]
    assert [entry[COUNTED] for entry in entries] == [
        OFFLINE | UNCONFIRMED,
        OFFLINE | CONFIRMED,
        UNCONFIRMED,
        CONFIRMED,
    ]
    assert {entry[SETTLED_AT] for entry in entries} == {position}
    assert {entry[POLICY_HASH] for entry in entries} == {alice.policy.hash}


def test_four_voided_payments_use_up_no_limit() -> None:
    alice, thief = rich(), BANK.wallet("thief")
    for _ in range(4):
        void(alice, thief, 49_000)
    assert counters(alice) == (0, 0, 0, 0)
    order = payer.read_order(alice, thief.me.raw, ask(thief, 1))
    payer.check(alice, order, 1)
    assert not payer.needs_consent(alice, order, 1)


def test_a_void_gives_back_exactly_what_was_counted() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    pay(alice, bob, 30_000, confirmed=False)
    before = counters(alice)
    void(alice, bob, 70_000, confirmed=True)
    assert counters(alice) == before == (1, 30_000, 1, 30_000)


@pytest.mark.parametrize("confirmed", [False, True])
def test_counts_come_back_for_eight_voids_and_totals_for_all(confirmed: bool) -> None:
    alice = rich()
    for number in range(MOST_COUNTS_RETURNED + 3):
        void(alice, payee_of(number), 100, confirmed)
    assert counters(alice) == (3, 0, 0 if confirmed else 3, 0)
    alice = settled(alice)
    void(alice, payee_of(99), 100, confirmed)
    assert counters(alice) == (0, 0, 0, 0)


def test_a_void_of_a_confirmed_payment_makes_no_room_for_unconfirmed_ones() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    for _ in range(3):
        pay(alice, bob, 50_000, confirmed=False)
    for number in range(MOST_COUNTS_RETURNED):
        void(alice, payee_of(number), 50_000, confirmed=True)
    assert counters(alice) == (3, 150_000, 3, 150_000)
    pay(alice, bob, 100, confirmed=False)
    void(alice, payee_of(99), 100)  # the confirmed ones have used up the eight
    assert counters(alice)[2:] == (5, 150_100)


def test_voids_fill_a_payers_journal_only_so_far_without_the_person() -> None:
    alice = rich(unconfirmed_count=4)
    number = 0
    while True:
        thief = payee_of(number)
        order = payer.read_order(alice, thief.me.raw, ask(thief, 1))
        payer.check(alice, order, 1)
        if payer.needs_consent(alice, order, 1):
            break
        void(alice, thief, 1)
        number += 1
    assert number == 4 + MOST_COUNTS_RETURNED


def test_the_same_void_again_gives_nothing_back() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    pay(alice, bob, 100, confirmed=False)
    payment, request = pay(alice, bob, 200, confirmed=False)
    outcome = take(bob, alice.me.raw, payment, request)
    for _ in range(2):
        finish(alice, outcome)
    assert counters(alice) == (1, 100, 1, 100)
