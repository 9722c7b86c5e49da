"""The other ways out of a torn tap: the payee voids, or one side alone syncs with its operator.

Tried once for each distinct pair of wallets that cuts leave: distinct by every value in their
stores, and by which of them have been restarted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

from jiaozi.wire.commands import READER
from jiaozi_host.errors import HostError
from jiaozi_host.ledger.report import report
from jiaozi_sim.machines.base import MachineError
from jiaozi_sim.sweep.bench import Bench
from jiaozi_sim.sweep.cuts import digest
from jiaozi_sim.sweep.explore import images
from scenarios.sweep.oracle import Broken, check_journal, contents, in_flight
from scenarios.sweep.rig import SweepRig
from scenarios.sweep.rules import check_answers, check_numbers
from scenarios.sweep.scene import PAYEE, PAYER, Scene

ONE_MORE = 1_00
_NOTICED = 2.0


class Ways:
    """What was tried already, for one flow.

    claimed: a folder with a file for each pair that one of several processes has taken upon itself;
    None: this one tries all.
    """

    def __init__(self, rig: SweepRig, claimed: Path | None = None) -> None:
        self._rig, self._claimed = rig, claimed
        self._seen: set[bytes] = set()
        self.tried = 0

    def try_all(self, bench: Bench, restarted: Collection[str], ledger: bytes) -> Bench:
        """Every way out of where the bench is, if such a pair is new. Raises Broken.

        Returns the bench to go on with, which is as it was; the rig's ledger is not.
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
        for name, way in WAYS.items():
            self._rig.bench = start.restored()
            self._rig.put_ledger(ledger)
            self.tried += 1
            try:
                way(Scene(self._rig, restarted))
            except (Broken, HostError, MachineError) as error:
                raise Broken(f"{name}: {type(error).__name__}: {error}") from error
        return start.restored()

    def _claim(self, pair: bytes) -> bool:
        """Whether no other process tries this pair."""
        if self._claimed is None:
            return True
        self._claimed.mkdir(parents=True, exist_ok=True)
        try:
            (self._claimed / pair.hex()).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def _noticed(scene: Scene, name: str) -> None:
    """Take back what a wallet that has kept its power is armed for, so that a desk reaches it."""
    if name not in scene.restarted:
        scene.press(name, "cancel")
        scene.bench.run_for(_NOTICED)


def _pending(scene: Scene) -> int:
    return sum(book.unresolved() for book in scene.books())


def _check(scene: Scene, total: int) -> None:
    books = scene.books()
    found = sum(book.state.balance for book in books) + in_flight(books)
    if found != total:
        raise Broken(f"the wallets had {total} between them, and have {found}")
    for book in books:
        check_journal(book, settled=True)
        check_numbers(book)
    check_answers(books)


def _total(scene: Scene) -> int:
    books = scene.books()
    return sum(book.state.balance for book in books) + in_flight(books)


def _void(scene: Scene) -> None:
    """The payee takes its request back; the next tap voids a payment for it, or finds it credited.

    Then they pay once more, which shows that neither is stuck.
    """
    total = _total(scene)
    _noticed(scene, PAYER)
    _noticed(scene, PAYEE)
    if scene.book(PAYEE).open:
        scene.insist(lambda: scene.rig.disarm(PAYEE))
    scene.tap()
    _check(scene, total)
    scene.apart()
    before = scene.book(PAYEE).state.balance
    scene.insist(lambda: scene.rig.receive(PAYEE, ONE_MORE, READER))
    scene.tap()
    if scene.book(PAYEE).state.balance != before + ONE_MORE:
        raise Broken("they cannot pay any more")
    _check(scene, total)


def _sync(scene: Scene, *names: str) -> None:
    """Wallets sync one after the other, and at each moment the ledger adds up."""
    total = _total(scene)
    for name in names:
        _noticed(scene, name)
        scene.insist(partial(_sync_one, scene, name))
        _check(scene, total)
    if _pending(scene):
        raise Broken("a payment is pending although both have synced")


def _sync_one(scene: Scene, name: str) -> None:
    done = scene.rig.sync(name)
    if done.findings or done.undelivered:
        raise Broken(f"the {name}'s sync: {done.findings or done.undelivered}")
    shown = report(scene.rig.ledger)
    if not shown.holds:
        raise Broken(
            f"the ledger has {shown.balances}, {shown.value_in_flight} in flight and"
            f" {shown.held} held, of {shown.issued} issued"
        )


WAYS: dict[str, Callable[[Scene], None]] = {
    "the payee voids": _void,
    "the payer syncs alone": lambda scene: _sync(scene, PAYER, PAYEE, PAYER),
    "the payee syncs alone": lambda scene: _sync(scene, PAYEE, PAYER, PAYEE, PAYER),
}
