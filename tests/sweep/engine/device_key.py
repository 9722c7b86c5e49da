"""The device key of every wallet on a bench, so that the host can open their NVM images."""

from __future__ import annotations

from pathlib import Path

from jiaozi_sim.machines.base import device_key_page
from jiaozi_sim.machines.unicorn_core import Core

DEVICE_KEY = bytes(range(32))


def keyed_core(elf: Path, seed: bytes) -> Core:
    """Return a blank core that has this device key already."""
    core = Core(elf, seed)
    core.write_key_page(device_key_page(DEVICE_KEY))
    return core
