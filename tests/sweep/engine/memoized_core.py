"""Memoized core: runs that were executed before are answered from memory.

What a core does from one sleep to the next depends only on its state, the time, and the bytes it
received. A run from a known state with the same bytes at the same time therefore has the recorded
outcome: bytes sent, stores, marks. Two states are the same if they come from the same snapshot by
the same inputs; states are never compared by content.

A sweep uses it for the wallet whose power was not cut: it receives the same frames after most cuts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from jiaozi_sim.machines.base import NVM_SIZE, MachineError
from jiaozi_sim.machines.unicorn_core import Core
from jiaozi_sim.machines.unicorn_state import UART_AT, CoreState, Store
from tests.sweep.engine.started import Started

_MAX_ROOTS = 32  # kept with all that follows them; the oldest is dropped
_NOTHING = tuple(b"" for _ in UART_AT)


@dataclass(frozen=True)
class _Input:
    """Input of a run: the time, and the bytes delivered before it, by UART."""

    now: float
    delivered: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True)
class _Outcome:
    """Visible effects of a run."""

    sent: tuple[bytes, ...]
    stored: list[Store]
    marks: list[int]
    powered: bool
    wakes_at: float | None


@dataclass(eq=False)
class _Node:
    """A sleeping state in the tree of known runs, reached from `parent` by `given`.

    load: returns the state where it is kept; None: execute again from `parent`.
    """

    parent: _Node | None
    given: _Input | None
    outcome: _Outcome | None
    load: Callable[[], CoreState] | None = None
    origin: float | None = None
    children: dict[_Input, _Node] = field(default_factory=dict)


class MemoizedCore:
    """Stands in for a Core on a bench. Other users of that core become invalid when this runs."""

    def __init__(self, core: Core) -> None:
        self.seed = core.seed
        self.boots = 0
        self.powered = False
        self.stored: list[Store] = []
        self.marks: list[int] = []
        self.requested = self.executed = 0  # runs asked for, and runs not found in memory
        self._core = core
        self._roots: dict[tuple[bytes | int, float | None], _Node] = {}
        self._here: _Node | None = None  # the state that this object stands for
        self._core_at: _Node | None = None  # the state of the real core, as long as
        self._moves = 0  # its `moves` has this value
        self._nvm = bytearray()
        self._delivered: list[tuple[int, bytes]] = []
        self._sent = list(_NOTHING)
        self._wakes_at: float | None = None

    def __deepcopy__(self, memo: dict[int, object]) -> MemoizedCore:
        return self

    # -- interface of Core -----------------------------------------------------------------------

    def restore(self, state: CoreState, origin: float | None = None) -> None:
        """See Core."""
        self._begin(id(state), state.state, lambda: state, origin)
        self.powered, self.boots = state.powered, state.boots
        self._sent = [bytes(sent) for sent in state.wiring.sent]

    def restore_started(self, started: Started, origin: float) -> None:
        """Continue from the end of a start."""
        self._begin(started.name, started.nvm, started.core_state, origin)
        self.powered, self.boots = True, started.rest.boots

    def _begin(
        self, name: bytes | int, nvm: bytes, load: Callable[[], CoreState], origin: float | None
    ) -> None:
        key = name, origin
        # A name may be a state's address, so `load` must keep that state alive.
        root = self._roots.pop(key, None) or _Node(None, None, None, load, origin)
        self._roots[key] = self._here = root
        if len(self._roots) > _MAX_ROOTS:
            del self._roots[next(iter(self._roots))]
        self._nvm[:] = nvm[:NVM_SIZE]
        self._delivered.clear()
        self._sent = list(_NOTHING)
        self._wakes_at = None

    def start(self, now: float) -> None:
        """See Core."""
        before, nvm = self.boots, bytes(self._nvm)

        def load() -> CoreState:
            core = self._core
            core.seed, core.boots = self.seed, before
            core.write_nvm(nvm)
            core.start(now)
            return core.snapshot()

        name = hashlib.blake2b(nvm, digest_size=16, salt=before.to_bytes(8, "little"))
        self._begin(name.digest(), nvm, load, now)
        self.powered, self.boots = True, before + 1

    def cut_power(self) -> None:
        """See Core."""
        self.powered = False
        self._delivered.clear()

    def deliver(self, number: int, data: bytes) -> None:
        """See Core."""
        self._delivered.append((number, data))

    def take_sent(self, number: int) -> bytes:
        """See Core."""
        sent, self._sent[number] = self._sent[number], b""
        return sent

    def wakes_at(self) -> float | None:
        """See Core; only after a run."""
        return self._wakes_at

    def read_nvm(self) -> bytes:
        """See Core."""
        return bytes(self._nvm)

    def write_nvm(self, data: bytes) -> None:
        """See Core; only without power."""
        if self.powered:
            raise MachineError("a memoized core's NVM can be replaced only without power")
        self._here = None
        self._nvm[:] = data

    def snapshot(self) -> CoreState:
        """See Core."""
        core = self._bring_core()
        if not self.powered:
            core.cut_power()
        for number, data in self._delivered:
            core.deliver(number, data)
        return core.snapshot()

    def run(self, now: float) -> None:
        """See Core. Take all that it sent (`take_sent`) before the next run."""
        if self._here is None:
            raise MachineError("a memoized core runs only after a restore")
        self.requested += 1
        given = _Input(now, tuple(self._delivered))
        self._delivered.clear()
        if given not in self._here.children:
            self._bring_core()
            node = _Node(self._here, given, self._execute(given))
            self._here.children[given] = node
            self._note_core_at(node)
        self._here = self._here.children[given]
        self._apply(self._here.outcome)

    # -- tree of known runs ----------------------------------------------------------------------

    def _apply(self, outcome: _Outcome | None) -> None:
        if outcome is None:
            raise MachineError("a known run without an outcome")
        for store in outcome.stored:
            store.into(self._nvm)
        self.stored, self.marks = outcome.stored, outcome.marks
        self._sent = list(outcome.sent)
        self._wakes_at = outcome.wakes_at
        self.powered = outcome.powered

    def _execute(self, given: _Input) -> _Outcome:
        core = self._core
        self.executed += 1
        for number, data in given.delivered:
            core.deliver(number, data)
        core.run(given.now)
        sent = tuple(core.take_sent(number) for number in range(len(UART_AT)))
        wakes_at = core.wakes_at() if core.powered else None
        return _Outcome(sent, core.stored, core.marks, core.powered, wakes_at)

    def _bring_core(self) -> Core:
        """Bring the real core to the current node, replaying inputs from the last kept state."""
        here = self._here
        if here is None:
            raise MachineError("a memoized core has no state before a restore")
        if here is self._core_at and self._moves == self._core.moves:
            return self._core
        replayed: list[_Input] = []
        node = here
        while node.load is None and node.parent is not None and node.given is not None:
            replayed.append(node.given)
            node = node.parent
        if node.load is None:
            raise MachineError("a known run without a first state")
        self._core.restore(node.load(), node.origin)
        for given in reversed(replayed):
            self._execute(given)
        if replayed:
            # This node has a second child now and may get more: keep its state.
            state = self._core.snapshot()
            here.load = lambda: state
        self._note_core_at(here)
        return self._core

    def _note_core_at(self, node: _Node) -> None:
        self._core_at, self._moves = node, self._core.moves
