"""One cut of a sweep again, by the line that its failure printed."""

from __future__ import annotations

from pathlib import Path

from jiaozi_sim.machines.base import MachineError
from jiaozi_sim.sweep.explore import Explorer, Run
from scenarios.sweep.flows import FLOWS
from scenarios.sweep.oracle import Broken
from scenarios.sweep.report import keep as keep_failure
from scenarios.sweep.report import read_place
from scenarios.sweep.stage import Stages


def replay_one(elf: Path, seed: int, place: str, keep: Path | None = None) -> list[str]:
    """Play the flow, cut it at one place; what breaks. Raises ValueError for no such place."""
    try:
        flow, fault, wanted, both = read_place(place)
    except ValueError:
        raise ValueError(f"not a place of a sweep: {place}") from None
    if flow not in FLOWS:
        raise ValueError(f"no flow {flow}; there are {', '.join(FLOWS)}")
    stages = Stages(elf, seed)
    try:
        stage = stages.get(FLOWS[flow])
        run = stage.record(fault)
        explorer = Explorer(stage.boots, stage, seed)
        cuts = Run(flow, fault, run.events, both)
        if not explorer.cut_everywhere(cuts, lambda cut: cut == wanted):
            raise ValueError(f"the flow {flow} stores nothing at {place}")
    except (Broken, MachineError) as error:
        return [f"without any cut: {type(error).__name__}: {error}"]
    finally:
        stages.close()
    for failure in explorer.tally.failures:
        if keep is not None:
            keep_failure(keep, failure)
    return [failure.what for failure in explorer.tally.failures]
