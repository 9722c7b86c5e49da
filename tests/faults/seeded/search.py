"""Does the sweep find something in an image? Flow by flow, up to the first failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jiaozi_sim.sweep.cuts import Cut
from jiaozi_sim.sweep.explore import Explorer, Run
from scenarios.sweep_flows import FLOWS
from scenarios.sweep_report import replay_line
from scenarios.sweep_stage import NO_FAULT, Stage, Stages

SEED = 1
_STRIDE = 16
_EDGE = 3

Chooser = Callable[[Cut], bool]


@dataclass
class Search:
    """What cutting a flow came to: the cuts that were tried, and the first that failed.

    replay: the command that repeats it; oracle: what it says.
    """

    flow: str
    tried: set[Cut] = field(default_factory=set)
    failed: Cut | None = None
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
    found = Search(flow)
    with _stage(elf, flow) as stage:
        run = stage.record(NO_FAULT)
        for chosen in _rounds(run):
            _cut(elf, stage, run, found, chosen, first=True)
            if found.failed is not None:
                break
    return found


def repeat(elf: Path, flow: str, cuts: set[Cut]) -> Search:
    """Try cuts that were tried in another image, as far as this one stores as often.

    Raises Broken, MachineError for what breaks without a cut.
    """
    done = Search(flow)
    with _stage(elf, flow) as stage:
        _cut(elf, stage, stage.record(NO_FAULT), done, cuts.__contains__, first=False)
    return done


def _rounds(run: Run) -> tuple[Chooser, ...]:
    """Where a record begins and ends, then every 16th store, then every store."""

    def edge(cut: Cut) -> bool:
        return cut.index == 0 or cut.index >= len(run.events[cut.event].stores) - _EDGE

    return edge, lambda cut: cut.index % _STRIDE == 0, lambda cut: True


def _cut(elf: Path, stage: Stage, run: Run, into: Search, chosen: Chooser, first: bool) -> None:
    def wanted(cut: Cut) -> bool:
        if not chosen(cut) or cut in into.tried:
            return False
        into.tried.add(cut)
        return True

    explorer = Explorer(stage.boots, stage, SEED)
    failures = explorer.tally.failures
    for _ in explorer.cut(run, wanted):
        if first and failures:
            break
    if failures:
        into.failed, into.oracle = failures[0].cut, failures[0].what
        into.replay = replay_line(failures[0], SEED, elf)
