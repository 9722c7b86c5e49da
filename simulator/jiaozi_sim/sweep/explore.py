"""From every cut to the end: restart, begin again, and ask the judge.

Nothing is reached by running again. A flow is run once for each fault of a frame, and what its
wallets program is recorded with a snapshot (cuts.Recorder). A cut then is: that snapshot, with one
wallet's NVM torn (or both's) and the wallet started anew (boots.Boots); the judge goes on from
there. Whatever else had been put into the field is gone, and the wallets come into it anew.

Continuations are shared by starts that are equal in everything: surroundings, registers, RAM, NVM,
entropy, marks, UARTs, clock, and what they have told their chips.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from jiaozi_sim.field import FrameRecord
from jiaozi_sim.machines.base import NVM_SIZE, MachineError
from jiaozi_sim.sweep.bench import Bench, Snapshot
from jiaozi_sim.sweep.booted import Booted
from jiaozi_sim.sweep.boots import Boots
from jiaozi_sim.sweep.cuts import Cut, Programmed, clean_nvm, cuts_of, digest, torn_nvm

APART = 0.05
"""Seconds between the cut and the wallets' coming together again."""

Images = Mapping[str, bytes]


class Judge(Protocol):
    """What a flow wants. Both methods raise `broken` where a rule is.

    restarted: a wallet was cut in one store and has started; before and after are its NVM without
    and with that store whole, started is what its start made of the torn one.
    finish: do what was cut again, until all is done; restarted names the wallets that have been.
    """

    @property
    def broken(self) -> type[Exception]: ...
    def restarted(self, before: bytes, after: bytes, started: bytes) -> None: ...
    def finish(self, bench: Bench, restarted: Collection[str], beside: Any) -> None: ...


@dataclass(frozen=True)
class Run:
    """A flow as it was recorded, a frame of it mistreated or none. both: all wallets are cut."""

    flow: str
    fault: str
    events: tuple[Programmed, ...]
    both: bool = False


