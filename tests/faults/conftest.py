"""The images of the emulated tests serve here too."""

from tests.emulated.conftest import firmware_elf

__all__ = ["firmware_elf"]
