"""The book: one record a step, rebuilt from its store as it was."""

from __future__ import annotations

import hashlib

import pytest

from _jzcbor import dumps
from jiaozi.wallet import book, payee, payer
from jiaozi.wallet.store_keys import CERTIFICATE_KEY, POLICY_KEY, STATE_KEY
from jiaozi.wire import errors
from jiaozi.wire.errors import Refused
from jiaozi.wire.journal import (
    CREDITED,
    KIND,
    OUTCOME_RAW,
    PAID,
    PAYMENT_HASH,
    PAYMENT_RAW,
    PEER_RAW,
    REQUEST_RAW,
    TAKEN,
)
from tests.fixtures.wallets import Bank, MemoryStore, answer, ask, finish, key_of, take, transfer

BANK = Bank()


class Broken(Exception):
    """The store fails."""


class BreakingStore(MemoryStore):
    """A store whose next commit fails, having written nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = False

    def commit(self, changes: dict[int, bytes | None]) -> None:
        if self.broken:
            raise Broken
        super().commit(changes)


def rich(name: str, amount: int = 100_000, **limits: object) -> book.Book:
    """A wallet with money."""
    wallet = BANK.wallet(name, **limits)
    transfer(BANK.account(), wallet, amount)
    return wallet


def again(wallet: book.Book) -> book.Book:
    """The same wallet after a loss of power."""
    return book.Book(wallet.store)


def picture(wallet: book.Book) -> object:
    """All that a book knows."""
    return (
        wallet.state.encode(),
        sorted(wallet.open),
        wallet.positions(),
        [entry[PAYMENT_HASH] for entry in wallet.pending()],
        wallet.slots(),
        wallet.reserved,
        wallet.unresolved(),
    )


def test_every_step_is_one_record() -> None:
    alice, bob = rich("alice"), BANK.wallet("bob")
    before = alice.store.commits, bob.store.commits
    request = ask(bob, 500)
    assert bob.store.commits == before[1] + 1
    payment = answer(alice, bob.me.raw, request)
    assert alice.store.commits == before[0] + 1
    receipt = take(bob, alice.me.raw, payment)
    assert bob.store.commits == before[1] + 2
    finish(alice, receipt)
    assert alice.store.commits == before[0] + 2


def test_rebuilt_from_its_store() -> None:
    alice, bob = rich("alice"), BANK.wallet("bob")
    transfer(alice, bob, 300)
    answer(alice, bob.me.raw, ask(bob, 500))
    ask(bob, 0, 700)
    cancelled = ask(bob, 900)
    bob.apply(payee.cancel(bob, read_hash(bob, cancelled)))
    for wallet in (alice, bob):
        assert picture(again(wallet)) == picture(wallet)
    assert bob.reserved == 1200
    assert alice.unresolved() == 1


def read_hash(wallet: book.Book, request: bytes) -> bytes:
    return next(open_.hash for open_ in wallet.open.values() if open_.raw == request)


def test_the_journal_is_chained() -> None:
    alice, bob = rich("alice"), BANK.wallet("bob")
    for amount in (1, 2, 3):
        transfer(alice, bob, amount)
    for wallet in (alice, bob):
        head = bytes(32)
        for position in wallet.positions():
            head = hashlib.sha256(head + (wallet.entry(position) or b"")).digest()
        assert head == wallet.state.head
        assert wallet.state.position == len(wallet.positions())


def test_an_entry_holds_the_whole_payment() -> None:
    alice, bob = rich("alice"), BANK.wallet("bob")
    request = ask(bob, 500)
    payment = answer(alice, bob.me.raw, request)
    (paid,) = alice.pending()
    receipt = take(bob, alice.me.raw, payment)
    ((_, credited),) = bob.entries()
    assert paid[KIND] == PAID
    assert credited[KIND] == CREDITED
    for entry, peer in ((paid, bob), (credited, alice)):
        assert entry[PAYMENT_RAW] == payment
        assert entry[REQUEST_RAW] == request
        assert entry[PEER_RAW] == peer.me.raw
    assert credited[OUTCOME_RAW] == receipt
    assert sum(paid[TAKEN]) == 500


def test_a_commit_that_fails_changes_nothing_and_can_be_repeated() -> None:
    store = BreakingStore()
    source = BANK.wallet("bob")
    store.commit(dict(source.store.data))
    bob, alice = book.Book(store), rich("alice")
    payment = answer(alice, bob.me.raw, ask(bob, 500))
    _, step = payee.receive(bob, alice.me.raw, payment)
    assert step is not None
    before = picture(bob)
    store.broken = True
    with pytest.raises(Broken):
        bob.apply(step)
    assert picture(bob) == before == picture(again(bob))
    store.broken = False
    receipt = bob.apply(step)
    assert bob.state.position == 1
    assert picture(again(bob)) == picture(bob)
    finish(alice, receipt)
    assert (alice.state.balance, bob.state.balance) == (99_500, 500)


def test_a_step_is_applied_once_and_only_where_it_was_made() -> None:
    """Two steps from one state would sign one journal position or sequence number twice."""
    alice, bob, carol = rich("alice"), BANK.wallet("bob"), BANK.wallet("carol")
    orders = [payer.read_order(alice, who.me.raw, ask(who, 5)) for who in (bob, carol)]
    steps = []
    for order in orders:
        payer.check(alice, order, 5)
        steps.append(payer.pay(alice, order, 5, True))
    alice.apply(steps[0])
    for stale in (steps[1], steps[0]):
        with pytest.raises(Refused) as caught:
            alice.apply(stale)
        assert caught.value.sw == errors.BUSY
    assert alice.state.sequence == 2
    assert alice.unresolved() == 1


def test_a_stale_step_without_entry() -> None:
    bob = BANK.wallet("bob")
    first, second = payee.request(bob, 5), payee.request(bob, 6)
    bob.apply(first)
    with pytest.raises(Refused) as caught:
        bob.apply(second)
    assert caught.value.sw == errors.BUSY


def test_slots() -> None:
    alice, bob = rich("alice"), BANK.wallet("bob")
    held = alice.slots()
    request = ask(bob, 5)
    assert bob.slots() == book.JOURNAL_LIMIT - book.ANSWER_SLOTS  # promised to the request
    payment = answer(alice, bob.me.raw, request)
    assert alice.slots() == held - 2  # the payment and its resolution
    receipt = take(bob, alice.me.raw, payment)
    assert bob.slots() == book.JOURNAL_LIMIT - book.ANSWER_SLOTS
    finish(alice, receipt)
    assert alice.slots() == held - 2


def test_what_is_not_there() -> None:
    wallet = BANK.wallet("w")
    assert wallet.entry(0) is None
    assert wallet.paid(bytes(32)) is None
    assert wallet.paid_hash(bytes(32)) is None
    assert wallet.outcome(bytes(32)) is None
    assert wallet.resolution(bytes(32)) is None
    assert wallet.pending() == []


def test_a_damaged_store() -> None:
    wallet = BANK.wallet("w")
    for key in (POLICY_KEY, STATE_KEY, CERTIFICATE_KEY):
        store = MemoryStore()
        store.commit(dict(wallet.store.data) | {key: None})
        with pytest.raises(KeyError):
            book.Book(store)
    store = MemoryStore()
    store.commit(dict(wallet.store.data) | {STATE_KEY: dumps([1])})
    with pytest.raises(Refused):
        book.Book(store)


def test_the_key_is_the_device_s() -> None:
    wallet = BANK.wallet("w")
    assert wallet.key.public == key_of("w").public == wallet.me.public
