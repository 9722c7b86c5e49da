"""From every cut to the end: restart, tap again, and ask the judge.

Nothing is reached by running again. A flow is run once for each fault of a frame, and what its
wallets program is recorded with a snapshot (cuts.Recorder). A cut then is: that snapshot, with one
wallet's NVM torn and the wallet started anew (boots.Boots), and both brought together again.

Continuations are shared by starts that are equal in everything: surroundings, registers, RAM, NVM,
entropy, marks, UARTs, clock, and what they have told their chips.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from jiaozi_sim.machines.base import MachineError
from jiaozi_sim.sweep.bench import Bench, Snapshot
from jiaozi_sim.sweep.boots import Booted, Boots
from jiaozi_sim.sweep.cuts import Cut, Programmed, cuts_of, digest, torn_nvm

APART = 0.05
"""Seconds between the cut and the wallets' coming together again."""
PATIENCE = 60.0

Images = Mapping[str, bytes]


@dataclass
class Judge:
    """What a flow wants: both are given NVM by wallet.

    settled: whether nothing remains to be done; check raises `broken` where a rule is.
    """

    settled: Callable[[Images], bool]
    check: Callable[[Images], None]
    broken: type[Exception]


@dataclass(frozen=True)
class Failure:
    """A cut after which a rule is broken, and how to see it again."""

    flow: str
    fault: str
    cut: Cut
    both: bool
    what: str
    nvm: Images


@dataclass
class Tally:
    """What was done.

    points: the cut points, as flow, event and store; states: a digest for each distinct pair of NVM
    contents and moment; continuations: how many of those were run, the others being equal to one.
    """

    points: set[tuple[str, int, int]] = field(default_factory=set)
    variants: int = 0
    continuations: int = 0
    states: set[bytes] = field(default_factory=set)
    failures: list[Failure] = field(default_factory=list)


@dataclass
class _Course:
    """How a continuation ended."""

    failure: str | None


def images(bench: Bench) -> dict[str, bytes]:
    """The NVM of each wallet."""
    return {name: seat.core.read_nvm() for name, seat in bench.seats.items()}


def settle(bench: Bench, judge: Judge, patience: float = PATIENCE) -> None:
    """Bring all wallets together and let them tap until nothing remains. Raises Stuck."""
    for seat in bench.seats.values():
        bench.field.place(seat.chip)
    looked = -1

    def done() -> bool:
        nonlocal looked
        if bench.commits == looked:
            return False
        looked = bench.commits
        return judge.settled(images(bench))

    bench.run_until(done, patience)


class Explorer:
    """Cuts one run of a flow in every place."""

    def __init__(self, boots: Boots, judge: Judge, seed: int) -> None:
        self._boots, self._judge, self._seed = boots, judge, seed
        self.tally = Tally()

    def cut_everywhere(
        self,
        flow: str,
        fault: str,
        events: list[Programmed],
        both: bool = False,
        wanted: Callable[[Cut], bool] = lambda cut: True,
        out_of_time: Callable[[], bool] = lambda: False,
    ) -> None:
        """Cut every store of the events, and with `both` the other wallets at the same moment."""
        for number, event in enumerate(events):
            if event.snapshot is None:
                raise MachineError("the events were recorded without snapshots")
            courses: dict[bytes, _Course] = {}
            where = f"{flow}:{fault}:{event.frames}:{both}:{event.seat}".encode()
            others = _others(event.seat, event.snapshot, len(event.nvm))
            for cut in cuts_of(number, event):
                if out_of_time():
                    return
                if not wanted(cut):
                    continue
                nvm = torn_nvm(event, cut, self._seed)
                self.tally.variants += 1
                self.tally.points.add((flow, number, cut.index))
                state = digest(where, nvm, *others.values())
                if state in self.tally.states:
                    continue
                self.tally.states.add(state)
                victims = {event.seat: nvm} | (others if both else {})
                course = self._course(event.snapshot, victims, courses)
                if course.failure is not None:
                    left = {**others, event.seat: nvm}
                    self.tally.failures.append(
                        Failure(flow, fault, cut, both, course.failure, left)
                    )

    def _course(
        self, snapshot: Snapshot, victims: Images, courses: dict[bytes, _Course]
    ) -> _Course:
        try:
            booted = {
                name: self._boots.boot(
                    snapshot.bench.seats[name].core.seed, image, snapshot.cores[name].boots
                )
                for name, image in victims.items()
            }
        except MachineError as error:
            return _Course(f"at the start: {type(error).__name__}: {error}")
        key = digest(*(part for each in booted.values() for part in (each.key, each.ram)))
        if key not in courses:
            courses[key] = self._run(snapshot, booted)
        return courses[key]

    def _run(self, snapshot: Snapshot, booted: Mapping[str, Booted]) -> _Course:
        bench = snapshot.restored()
        for seat in bench.seats.values():
            bench.field.remove(seat.chip)
        for name in booted:
            bench.seats[name].cut_power()
        self.tally.continuations += 1
        try:
            bench.run_for(APART)
            for name, state in booted.items():
                bench.seats[name].start_booted(state.core_state(), state.said)
            settle(bench, self._judge)
            self._judge.check(images(bench))
        except (MachineError, self._judge.broken) as error:
            return _Course(f"{type(error).__name__}: {error}")
        return _Course(None)


def _others(victim: str, snapshot: Snapshot, size: int) -> dict[str, bytes]:
    """The NVM of the wallets that are not the victim, at the moment of the cut."""
    return {name: state.state[:size] for name, state in snapshot.cores.items() if name != victim}
