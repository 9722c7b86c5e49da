"""A wallet on the store it really has, filled until it refuses: all that is promised still fits."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

import pytest

from _jzcbor import dumps
from jiaozi.operator import issue
from jiaozi.wallet import payee, payer, purposes
from jiaozi.wallet.book import (
    ANSWER_LENGTH,
    PAYMENT_LENGTH,
    REQUEST_LENGTH,
    RESOLUTION_LENGTH,
    STATE_LENGTH,
    Book,
)
from jiaozi.wallet.state import State
from jiaozi.wire import apdu, certificates, commands, cose, errors, messages
from jiaozi.wire.errors import Refused
from jiaozi.wire.journal import MOST_COUNTS_RETURNED
from jiaozi.wire.messages import TOP_LEVEL
from jiaozi.wire.settlements import MOST_CLOSED
from protocol.tools.vector_world import forge
from tests.fixtures.devices import PIN, Wallet, open_session, provision
from tests.fixtures.nvm_fake import NvmFake
from tests.fixtures.wallets import Bank, ask, finish, key_of, take, transfer
from tests.unit.wallet.test_settle_full import rest
from wallet.storage.store import Store

BANK = Bank()
UNITS = pytest.mark.parametrize("unit", [4, 256])
LARGEST = 2**30 - 1
LIMITS = {"offline_count": 1000, "unconfirmed_count": 1000, "request_lifetime": 3}
NAMES = itertools.count()


def wallet_on(unit: int) -> Wallet:
    """A wallet with money in a store of the emulated boards' size."""
    made = provision(BANK, "alice", **LIMITS)
    transfer(BANK.account(), made.device.book, 10_000)
    store = Store.mount(NvmFake(128 * 1024, 4096, unit))
    for key in made.store.keys():  # noqa: SIM118  (not a dict)
        store.commit({key: made.store.get(key)})
        while store.tidy():
            pass
    return Wallet(store)  # type: ignore[arg-type]


def payment_for(request: bytes, signer: Book) -> bytes:
    """A payment for a request by a payer that keeps no rules, as long as one can be."""
    wanted = messages.read_request(request, BANK.network)
    body = [LARGEST - next(NAMES), wanted.hash, wanted.amount, 0, 1, LARGEST, LARGEST]
    return forge(cose.PAYMENT, body, signer.key, signer.me.hash)


class World:
    """Alice on her store, and what others have of hers."""

    def __init__(self, unit: int, seed: int) -> None:
        self.rng = random.Random(seed)
        self.alice = wallet_on(unit)
        self.source = BANK.wallet("source")
        self.asked: list[bytes] = []
        self.cancelled: list[bytes] = []
        self.pending: dict[bytes, Book] = {}

    @property
    def book(self) -> Book:
        return self.alice.device.book

    def fill(self) -> None:
        """Do what is drawn, until nothing new is begun any more."""
        actions = [self.ask, self.ask, self.pay, self.pay, self.void]
        others = [self.credit, self.resolve, self.cancel, self.reopen]
        while actions:
            action = self.rng.choice(actions)
            position = self.book.state.position
            try:
                action()
            except Refused as refusal:
                if refusal.sw == errors.JOURNAL_FULL:
                    assert self.book.state.position == position
                    actions.remove(action)
                elif refusal.sw == errors.TOO_MANY_VOIDS:
                    if not self.book.free_voids() or self.ask not in actions:
                        actions.remove(action)  # no further request can be voided
                elif refusal.sw != errors.TOO_MANY_REQUESTS:
                    raise
            rest(self.alice)
            if self.rng.random() < 0.5:
                self.rng.choice(others)()
                rest(self.alice)

    def ask(self) -> None:
        self.asked.append(ask(self.book, 5))

    def credit(self) -> None:
        if self.asked:
            request = self.asked.pop(self.rng.randrange(len(self.asked)))
            take(self.book, self.source.me.raw, payment_for(request, self.source))

    def cancel(self) -> None:
        if self.asked:
            request = self.asked.pop()
            wanted = messages.read_request(request, BANK.network)
            self.book.apply(payee.cancel(self.book, wanted.hash))
            self.cancelled.append(request)

    def void(self) -> None:
        if self.cancelled:
            request = self.rng.choice(self.cancelled)
            payer_ = BANK.wallet(f"payer {next(NAMES)}")
            take(self.book, payer_.me.raw, payment_for(request, payer_), request)
        else:
            self.ask()

    def pay(self) -> None:
        bob = BANK.wallet(f"bob {next(NAMES)}")
        order = payer.read_order(self.book, bob.me.raw, ask(bob, 1))
        payer.check(self.book, order, 1)
        self.book.apply(payer.pay(self.book, order, 1, True))
        self.pending[self.book.pending()[-1][2]] = bob

    def resolve(self) -> None:
        if self.pending:
            payment = self.rng.choice(list(self.pending))
            bob = self.pending.pop(payment)
            paid = self.book.paid_hash(payment)
            assert paid is not None
            body: list[object] = [payment, LARGEST, LARGEST]
            kind = cose.RECEIPT
            if self.rng.random() < 0.5:
                body.insert(0, paid[1])
                kind = cose.VOID
            finish(self.book, forge(kind, body, bob.key, bob.me.hash))

    def reopen(self) -> None:
        self.alice.restart()

    def sync(self, epoch: bytes, closed: list[bytes]) -> None:
        """UPDATE with rules as large as may come, then SETTLE."""
        alice = self.alice
        alice.select()
        nonce = open_session(BANK, alice)
        more = [BANK.operator.raw, *(strange_operator(name) for name in ("x", "y"))]
        alice.must(commands.UPDATE, dumps([more, self.book.policy.raw, epoch]))
        state = self.book.state
        place = (self.book.me.hash, nonce, state.position, state.head)
        by = (BANK.operator_key, BANK.operator, BANK.network)
        alice.must(commands.SETTLE, issue.make_settlement(*place, *by, closed))
        rest(alice)


