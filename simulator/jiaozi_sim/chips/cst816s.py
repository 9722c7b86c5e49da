"""CST816S, touch controller of small round displays (Hynitron), as an I2C device at 0x15.

One finger: its registers hold the number of fingers and a position of 12 bits each way. The
interrupt pin goes low when something changed and high again when the registers were read.
"""

from __future__ import annotations

from collections.abc import Callable

ADDRESS = 0x15
_FINGERS, _POSITION, _CHIP_ID = 0x02, 0x03, 0xA7
_ID_CST816S = 0xB4
_DOWN, _UP = 0, 1


class Cst816s:
    """One touch controller. `drive("interrupt", level)` is called when its output pin changes."""

    def __init__(self, drive: Callable[[str, int], None]) -> None:
        self._drive = drive
        self.power_on()

    def power_on(self) -> None:
        """Start without a finger, registers at zero."""
        self._registers = bytearray(256)
        self._registers[_CHIP_ID] = _ID_CST816S
        self._pointer = 0
        self._drive("interrupt", 1)

    def power_off(self) -> None:
        """Lose all state."""

    def pin(self, role: str, level: int) -> None:
        """Set the level of the reset pin."""
        if role == "reset" and not level:
            self.power_on()

    def i2c_write(self, data: bytes) -> None:
        """Write a register number and the bytes from there on."""
        for index, byte in enumerate(data):
            if index == 0:
                self._pointer = byte
            else:
                self._registers[self._pointer] = byte
                self._pointer = (self._pointer + 1) % 256

    def i2c_read(self, count: int) -> bytes:
        """Read registers from the pointer on; clear the interrupt."""
        self._drive("interrupt", 1)
        return bytes(self._registers[(self._pointer + index) % 256] for index in range(count))

    def touch(self, x: int, y: int) -> None:
        """Put a finger on a point (pixels)."""
        self._report(1, _DOWN, x, y)

    def release(self) -> None:
        """Lift the finger; the position stays readable."""
        high_x, low_x, high_y, low_y = self._registers[_POSITION : _POSITION + 4]
        self._report(0, _UP, (high_x & 0x0F) << 8 | low_x, (high_y & 0x0F) << 8 | low_y)

    def _report(self, fingers: int, event: int, x: int, y: int) -> None:
        self._registers[_FINGERS] = fingers
        position = bytes((event << 6 | x >> 8 & 0x0F, x & 0xFF, y >> 8 & 0x0F, y & 0xFF))
        self._registers[_POSITION : _POSITION + 4] = position
        self._drive("interrupt", 0)
