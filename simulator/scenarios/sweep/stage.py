"""A flow made ready to be played and cut, again and again, and the judge of what comes of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jiaozi.wire.errors import Refused
from jiaozi_host.errors import HostError
from jiaozi_host.ledger.account import Account, open_account
from jiaozi_sim.faults import Fault
from jiaozi_sim.sweep.bench import Bench, Snapshot
from jiaozi_sim.sweep.boots import Boots
from jiaozi_sim.sweep.cuts import Recorder
from jiaozi_sim.sweep.explore import Run, images
from scenarios.sweep.flows import STARTS, Flow
from scenarios.sweep.oracle import (
    Broken,
    check_atomic,
    check_journal,
    held,
    in_flight,
    is_settled,
    tries,
)
from scenarios.sweep.rig import ISSUED, SweepRig
from scenarios.sweep.rules import check_answers, check_numbers
from scenarios.sweep.scene import PATIENCE, PAYEE, PAYER, Scene
from scenarios.sweep.ways import Ways

NO_FAULT = "none"
ACTIONS = ("lose", "repeat", "truncate")
_LEFT_BY_TRUNCATE = 1.0
_REST = 1.0  # what a wallet stores when all is settled is cut too


@dataclass(frozen=True)
class Beside:
    """What goes with a bench: the ledger, and whether the desk's command has said that it is done.

    Who has been told so does not repeat it.
    """

    ledger: bytes
    served: bool = False


class Start:
    """Wallets in the state that several flows start from, made once."""

    def __init__(self, elf: Path, name: str, seed: int) -> None:
        self.rig = SweepRig(elf, seed)
        for wallet in (PAYER, PAYEE):
            self.rig.add(wallet)
        with self.rig.drawing(name):
            STARTS[name](Scene(self.rig))
        self.boots = Boots(elf, self.rig.board.uarts)
        self.ready: Snapshot = self.rig.bench.snapshot()


class Stage:
    """A flow made ready: its wallets armed, nothing on the field. It is its flow's judge."""

    broken = Broken

    def __init__(self, start: Start, flow: Flow, claimed: Path | None = None) -> None:
        self.flow = flow
        self.seed = start.rig.seed
        self.boots = start.boots
        self.rig = start.rig.copy(start.ready.restored())
        with self.rig.drawing(f"{flow.name}, armed"):
            flow.arm(Scene(self.rig))
        bench = self.rig.bench
        bench.field.log.clear()
        bench.field.taps.clear()
        self._beside = Beside(self.rig.get_ledger())
        self.start = bench.snapshot()
        self.ways = Ways(self.rig, claimed and claimed / flow.name)
        self._expected: dict[str, Any] = {}
        self._account: tuple[bytes, Account] | None = None
        self.frames = 0
        self.record(NO_FAULT)

    def close(self) -> None:
        """Remove the operator's files."""
        self.rig.close()

    def _play(self, bench: Bench, restarted: Collection[str], beside: Beside, what: str) -> Scene:
        """Play the flow to its end. Raises Broken, MachineError."""
        rig = self.rig
        rig.bench, rig.served = bench, beside.served
        rig.put_ledger(beside.ledger)
        scene = Scene(rig, restarted)
        with rig.drawing(what):
            try:
                if self.flow.tap or not beside.served:
                    self.flow.play(scene)
                else:
                    scene.look_at(restarted)
                if self.flow.lasting:
                    scene.together(lambda: self.flow.reached(scene), PATIENCE)
                elif not restarted:
                    scene.linger(lambda: self.flow.reached(scene))
            except (HostError, Refused) as error:
                raise Broken(f"{type(error).__name__}: {error}") from error
        return scene

    def record(self, fault: str) -> Run:
        """Play the flow, with one frame mistreated; what the wallets programmed.

        fault: NO_FAULT, or one of ACTIONS and the frame's number. Raises Broken, MachineError.
        """
        bench = self.start.restored()
        if fault != NO_FAULT:
            action, nth = fault.split("-")
            left = _LEFT_BY_TRUNCATE if action == "truncate" else 0.0
            bench.field.faults.append(Fault(action, nth=int(nth), amount=left))
        recorder = Recorder(bench, beside=self._what_is_beside)
        try:
            scene = self._play(bench, (), self._beside, f"{self.flow.name}, {fault}")
            bench.run_for(_REST)
        finally:
            recorder.stop()
        if fault == NO_FAULT:
            self.frames = sum(record.kind != "SELECT" for record in bench.field.log)
            self._expected = self._end(scene)
            if not self.flow.reached(scene):
                raise Broken(f"{self.flow.name} does not come to what it is to come to")
        self._check(scene)
        chosen = [event for event in recorder.events if self.flow.only(event.seat, event.frames)]
        return Run(self.flow.name, fault, tuple(chosen))

    def _what_is_beside(self) -> Beside:
        return Beside(self.rig.get_ledger(), self.rig.served)

    def faults(self) -> list[str]:
        """Every frame of the undisturbed flow, mistreated in every way."""
        return [f"{action}-{nth}" for nth in range(1, self.frames + 1) for action in ACTIONS]

    # jiaozi_sim.sweep.explore.Judge ---------------------------------------------------------------

    def restarted(self, before: bytes, after: bytes, started: bytes) -> None:
        """See Judge."""
        check_atomic(before, after, started)

    def finish(self, bench: Bench, restarted: Collection[str], beside: Any) -> None:
        """See Judge."""
        if self.flow.tap:
            with self.rig.drawing(f"{self.flow.name}, otherwise"):
                bench = self.ways.try_all(bench, restarted, beside.ledger)
        self._check(self._play(bench, restarted, beside, f"{self.flow.name}, again"))

    def _open_account(self) -> Account:
        """The operator's account; where the ledger is as it was last time, that time's."""
        contents = self.rig.get_ledger()
        if self._account is None or self._account[0] != contents:
            self._account = contents, open_account(self.rig.ledger, self.rig.operator)
        return self._account[1]

    def _end(self, scene: Scene) -> dict[str, Any]:
        return {
            name: (tries(image), held(scene.book(name)))
            for name, image in images(scene.bench).items()
        }

    def _check(self, scene: Scene) -> None:
        """The rules at the end. Raises Broken."""
        books = scene.books()
        account = self._open_account()
        total = sum(book.state.balance for book in [*books, account])
        flying = in_flight([*books, account])
        if total + flying != ISSUED:
            raise Broken(f"{ISSUED} were issued; there are {total}, and {flying} in flight")
        if not is_settled(books):
            raise Broken("something is pending, or a request is open")
        for book in books:
            check_journal(book, self.flow.settles)
            check_numbers(book)
        check_answers(books)
        if self._end(scene) != self._expected:
            raise Broken(f"tries and balances are {self._end(scene)}, not {self._expected}")


class Stages:
    """The stages of one process, each made when it is first needed. claimed: see Ways."""

    def __init__(self, elf: Path, seed: int, claimed: Path | None = None) -> None:
        self._elf, self._seed, self._claimed = elf, seed, claimed
        self._starts: dict[str, Start] = {}
        self._stages: dict[str, Stage] = {}

    def get(self, flow: Flow) -> Stage:
        """The stage of a flow."""
        if flow.name not in self._stages:
            if flow.start not in self._starts:
                self._starts[flow.start] = Start(self._elf, flow.start, self._seed)
            self._stages[flow.name] = Stage(self._starts[flow.start], flow, self._claimed)
        return self._stages[flow.name]

    def close(self) -> None:
        """Remove all files."""
        for stage in self._stages.values():
            stage.close()
        for start in self._starts.values():
            start.rig.close()
