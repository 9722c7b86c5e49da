"""Cut the power of two wallets at every store into NVM, in each flow (`make sweep`)."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from pathlib import Path
from typing import Any

from jiaozi_sim.machines.firmware_image import program_unit
from tests.sweep.flows.catalogue import FLOWS
from tests.sweep.images import ELF, LARGE_UNITS, ROOT, image
from tests.sweep.plan import make_plan
from tests.sweep.report import Progress, keep, table
from tests.sweep.workers import SweepWorkers


def sweep(
    elf: Path,
    seed: int,
    flows: list[str],
    workers: int,
    every: int = 1,
    folder: Path | None = None,
) -> dict[str, Any]:
    """Execute the whole plan, or as much of it as there is until Ctrl-C; return the report."""
    with SweepWorkers(elf, seed, workers) as pool:
        print(f"{len(flows)} flows, each played once without a cut ...", flush=True)
        plan = make_plan(pool.dry_run(flows), every)
        progress = Progress(plan, seed, None if elf == ELF else elf)
        try:
            for done in pool.execute(plan.tasks):
                progress.add(done)
                for failure in done.failures if folder else ():
                    keep(folder or Path(), failure)
        except KeyboardInterrupt:
            print("interrupted: the report covers what was done", file=sys.stderr)
        return progress.result()


def together(results: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Merge the reports of several images, by program unit: sums, and each one's enumeration."""
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
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--elf", type=image, help="the image under test; default: those of both program units"
    )
    parser.add_argument("--seed", type=int, default=1, help="of all random choices; default: 1")
    parser.add_argument("--every", type=int, default=1, help="try only each n-th cut point")
    parser.add_argument(
        "--workers", type=int, default=multiprocessing.cpu_count(), help="processes; default: cores"
    )
    parser.add_argument(
        "--flow", action="append", choices=list(FLOWS), help="may be repeated; default: all"
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "sweep.json", help="the report's file"
    )
    parser.add_argument("--plan", action="store_true", help="only print what would be tried")
    parser.add_argument(
        "--keep", type=Path, help="folder for NVM images, frames and journals of failures"
    )
    given = parser.parse_args()
    flows = given.flow or list(FLOWS)
    results: dict[str, dict[str, Any]] = {}
    images = [given.elf] if given.elf else [ELF, LARGE_UNITS]
    try:
        for elf in images:
            unit = program_unit(elf)
            print(f"{elf.parent.name}: NVM is programmed in units of {unit} bytes", flush=True)
            if given.plan:
                with SweepWorkers(elf, given.seed, given.workers) as pool:
                    print(table(make_plan(pool.dry_run(flows), given.every)))
                continue
            some = sweep(elf, given.seed, flows, given.workers, given.every, given.keep)
            results[str(unit)] = some
            if some["cut_points_done"] < some["cut_points_total"]:
                break
    except KeyboardInterrupt:  # before an image's first cut
        if not results:
            print("interrupted: nothing is reported", file=sys.stderr)
            return 130
        print("interrupted: the report covers one image", file=sys.stderr)
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
