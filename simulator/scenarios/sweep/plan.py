"""What a sweep tries: every cut point of every flow first, then both wallets cut, then frames too.

The plan is fixed by the flows, not by time. It is made from a dry run of each flow, which says what
the wallets store and how many frames there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from jiaozi_sim.sweep.cuts import TORN, Cut, Programmed
from scenarios.sweep.flows import FLOWS, Flow
from scenarios.sweep.stage import ACTIONS, NO_FAULT

_SPARSE = 64
_BLOCK = 24
_BOTH_EACH = 3
_ALL_OUTCOMES = ("payee-reads", "payer-reads", "top-up", "cash-out", "pin-change")
_ALTERNATELY = TORN[2:]


@dataclass(frozen=True)
class Event:
    """What one wallet stores between waking and sleeping: indices of its cut points."""

    seat: str
    frames: int
    points: tuple[int, ...]


@dataclass(frozen=True)
class Dry:
    """A flow by its dry run."""

    flow: str
    frames: int
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Task:
    """Part of a sweep: the cuts at some points of an event, in a run with a fault or without."""

    flow: str
    fault: str = NO_FAULT
    both: bool = False
    event: int = 0
    points: tuple[int, ...] = ()
    number: int = 0  # of a frame fault


@dataclass
class Plan:
    """Tasks in their order, and how many cut points each kind of them has, by flow."""

    tasks: list[Task] = field(default_factory=list)
    enumeration: dict[str, dict[str, Any]] = field(default_factory=dict)
    points: int = 0


def points_of(event: Programmed) -> tuple[int, ...]:
    """The cut points of an event: every store; of words erased that are blank, each 64th."""
    return tuple(
        index
        for index, store in enumerate(event.stores)
        if not (store.erasing and store.old == store.blank) or store.offset // 4 % _SPARSE == 0
    )


def outcomes(flow: str, event: Programmed, index: int, task: Task) -> tuple[str, ...]:
    """The outcomes that are tried at a cut point.

    All four in the commonest flows; in the others before, after, and one of the other two by turns.
    An erase, and whatever is crossed with something else, has one outcome, by turns.
    """
    if event.stores[index].erasing or task.both or task.fault != NO_FAULT:
        return (TORN[(index + task.number) % len(TORN)],)
    if flow in _ALL_OUTCOMES:
        return TORN
    return (*TORN[:2], _ALTERNATELY[index % 2])


def crossed(run_events: tuple[Programmed, ...], number: int) -> tuple[int, int]:
    """Event and index of the store that the frame fault of this number is crossed with.

    Consecutive faults meet stores a golden section apart, so that they spread over all.
    """
    places = [
        (at, index)
        for at, event in enumerate(run_events)
        for index in points_of(event)
        if not event.stores[index].erasing
    ]
    return places[int(number * 0.6180339887 * len(places)) % len(places)]


def chosen(task: Task, events: tuple[Programmed, ...]) -> Callable[[Cut], bool]:
    """Whether a cut is the task's."""
    if task.fault == NO_FAULT:
        places = {(task.event, index) for index in task.points}
    else:
        places = {crossed(events, task.number)}

    def is_chosen(cut: Cut) -> bool:
        if (cut.event, cut.index) not in places:
            return False
        return cut.torn in outcomes(task.flow, events[cut.event], cut.index, task)

    return is_chosen


def faults(flow: Flow, frames: int) -> list[str]:
    """The frame faults of a flow: of a tap every frame in every way, at a desk each in one way."""
    if flow.tap:
        return [f"{action}-{nth}" for nth in range(1, frames + 1) for action in ACTIONS]
    return [f"{ACTIONS[nth % len(ACTIONS)]}-{nth}" for nth in range(1, frames + 1)]


def make_plan(dry: list[Dry], every: int = 1) -> Plan:
    """The tasks for flows that have been run dry; every: each n-th cut point only."""
    plan = Plan()
    for both in (False, True):
        for one in dry:
            if both and not FLOWS[one.flow].tap:
                continue
            plan.tasks += _blocks(one, both, every)
    for one in dry:
        plan.tasks += [
            Task(one.flow, fault, number=number)
            for number, fault in enumerate(faults(FLOWS[one.flow], one.frames))
            if number % every == 0
        ]
    for one in dry:
        plan.enumeration[one.flow] = _enumerate(one, plan)
    plan.points = sum(size(task) for task in plan.tasks)
    return plan


def size(task: Task) -> int:
    """How many cut points a task has."""
    return len(task.points) if task.fault == NO_FAULT else 1


def _blocks(dry: Dry, both: bool, every: int) -> Iterator[Task]:
    for number, event in enumerate(dry.events):
        points = event.points[:: every * (_BOTH_EACH if both else 1)]
        for at in range(0, len(points), _BLOCK):
            yield Task(dry.flow, NO_FAULT, both, number, points[at : at + _BLOCK])


def _enumerate(dry: Dry, plan: Plan) -> dict[str, Any]:
    own = [task for task in plan.tasks if task.flow == dry.flow]
    single = [task for task in own if task.fault == NO_FAULT and not task.both]
    return {
        "stores": [
            f"{event.seat} {len(event.points)} after frame {event.frames}" for event in dry.events
        ],
        "frames": dry.frames,
        "single": sum(size(task) for task in single),
        "both": sum(size(task) for task in own if task.both),
        "frame_faults": sum(task.fault != NO_FAULT for task in own),
    }
