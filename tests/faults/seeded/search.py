"""Search an image for a cut that fails, flow by flow, up to the first failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.sweep.engine.cuts import Cut
from tests.sweep.engine.explorer import Explorer, Run
from tests.sweep.flows.catalogue import FLOWS
from tests.sweep.flows.prepared import NO_FAULT, PreparedFlow, PreparedFlows
from tests.sweep.images import ROOT
from tests.sweep.pin.attempts import CASES, PinWallet
from tests.sweep.pin.checks import check
from tests.sweep.plan import points_of
from tests.sweep.report import replay_line

SEED = 1
_STRIDE = 16
_EDGE = 3
_LOOKS = 100

Chooser = Callable[[Cut], bool]


@dataclass
class Search:
    """Result of cutting a flow.

    tried: the cuts; count: their number; replay: the command that repeats the first failing cut, ""
    if none failed; oracle: the broken rule.
    """

    flow: str
    tried: set[Cut] = field(default_factory=set)
    count: int = 0
    replay: str = ""
    oracle: str = ""


@contextmanager
def _prepared(elf: Path, flow: str) -> Iterator[PreparedFlow]:
    flows = PreparedFlows(elf, SEED)
    try:
        yield flows.get(FLOWS[flow])
    finally:
        flows.close()


def search(elf: Path, flow: str) -> Search:
    """Cut a flow until a cut fails. Raises Broken, MachineError if it fails without a cut."""
    if flow in CASES:
        return _search_pin(elf, flow)
    found = Search(flow)
    with _prepared(elf, flow) as prepared:
        run = prepared.record(NO_FAULT)
        for chosen in _rounds(run):
            _cut(elf, prepared, run, found, chosen, first=True)
            if found.replay:
                break
    return found


def repeat(elf: Path, flow: str, cuts: set[Cut]) -> Search:
    """Try cuts that were tried in another image, as far as they exist in this one.

    Raises Broken, MachineError if it fails without a cut.
    """
    if flow in CASES:
        return _search_pin(elf, flow)
    done = Search(flow)
    with _prepared(elf, flow) as prepared:
        _cut(elf, prepared, prepared.record(NO_FAULT), done, cuts.__contains__, first=False)
    return done


def _rounds(run: Run) -> tuple[Chooser, ...]:
    """Return the rounds: begin and end of records, then every 16th store, then all cut points."""
    points = [points_of(event) for event in run.events]

    def edge(cut: Cut) -> bool:
        return cut.index in (points[cut.event][0], *points[cut.event][-_EDGE:])

    return (
        edge,
        lambda cut: cut.index in points[cut.event][::_STRIDE],
        lambda cut: cut.index in points[cut.event],
    )


def _cut(
    elf: Path, prepared: PreparedFlow, run: Run, into: Search, chosen: Chooser, first: bool
) -> None:
    explorer = Explorer(prepared.starts, prepared, SEED)
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
    """Search all of one case, which is short. Complaints about cuts come before others."""
    tally = check(PinWallet(elf, SEED), CASES[case], SEED, _LOOKS)
    done = Search(case, count=tally.torn_variants)
    if tally.complaints:
        done.oracle = min(tally.complaints, key=lambda complaint: not complaint.startswith("cut"))
        done.replay = (
            f"build/venv/bin/python -m tests.sweep.sweep_pin --seed {SEED}"
            f" --elf {elf.relative_to(ROOT)} --case {case}"
        )
    return done
