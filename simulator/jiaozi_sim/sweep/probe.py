"""One waking of a core, executed again instruction by instruction.

A cut between two stores leaves the NVM as the store before left it. `Probe` looks whether that is
so, at instructions of one's choice, and tells when the firmware calls a function of the image.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from unicorn import UC_HOOK_CODE, Uc

from jiaozi_sim.machines.base import NVM_SIZE, MachineError
from jiaozi_sim.machines.unicorn_core import Core
from jiaozi_sim.machines.unicorn_state import WORD, CoreState, Store, in_units
from jiaozi_sim.sweep.bench import Bench, Seat


@dataclass(frozen=True)
class Waking:
    """From a core's waking to its next sleep, in which it stored into its NVM.

    state: the core as it woke, at the virtual second `now`.
    """

    state: CoreState
    now: float
    stores: tuple[Store, ...]

    @property
    def nvm(self) -> bytes:
        """The NVM before the first store."""
        return self.state.state[:NVM_SIZE]


class Watch:
    """Notes the wakings of a bench's wallets in which something is stored, until `stop`."""

    def __init__(self, bench: Bench) -> None:
        self.wakings: list[Waking] = []
        self._bench = bench
        self._woken: tuple[CoreState, float] | None = None
        bench.on_wake, bench.on_stores = self._wake, self._stored

    def stop(self) -> None:
        """Note nothing more."""
        self._bench.on_wake = self._bench.on_stores = None

    def _wake(self, seat: Seat) -> None:
        self._woken = seat.core.snapshot(), self._bench.scheduler.now()

    def _stored(self, seat: Seat, stores: list[Store]) -> None:
        if self._woken is None:
            raise MachineError("a core stored that has not woken")
        self.wakings.append(Waking(*self._woken, tuple(stores)))


@dataclass(frozen=True)
class Trace:
    """What a waking did.

    instructions: executed; stores: what it stored, words or program units; begun, done: how many
    instructions had come when each store's first and last word went; sent: bytes that had left by
    the UARTs when it began; calls: of the function watched, each as the numbers of instructions and
    of stores before it; looked: instructions at which the NVM was compared; unlike: those of them
    at which it was not as the last store left it.
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
    """Where a function of an image begins. Raises MachineError when it has none of that name."""
    with elf.open("rb") as file:
        for section in ELFFile(file).iter_sections():
            if isinstance(section, SymbolTableSection):
                for symbol in section.get_symbol_by_name(function) or ():
                    return int(symbol["st_value"]) & ~1
    raise MachineError(f"the image has no function {function}")


class Probe:
    """A core of its own on which wakings are executed; `function`: whose calls are told."""

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

    def trace(self, waking: Waking, looks: Sequence[int] = ()) -> Trace:
        """Execute a waking; compare the NVM before each instruction whose number is in `looks`.

        Raises MachineError when it does not store what it stored before.
        """
        core = self._core
        core.restore(waking.state)
        core.on_store = self._store
        self._begin(waking.nvm, looks)
        core.run(waking.now)
        stores = tuple(in_units(self._words, core.unit))
        if stores != waking.stores:
            raise MachineError("a waking was executed again and stored something else")
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
