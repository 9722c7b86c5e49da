"""`make sweep`: cut the power of two wallets at every store into NVM, in each flow."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from pathlib import Path
from typing import Any

from jiaozi_sim.machines.unicorn_core import program_unit
from scenarios.sweep.flows import FLOWS
from scenarios.sweep.images import ELF, LARGE_UNITS, ROOT, image
from scenarios.sweep.plan import make_plan
from scenarios.sweep.report import Progress, keep, table
from scenarios.sweep.work import Crew


def sweep(
    elf: Path,
    seed: int,
    flows: list[str],
    workers: int,
    every: int = 1,
    folder: Path | None = None,
) -> dict[str, Any]:
    """Do the whole plan, or what there is time for until Ctrl-C; returns the report."""
    with Crew(elf, seed, workers) as crew:
        print(f"{len(flows)} flows, each played once without a cut ...", flush=True)
        plan = make_plan(crew.dry(flows), every)
        progress = Progress(plan, seed, None if elf == ELF else elf)
        try:
            for done in crew.do(plan.tasks):
                progress.add(done)
                for failure in done.failures if folder else ():
                    keep(folder or Path(), failure)
        except KeyboardInterrupt:
            print("broken off: the report says what was done", file=sys.stderr)
        return progress.result()


def together(results: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Reports of several images, by program unit, as one: sums, and each one's enumeration."""
    first = next(iter(results.values()))
    sums = {
        key: round(sum(result[key] for result in results.values()), 1)
        for key, value in first.items()
        if isinstance(value, int | float) and key != "seed"
    }
    each = {
        unit: {key: value for key, value in result.items() if key != "enumeration"}
        for unit, result in results.items()
    }
    enumeration = {unit: result["enumeration"] for unit, result in results.items()}
    return {"seed": first["seed"], **sums, "program_units": each, "enumeration": enumeration}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--elf", type=image, help="the image under test; default: those of both program units"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1, help="each n-th cut point only")
    parser.add_argument("--workers", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--flow", action="append", choices=list(FLOWS), help="default: all")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "sweep.json")
    parser.add_argument("--plan", action="store_true", help="only print what would be tried")
    parser.add_argument("--keep", type=Path, help="folder for images and logs of failures")
    given = parser.parse_args()
    flows = given.flow or list(FLOWS)
    results: dict[str, dict[str, Any]] = {}
    images = [given.elf] if given.elf else [ELF, LARGE_UNITS]
    try:
        for elf in images:
            unit = program_unit(elf)
            print(f"{elf.parent.name}: NVM is programmed in units of {unit} bytes", flush=True)
            if given.plan:
                with Crew(elf, given.seed, given.workers) as crew:
                    print(table(make_plan(crew.dry(flows), given.every)))
                continue
            some = sweep(elf, given.seed, flows, given.workers, given.every, given.keep)
            results[str(unit)] = some
            if some["cut_points_done"] < some["cut_points_total"]:
                break
    except KeyboardInterrupt:  # before an image's first cut
        if not results:
            print("broken off: nothing is reported", file=sys.stderr)
            return 130
        print("broken off: the report is of one image", file=sys.stderr)
    if given.plan:
        return 0
    result = together(results)
    given.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    del result["enumeration"]
    print(json.dumps(result))
    if len(results) < len(images) or result["cut_points_done"] < result["cut_points_total"]:
        return 1
    return 1 if result["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
