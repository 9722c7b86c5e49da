"""Which engine runs a machine: one list, one place to choose."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from jiaozi_sim.machines.base import Machine, MachineError
from jiaozi_sim.machines.qemu import QemuMachine
from jiaozi_sim.machines.renode import RenodeMachine

ENGINES = ("qemu", "renode")
ENGINE_VARIABLE = "JIAOZI_ENGINE"


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
    if (engine or chosen_engine()) == "renode":
        return RenodeMachine(elf, directory, uarts, seed)
    return QemuMachine(elf, directory, uarts, seed)
