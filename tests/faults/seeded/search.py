"""Does the sweep find something in an image? Flow by flow, up to the first failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jiaozi_sim.sweep.cuts import Cut
from jiaozi_sim.sweep.explore import Explorer, Run
from scenarios.sweep import pin
from scenarios.sweep.flows import FLOWS
from scenarios.sweep.images import ROOT
from scenarios.sweep.plan import points_of
from scenarios.sweep.report import replay_line
from scenarios.sweep.stage import NO_FAULT, Stage, Stages

SEED = 1
_STRIDE = 16
_EDGE = 3
_LOOKS = 100

Chooser = Callable[[Cut], bool]


@dataclass
class Search:
    """What cutting a flow came to: which cuts were tried, how many, and the first that failed.

    replay: the command that repeats that one, "" when none failed; oracle: what it says.
    """

    flow: str
    tried: set[Cut] = field(default_factory=set)
    count: int = 0
    replay: str = ""
    oracle: str = ""


@contextmanager
def _stage(elf: Path, flow: str) -> Iterator[Stage]:
    stages = Stages(elf, SEED)
    try:
        yield stages.get(FLOWS[flow])
    finally:
        stages.close()


def search(elf: Path, flow: str) -> Search:
    """Cut a flow until a cut fails. Raises Broken, MachineError for what breaks without a cut."""
    if flow in pin.CASES:
        return _search_pin(elf, flow)
    found = Search(flow)
    with _stage(elf, flow) as stage:
        run = stage.record(NO_FAULT)
        for chosen in _rounds(run):
            _cut(elf, stage, run, found, chosen, first=True)
            if found.replay:
                break
    return found


def repeat(elf: Path, flow: str, cuts: set[Cut]) -> Search:
    """Try cuts that were tried in another image, as far as this one stores as often.

    Raises Broken, MachineError for what breaks without a cut.
    """
    if flow in pin.CASES:
        return _search_pin(elf, flow)
    done = Search(flow)
    with _stage(elf, flow) as stage:
        _cut(elf, stage, stage.record(NO_FAULT), done, cuts.__contains__, first=False)
    return done


def _rounds(run: Run) -> tuple[Chooser, ...]:
    """Where a record begins and ends, then every 16th store, then every cut point."""
    points = [points_of(event) for event in run.events]

    def edge(cut: Cut) -> bool:
        return cut.index in (points[cut.event][0], *points[cut.event][-_EDGE:])

    return (
        edge,
        lambda cut: cut.index in points[cut.event][::_STRIDE],
        lambda cut: cut.index in points[cut.event],
    )


def _cut(elf: Path, stage: Stage, run: Run, into: Search, chosen: Chooser, first: bool) -> None:
    explorer = Explorer(stage.boots, stage, SEED)
    failures = explorer.tally.failures
    for cut in explorer.cut(run, lambda cut: chosen(cut) and cut not in into.tried):
        into.tried.add(cut)
        into.count += 1
        if first and failures:
            break
    if failures:
        into.oracle = failures[0].what
        into.replay = replay_line(failures[0], SEED, elf.relative_to(ROOT))


def _search_pin(elf: Path, case: str) -> Search:
    """All of one case: it is short. A complaint about a cut comes before others."""
    tally = pin.check(pin.Stage(elf, SEED), pin.CASES[case], SEED, _LOOKS)
    done = Search(case, count=tally.torn_variants)
    if tally.complaints:
        done.oracle = min(tally.complaints, key=lambda complaint: not complaint.startswith("cut"))
        done.replay = (
            f"build/venv/bin/python -m scenarios.sweep.pin --seed {SEED}"
            f" --elf {elf.relative_to(ROOT)} --case {case}"
        )
    return done
