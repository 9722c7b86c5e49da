"""Fixtures: the images of the emulated tests."""

from tests.emulated.conftest import firmware_elf

__all__ = ["firmware_elf"]
