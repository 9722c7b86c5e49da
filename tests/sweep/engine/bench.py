"""Test bench: wallets and readers on one field, in one process and virtual time, with snapshots.

Each wallet is a Unicorn core and a PN532 on the field. A core runs when it has cause to wake;
computing takes no virtual time. Displays and buttons are not attached. Images, NVM and seeds
determine everything, so equal runs give equal results.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from jiaozi_sim.bridge import PIN_LEVEL, frame
from jiaozi_sim.chips.pn532 import Pn532
from jiaozi_sim.field import Field
from jiaozi_sim.machines.base import MachineError
from jiaozi_sim.machines.marks import Mark
from jiaozi_sim.machines.unicorn_core import Core
from jiaozi_sim.machines.unicorn_state import CoreState, Store
from jiaozi_sim.scheduler import Timer, VirtualScheduler
from tests.sweep.engine.memoized_core import MemoizedCore
from tests.sweep.engine.started import Started


class Stuck(MachineError):
    """The expected event did not happen within its time limit."""


class BenchWallet:
    """A wallet on the bench: core, chip, and the wake-ups and bytes between them."""

    def __init__(self, name: str, core: Core, uarts: Mapping[str, int], bench: Bench) -> None:
        self.name = name
        self.core: Core | MemoizedCore = core
        self.bench = bench
        self.ready = False

        self._uarts = dict(uarts)
        self._nfc = uarts["nfc"]
        self._others = [number for role, number in uarts.items() if role != "nfc"]
        self._timer: Timer | None = None
        self._replaying = False
        self.sent: list[bytes] | None = None  # bytes from core to chip, where they are recorded
        self.chip = Pn532(bench.field, bench.scheduler, self._from_chip, name)

    def start(self) -> None:
        """Apply power."""
        self.ready = False
        self.core.start(self.bench.scheduler.now())
        self._wake_in(0.0)

    def start_from(self, state: CoreState, nvm: bytes) -> None:
        """Apply power and continue at once from a start's state before its first NVM load."""
        self.ready = False
        with_nvm = replace(state, state=nvm + state.state[len(nvm) :])
        self.core.restore(with_nvm, self.bench.scheduler.now())
        self._wake_in(0.0)

    def resume(self, started: Started) -> None:
        """Apply power and continue at once from the end of an equal wallet's start."""
        self.ready = True
        self._replaying = True
        for data in started.sent:
            self.chip.receive(data)
        self._replaying = False
        now = self.bench.scheduler.now()
        if isinstance(self.core, MemoizedCore):
            self.core.restore_started(started, now)
        else:
            self.core.restore(started.core_state(), now)
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
        """Deliver bytes to a UART, by its role."""
        if self.core.powered:
            self.core.deliver(self._uarts[role], data)
            self._wake_in(0.0)

    def press(self, pin: int, seconds: float) -> None:
        """Press the button at a pin, to ground, and release it later."""
        self.feed("bridge", frame(PIN_LEVEL, pin, b"\0"))
        released = frame(PIN_LEVEL, pin, b"\1")
        self.bench.scheduler.call_later(seconds, self.feed, "bridge", released)

    def _from_chip(self, data: bytes) -> None:
        if self.core.powered and not self._replaying:
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

        if bench.on_wake is not None:
            bench.on_wake(self)
        core.run(bench.scheduler.now())
        self.ready = self.ready or Mark.READY in core.marks
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
            if self.sent is not None:
                self.sent.append(data)
            self.chip.receive(data)


class Bench:
    """Virtual time, a field, and the wallets on it."""

    def __init__(self) -> None:
        self.scheduler = VirtualScheduler()
        self.field = Field(self.scheduler)
        self.wallets: dict[str, BenchWallet] = {}

        self.on_stores: Callable[[BenchWallet, list[Store]], None] | None = None
        self.on_wake: Callable[[BenchWallet], None] | None = None
        self.commits = 0

    def add(self, name: str, core: Core, uarts: Mapping[str, int]) -> BenchWallet:
        """Add a wallet without power, outside the field."""
        self.wallets[name] = BenchWallet(name, core, uarts, self)
        return self.wallets[name]

    def stored(self, wallet: BenchWallet, stores: list[Store]) -> None:
        """Report that a core has stored into its NVM and sleeps; its bytes have not been sent."""
        self.commits += 1
        if self.on_stores is not None:
            self.on_stores(wallet, stores)

    def run_until(self, done: Callable[[], bool], limit: float) -> None:
        """Let time pass until `done()`. Raises Stuck after `limit` virtual seconds."""
        scheduler = self.scheduler
        end = scheduler.now() + limit
        while not done():
            moment = scheduler.next_deadline()
            if moment is None or moment > end:
                raise Stuck(f"the expected event did not happen within {limit} s")
            scheduler.step()

    def run_for(self, seconds: float) -> None:
        """Let time pass."""
        self.scheduler.run_for(seconds)

    def snapshot(self) -> Snapshot:
        """Take a snapshot, for `Snapshot.restored`."""
        cores = {name: wallet.core.snapshot() for name, wallet in self.wallets.items()}
        watchers = self.on_stores, self.on_wake
        self.on_stores = self.on_wake = None
        try:
            return Snapshot(copy.deepcopy(self), cores)
        finally:
            self.on_stores, self.on_wake = watchers


@dataclass(frozen=True)
class Snapshot:
    """A bench and the states of its cores. The cores themselves are shared with live benches."""

    bench: Bench
    cores: Mapping[str, CoreState]
    _memoized: dict[str, MemoizedCore] = field(default_factory=dict)

    def restored(self, memoized: bool = False) -> Bench:
        """Return a new live bench; benches that used the same cores become invalid.

        memoized: its cores reuse the results of earlier memoized benches (see memoized_core.py).
        """
        bench = copy.deepcopy(self.bench)
        for name, wallet in bench.wallets.items():
            if memoized and isinstance(wallet.core, Core):
                wallet.core = self._memoized.setdefault(name, MemoizedCore(wallet.core))
            wallet.core.restore(self.cores[name])
        return bench
