"""Plan of a sweep: first all cut points of all flows, then cuts of both wallets, then frame faults.

The flows determine the plan, not the time available. It is made from a dry run of each flow, which
gives the wallets' stores and the number of frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.sweep.engine.cuts import TORN, Cut, StoreEvent
from tests.sweep.flows.catalogue import FLOWS, Flow
from tests.sweep.flows.prepared import ACTIONS, NO_FAULT

_SPARSE = 64
_BLOCK = 24
_BOTH_EACH = 3
_ALL_OUTCOMES = ("payee-reads", "payer-reads", "top-up", "cash-out", "pin-change")
_ALTERNATELY = TORN[2:]


@dataclass(frozen=True)
class EventPoints:
    """Cut points of a store event, as indices of its stores."""

    wallet: str
    frames: int
    points: tuple[int, ...]


@dataclass(frozen=True)
class DryRun:
    """Result of a flow's dry run."""

    flow: str
    frames: int
    events: tuple[EventPoints, ...]


@dataclass(frozen=True)
class Task:
    """Part of a sweep: cuts at some points of an event, in a run with a frame fault or without."""

    flow: str
    fault: str = NO_FAULT
    both: bool = False
    event: int = 0
    points: tuple[int, ...] = ()
    number: int = 0  # of a frame fault


@dataclass
class Plan:
    """Tasks in their order, and the number of cut points by flow and kind."""

    tasks: list[Task] = field(default_factory=list)
    enumeration: dict[str, dict[str, Any]] = field(default_factory=dict)
    points: int = 0


def points_of(event: StoreEvent) -> tuple[int, ...]:
    """Return the cut points of an event: every store, but of erased blank words every 64th."""
    return tuple(
        index
        for index, store in enumerate(event.stores)
        if not (store.erasing and store.old == store.blank) or store.offset // 4 % _SPARSE == 0
    )


def outcomes(flow: str, event: StoreEvent, index: int, task: Task) -> tuple[str, ...]:
    """Return the outcomes to try at a cut point.

    All four in the commonest flows; elsewhere old, new, and one of the other two in turn. Erased
    words, cuts of both wallets, and cuts with a frame fault have one outcome, in turn.
    """
    if event.stores[index].erasing or task.both or task.fault != NO_FAULT:
        return (TORN[(index + task.number) % len(TORN)],)
    if flow in _ALL_OUTCOMES:
        return TORN
    return (*TORN[:2], _ALTERNATELY[index % 2])


def crossed(run_events: tuple[StoreEvent, ...], number: int) -> tuple[int, int]:
    """Return event and index of the store that is cut together with the frame fault `number`.

    Stores of consecutive faults lie a golden section apart, which spreads them over all stores.
    """
    places = [
        (at, index)
        for at, event in enumerate(run_events)
        for index in points_of(event)
        if not event.stores[index].erasing
    ]
    return places[int(number * 0.6180339887 * len(places)) % len(places)]


def chosen(task: Task, events: tuple[StoreEvent, ...]) -> Callable[[Cut], bool]:
    """Return the predicate for the cuts of a task."""
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
    """Return the frame faults of a flow: in a tap each frame in every way, at a desk in one way."""
    if flow.tap:
        return [f"{action}-{nth}" for nth in range(1, frames + 1) for action in ACTIONS]
    return [f"{ACTIONS[nth % len(ACTIONS)]}-{nth}" for nth in range(1, frames + 1)]


def make_plan(dry: list[DryRun], every: int = 1) -> Plan:
    """Make the tasks from dry runs; every: take only each n-th cut point."""
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
    """Return the number of cut points of a task."""
    return len(task.points) if task.fault == NO_FAULT else 1


def _blocks(dry: DryRun, both: bool, every: int) -> Iterator[Task]:
    for number, event in enumerate(dry.events):
        points = event.points[:: every * (_BOTH_EACH if both else 1)]
        for at in range(0, len(points), _BLOCK):
            yield Task(dry.flow, NO_FAULT, both, number, points[at : at + _BLOCK])


def _enumerate(dry: DryRun, plan: Plan) -> dict[str, Any]:
    own = [task for task in plan.tasks if task.flow == dry.flow]
    single = [task for task in own if task.fault == NO_FAULT and not task.both]
    return {
        "stores": [
            f"{event.wallet} {len(event.points)} after frame {event.frames}" for event in dry.events
        ],
        "frames": dry.frames,
        "single": sum(size(task) for task in single),
        "both": sum(size(task) for task in own if task.both),
        "frame_faults": sum(task.fault != NO_FAULT for task in own),
    }
