"""The sweep's plan: every cut point once, then combinations, spread over all flows."""

from __future__ import annotations

from itertools import pairwise

from tests.sweep.engine.cuts import Store, StoreEvent
from tests.sweep.flows.prepared import NO_FAULT
from tests.sweep.plan import DryRun, EventPoints, crossed, make_plan, size

DRY = [
    DryRun(
        "payee-reads",
        30,
        (EventPoints("payer", 5, tuple(range(100))), EventPoints("payee", 9, (3, 5))),
    ),
    DryRun("top-up", 20, (EventPoints("payer", 7, tuple(range(50))),)),
]


def test_every_cut_point_comes_once_and_before_all_crosses() -> None:
    plan = make_plan(DRY)
    single = [task for task in plan.tasks if task.fault == NO_FAULT and not task.both]
    assert plan.tasks[: len(single)] == single
    found = [(task.flow, task.event, point) for task in single for point in task.points]
    wanted = [
        (one.flow, number, point)
        for one in DRY
        for number, event in enumerate(one.events)
        for point in event.points
    ]
    assert found == wanted
    assert plan.points == sum(size(task) for task in plan.tasks)


def test_a_tap_has_every_frame_mistreated_in_every_way() -> None:
    faults = [task.fault for task in make_plan(DRY).tasks if task.flow == "payee-reads"]
    wanted = {f"{how}-{nth}" for nth in range(1, 31) for how in ("lose", "repeat", "truncate")}
    assert {fault for fault in faults if fault != NO_FAULT} == wanted


def test_frame_faults_meet_stores_all_over() -> None:
    stores = tuple(Store(4 * at, 0xFFFFFFFF, 0, erasing=False) for at in range(100))
    events = (StoreEvent("payer", b"", stores, 5, None), StoreEvent("payee", b"", stores, 9, None))
    met = {crossed(events, number) for number in range(90)}
    assert len(met) > 80
    gaps = sorted(100 * at + index for at, index in met)
    assert max(b - a for a, b in pairwise(gaps)) < 8
