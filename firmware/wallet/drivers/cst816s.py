"""Hynitron CST816S touch controller, one finger, on I2C.

Its interrupt pin is low while there is something to read. Between touches the chip sleeps and does
not acknowledge its address, so it is read only on interrupt.
"""

from micropython import const

_ADDRESS = const(0x15)
_FINGERS = const(0x02)  # then four bytes: event and 12 bits of x, 12 bits of y


class Cst816s:
    """One controller.

    i2c: `machine.I2C`; interrupt: its pin, an input with pull-up; is_down: a finger was on the
    screen when it was read last.
    """

    def __init__(self, i2c, interrupt):
        self._i2c = i2c
        self._interrupt = interrupt
        self.is_down = False
        self._registers = bytearray(5)

    def taken(self):
        """Return (x, y) of a touch that began since the last call, or None."""
        if self._interrupt():
            return None
        registers = self._registers
        try:
            self._i2c.readfrom_mem_into(_ADDRESS, _FINGERS, registers)
        except OSError:
            return None  # asleep again
        was_down = self.is_down
        self.is_down = registers[0] == 1
        if was_down or not self.is_down:
            return None
        return (
            (registers[1] & 0x0F) << 8 | registers[2],
            (registers[3] & 0x0F) << 8 | registers[4],
        )
