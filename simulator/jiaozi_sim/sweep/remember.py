"""A core that executes nothing twice.

What a core does from one sleep to the next is determined by all of its state, the moment, and the
bytes that came meanwhile. So a run that began in a state that was reached before, with the same
bytes at the same moment, is answered from memory: same words sent, same stores, same marks. "Same
state" means reached from the same snapshot by the same history, never merely similar.

In a sweep that is the wallet whose power was not cut: after most cuts it hears the same frames.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from jiaozi_sim.machines.base import NVM_SIZE, MachineError
from jiaozi_sim.machines.unicorn_core import Core
from jiaozi_sim.machines.unicorn_state import UART_AT, CoreState, Store
from jiaozi_sim.sweep.booted import Booted

_MOST = 32  # beginnings that are remembered, with all that came after; the oldest goes
_NOTHING = tuple(b"" for _ in UART_AT)


@dataclass(frozen=True)
class _Given:
    """What makes a core go on: the moment, and what came before it, by UART."""

    now: float
    delivered: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True)
class _Outcome:
    """What a run did as far as anybody outside can see."""

    sent: tuple[bytes, ...]
    stored: list[Store]
    marks: list[int]
    powered: bool
    wakes_at: float | None


@dataclass(eq=False)
class _Moment:
    """A state that was reached: asleep, after `given` in the moment `before`.

    take: gives the state itself, where it is kept; None: to be reached again from `before`.
    """

    before: _Moment | None
    given: _Given | None
    outcome: _Outcome | None
    take: Callable[[], CoreState] | None = None
    origin: float | None = None
    after: dict[_Given, _Moment] = field(default_factory=dict)


class RememberingCore:
    """In place of a core on a bench. Whatever used the core before is void when this one runs."""

    def __init__(self, core: Core) -> None:
        self.seed = core.seed
        self.boots = 0
        self.powered = False
        self.stored: list[Store] = []
        self.marks: list[int] = []
        self.answered = self.executed = 0  # runs asked for, and those not remembered
        self._core = core
        self._roots: dict[tuple[bytes | int, float | None], _Moment] = {}
        self._here: _Moment | None = None  # where it is to be
        self._there: _Moment | None = None  # where the core was left, in
        self._moves = 0  # its movements
        self._nvm = bytearray()
        self._delivered: list[tuple[int, bytes]] = []
        self._sent = list(_NOTHING)
        self._wakes_at: float | None = None

    def __deepcopy__(self, memo: dict[int, object]) -> RememberingCore:
        return self

    # -- as of a core ----------------------------------------------------------------------------

    def restore(self, state: CoreState, origin: float | None = None) -> None:
        """See Core."""
        self._begin(id(state), state.state, lambda: state, origin)
        self.powered, self.boots = state.powered, state.boots
        self._sent = [bytes(sent) for sent in state.wiring.sent]

    def restore_booted(self, booted: Booted, origin: float) -> None:
        """Be where a start has come to."""
        self._begin(booted.name, booted.nvm, booted.core_state, origin)
        self.powered, self.boots = True, booted.rest.boots

    def _begin(
        self, name: bytes | int, nvm: bytes, take: Callable[[], CoreState], origin: float | None
    ) -> None:
        key = name, origin
        # `take` keeps a state alive whose address is its name.
        root = self._roots.pop(key, None) or _Moment(None, None, None, take, origin)
        self._roots[key] = self._here = root
        if len(self._roots) > _MOST:
            del self._roots[next(iter(self._roots))]
        self._nvm[:] = nvm[:NVM_SIZE]
        self._delivered.clear()
        self._sent = list(_NOTHING)
        self._wakes_at = None

    def start(self, now: float) -> None:
        """See Core."""
        before, nvm = self.boots, bytes(self._nvm)

        def take() -> CoreState:
            core = self._core
            core.seed, core.boots = self.seed, before
            core.write_nvm(nvm)
            core.start(now)
            return core.snapshot()

        name = hashlib.blake2b(nvm, digest_size=16, salt=before.to_bytes(8, "little"))
        self._begin(name.digest(), nvm, take, now)
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
            raise MachineError("the NVM of a running core that remembers stays as it is")
        self._here = None
        self._nvm[:] = data

    def snapshot(self) -> CoreState:
        """See Core."""
        core = self._go()
        if not self.powered:
            core.cut_power()
        for number, data in self._delivered:
            core.deliver(number, data)
        return core.snapshot()

    def run(self, now: float) -> None:
        """See Core. Whoever runs it takes all that it has sent before it runs again."""
        if self._here is None:
            raise MachineError("a core that remembers runs after a restore only")
        self.answered += 1
        given = _Given(now, tuple(self._delivered))
        self._delivered.clear()
        if given not in self._here.after:
            self._go()
            moment = _Moment(self._here, given, self._execute(given))
            self._here.after[given] = moment
            self._is_at(moment)
        self._here = self._here.after[given]
        self._apply(self._here.outcome)

    # -- memory ----------------------------------------------------------------------------------

    def _apply(self, outcome: _Outcome | None) -> None:
        if outcome is None:
            raise MachineError("a moment without an outcome")
        for store in outcome.stored:
            store.into(self._nvm)
        self.stored, self.marks = outcome.stored, outcome.marks
        self._sent = list(outcome.sent)
        self._wakes_at = outcome.wakes_at
        self.powered = outcome.powered

    def _execute(self, given: _Given) -> _Outcome:
        core = self._core
        self.executed += 1
        for number, data in given.delivered:
            core.deliver(number, data)
        core.run(given.now)
        sent = tuple(core.take_sent(number) for number in range(len(UART_AT)))
        wakes_at = core.wakes_at() if core.powered else None
        return _Outcome(sent, core.stored, core.marks, core.powered, wakes_at)

    def _go(self) -> Core:
        """Bring the core to where it is to be, by what was given before if need be."""
        here = self._here
        if here is None:
            raise MachineError("a core that remembers is nowhere before a restore")
        if here is self._there and self._moves == self._core.moves:
            return self._core
        again: list[_Given] = []
        at = here
        while at.take is None and at.before is not None and at.given is not None:
            again.append(at.given)
            at = at.before
        if at.take is None:
            raise MachineError("a history without a beginning")
        self._core.restore(at.take(), at.origin)
        for given in reversed(again):
            self._execute(given)
        if again:
            # Two futures so far: there may be more.
            state = self._core.snapshot()
            here.take = lambda: state
        self._is_at(here)
        return self._core

    def _is_at(self, moment: _Moment) -> None:
        self._there, self._moves = moment, self._core.moves
