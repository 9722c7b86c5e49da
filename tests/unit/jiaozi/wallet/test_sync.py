"""Sync: statements, and settlements that forget only what no tap can ask for."""

from __future__ import annotations

from typing import Any

import pytest

from _jzcbor import dumps
from _jzcrypto import sha256
from jiaozi.operator import issue
from jiaozi.wallet import book, install, payee, payer, settle
from jiaozi.wire import cose, errors, messages, statements
from jiaozi.wire.errors import Refused
from jiaozi.wire.journal import CREDITED, KIND, PAID, PAYMENT_HASH, REFUNDED, REQUEST_RAW, RESOLVED
from protocol.tools.vector_world import forge
from tests.fixtures.wallets import Bank, answer, ask, finish, key_of, take, transfer

BANK = Bank()
NONCE = bytes(range(16))


def rich(amount: int = 100_000, name: str = "alice", **parts: Any) -> book.Book:
    """A wallet with money."""
    wallet = BANK.wallet(name, **parts)
    transfer(BANK.account(), wallet, amount)
    return wallet


def hash_of(request: bytes) -> bytes:
    return messages.read_request(request, BANK.network).hash


def at_epoch(wallet: book.Book, number: int, **limits: Any) -> book.Book:
    """The same wallet after an update."""
    policy = BANK.policy(**limits) if limits else wallet.policy.raw
    raw = dumps([[BANK.operator.raw], policy, BANK.epoch(number)])
    wallet.store.commit(install.update(wallet, raw))
    return book.Book(wallet.store)


def settlement(wallet: book.Book, nonce: bytes = NONCE, closed: tuple = ()) -> bytes:
    state = wallet.state
    return issue.make_settlement(
        wallet.me.hash,
        nonce,
        state.position,
        state.head,
        BANK.operator_key,
        BANK.operator,
        BANK.network,
        closed,
    )


def settled(wallet: book.Book, closed: tuple = ()) -> book.Book:
    """The wallet after a settlement of its journal as it stands."""
    wallet.store.commit(settle.settle(wallet, settlement(wallet, closed=closed), NONCE))
    return book.Book(wallet.store)


def kinds(wallet: book.Book) -> list[int]:
    return [entry[KIND] for _, entry in wallet.entries()]


# Statements -------------------------------------------------------------------------------------


def test_statement() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    transfer(alice, bob, 500)
    read = statements.read_statement(settle.statement(alice, NONCE), BANK.network)
    read.verify(alice.me.public, alice.me.hash)
    assert (read.epoch, read.position, read.head) == (1, alice.state.position, alice.state.head)
    assert (read.levels, read.balance, read.floor) == ([0, 99_500], 99_500, 1)
    assert read.nonce == NONCE


@pytest.mark.parametrize("nonce", [b"", bytes(15), bytes(17), None, "x" * 16])
def test_a_statement_needs_a_nonce(nonce: Any) -> None:
    with pytest.raises(Refused) as caught:
        settle.statement(BANK.wallet("w"), nonce)
    assert caught.value.sw == errors.MALFORMED


# Settlements --------------------------------------------------------------------------------------


def refusal(wallet: book.Book, raw: bytes, nonce: bytes = NONCE) -> int:
    before = dict(wallet.store.data)  # type: ignore[attr-defined]
    with pytest.raises(Refused) as caught:
        settle.settle(wallet, raw, nonce)
    assert wallet.store.data == before  # type: ignore[attr-defined]
    return caught.value.sw


def test_counters_start_anew_and_value_is_fresh() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    transfer(alice, bob, 500)
    request = ask(bob, 5)
    order = payer.read_order(alice, bob.me.raw, request)
    payer.check(alice, order, 5)
    alice.apply(payer.pay(alice, order, 5, False))
    alice = settled(at_epoch(alice, 3))
    state = alice.state
    assert (state.offline_count, state.offline_total) == (0, 0)
    assert (state.unconfirmed_count, state.unconfirmed_total) == (0, 0)
    assert state.synced_epoch == 3
    assert state.sequence == 3
    bob = settled(bob)
    assert bob.state.levels == [0, 500]


def test_an_operator_s_value_stays_fresh() -> None:
    assert settled(BANK.account("other", 700)).state.levels == [700]


