"""A prepared flow: plays and records it from the same state each time, and judges the outcome."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jiaozi.wire.errors import Refused
from jiaozi_host.errors import HostError
from jiaozi_host.ledger.account import Account, open_account
from jiaozi_sim.faults import Fault
from tests.sweep.engine.bench import Bench, Snapshot
from tests.sweep.engine.cuts import Recorder
from tests.sweep.engine.explorer import Run, images
from tests.sweep.engine.start_cache import StartCache
from tests.sweep.flows.actors import PATIENCE, PAYEE, PAYER, Actors
from tests.sweep.flows.catalogue import STARTS, Flow
from tests.sweep.flows.operator_desk import ISSUED, OperatorDesk
from tests.sweep.flows.oracle import (
    Broken,
    check_atomic,
    check_journal,
    held,
    in_flight,
    is_settled,
    tries,
)
from tests.sweep.flows.recoveries import Recoveries
from tests.sweep.flows.signing_rules import check_answers, check_numbers

NO_FAULT = "none"
ACTIONS = ("lose", "repeat", "truncate")
_LEFT_BY_TRUNCATE = 1.0
_REST = 1.0  # seconds recorded after the settlement: stores of idle work are cut too


@dataclass(frozen=True)
class OperatorState:
    """The operator's state that belongs to a bench.

    ledger: its contents; served: the desk's command has reported success and is not repeated.
    """

    ledger: bytes
    served: bool = False


class StartState:
    """Wallets in an initial state that several flows share."""

    def __init__(self, elf: Path, name: str, seed: int) -> None:
        self.desk = OperatorDesk(elf, seed)
        for wallet in (PAYER, PAYEE):
            self.desk.add(wallet)
        with self.desk.seeded(name):
            STARTS[name](Actors(self.desk))
        self.starts = StartCache(elf, self.desk.board.uarts)
        self.ready: Snapshot = self.desk.bench.snapshot()


class PreparedFlow:
    """A flow with its wallets armed and the field empty. Implements the Judge of its flow."""

    broken = Broken

    def __init__(self, start: StartState, flow: Flow, claimed: Path | None = None) -> None:
        self.flow = flow
        self.seed = start.desk.seed
        self.starts = start.starts
        self.desk = start.desk.copy(start.ready.restored())
        with self.desk.seeded(f"{flow.name}, armed"):
            flow.arm(Actors(self.desk))
        bench = self.desk.bench
        bench.field.log.clear()
        bench.field.taps.clear()
        self._operator = OperatorState(self.desk.get_ledger())
        self.start = bench.snapshot()
        self.recoveries = Recoveries(self.desk, claimed and claimed / flow.name)
        self._expected: dict[str, Any] = {}
        self._account: tuple[bytes, Account] | None = None
        self.frames = 0
        self.record(NO_FAULT)

    def close(self) -> None:
        """Remove the operator's files."""
        self.desk.close()

    def _play(
        self, bench: Bench, restarted: Collection[str], operator: OperatorState, what: str
    ) -> Actors:
        """Play the flow to its end. Raises Broken, MachineError."""
        desk = self.desk
        desk.bench, desk.served = bench, operator.served
        desk.put_ledger(operator.ledger)
        actors = Actors(desk, restarted)
        with desk.seeded(what):
            try:
                if self.flow.tap or not operator.served:
                    self.flow.play(actors)
                else:
                    actors.check_answers(restarted)
                if self.flow.lasting:
                    actors.hold_together(lambda: self.flow.reached(actors), PATIENCE)
                elif not restarted:
                    actors.linger(lambda: self.flow.reached(actors))
            except (HostError, Refused) as error:
                raise Broken(f"{type(error).__name__}: {error}") from error
        return actors

    def record(self, fault: str) -> Run:
        """Play the flow with one frame fault, and record what the wallets store.

        fault: NO_FAULT, or one of ACTIONS and the frame's number. Raises Broken, MachineError.
        """
        bench = self.start.restored()
        if fault != NO_FAULT:
            action, nth = fault.split("-")
            left = _LEFT_BY_TRUNCATE if action == "truncate" else 0.0
            bench.field.faults.append(Fault(action, nth=int(nth), amount=left))
        recorder = Recorder(bench, beside=self._operator_state)
        try:
            actors = self._play(bench, (), self._operator, f"{self.flow.name}, {fault}")
            bench.run_for(_REST)
        finally:
            recorder.stop()
        if fault == NO_FAULT:
            self.frames = sum(record.kind != "SELECT" for record in bench.field.log)
            self._expected = self._end(actors)
            if not self.flow.reached(actors):
                raise Broken(f"{self.flow.name} does not reach its condition")
        self._check(actors)
        chosen = [event for event in recorder.events if self.flow.only(event.wallet, event.frames)]
        return Run(self.flow.name, fault, tuple(chosen))

    def _operator_state(self) -> OperatorState:
        return OperatorState(self.desk.get_ledger(), self.desk.served)

    # tests.sweep.engine.explorer.Judge ------------------------------------------------------------

    def check_restart(self, before: bytes, after: bytes, started: bytes) -> None:
        """See Judge."""
        check_atomic(before, after, started)

    def finish(self, bench: Bench, restarted: Collection[str], beside: Any) -> None:
        """See Judge."""
        if self.flow.tap:
            with self.desk.seeded(f"{self.flow.name}, otherwise"):
                bench = self.recoveries.try_all(bench, restarted, beside.ledger)
        self._check(self._play(bench, restarted, beside, f"{self.flow.name}, again"))

    def _open_account(self) -> Account:
        """Open the operator's account; the last one serves while the ledger is unchanged."""
        contents = self.desk.get_ledger()
        if self._account is None or self._account[0] != contents:
            self._account = contents, open_account(self.desk.ledger, self.desk.operator)
        return self._account[1]

    def _end(self, actors: Actors) -> dict[str, Any]:
        return {
            name: (tries(image), held(actors.book(name)))
            for name, image in images(actors.bench).items()
        }

    def _check(self, actors: Actors) -> None:
        """Check the rules at the end of the flow. Raises Broken."""
        books = actors.books()
        account = self._open_account()
        total = sum(book.state.balance for book in [*books, account])
        flying = in_flight([*books, account])
        if total + flying != ISSUED:
            raise Broken(f"{ISSUED} were issued; balances are {total}, in flight are {flying}")
        if not is_settled(books):
            raise Broken("a payment is pending, or a request is open")
        for book in books:
            check_journal(book, self.flow.settles)
            check_numbers(book)
        check_answers(books)
        if self._end(actors) != self._expected:
            raise Broken(f"tries and balances are {self._end(actors)}, not {self._expected}")


class PreparedFlows:
    """The prepared flows of one process, each made on first use. claimed: see Recoveries."""

    def __init__(self, elf: Path, seed: int, claimed: Path | None = None) -> None:
        self._elf, self._seed, self._claimed = elf, seed, claimed
        self._starts: dict[str, StartState] = {}
        self._flows: dict[str, PreparedFlow] = {}

    def get(self, flow: Flow) -> PreparedFlow:
        """Return a flow, prepared."""
        if flow.name not in self._flows:
            if flow.start not in self._starts:
                self._starts[flow.start] = StartState(self._elf, flow.start, self._seed)
            self._flows[flow.name] = PreparedFlow(self._starts[flow.start], flow, self._claimed)
        return self._flows[flow.name]

    def close(self) -> None:
        """Remove all files."""
        for flow in self._flows.values():
            flow.close()
        for start in self._starts.values():
            start.desk.close()
