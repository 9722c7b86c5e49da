"""What payments cost the memory, and how long it lasts: the README of the store says no other.

Payments between two real books, settled now and then, are noted record by record and played into
stores of each geometry, round and round. The wallets have no battery: they start anew for each tap.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from jiaozi.operator import issue
from jiaozi.wallet import book, settle
from jiaozi.wallet.store_keys import JOURNAL_KEY
from tests.fixtures.nvm_fake import NvmFake
from tests.fixtures.wallets import Bank, MemoryStore, answer, ask, finish, take, transfer
from wallet.storage.log import ENTRY, RECORD
from wallet.storage.store import Store

README = Path(__file__).parents[4] / "firmware/wallet/storage/README.md"
KIB = 1024
# Memory and page in KiB, program unit in bytes, and after how many payments wallets are settled.
GEOMETRIES = ((128, 4, 4, 32), (128, 4, 256, 8), (512, 16, 256, 32))
ENDURANCE = 100_000
PAYMENTS_A_YEAR = 100 * 365
PAYMENTS = 64
BANK = Bank()
LIMITS = {"offline_count": 1000, "offline_total": 10**6, "unconfirmed_count": 1000}

Changes = dict[int, bytes | None]


class NotingStore(MemoryStore):
    """A store that keeps all that was committed, by start of the wallet."""

    def __init__(self, data: dict[int, bytes]) -> None:
        super().__init__()
        self.starts: list[list[Changes]] = []
        self.data = dict(data)

    def start(self) -> None:
        """Power has come back."""
        self.starts.append([])

    def commit(self, changes: Changes) -> None:
        super().commit(changes)
        self.starts[-1].append(dict(changes))


def started(wallet: book.Book) -> book.Book:
    """The wallet after a start."""
    assert isinstance(wallet.store, NotingStore)
    wallet.store.start()
    return book.Book(wallet.store)


def settled(wallet: book.Book, epoch: int) -> book.Book:
    """The wallet, brought to an epoch and settled as the firmware does it."""
    wallet.adopt(book.read_epoch(BANK.epoch(epoch), wallet.network))
    nonce, state = bytes(16), wallet.state
    raw = issue.make_settlement(
        wallet.me.hash,
        nonce,
        state.position,
        state.head,
        BANK.operator_key,
        BANK.operator,
        BANK.network,
    )
    acknowledged = state.position
    changes = settle.settle(wallet, raw, nonce)
    while changes:
        wallet.store.commit(changes)
        wallet = book.Book(wallet.store)
        changes = settle.forget(wallet, acknowledged)
    assert wallet.positions() == []
    return wallet


class History:
    """What payer and payee commit: provisioning at once, one payment, many with settlements."""

    def __init__(self, every: int) -> None:
        alice, bob = (BANK.wallet(name, **LIMITS) for name in ("alice", "bob"))
        transfer(BANK.account(), alice, 100_000)
        epoch = 4
        self.given = [dict(settled(wallet, epoch).store.data) for wallet in (alice, bob)]
        alice, bob = (book.Book(NotingStore(data)) for data in self.given)
        self.payment: list[list[list[Changes]]] = []
        for number in range(PAYMENTS):
            bob = started(bob)
            request = ask(bob, 10)
            alice, bob = started(alice), started(bob)
            finish(alice, take(bob, alice.me.raw, answer(alice, bob.me.raw, request)))
            if not self.payment:
                self.payment = [list(wallet.store.starts) for wallet in (alice, bob)]
            if number % every == every - 1:
                epoch += 2  # the requests have expired, so that nothing of them need be kept
                alice, bob = (settled(started(wallet), epoch) for wallet in (alice, bob))
        self.starts = [wallet.store.starts for wallet in (alice, bob)]


def sizes(records: Iterable[Changes]) -> list[list[int]]:
    """Of each record the lengths of its values, as `Store.fits` takes them."""
    return [[len(value or b"") for value in record.values()] for record in records]


class Costs:
    """One side's costs of a payment in a geometry.

    records and log: what one takes, log in bytes; a_page: how many a page takes; an_erase: how many
    there are to each erase, settlements included; years: until a page was erased too often; held:
    those whose entries a store has room for; promised: those that `fits` promises.
    """

    def __init__(self, size: int, page: int, unit: int, history: History, side: int) -> None:
        self.nvm = nvm = NvmFake(size, page, unit)
        store = Store.mount(nvm)
        for key, value in history.given[side].items():
            store.commit({key: value})
            rest(store)
        log = store._log
        starts = history.payment[side]
        payment = sizes(record for records in starts for record in records)
        self.records = len(payment)
        self.log = sum(log.cost(RECORD + sum(ENTRY + n for n in record)) for record in payment)
        self.log += 2 * unit * len(starts)  # which a first commit passes over
        self.a_page = log.span / self.log
        kept = [
            len(value)
            for records in starts
            for record in records
            for key, value in record.items()
            if key >= JOURNAL_KEY and value is not None
        ]
        self.held = (store.capacity - log.live) // sum(log.charge(length) for length in kept)
        self.promised = 0
        while store.fits(payment * (self.promised + 1)):
            self.promised += 1
        self.an_erase = self._wear(history.starts[side])
        self.years = size // page * self.an_erase * ENDURANCE / PAYMENTS_A_YEAR

    def _wear(self, starts: list[list[Changes]]) -> float:
        """Payments to an erase, once all pages are in use."""
        nvm = self.nvm
        while min(nvm.erases) < 2:
            play(nvm, starts)
        before, played = sum(nvm.erases), 0
        while sum(nvm.erases) < before + 2 * len(nvm.erases):
            play(nvm, starts)
            played += PAYMENTS
        assert max(nvm.erases) - min(nvm.erases) <= 1, "wear is not spread"
        return played / (sum(nvm.erases) - before)


def rest(store: Store) -> None:
    """What the main loop does between two taps."""
    while store.tidy():
        pass


def play(nvm: NvmFake, starts: list[list[Changes]]) -> None:
    """Commit all that was noted once more."""
    for records in starts:
        store = Store.mount(nvm)
        for record in records:
            store.commit(record)
        rest(store)


def row(size: int, page: int, unit: int, every: int) -> str:
    """A row of the README's table."""
    history = History(every)
    payer, payee = (Costs(size * KIB, page * KIB, unit, history, side) for side in (0, 1))

    def both(what: str) -> str:
        return " / ".join(what.format(side) for side in (payer, payee))

    cells = [f"{size} KiB, {page} KiB pages, {unit}-byte units", both("{0.records}")]
    cells += [both("{0.log}"), both("{0.a_page:.1f}"), str(every), both("{0.an_erase:.1f}")]
    cells += [both("{0.years:.0f}"), both("{0.held}"), both("{0.promised}")]
    return f"| {' | '.join(cells)} |"


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_the_readme_says_what_payments_cost(geometry: tuple[int, int, int, int]) -> None:
    assert row(*geometry) in README.read_text(encoding="utf-8").splitlines()
