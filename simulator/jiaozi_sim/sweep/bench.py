"""Wallets and readers round one field in one process and virtual time: a world to be snapshot.

Each wallet is its core (Unicorn) and its PN532 on the field. A core runs when it has cause to
wake; while it runs, no time passes. Displays and buttons are not attached. Whatever happens is
determined by images, NVM and seeds, so equal runs give equal results.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from jiaozi_sim.chips.pn532 import Pn532
from jiaozi_sim.field import Field
from jiaozi_sim.machines.base import MachineError
from jiaozi_sim.machines.marks import Mark
from jiaozi_sim.machines.unicorn_core import Core
from jiaozi_sim.machines.unicorn_state import CoreState, Store
from jiaozi_sim.scheduler import Timer, VirtualScheduler
from jiaozi_sim.sweep.booted import Booted
from jiaozi_sim.sweep.remember import RememberingCore


class Stuck(MachineError):
    """What was waited for has not come within its time."""


class Seat:
    """A wallet on the bench: core, chip, and what wakes the one and feeds the other."""

    def __init__(self, name: str, core: Core, uarts: Mapping[str, int], bench: Bench) -> None:
        self.name = name
        self.core: Core | RememberingCore = core
        self.bench = bench
        self.ready = False
        self.rested = 0
        self.wakes = 0
        self._uarts = dict(uarts)
        self._nfc = uarts["nfc"]
        self._others = [number for role, number in uarts.items() if role != "nfc"]
        self._timer: Timer | None = None
        self._deaf = False
        self.said: list[bytes] | None = None  # what the core told the chip, if wanted
        self.chip = Pn532(bench.field, bench.scheduler, self._from_chip, name)

    def start(self) -> None:
        """Apply power."""
        self.ready = False
        self.core.start(self.bench.scheduler.now())
        self._wake_in(0.0)

    def start_from(self, state: CoreState, nvm: bytes) -> None:
        """Apply power and be at once where a start is before it looks at the NVM."""
        self.ready = False
        there = replace(state, state=nvm + state.state[len(nvm) :])
        self.core.restore(there, self.bench.scheduler.now())
        self._wake_in(0.0)

    def start_booted(self, booted: Booted) -> None:
        """Apply power and be at once where an equal wallet was after its start."""
        self.ready = True
        self._deaf = True
        for data in booted.said:
            self.chip.receive(data)
        self._deaf = False
        now = self.bench.scheduler.now()
        if isinstance(self.core, RememberingCore):
            self.core.restore_booted(booted, now)
        else:
            self.core.restore(booted.core_state(), now)
        self._wake_in(0.0)

    def cut_power(self) -> None:
        """Take the power from core and chip."""
        self.core.cut_power()
        self._powerless()

    def _powerless(self) -> None:
        self.ready = False
        if self._timer is not None:
            self._timer.cancel()
        self.chip.power_cycle()

    def feed(self, role: str, data: bytes) -> None:
        """Let bytes arrive at a UART, by its role."""
        if self.core.powered:
            self.core.deliver(self._uarts[role], data)
            self._wake_in(0.0)

    def _from_chip(self, data: bytes) -> None:
        if self.core.powered and not self._deaf:
            self.core.deliver(self._nfc, data)
            self._wake_in(0.0)

    def _wake_in(self, delay: float) -> None:
        when = self.bench.scheduler.now() + delay
        if self._timer is not None and self._timer.pending:
            if self._timer.when <= when:
                return
            self._timer.cancel()
        self._timer = self.bench.scheduler.call_later(delay, self._run)

    def _run(self) -> None:
        core, bench = self.core, self.bench
        bench.running = self.name
        self.wakes += 1
        if bench.on_wake is not None:
            bench.on_wake(self)
        core.run(bench.scheduler.now())
        for mark in core.marks:
            self._mark(mark)
        if core.stored:
            bench.stored(self, core.stored)
        if not core.powered:
            self._powerless()
            return
        for number in self._others:
            core.take_sent(number)
        data = core.take_sent(self._nfc)
        moment = core.wakes_at()
        if moment is not None:
            self._wake_in(max(0.0, moment - bench.scheduler.now()))
        if data:
            if self.said is not None:
                self.said.append(data)
            self.chip.receive(data)

    def _mark(self, mark: int) -> None:
        if mark == Mark.READY:
            self.ready = True
        elif mark == Mark.TAP_END:
            self.rested += 1


class Bench:
    """Time, field and the seats round it."""

    def __init__(self) -> None:
        self.scheduler = VirtualScheduler()
        self.field = Field(self.scheduler)
        self.seats: dict[str, Seat] = {}
        self.running = ""
        self.on_stores: Callable[[Seat, list[Store]], None] | None = None
        self.on_wake: Callable[[Seat], None] | None = None
        self.commits = 0

    def add(self, name: str, core: Core, uarts: Mapping[str, int]) -> Seat:
        """A wallet without power, away from the field."""
        self.seats[name] = Seat(name, core, uarts, self)
        return self.seats[name]

    def stored(self, seat: Seat, stores: list[Store]) -> None:
        """A seat's core has stored into its NVM and gone to sleep; its words have not left yet."""
        self.commits += 1
        if self.on_stores is not None:
            self.on_stores(seat, stores)

    def run_until(self, done: Callable[[], bool], limit: float) -> None:
        """Let time pass until `done()`. Raises Stuck after `limit` virtual seconds."""
        scheduler = self.scheduler
        end = scheduler.now() + limit
        while not done():
            moment = scheduler.next_deadline()
            if moment is None or moment > end:
                raise Stuck(f"nothing of what was waited for within {limit} s")
            scheduler.step()

    def run_for(self, seconds: float) -> None:
        """Let time pass."""
        self.scheduler.run_for(seconds)

    def snapshot(self) -> Snapshot:
        """Everything, to be gone back to by `restored`."""
        cores = {name: seat.core.snapshot() for name, seat in self.seats.items()}
        watchers = self.on_stores, self.on_wake
        self.on_stores = self.on_wake = None
        try:
            return Snapshot(copy.deepcopy(self), cores)
        finally:
            self.on_stores, self.on_wake = watchers


@dataclass(frozen=True)
class Snapshot:
    """A bench as it was, and the state of its cores, which it shares with the living one."""

    bench: Bench
    cores: Mapping[str, CoreState]
    _memories: dict[str, RememberingCore] = field(default_factory=dict)

    def restored(self, remembering: bool = False) -> Bench:
        """A bench to go on with; whatever used the cores before is void.

        remembering: its cores do not do again what such a bench's did (see remember.py).
        """
        bench = copy.deepcopy(self.bench)
        for name, seat in bench.seats.items():
            if remembering and isinstance(seat.core, Core):
                seat.core = self._memories.setdefault(name, RememberingCore(seat.core))
            seat.core.restore(self.cores[name])
        return bench


def make_core(elf: Path, seed: bytes) -> Core:
    """A core with blank NVM."""
    return Core(elf, seed)
