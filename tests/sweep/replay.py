"""Repeat one power cut of `make sweep`; ends with 1 if a rule is broken.

    python -m tests.sweep.replay [--seed N] [--elf IMAGE] [--keep FOLDER] PLACE

PLACE is FLOW:FAULT:EVENT:STORE:OUTCOME:BOTH, as the failure's line has it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jiaozi_sim.machines.base import MachineError
from tests.sweep.engine.explorer import Explorer, Run
from tests.sweep.flows.catalogue import FLOWS
from tests.sweep.flows.oracle import Broken
from tests.sweep.flows.prepared import PreparedFlows
from tests.sweep.images import ELF, image
from tests.sweep.report import keep as keep_failure
from tests.sweep.report import read_place


def replay_one(elf: Path, seed: int, place: str, keep: Path | None = None) -> list[str]:
    """Play a flow and cut it at one place; return the broken rules.

    keep: folder for a failure's NVM images, frames and journals. Raises ValueError if there is no
    such place.
    """
    try:
        flow, fault, wanted, both = read_place(place)
    except ValueError:
        raise ValueError(f"not a place of a sweep: {place}") from None
    if flow not in FLOWS:
        raise ValueError(f"no flow {flow}; there are {', '.join(FLOWS)}")
    flows = PreparedFlows(elf, seed)
    try:
        prepared = flows.get(FLOWS[flow])
        run = prepared.record(fault)
        explorer = Explorer(prepared.starts, prepared, seed)
        cuts = Run(flow, fault, run.events, both)
        if not explorer.cut_everywhere(cuts, lambda cut: cut == wanted):
            raise ValueError(f"the flow {flow} stores nothing at {place}")
    except (Broken, MachineError) as error:
        return [f"without any cut: {type(error).__name__}: {error}"]
    finally:
        flows.close()
    for failure in explorer.tally.failures:
        if keep is not None:
            keep_failure(keep, failure)
    return [failure.what for failure in explorer.tally.failures]


def main() -> int:
    """Run the command line."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=layout)
    parser.add_argument("place", metavar="PLACE", help="the cut, from the failure's line")
    parser.add_argument("--seed", type=int, default=1, help="the sweep's seed; default: 1")
    parser.add_argument("--elf", type=image, default=str(ELF), help="the image that was swept")
    parser.add_argument(
        "--keep", type=Path, help="folder for NVM images, frames and journals of a failure"
    )
    given = parser.parse_args()
    try:
        broken = replay_one(given.elf, given.seed, given.place, given.keep)
    except ValueError as error:
        parser.error(str(error))
    for what in broken:
        print(what)
    if not broken:
        print("all rules hold")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
