"""`make sweep`: cut the power of two wallets at every store into NVM, in each flow."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from scenarios.sweep_flows import FLOWS
from scenarios.sweep_plan import make_plan
from scenarios.sweep_report import Progress, keep
from scenarios.sweep_work import Crew

ROOT = Path(__file__).parents[2]
ELF = ROOT / "build" / "firmware" / "visual_card" / "firmware.elf"


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
        progress = Progress(plan, seed)
        try:
            for done in crew.do(plan.tasks):
                progress.add(done)
                for failure in done.failures if folder else ():
                    keep(folder or Path(), failure)
        except KeyboardInterrupt:
            print("broken off: the report says what was done", file=sys.stderr)
        return progress.result()


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--elf", type=Path, default=ELF, help="the image under test")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1, help="each n-th cut point only")
    parser.add_argument("--workers", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--flow", action="append", choices=list(FLOWS), help="default: all")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "sweep.json")
    parser.add_argument("--keep", type=Path, help="folder for images and logs of failures")
    given = parser.parse_args()
    flows = given.flow or list(FLOWS)
    result = sweep(given.elf, given.seed, flows, given.workers, given.every, given.keep)
    given.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({key: value for key, value in result.items() if key != "enumeration"}))
    if result["cut_points_done"] < result["cut_points_total"]:
        return 1
    return 1 if result["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
