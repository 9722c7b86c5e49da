"""Other ways to recover from a torn tap: the payee voids, or one side alone syncs.

Each is tried once for every distinct pair of wallets that cuts leave: distinct by the values in
their stores and by which of them have restarted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

from jiaozi.wire.commands import READER
from jiaozi_host.errors import HostError
from jiaozi_host.ledger.report import report
from jiaozi_sim.machines.base import MachineError
from tests.sweep.engine.bench import Bench
from tests.sweep.engine.cuts import digest
from tests.sweep.engine.explorer import images
from tests.sweep.flows.actors import PAYEE, PAYER, Actors
from tests.sweep.flows.operator_desk import OperatorDesk
from tests.sweep.flows.oracle import Broken, check_journal, contents, in_flight
from tests.sweep.flows.signing_rules import check_answers, check_numbers

ONE_MORE = 1_00
_DISARM_SECONDS = 2.0


class Recoveries:
    """Tries the recoveries for one flow, each pair of wallets once.

    claimed: folder in which the processes of a sweep claim pairs, one file a pair; None: there is
    one process only.
    """

    def __init__(self, desk: OperatorDesk, claimed: Path | None = None) -> None:
        self._desk, self._claimed = desk, claimed
        self._seen: set[bytes] = set()
        self.tried = 0

    def try_all(self, bench: Bench, restarted: Collection[str], ledger: bytes) -> Bench:
        """Try every recovery from the bench's state if this pair is new. Raises Broken.

        Return the bench to continue with, unchanged; the desk's ledger has to be put back.
        """
        pair = digest(
            repr(sorted(restarted)).encode(),
            *(repr(sorted(contents(image).items())).encode() for image in images(bench).values()),
        )
        if pair in self._seen:
            return bench
        self._seen.add(pair)
        if not self._claim(pair):
            return bench
        start = bench.snapshot()
        for name, recover in RECOVERIES.items():
            self._desk.bench = start.restored()
            self._desk.put_ledger(ledger)
            self.tried += 1
            try:
                recover(Actors(self._desk, restarted))
            except (Broken, HostError, MachineError) as error:
                raise Broken(f"{name}: {type(error).__name__}: {error}") from error
        return start.restored()

    def _claim(self, pair: bytes) -> bool:
        """Claim a pair; False if another process has claimed it."""
        if self._claimed is None:
            return True
        self._claimed.mkdir(parents=True, exist_ok=True)
        try:
            (self._claimed / pair.hex()).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def _disarm(actors: Actors, name: str) -> None:
    """Press cancel on a wallet that has kept its power, so that a reader can reach it."""
    if name not in actors.restarted:
        actors.press(name, "cancel")
        actors.bench.run_for(_DISARM_SECONDS)


def _pending(actors: Actors) -> int:
    return sum(book.unresolved() for book in actors.books())


def _check(actors: Actors, total: int) -> None:
    books = actors.books()
    found = sum(book.state.balance for book in books) + in_flight(books)
    if found != total:
        raise Broken(f"the wallets had {total} between them, and have {found}")
    for book in books:
        check_journal(book, settled=True)
        check_numbers(book)
    check_answers(books)


def _total(actors: Actors) -> int:
    books = actors.books()
    return sum(book.state.balance for book in books) + in_flight(books)


def _void(actors: Actors) -> None:
    """Cancel the payee's request; the next tap voids a payment for it, or resolves a credited one.

    Then pay once more, which shows that neither wallet is stuck.
    """
    total = _total(actors)
    _disarm(actors, PAYER)
    _disarm(actors, PAYEE)
    if actors.book(PAYEE).open:
        actors.retry(lambda: actors.desk.disarm(PAYEE))
    actors.tap()
    _check(actors, total)
    actors.separate()
    before = actors.book(PAYEE).state.balance
    actors.retry(lambda: actors.desk.receive(PAYEE, ONE_MORE, READER))
    actors.tap()
    if actors.book(PAYEE).state.balance != before + ONE_MORE:
        raise Broken("the wallets cannot pay again")
    _check(actors, total)


def _sync(actors: Actors, *names: str) -> None:
    """Sync wallets one after the other; the ledger must add up after each."""
    total = _total(actors)
    for name in names:
        _disarm(actors, name)
        actors.retry(partial(_sync_one, actors, name))
        _check(actors, total)
    if _pending(actors):
        raise Broken("a payment is pending although both have synced")


def _sync_one(actors: Actors, name: str) -> None:
    done = actors.desk.sync(name)
    if done.findings or done.undelivered:
        raise Broken(f"the {name}'s sync: {done.findings or done.undelivered}")
    shown = report(actors.desk.ledger)
    if not shown.holds:
        raise Broken(
            f"the ledger has {shown.balances}, {shown.value_in_flight} in flight and"
            f" {shown.held} held, of {shown.issued} issued"
        )


RECOVERIES: dict[str, Callable[[Actors], None]] = {
    "the payee voids": _void,
    "the payer syncs alone": lambda actors: _sync(actors, PAYER, PAYEE, PAYER),
    "the payee syncs alone": lambda actors: _sync(actors, PAYEE, PAYER, PAYEE, PAYER),
}