def test_other_settlements() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    good = settlement(alice)
    assert refusal(alice, good, bytes(16)) == errors.SETTLEMENT_MISMATCH
    assert refusal(bob, good) == errors.SETTLEMENT_MISMATCH
    assert refusal(alice, settlement(bob)) == errors.SETTLEMENT_MISMATCH
    transfer(alice, bob, 5)
    assert refusal(alice, good) == errors.SETTLEMENT_MISMATCH
    state = alice.state
    body = [alice.me.hash, NONCE, state.position, state.head, []]
    operator = BANK.operator.hash
    rogue = forge(cose.SETTLEMENT, body, key_of("rogue"), operator)
    assert refusal(alice, rogue) == errors.BAD_SIGNATURE
    own = forge(cose.SETTLEMENT, body, alice.key, alice.me.hash)
    assert refusal(alice, own) == errors.WRONG_SIGNER
    kind = forge(cose.STATEMENT, body, BANK.operator_key, operator)
    assert refusal(alice, kind) == errors.BAD_SIGNATURE
    bodies: list[Any] = [body[:-1], [*body, 0], [], {}, [*body[:-1], [b"x"]], [*body[:-1], [5]]]
    for other in bodies:
        raw = forge(cose.SETTLEMENT, other, BANK.operator_key, operator)
        assert refusal(alice, raw) == errors.MALFORMED
    body[2] += 1
    ahead = forge(cose.SETTLEMENT, body, BANK.operator_key, operator)
    assert refusal(alice, ahead) == errors.SETTLEMENT_MISMATCH


# What is forgotten --------------------------------------------------------------------------------


def test_nothing_is_forgotten_before_its_request_has_expired() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    request = ask(bob, 500)
    payment = answer(alice, bob.me.raw, request)
    receipt = take(bob, alice.me.raw, payment)
    finish(alice, receipt)
    alice, bob = settled(at_epoch(alice, 2)), settled(at_epoch(bob, 2))
    assert kinds(alice) == [CREDITED, PAID, RESOLVED]
    assert kinds(bob) == [CREDITED]
    order = payer.read_order(alice, bob.me.raw, request)
    assert cose.decode(payer.recall(alice, order) or b"") == [payment]
    assert take(bob, alice.me.raw, payment, request) == receipt
    assert bob.state.floor == 1


def test_what_has_expired_is_forgotten_and_never_answered_anew() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    request = ask(bob, 500)
    payment = answer(alice, bob.me.raw, request)
    finish(alice, take(bob, alice.me.raw, payment))
    alice, bob = settled(at_epoch(alice, 3)), settled(at_epoch(bob, 3))
    assert kinds(alice) == kinds(bob) == []
    assert alice.slots() == bob.slots() == book.JOURNAL_LIMIT
    assert bob.state.floor == 2
    order = payer.read_order(alice, bob.me.raw, request)
    assert payer.recall(alice, order) is None
    with pytest.raises(Refused) as caught:
        payer.check(alice, order, 500)
    assert caught.value.sw == errors.REQUEST_EXPIRED
    for attached, sw in ((None, errors.OTHER_REQUEST), (request, errors.REQUEST_CLOSED)):
        with pytest.raises(Refused) as caught:
            take(bob, alice.me.raw, payment, attached)
        assert caught.value.sw == sw
    assert (alice.state.balance, bob.state.balance) == (99_500, 500)


def test_a_pending_payment_is_never_forgotten() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    payment = answer(alice, bob.me.raw, ask(bob, 500))
    alice = settled(at_epoch(alice, 50))
    assert kinds(alice) == [PAID]
    finish(alice, take(bob, alice.me.raw, payment))
    assert alice.unresolved() == 0


def test_open_requests_that_have_expired_are_closed() -> None:
    bob = BANK.wallet("bob")
    ask(bob, 500)
    bob = at_epoch(bob, 2)
    late = ask(bob, 600)
    bob = settled(at_epoch(bob, 3))
    assert list(bob.open) == [hash_of(late)]
    assert (bob.state.floor, bob.reserved) == (2, 600)


def test_a_shorter_lifetime_closes_no_older_request() -> None:
    """Requests may expire in another order than they were made when a policy changes."""
    alice, bob = rich(), BANK.wallet("bob", request_lifetime=9)
    old = ask(bob, 500)
    payment = answer(alice, bob.me.raw, old)
    bob = at_epoch(bob, 2, version=2, request_lifetime=1)
    transfer(BANK.account("other"), bob, 7)
    bob = settled(at_epoch(bob, 5))
    assert hash_of(old) in bob.open
    receipt = take(bob, alice.me.raw, payment)
    assert type(messages.read_outcome(receipt, BANK.network)) is messages.Receipt
    assert bob.state.balance == 507
    # Once nothing holds them any longer, all go.
    bob = settled(at_epoch(bob, 20))
    assert kinds(bob) == []
    assert bob.state.floor == 3