@dataclass(frozen=True)
class Failure:
    """A cut after which a rule is broken, and how to see it again.

    nvm: by wallet as the cut left it; end: the same when the rule was found broken, with frames,
    what had been on the air since the flow began.
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
    """What was done.

    points: the cut points, each as flow, fault, both, event and store; variants: cuts with each
    outcome; states: a digest for each distinct NVM contents, moment and victim; continuations: how
    many were run, the others being equal to one.
    """

    points: set[tuple[str, str, bool, int, int]] = field(default_factory=set)
    variants: int = 0
    continuations: int = 0
    states: set[bytes] = field(default_factory=set)
    failures: list[Failure] = field(default_factory=list)


@dataclass(frozen=True)
class _Course:
    """How a continuation ended."""

    failure: str | None
    end: Images = field(default_factory=dict)
    frames: tuple[FrameRecord, ...] = ()


def images(bench: Bench) -> dict[str, bytes]:
    """The NVM of each wallet."""
    return {name: seat.core.read_nvm() for name, seat in bench.seats.items()}


class Explorer:
    """Cuts runs of a flow."""

    def __init__(self, boots: Boots, judge: Judge, seed: int) -> None:
        self._boots, self._judge, self._seed = boots, judge, seed
        self._tried: set[bytes] = set()
        self.tally = Tally()

    def cut(self, run: Run, wanted: Callable[[Cut], bool] = lambda cut: True) -> Iterator[Cut]:
        """Try the wanted cuts of a run, one after the other; each is yielded when it is done."""
        for number, event in enumerate(run.events):
            if event.snapshot is None:
                raise MachineError("the events were recorded without snapshots")
            courses: dict[bytes, _Course] = {}
            for cut in cuts_of(number, event):
                if wanted(cut):
                    self._try(run, cut, event, event.snapshot, courses)
                    yield cut

    def cut_everywhere(self, run: Run, wanted: Callable[[Cut], bool] = lambda cut: True) -> int:
        """Try all wanted cuts of a run; returns how many."""
        return sum(1 for _ in self.cut(run, wanted))

    def _try(
        self,
        run: Run,
        cut: Cut,
        event: Programmed,
        snapshot: Snapshot,
        courses: dict[bytes, _Course],
    ) -> None:
        tally = self.tally
        tally.variants += 1
        tally.points.add((run.flow, run.fault, run.both, cut.event, cut.index))
        nvm = {name: state.state[:NVM_SIZE] for name, state in snapshot.cores.items()}
        nvm[event.seat] = torn_nvm(event, cut, self._seed)
        if run.both:
            nvm |= neighbour(run.events, cut, self._seed)
        victims = list(nvm) if run.both else [event.seat]
        state = digest(repr((event.frames, victims)).encode(), *nvm.values())
        tally.states.add(state)
        tried = digest(f"{run.flow}:{run.fault}:{cut.event}".encode(), state)
        if tried in self._tried:
            return
        self._tried.add(tried)
        course = self._course(cut, event, {name: nvm[name] for name in victims}, courses)
        if course.failure is not None:
            where = (run.flow, run.fault, cut, run.both)
            tally.failures.append(Failure(*where, course.failure, nvm, course.end, course.frames))

    def _course(
        self, cut: Cut, event: Programmed, victims: Images, courses: dict[bytes, _Course]
    ) -> _Course:
        snapshot = event.snapshot
        if snapshot is None:
            raise MachineError("the events were recorded without snapshots")
        try:
            booted = {
                name: self._boots.boot(
                    snapshot.bench.seats[name].core.seed, image, snapshot.cores[name].boots
                )
                for name, image in victims.items()
            }
            before, after = clean_nvm(event, cut.index), clean_nvm(event, cut.index + 1)
            self._judge.restarted(before, after, booted[event.seat].nvm)
        except (MachineError, self._judge.broken) as error:
            said = f"at the start: {type(error).__name__}: {error}"
            return _Course(said, frames=tuple(snapshot.bench.field.log))
        key = digest(*(each.name for each in booted.values()))
        if key not in courses:
            courses[key] = self._run(event, snapshot, booted)
        return courses[key]

    def _run(self, event: Programmed, snapshot: Snapshot, booted: Mapping[str, Booted]) -> _Course:
        bench = snapshot.restored(remembering=True)
        self.tally.continuations += 1
        try:
            restart(bench, booted)
            self._judge.finish(bench, list(booted), event.beside)
        except (MachineError, self._judge.broken) as error:
            said = f"{type(error).__name__}: {error}"
            return _Course(said, images(bench), tuple(bench.field.log))
        return _Course(None)


def restart(bench: Bench, booted: Mapping[str, Booted]) -> None:
    """Take the wallets apart, and the power from some; these come back as they have booted."""
    empty(bench)
    for name in booted:
        bench.seats[name].cut_power()
    bench.run_for(APART)
    for name, state in booted.items():
        bench.seats[name].start_booted(state)


def empty(bench: Bench) -> None:
    """Take everything out of the field, in mid-frame if need be."""
    for endpoint in bench.field.placed:
        if endpoint not in [seat.chip for seat in bench.seats.values()]:
            bench.field.set_carrier(endpoint, False)
        bench.field.remove(endpoint)


def neighbour(events: tuple[Programmed, ...], cut: Cut, seed: int) -> dict[str, bytes]:
    """The torn NVM of the other wallet, where it stores while this one does: no frame between.

    The two are paired diagonally: the first store of one with the first of the other, and so on in
    proportion.
    """
    event = events[cut.event]
    for number in (cut.event + 1, cut.event - 1):
        if not 0 <= number < len(events):
            continue
        other = events[number]
        if other.seat != event.seat and other.frames == event.frames:
            index = cut.index * len(other.stores) // len(event.stores)
            return {other.seat: torn_nvm(other, Cut(number, index, cut.torn), seed)}
    return {}
