"""Explorer of cuts: cut a recorded run at every store, restart, continue, and have it judged.

A flow runs once for each frame fault; its stores are recorded with snapshots (cuts.Recorder). A cut
is such a snapshot in which the NVM of one wallet (or of both) is torn and that wallet has started
again (StartCache); the judge continues from there. The field is empty then, and the wallets enter
it again.

Cuts share a continuation if their starts are equal in all respects: surroundings, registers, RAM,
NVM, entropy, marks, UARTs, clock, and the bytes sent to the chips.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from jiaozi_sim.field import FrameRecord
from jiaozi_sim.machines.base import NVM_SIZE, MachineError
from tests.sweep.engine.bench import Bench, Snapshot
from tests.sweep.engine.cuts import Cut, StoreEvent, clean_nvm, cuts_of, digest, torn_nvm
from tests.sweep.engine.start_cache import StartCache
from tests.sweep.engine.started import Started

APART = 0.05
"""Seconds between the cut and the next tap."""

Images = Mapping[str, bytes]


class Judge(Protocol):
    """Rules of a flow. Both methods raise `broken` where a rule is violated.

    check_restart: a wallet was cut in one store and has started; `before` and `after` are its NVM
    without and with that store complete, `started` is its NVM after the start.
    finish: repeat what was cut until it is done; `restarted` names the wallets that were cut.
    """

    @property
    def broken(self) -> type[Exception]: ...
    def check_restart(self, before: bytes, after: bytes, started: bytes) -> None: ...
    def finish(self, bench: Bench, restarted: Collection[str], beside: Any) -> None: ...


@dataclass(frozen=True)
class Run:
    """A recorded flow, with one frame fault or none. both: cut all wallets, not one."""

    flow: str
    fault: str
    events: tuple[StoreEvent, ...]
    both: bool = False


@dataclass(frozen=True)
class Failure:
    """A cut after which a rule is broken, with the data to repeat it.

    nvm: contents by wallet right after the cut; end: the same when the broken rule was found;
    frames: on the air since the flow began.
    """

    flow: str
    fault: str
    cut: Cut
    both: bool
    what: str
    nvm: Images
    end: Images = field(default_factory=dict)
    frames: tuple[FrameRecord, ...] = ()


@dataclass
class Tally:
    """Counts of what was tried.

    points: cut points, each as flow, fault, both, event and store; variants: cuts, each outcome of
    a word counted; states: digests of distinct NVM contents, moment and victims; continuations:
    executed ones, shared by equal starts.
    """

    points: set[tuple[str, str, bool, int, int]] = field(default_factory=set)
    variants: int = 0
    continuations: int = 0
    states: set[bytes] = field(default_factory=set)
    failures: list[Failure] = field(default_factory=list)


@dataclass(frozen=True)
class _Continuation:
    """Result of a continuation."""

    failure: str | None
    end: Images = field(default_factory=dict)
    frames: tuple[FrameRecord, ...] = ()


def images(bench: Bench) -> dict[str, bytes]:
    """Return the NVM of each wallet."""
    return {name: wallet.core.read_nvm() for name, wallet in bench.wallets.items()}


class Explorer:
    """Cuts runs of a flow."""

    def __init__(self, starts: StartCache, judge: Judge, seed: int) -> None:
        self._starts, self._judge, self._seed = starts, judge, seed
        self._tried: set[bytes] = set()
        self.tally = Tally()

    def cut(self, run: Run, wanted: Callable[[Cut], bool] = lambda cut: True) -> Iterator[Cut]:
        """Try the wanted cuts of a run in order; yield each one when it is done."""
        for number, event in enumerate(run.events):
            if event.snapshot is None:
                raise MachineError("the events were recorded without snapshots")
            known: dict[bytes, _Continuation] = {}
            for cut in cuts_of(number, event):
                if wanted(cut):
                    self._try(run, cut, event, event.snapshot, known)
                    yield cut

    def cut_everywhere(self, run: Run, wanted: Callable[[Cut], bool] = lambda cut: True) -> int:
        """Try all wanted cuts of a run; return their number."""
        return sum(1 for _ in self.cut(run, wanted))

    def _try(
        self,
        run: Run,
        cut: Cut,
        event: StoreEvent,
        snapshot: Snapshot,
        known: dict[bytes, _Continuation],
    ) -> None:
        tally = self.tally
        tally.variants += 1
        tally.points.add((run.flow, run.fault, run.both, cut.event, cut.index))
        nvm = {name: state.state[:NVM_SIZE] for name, state in snapshot.cores.items()}
        nvm[event.wallet] = torn_nvm(event, cut, self._seed)
        if run.both:
            nvm |= _torn_neighbour(run.events, cut, self._seed)
        victims = list(nvm) if run.both else [event.wallet]
        state = digest(repr((event.frames, victims)).encode(), *nvm.values())
        tally.states.add(state)
        tried = digest(f"{run.flow}:{run.fault}:{cut.event}".encode(), state)
        if tried in self._tried:
            return
        self._tried.add(tried)
        torn = {name: nvm[name] for name in victims}
        end = self._continue(cut, event, snapshot, torn, known)
        if end.failure is not None:
            where = (run.flow, run.fault, cut, run.both)
            tally.failures.append(Failure(*where, end.failure, nvm, end.end, end.frames))

    def _continue(
        self,
        cut: Cut,
        event: StoreEvent,
        snapshot: Snapshot,
        victims: Images,
        known: dict[bytes, _Continuation],
    ) -> _Continuation:
        try:
            started = {
                name: self._starts.start(
                    snapshot.bench.wallets[name].core.seed, image, snapshot.cores[name].boots
                )
                for name, image in victims.items()
            }
            before, after = clean_nvm(event, cut.index), clean_nvm(event, cut.index + 1)
            self._judge.check_restart(before, after, started[event.wallet].nvm)
        except (MachineError, self._judge.broken) as error:
            failure = f"at the start: {type(error).__name__}: {error}"
            return _Continuation(failure, frames=tuple(snapshot.bench.field.log))
        key = digest(*(each.name for each in started.values()))
        if key not in known:
            known[key] = self._run(event, snapshot, started)
        return known[key]

    def _run(
        self, event: StoreEvent, snapshot: Snapshot, started: Mapping[str, Started]
    ) -> _Continuation:
        bench = snapshot.restored(memoized=True)
        self.tally.continuations += 1
        try:
            restart(bench, started)
            self._judge.finish(bench, list(started), event.beside)
        except (MachineError, self._judge.broken) as error:
            failure = f"{type(error).__name__}: {error}"
            return _Continuation(failure, images(bench), tuple(bench.field.log))
        return _Continuation(None)


def restart(bench: Bench, started: Mapping[str, Started]) -> None:
    """Empty the field, cut the power of some wallets, and resume these from their starts."""
    clear_field(bench)
    for name in started:
        bench.wallets[name].cut_power()
    bench.run_for(APART)
    for name, state in started.items():
        bench.wallets[name].resume(state)


def clear_field(bench: Bench) -> None:
    """Take all wallets and readers out of the field, even during a frame."""
    for endpoint in bench.field.placed:
        if endpoint not in [wallet.chip for wallet in bench.wallets.values()]:
            bench.field.set_carrier(endpoint, False)
        bench.field.remove(endpoint)


def _torn_neighbour(events: tuple[StoreEvent, ...], cut: Cut, seed: int) -> dict[str, bytes]:
    """Return the torn NVM of the other wallet if it stores at the same time (no frame between).

    Stores are paired in proportion: the first of one with the first of the other, and so on.
    """
    event = events[cut.event]
    for number in (cut.event + 1, cut.event - 1):
        if not 0 <= number < len(events):
            continue
        other = events[number]
        if other.wallet != event.wallet and other.frames == event.frames:
            index = cut.index * len(other.stores) // len(event.stores)
            return {other.wallet: torn_nvm(other, Cut(number, index, cut.torn), seed)}
    return {}
