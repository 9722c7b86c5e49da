"""UARTs between a chip and its host, with baud rates.

:class:`UartWire` ends in memory, for hosts in the same process; :class:`PtyWire` ends in a
pseudo-terminal, for programs that use a serial port. Bytes sent at a baud rate that the other
side does not expect arrive as garbage. Bytes toward the host can be lost, as on a real UART whose
receiver is not emptied in time. ``paced`` makes bytes take their time on the wire (8N1).
"""

from __future__ import annotations

import contextlib
import os
import pty
import termios
import tty
from typing import Protocol

from jiaozi_sim.chips.hsu import ACK
from jiaozi_sim.chips.pn532 import POWER_UP_BAUD, garble
from jiaozi_sim.scheduler import Scheduler

BITS_PER_BYTE = 10
READ_SIZE = 4096
BAUD_OF_CODE = {
    getattr(termios, f"B{baud}"): baud
    for baud in (9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
}


class SerialChip(Protocol):
    """A chip on a UART."""

    @property
    def baud(self) -> int:
        """The present baud rate of the chip's UART."""
        ...

    @property
    def pending_baud(self) -> int | None:
        """The baud rate after the host's next ACK, None for no change."""
        ...

    def receive(self, data: bytes, baud: int | None = None) -> None:
        """Receive bytes that the host sent at ``baud``."""


class Wire:
    """Common part of both wires. Make it, the chip with ``send=wire.from_chip``, then connect."""

    def __init__(self, scheduler: Scheduler, paced: bool = False) -> None:
        self.scheduler = scheduler
        self.paced = paced
        self.lost = 0
        self.bytes_to_chip = 0
        self.bytes_to_host = 0
        self._chip: SerialChip | None = None
        self._free_at = [
            0.0,
            0.0,
        ]  # when the bytes to the chip and to the host end
        self._let_pass = 0
        self._lose = 0

    def connect(self, chip: SerialChip) -> None:
        """Set the chip that receives the host's bytes."""
        self._chip = chip

    @property
    def host_baud(self) -> int:
        """The rate of the host's UART."""
        raise NotImplementedError

    def lose(self, count: int, after: int = 0) -> None:
        """Lose ``count`` bytes toward the host, after ``after`` more that pass."""
        self._let_pass, self._lose = after, count

    def from_chip(self, data: bytes) -> None:
        """Receive bytes from the chip."""
        self.bytes_to_host += len(data)
        baud = self._chip.baud if self._chip else POWER_UP_BAUD
        if baud != self.host_baud:
            data = garble(data)
        data = self._drop(data)
        if self.paced:
            self.scheduler.call_later(self._passage(1, len(data), baud), self._deliver, data)
        else:
            self._deliver(data)

    def _drop(self, data: bytes) -> bytes:
        start = min(self._let_pass, len(data))
        self._let_pass -= start
        gone = min(self._lose, len(data) - start)
        self._lose -= gone
        self.lost += gone
        return data[:start] + data[start + gone :]

    def _passage(self, direction: int, count: int, baud: int) -> float:
        """Return the seconds until ``count`` more bytes have passed, after the earlier ones."""
        now = self.scheduler.now()
        end = max(now, self._free_at[direction]) + count * BITS_PER_BYTE / baud
        self._free_at[direction] = end
        return end - now

    def _to_chip(self, data: bytes, baud: int) -> None:
        self.bytes_to_chip += len(data)
        if self._chip is None:
            return
        if self.paced:
            delay = self._passage(0, len(data), baud)
            self.scheduler.call_later(delay, self._chip.receive, data, baud)
        else:
            self._chip.receive(data, baud)

    def _deliver(self, data: bytes) -> None:
        raise NotImplementedError


class UartWire(Wire):
    """A wire whose host end is this object: ``write``, ``read``, ``any``, like a serial port.

    ``capacity`` is the size of the host's receive ring in bytes; further bytes are lost.
    """

    def __init__(
        self, scheduler: Scheduler, paced: bool = False, capacity: int | None = None
    ) -> None:
        super().__init__(scheduler, paced)
        self.capacity = capacity
        self.baudrate = POWER_UP_BAUD
        self._ring = bytearray()

    @property
    def host_baud(self) -> int:
        """Set it by ``baudrate``."""
        return self.baudrate

    def write(self, data: bytes) -> int:
        """Send to the chip; return the number of bytes, always all."""
        self._to_chip(bytes(data), self.baudrate)
        return len(data)

    def any(self) -> int:
        """Return the number of bytes that can be read now."""
        return len(self._ring)

    def read(self, count: int = -1) -> bytes:
        """Read up to ``count`` bytes (-1: all) without waiting."""
        size = len(self._ring) if count < 0 else min(count, len(self._ring))
        data = bytes(self._ring[:size])
        del self._ring[:size]
        return data

    def _deliver(self, data: bytes) -> None:
        room = len(data) if self.capacity is None else max(0, self.capacity - len(self._ring))
        self.lost += max(0, len(data) - room)
        self._ring += data[:room]


class PtyWire(Wire):
    """A wire whose host end is a pseudo-terminal at ``path``.

    Register :meth:`fileno` with a selector and call :meth:`on_readable`. The slave is kept open
    here, so that the port outlives its programs and nothing is echoed before the first one.
    """

    def __init__(self, scheduler: Scheduler, paced: bool = False) -> None:
        super().__init__(scheduler, paced)
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        settings = termios.tcgetattr(self._slave)
        settings[4] = settings[5] = termios.B115200  # a fresh terminal runs at 38400
        termios.tcsetattr(self._slave, termios.TCSANOW, settings)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)

    @property
    def host_baud(self) -> int:
        """The terminal's speed as the program set it; 0 if the PN532 does not support it."""
        return BAUD_OF_CODE.get(termios.tcgetattr(self._slave)[5], 0)

    def fileno(self) -> int:
        """For selectors."""
        return self._master

    def on_readable(self) -> None:
        """Read the program's bytes and send them to the chip."""
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._master, READ_SIZE)
            chip, baud = self._chip, self.host_baud
            # A real UART sends an ACK at the old speed before a program can set the new one. Here
            # the ACK may be read after that, or be swallowed when the program flushes on closing.
            if chip and baud == chip.pending_baud and baud != chip.baud:
                self._to_chip(ACK, chip.baud)
                data = data.removeprefix(ACK)
            if data:
                self._to_chip(data, baud)

    def _deliver(self, data: bytes) -> None:
        try:
            written = os.write(self._master, data)
        except BlockingIOError:
            written = 0
        self.lost += len(data) - written

    def close(self) -> None:
        """Close both ends."""
        os.close(self._master)
        os.close(self._slave)
