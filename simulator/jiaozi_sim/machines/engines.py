"""Which engine runs a machine: one list, one place to choose."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from jiaozi_sim.machines.base import Machine, MachineError
from jiaozi_sim.machines.qemu import QemuMachine
from jiaozi_sim.machines.renode import RenodeMachine
from jiaozi_sim.machines.renode_wired import WiredMachine

ENGINES = ("qemu", "renode")
WIRED = "wired"  # no engine of ours: see renode_wired.py
ENGINE_VARIABLE = "JIAOZI_ENGINE"
# Renode keeps to the emulated board's own speed, and starts slowly.
_PATIENCE = {"qemu": 1, "renode": 8}


def chosen_engine() -> str:
    """The engine named in the environment; QEMU if none is. Raises MachineError if unknown."""
    engine = os.environ.get(ENGINE_VARIABLE) or ENGINES[0]
    if engine not in ENGINES:
        raise MachineError(f"{ENGINE_VARIABLE}={engine}: it is one of {', '.join(ENGINES)}")
    return engine


def make_machine(
    elf: Path, directory: Path, uarts: Mapping[str, int], seed: bytes, engine: str | None = None
) -> Machine:
    """A machine without power on the given engine, or on the chosen one (see QemuMachine)."""
    kinds: dict[str, type[QemuMachine] | type[RenodeMachine] | type[WiredMachine]]
    kinds = {"qemu": QemuMachine, "renode": RenodeMachine, WIRED: WiredMachine}
    engine = engine or chosen_engine()
    if engine not in kinds:
        raise MachineError(f"there is no engine {engine!r}")
    return kinds[engine](elf, directory, uarts, seed)


def patience() -> int:
    """How many times longer than QEMU the chosen engine may take for the same."""
    return _PATIENCE[chosen_engine()]
