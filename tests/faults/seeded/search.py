"""Does the sweep find something in an image? Flow by flow, up to the first failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jiaozi_sim.sweep.cuts import Cut, Programmed
from jiaozi_sim.sweep.explore import Explorer
from scenarios.sweep import FLOWS, JUDGE, NO_FAULT, Stage, replay_line

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
    stage = Stage(elf, FLOWS[flow], SEED)
    try:
        yield stage
    finally:
        stage.close()


def search(elf: Path, flow: str) -> Search:
    """Cut a flow until a cut fails. Raises Broken, MachineError for what breaks without a cut."""
    found = Search(flow)
    with _stage(elf, flow) as stage:
        events = stage.record(NO_FAULT)
        for chosen in _rounds(events):
            _cut(elf, stage, events, found, chosen, first=True)
            if found.failed is not None:
                break
    return found


def repeat(elf: Path, flow: str, cuts: set[Cut]) -> Search:
    """Try cuts that were tried in another image, as far as this one stores as often.

    Raises Broken, MachineError for what breaks without a cut.
    """
    done = Search(flow)
    with _stage(elf, flow) as stage:
        events = stage.record(NO_FAULT)
        _cut(elf, stage, events, done, cuts.__contains__, first=False)
    return done


def _rounds(events: list[Programmed]) -> tuple[Chooser, ...]:
    """Where a record begins and ends, then every 16th store, then every store."""

    def edge(cut: Cut) -> bool:
        return cut.index == 0 or cut.index >= len(events[cut.event].stores) - _EDGE

    return edge, lambda cut: cut.index % _STRIDE == 0, lambda cut: True


def _cut(
    elf: Path, stage: Stage, events: list[Programmed], into: Search, chosen: Chooser, first: bool
) -> None:
    def wanted(cut: Cut) -> bool:
        if not chosen(cut) or cut in into.tried:
            return False
        into.tried.add(cut)
        return True

    explorer = Explorer(stage.boots, JUDGE, SEED)
    failures = explorer.tally.failures
    explorer.cut_everywhere(
        into.flow, NO_FAULT, events, wanted=wanted, out_of_time=lambda: first and bool(failures)
    )
    if failures:
        into.failed, into.oracle = failures[0].cut, failures[0].what
        into.replay = replay_line(failures[0], SEED, elf)