def strange_operator(name: str) -> bytes:
    """Another operator's certificate."""
    signer = (BANK.authority_key, BANK.authority, BANK.network)
    claims = ["CNY", LARGEST]
    public = key_of(name).public
    return certificates.issue(cose.OPERATOR, name.ljust(8).encode(), public, claims, *signer).raw


def long_epoch(number: int) -> bytes:
    """An epoch as long as one that taps pass on."""
    return BANK.epoch(number, [bytes([at]) * 8 for at in range(200)])


@UNITS
def test_whatever_fills_the_store_all_that_follows_fits(unit: int, seed: int) -> None:
    for number in range(6 if unit == 256 else 1):
        world = World(unit, seed + number)
        world.fill()
        alice = world.alice
        assert len(world.book.positions()) > (5 if unit == 256 else 60)
        # Rules, PIN, and what closes what was under way.
        assert 1_800 < len(long_epoch(2)) <= 2_048
        closed = list(world.pending)[:MOST_CLOSED]
        for payment in closed:
            del world.pending[payment]
        world.sync(long_epoch(2), closed)
        while world.asked:
            world.credit()
            rest(alice)
        while world.pending:
            world.resolve()
            rest(alice)
        assert (world.book.open, world.book.unresolved()) == ({}, 0)
        alice.select()
        alice.open_channel()
        alice.must(commands.CHANGE, dumps([PIN, b"98765"]))
        rest(alice)
        world.sync(long_epoch(20), [])
        assert world.book.positions() == []
        ask(world.book, 1)
        alice.select()
        open_session(BANK, alice)
        alice.must(commands.FREEZE)


@UNITS
def test_a_full_wallet_can_be_frozen(unit: int, seed: int) -> None:
    world = World(unit, seed)
    world.fill()
    world.alice.select()
    open_session(BANK, world.alice)
    world.alice.must(commands.UPDATE, dumps([[], world.book.policy.raw, long_epoch(2)]))
    rest(world.alice)
    world.alice.must(commands.FREEZE)
    assert world.book.frozen


def test_terms_take_room_of_the_store() -> None:
    world = World(256, 1)
    numbers = itertools.count(7)

    def receive() -> None:
        world.ask()
        world.credit()

    def adopt() -> None:
        step = purposes.adopt(world.book, BANK.terms(next(numbers)))
        assert step is not None
        world.book.apply(step)

    assert repeated(world, receive) == errors.JOURNAL_FULL
    assert repeated(world, adopt) == errors.JOURNAL_FULL


def repeated(world: World, action: Callable[[], None]) -> int:
    """The status word by which an action is refused in the end."""
    while True:
        try:
            action()
        except Refused as refusal:
            return refusal.sw
        rest(world.alice)


def test_nothing_kept_is_longer_than_was_asked_for() -> None:
    world = World(4, 1)
    signer = world.source
    asked = [LARGEST, LARGEST, 0, "CNY", [LARGEST, 1], LARGEST]
    request = forge(cose.REQUEST, asked, signer.key, signer.me.hash)
    assert len(request) <= REQUEST_LENGTH
    claims = [LARGEST] * 4
    me = certificates.issue(
        cose.WALLET, bytes(8), signer.key.public, claims, BANK.operator_key, BANK.operator, 1
    ).raw
    paid = [LARGEST, bytes(32), LARGEST, LARGEST, LARGEST, LARGEST, LARGEST]
    payment = forge(cose.PAYMENT, paid, signer.key, bytes(32))
    void = forge(cose.VOID, [bytes(32), bytes(32), LARGEST, LARGEST], signer.key, bytes(32))
    entry: list[object] = [3, bytes(32), bytes(32), payment, request, me, void]
    assert len(dumps(entry)) == ANSWER_LENGTH
    closed = [bytes(32)] * MOST_CLOSED
    by = (BANK.operator_key, BANK.operator, BANK.network)
    settlement = issue.make_settlement(bytes(32), bytes(16), LARGEST, bytes(32), *by, closed)
    entry = [5, bytes(32), bytes(32), settlement]
    assert len(dumps(entry)) == RESOLUTION_LENGTH
    taken = [LARGEST] * (TOP_LEVEL + 1)
    entry = [1, bytes(32), bytes(32), payment, request, me, taken, 3, LARGEST, bytes(32)]
    assert 0 <= PAYMENT_LENGTH + len(request) + len(me) - len(dumps(entry)) < 8
    state = State()
    for name in ("sequence", "position", "next_request", "floor", "synced_epoch", "settled_at"):
        setattr(state, name, LARGEST)
    state.offline_count = state.offline_total = LARGEST
    state.unconfirmed_count = state.unconfirmed_total = LARGEST
    state.settled_at, state.counts_returned = LARGEST, MOST_COUNTS_RETURNED
    state.levels = taken
    state.purses = {LARGEST - at: taken for at in range(purposes.MOST_PURPOSES)}
    assert 0 <= STATE_LENGTH - len(state.encode()) < 8


def test_a_log_without_room_is_busy_until_the_wallet_has_rested() -> None:
    alice = wallet_on(256)
    rest(alice)
    alice.select()
    alice.open_channel()
    answered = [alice.give(commands.VERIFY, PIN)[1] for _ in range(12)]
    assert answered[0] == apdu.SW_OK
    assert answered[-1] == errors.BUSY
    rest(alice)
    alice.must(commands.VERIFY, PIN)
