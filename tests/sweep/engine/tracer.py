"""Tracer: executes one active period of a core again, instruction by instruction.

A cut between two stores must leave the NVM as the last store left it. `Tracer` checks this at
chosen instructions, and records when the firmware calls a given function of the image.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unicorn import UC_HOOK_CODE, Uc

from jiaozi_sim.machines.base import NVM_SIZE, MachineError
from jiaozi_sim.machines.firmware_image import symbol
from jiaozi_sim.machines.unicorn_core import Core
from jiaozi_sim.machines.unicorn_state import WORD, CoreState, Store, in_units
from tests.sweep.engine.bench import Bench, BenchWallet


@dataclass(frozen=True)
class ActivePeriod:
    """From a core's wake-up to its next sleep; it stored into its NVM in between.

    state: the core as it woke, at the virtual second `now`.
    """

    state: CoreState
    now: float
    stores: tuple[Store, ...]

    @property
    def nvm(self) -> bytes:
        """The NVM before the first store."""
        return self.state.state[:NVM_SIZE]


class PeriodRecorder:
    """Records the active periods in which a bench's wallets store something, until `stop`."""

    def __init__(self, bench: Bench) -> None:
        self.periods: list[ActivePeriod] = []
        self._bench = bench
        self._woken: tuple[CoreState, float] | None = None
        bench.on_wake, bench.on_stores = self._wake, self._stored

    def stop(self) -> None:
        """Stop recording."""
        self._bench.on_wake = self._bench.on_stores = None

    def _wake(self, wallet: BenchWallet) -> None:
        self._woken = wallet.core.snapshot(), self._bench.scheduler.now()

    def _stored(self, wallet: BenchWallet, stores: list[Store]) -> None:
        if self._woken is None:
            raise MachineError("a core stored without a wake-up")
        self.periods.append(ActivePeriod(*self._woken, tuple(stores)))


@dataclass(frozen=True)
class Trace:
    """Record of an active period.

    instructions: number executed; stores: words or program units stored; begun, done: number of
    instructions before each store's first and last word; sent: bytes sent by the UARTs before each
    store; calls: of the traced function, each as the numbers of instructions and of stores before
    it; looked: number of instructions at which the NVM was compared; unlike: those at which it
    differed from what the last store left.
    """

    instructions: int
    stores: tuple[Store, ...]
    begun: tuple[int, ...]
    done: tuple[int, ...]
    sent: tuple[int, ...]
    calls: tuple[tuple[int, int], ...]
    looked: int
    unlike: tuple[int, ...]


def address_of(elf: Path, function: str) -> int:
    """Return the address of a function of an image. Raises MachineError if it does not exist."""
    address = symbol(elf, function)
    if address is None:
        raise MachineError(f"the image has no function {function}")
    return address & ~1


class Tracer:
    """Executes active periods on a core of its own; `function`: the one whose calls are traced."""

    def __init__(self, elf: Path, function: str) -> None:
        self._core = Core(elf, b"")
        self._function = address_of(elf, function)
        self._core.engine.hook_add(UC_HOOK_CODE, self._instruction)
        self._begin(b"", ())

    def _begin(self, nvm: bytes, looks: Sequence[int]) -> None:
        self._count = 0
        self._nvm = bytearray(nvm)
        self._looks = sorted(looks, reverse=True)
        self._words: list[Store] = []
        self._at: list[int] = []
        self._sent: list[int] = []
        self._calls: list[int] = []
        self._unlike: list[int] = []

    def trace(self, period: ActivePeriod, looks: Sequence[int] = ()) -> Trace:
        """Execute a period; compare the NVM before each instruction whose number is in `looks`.

        Raises MachineError if its stores differ from the recorded ones.
        """
        core = self._core
        core.restore(period.state)
        core.on_store = self._store
        self._begin(period.nvm, looks)
        core.run(period.now)
        stores = tuple(in_units(self._words, core.unit))
        if stores != period.stores:
            raise MachineError("an active period, executed again, stored something else")
        words = core.unit // WORD
        done = tuple(self._at[words - 1 :: words])
        return Trace(
            self._count,
            stores,
            tuple(self._at[::words]),
            done,
            tuple(self._sent[::words]),
            tuple((call, bisect_right(done, call)) for call in self._calls),
            len(set(looks)),
            tuple(self._unlike),
        )

    def _instruction(self, uc: Uc, address: int, size: int, data: object) -> None:
        if address == self._function:
            self._calls.append(self._count)
        if self._looks and self._count == self._looks[-1]:
            while self._looks and self._count == self._looks[-1]:
                self._looks.pop()
            if self._core.read_nvm() != self._nvm:
                self._unlike.append(self._count)
        self._count += 1

    def _store(self, store: Store) -> None:
        self._at.append(self._count)
        self._sent.append(sum(len(sent) for sent in self._core.snapshot().wiring.sent))
        self._words.append(store)
        store.into(self._nvm)
