"""Which engine runs a machine: one list, one place to choose."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from jiaozi_sim.machines.base import Machine, MachineError
from jiaozi_sim.machines.qemu import QemuMachine
from jiaozi_sim.machines.renode import RenodeMachine
from jiaozi_sim.machines.renode_wired import WiredMachine
from jiaozi_sim.machines.unicorn import UnicornMachine

ENGINES = ("qemu", "unicorn", "renode")
WIRED = "wired"  # no engine of ours: see renode_wired.py
ENGINE_VARIABLE = "JIAOZI_ENGINE"
# Renode keeps to the emulated board's own speed, and starts slowly.
_PATIENCE = {"qemu": 1, "unicorn": 2, "renode": 8}


def chosen_engine() -> str:
    """The engine named in the environment; QEMU if none is. Raises MachineError if unknown."""
    engine = os.environ.get(ENGINE_VARIABLE) or ENGINES[0]
    if engine not in ENGINES:
        raise MachineError(f"{ENGINE_VARIABLE}={engine}: it is one of {', '.join(ENGINES)}")
    return engine


def make_machine(
    elf: Path,
    directory: Path,
    uarts: Mapping[str, int],
    seed: bytes,
    engine: str | None = None,
    board: str = "visual_card",
) -> Machine:
    """A machine without power on the given engine, or on the chosen one.

    Args:
        elf, directory, uarts, seed: see ProcessMachine.
        engine: its name; None: the chosen one.
        board: the image's; Renode builds its machine from that board's files.
    """
    kinds: dict[str, Callable[[Path, Path, Mapping[str, int], bytes], Machine]] = {
        "qemu": QemuMachine,
        "unicorn": UnicornMachine,
        "renode": partial(RenodeMachine, board=board),
        WIRED: WiredMachine,
    }
    engine = engine or chosen_engine()
    if engine not in kinds:
        raise MachineError(f"there is no engine {engine!r}")
    return kinds[engine](elf, directory, uarts, seed)


def patience() -> int:
    """How many times longer than QEMU the chosen engine may take for the same."""
    return _PATIENCE[chosen_engine()]
