"""Sweep of PIN tries: cut every kind of attempt everywhere (second half of `make sweep`).

No cut may gain a try. See pin/checks.py for what is tried, on images of both program units.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any

from jiaozi_sim.lifetime import worker_pool
from jiaozi_sim.machines.firmware_image import program_unit
from tests.sweep.images import ELF, LARGE_UNITS, ROOT, image
from tests.sweep.pin.attempts import CASES, PinWallet
from tests.sweep.pin.checks import Tally, check, same_time

FIRST = next(iter(CASES))
COUNTS = [each.name for each in fields(Tally) if each.name not in ("instructions", "complaints")]


def _work(
    elf: Path, seed: int, looks: int, restarts: int, names: Sequence[str]
) -> dict[str, Tally]:
    """Check one worker's share of the cases; the share with the first case checks times too."""
    wallet = PinWallet(elf, seed)
    tallies = {name: check(wallet, CASES[name], seed, looks, None, restarts) for name in names}
    if FIRST in names:
        tallies["same time"] = Tally(complaints=same_time(wallet))
    return tallies


def sweep(
    elf: Path, seed: int, names: Sequence[str], looks: int, restarts: int, workers: int
) -> dict[str, Tally]:
    """Check the named cases; with the first of CASES also the times of comparisons."""
    shares = [names[number::workers] for number in range(min(workers, len(names)))]
    work = partial(_work, elf, seed, looks, restarts)
    if len(shares) == 1:
        return work(shares[0])
    tallies: dict[str, Tally] = {}
    with worker_pool(len(shares)) as pool:
        for done in pool.imap_unordered(work, shares):
            tallies |= done
    return tallies


def report(elf: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Sweep one image and return its report; print failures, each with the command to repeat it."""
    with tempfile.TemporaryDirectory(prefix="jiaozi-pin-") as scratch:
        copy = Path(shutil.copy(elf, Path(scratch) / "firmware.elf"))
        names = given.case or list(CASES)
        tallies = sweep(copy, given.seed, names, given.looks, given.restarts, given.workers)
    for name, tally in tallies.items():
        again = f"build/venv/bin/python -m tests.sweep.sweep_pin --elf {elf} --seed {given.seed}"
        for wrong in tally.complaints:
            print(f"{name}: {wrong}\n    {again} --case {name if name in CASES else FIRST}")
    cases = {name: asdict(tally) for name, tally in tallies.items()}
    counts: dict[str, Any] = {key: sum(case[key] for case in cases.values()) for key in COUNTS}
    failures = sum(len(tally.complaints) for tally in tallies.values())
    return counts | {"failures": failures, "cases": cases}


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--elf", type=image, help="the image under test; default: those of both program units"
    )
    parser.add_argument("--seed", type=int, default=1, help="of all random choices; default: 1")
    parser.add_argument(
        "--looks", type=int, default=1000, help="instructions of each case where NVM is compared"
    )
    parser.add_argument("--restarts", type=int, default=125, help="of these, with a power cut")
    parser.add_argument(
        "--case", action="append", choices=list(CASES), help="may be repeated; default: all"
    )
    parser.add_argument(
        "--workers", type=int, default=multiprocessing.cpu_count(), help="processes; default: cores"
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "sweep-pin.json", help="the report's file"
    )
    given = parser.parse_args()
    begun = time.monotonic()
    images = [given.elf] if given.elf else [ELF, LARGE_UNITS]
    try:
        units = {str(program_unit(elf)): report(elf, given) for elf in images}
    except KeyboardInterrupt:
        print("interrupted: nothing is reported", file=sys.stderr)
        return 130
    result: dict[str, Any] = {
        key: sum(unit[key] for unit in units.values()) for key in (*COUNTS, "failures")
    }
    result["seconds"] = round(time.monotonic() - begun, 1)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    whole = result | {"program_units": units}
    given.out.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    return 1 if result["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
