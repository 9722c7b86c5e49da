"""The firmware images under test."""

from __future__ import annotations

import argparse
from pathlib import Path

from elftools.common.exceptions import ELFError

from jiaozi_sim.machines.firmware_image import program_unit

ROOT = Path(__file__).parents[2]
ELF = ROOT / "build" / "firmware" / "visual_card" / "firmware.elf"
LARGE_UNITS = ROOT / "build" / "firmware" / "visual_card-unit256" / "firmware.elf"


def image(name: str | Path) -> Path:
    """Parse an image's path on a command line. Raises argparse.ArgumentTypeError."""
    try:
        program_unit(Path(name))
    except (OSError, ELFError) as error:
        raise argparse.ArgumentTypeError(
            f"{name} is no firmware image ({error}); `make firmware` leaves some in build/firmware"
        ) from error
    return Path(name)
