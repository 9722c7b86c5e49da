"""Build the firmware with each seeded fault and search it for a failing cut (`make seeded`).

Writes build/seeded.json. The control is the image without a fault: it must pass every cut that was
tried on any image with one. Ends with 1 if a fault is not found or the control fails.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jiaozi_sim.lifetime import worker_pool
from jiaozi_sim.machines.base import MachineError
from tests.faults.seeded.faults import Fault, load_all
from tests.faults.seeded.images import RELEASE, Workshop
from tests.faults.seeded.search import Search, repeat, search
from tests.sweep.engine.cuts import Cut
from tests.sweep.flows.oracle import Broken

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Task:
    """An image to search; cuts: try these of one flow instead of searching."""

    name: str
    elf: Path
    flows: tuple[str, ...]
    cuts: frozenset[Cut] | None = None


@dataclass(frozen=True)
class Outcome:
    """Result of a task. broken: why a flow failed without any cut."""

    name: str
    searches: tuple[Search, ...]
    broken: str
    seconds: float

    @property
    def finding(self) -> Search | None:
        """The search that found a failing cut, None if none did."""
        return next((one for one in self.searches if one.replay), None)


def do(task: Task) -> Outcome:
    """Search one image, flow by flow, until a cut fails."""
    begun = time.monotonic()
    searches: list[Search] = []
    broken = ""
    try:
        for flow in task.flows:
            if task.cuts is None:
                searches.append(search(task.elf, flow))
            else:
                searches.append(repeat(task.elf, flow, set(task.cuts)))
            if searches[-1].replay:
                break
    except (Broken, MachineError) as error:
        broken = f"{flow}, not cut at all: {type(error).__name__}: {error}"
    return Outcome(task.name, tuple(searches), broken, round(time.monotonic() - begun, 1))


def _controls(outcomes: list[Outcome], elf: Path) -> list[Task]:
    cuts: dict[str, set[Cut]] = {}
    for outcome in outcomes:
        for one in outcome.searches:
            cuts.setdefault(one.flow, set()).update(one.tried)
    return [
        Task(f"control, {flow}", elf, (flow,), frozenset(tried)) for flow, tried in cuts.items()
    ]


def _entry(fault: Fault, outcome: Outcome) -> dict[str, Any]:
    """Return a fault's entry in build/seeded.json."""
    finding = outcome.finding
    return {
        "name": fault.name,
        "changed": fault.changed,
        "lost": fault.lost,
        "flow": finding.flow if finding else None,
        "cut": finding.replay if finding else None,
        "oracle": finding.oracle if finding else outcome.broken or "saw nothing",
        "tried": sum(one.count for one in outcome.searches),
        "seconds": outcome.seconds,
    }


def report(faults: list[Fault], outcomes: list[Outcome], controls: list[Outcome]) -> dict[str, Any]:
    """Return the contents of build/seeded.json without the time; print what is wrong."""
    by_name = {outcome.name: outcome for outcome in outcomes}
    entries = [_entry(fault, by_name[fault.name]) for fault in faults]
    wrong = [one for one in controls if one.broken or one.finding is not None]
    for one in wrong:
        _print(one)
    for fault in entries:
        if fault["cut"] is None:
            print(f"not found: {fault['name']}: {fault['oracle']}")
    return {
        "seeded": len(faults),
        "found": sum(fault["cut"] is not None for fault in entries),
        "control": {
            "cuts": sum(search.count for one in controls for search in one.searches),
            "failures": len(wrong),
        },
        "faults": entries,
    }


def find(faults: list[Fault], workshop: Workshop, control: Path, workers: int) -> dict[str, Any]:
    """Search every image, then try all cuts of these searches on the control.

    Images are built while others are searched. Raises NotSeeded, BuildFailed.
    """
    tasks = (Task(fault.name, workshop.build(fault), fault.flows) for fault in faults)
    outcomes: list[Outcome] = []
    with worker_pool(workers) as pool:
        for outcome in pool.imap_unordered(do, tasks):
            outcomes.append(outcome)
            _print(outcome)
        controls = pool.map(do, _controls(outcomes, control), chunksize=1)
    return report(faults, outcomes, controls)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", nargs="*", help="names of faults; default: all")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes; default: cores"
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "seeded.json", help="the report's file"
    )
    given = parser.parse_args()
    begun = time.monotonic()
    faults = [one for one in load_all() if not given.name or one.name in given.name]
    if unknown := set(given.name) - {one.name for one in faults}:
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    workshop = Workshop(ROOT / "build" / "seeded")
    control = workshop.build(None)
    if control.read_bytes() != RELEASE.read_bytes():
        release = RELEASE.relative_to(ROOT)
        print(f"the image without a fault differs from {release}; run `make firmware` first")
        return 1
    try:
        result = find(faults, workshop, control, given.workers)
    except KeyboardInterrupt:
        print("interrupted: nothing is reported", file=sys.stderr)
        return 130
    result["seconds"] = round(time.monotonic() - begun, 1)
    given.out.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    unchanged = result["control"]
    print(
        f"seeded {result['seeded']}, found {result['found']}; control: {unchanged['cuts']} cuts,"
        f" {unchanged['failures']} failures; {result['seconds']} s"
    )
    return 1 if unchanged["failures"] or result["found"] < result["seeded"] else 0


def _print(outcome: Outcome) -> None:
    finding = outcome.finding
    word = f"{finding.oracle}\n    {finding.replay}" if finding else outcome.broken or "NOT FOUND"
    print(f"{outcome.name} ({outcome.seconds} s): {word}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