def test_the_journal_goes_on_from_its_head() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    transfer(alice, bob, 5)
    position, head = alice.state.position, alice.state.head
    alice = settled(at_epoch(alice, 9))
    assert (alice.state.position, alice.state.head) == (position, head)
    bob = at_epoch(bob, 9)
    answer(alice, bob.me.raw, ask(bob, 5))
    assert alice.positions() == [position]


# Payments the operator closes ---------------------------------------------------------------------


class Lost:
    """A payment whose payee has settled past its request without ever seeing it."""

    def __init__(self) -> None:
        self.alice, self.bob = rich(), BANK.wallet("bob")
        self.request = ask(self.bob, 500)
        self.payment = answer(self.alice, self.bob.me.raw, self.request)
        (entry,) = self.alice.pending()
        self.hash = entry[PAYMENT_HASH]
        self.bob = settled(at_epoch(self.bob, 3))

    def is_stuck(self) -> bool:
        with pytest.raises(Refused) as caught:
            take(self.bob, self.alice.me.raw, self.payment, self.request)
        return caught.value.sw == errors.REQUEST_CLOSED


def test_a_closed_payment_is_refunded() -> None:
    lost = Lost()
    assert lost.is_stuck()
    position = lost.alice.state.position
    alice = settled(lost.alice, closed=(lost.hash,))
    assert alice.state.balance == 100_000
    assert alice.unresolved() == 0
    resolution = alice.resolution(lost.hash)
    assert resolution is not None
    assert resolution[KIND] == REFUNDED
    assert alice.positions()[-1] == position
    assert alice.state.position == position + 1
    with pytest.raises(Refused) as caught:
        payer.recall(alice, payer.read_order(alice, lost.bob.me.raw, lost.request))
    assert caught.value.sw == errors.REQUEST_CLOSED
    # And once: a void that comes late brings nothing more.
    void = forge(
        cose.VOID, [hash_of(lost.request), lost.hash, 0, 1], lost.bob.key, lost.bob.me.hash
    )
    finish(alice, void)
    assert alice.state.balance == 100_000


def test_several_are_closed_at_once() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    for amount in (1, 2, 3):
        answer(alice, bob.me.raw, ask(bob, amount))
    hashes = tuple(entry[PAYMENT_HASH] for entry in alice.pending())
    slots = alice.slots()
    alice = settled(alice, closed=hashes[:2])
    assert (alice.state.balance, alice.unresolved(), alice.slots()) == (99_997, 1, slots)
    head = bytes(32)
    for position in alice.positions():
        head = sha256(head + (alice.entry(position) or b""))
    assert head == alice.state.head


def test_only_pending_payments_are_closed() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    payment = answer(alice, bob.me.raw, ask(bob, 500))
    (entry,) = alice.pending()
    paid = entry[PAYMENT_HASH]
    raw = settlement(alice, closed=(paid, paid))
    assert refusal(alice, raw) == errors.UNKNOWN_PAYMENT
    assert refusal(alice, settlement(alice, closed=(bytes(32),))) == errors.UNKNOWN_PAYMENT
    finish(alice, take(bob, alice.me.raw, payment))
    assert refusal(alice, settlement(alice, closed=(paid,))) == errors.UNKNOWN_PAYMENT


def test_a_void_gives_back_no_count_from_before_a_settlement() -> None:
    """What was counted before a settlement would else be room after it."""
    alice, bob = rich(), BANK.wallet("bob")
    payment = answer(alice, bob.me.raw, ask(bob, 500))
    bob.apply(payee.cancel(bob, next(iter(bob.open))))
    void = take(bob, alice.me.raw, payment, alice.pending()[0][REQUEST_RAW])
    alice = settled(alice)
    transfer(alice, bob, 200)
    finish(alice, void)
    assert (alice.state.balance, alice.state.offline_count) == (99_800, 1)
    assert alice.state.offline_total == 200


def test_cancelled_requests_are_voided_until_the_floor_passes_them() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    request = ask(bob, 500)
    payment = answer(alice, bob.me.raw, request)
    bob.apply(payee.cancel(bob, hash_of(request)))
    bob = settled(at_epoch(bob, 3))
    finish(alice, take(bob, alice.me.raw, payment, request))
    assert alice.state.balance == 100_000
