"""Solomon SSD1680 with a 250 x 122 black-and-white e-paper panel, held in landscape.

The controller's memory is portrait: 16 bytes of 8 sources for each of 250 gates. Written one byte
of sources after another, from the last down, gate by gate, it takes framebuf.MONO_VLSB unchanged:
no pixel is rotated in software. The panel lacks the last 6 of 128 sources, which are the topmost
rows here. Commands: data sheet rev. 0.14.
"""

import framebuf

from micropython import const
from wallet.hal.errors import DisplayError

_GATES = const(250)
_ROWS = const(122)
_SOURCE_BYTES = const(16)
_HIDDEN = const(6)

_SLICE_MS = const(50)
_LONGEST_MS = const(6000)  # a full refresh takes about 2 s at room temperature, more in the cold
_SHORTEST_MS = const(250)  # no refresh is shorter; BUSY rises a moment after its command
_PARTIALS = const(30)  # ghosting accumulates: then one full refresh

_FULL = const(0xF7)  # clock, analog, temperature, waveform 1, display, power off
_PARTIAL = const(0xFF)  # the same with waveform 2: drives only what differs from the RED RAM


class Ssd1680:
    """A display (`wallet.hal.display`) that keeps its picture without power.

    spi: mode 0; cs, dc, reset, busy: pins (busy high while it works); port: waiting and time.
    """

    width = _GATES
    height = _ROWS
    is_round = False
    format = framebuf.MONO_VLSB
    colours = (1, 0, 0, 0, 0)

    def __init__(self, spi, cs, dc, reset, busy, port):
        self._spi = spi
        self._cs = cs
        self._dc = dc
        self._reset = reset
        self._busy = busy
        self._port = port
        self._pixels = bytearray(_GATES * _SOURCE_BYTES)
        self._fb = framebuf.FrameBuffer(self._pixels, _GATES, _SOURCE_BYTES * 8, self.format)
        self._partials_left = -1  # not set up
        self._old_is_stale = False
        self._started = 0

    def draw(self, paint) -> None:
        """Paint and start a refresh, without waiting for its end.

        Raises DisplayError if the previous refresh does not end; the next call sets up again.
        """
        try:
            if self._partials_left < 0:
                self._set_up()
            self._settle()
        except DisplayError:
            self._partials_left = -1
            raise
        paint(self._fb, -_HIDDEN, _ROWS)
        self._write_ram(0x24)
        if self._partials_left > 0:
            self._partials_left -= 1
            self._refresh(0x80, _PARTIAL)
        else:
            self._partials_left = _PARTIALS
            self._refresh(0x05, _FULL)

    def is_drawn(self) -> bool:
        """True if the last refresh has ended."""
        port = self._port
        refreshing_ms = port.ticks_diff(port.ticks_ms(), self._started)
        return refreshing_ms >= _SHORTEST_MS and not self._busy()

    def _settle(self) -> None:
        """Wait until a refresh ends; its picture becomes the old picture of the next."""
        waited = 0
        while self._busy():
            if waited >= _LONGEST_MS:
                raise DisplayError("e-paper stays busy")
            self._port.wait(_SLICE_MS)
            waited += _SLICE_MS
        if self._old_is_stale:
            self._old_is_stale = False
            self._write_ram(0x26)

    def _set_up(self) -> None:
        self._old_is_stale = False
        self._reset(0)
        self._port.sleep_ms(10)
        self._reset(1)
        self._port.sleep_ms(10)
        self._settle()
        self._command(0x12, b"")  # software reset
        self._port.sleep_ms(10)
        self._settle()
        self._command(0x01, b"\xf9\x00\x00")  # 250 gates, first to last
        self._command(0x11, b"\x06")  # X down, Y up, Y first
        self._command(0x18, b"\x80")  # internal temperature sensor
        self._command(0x21, b"\x00\x80")  # both RAMs as they are; sources from S8
        self._command(0x44, b"\x0f\x00")
        self._command(0x45, b"\x00\x00\xf9\x00")
        self._partials_left = 0

    def _write_ram(self, command: int) -> None:
        self._command(0x4E, b"\x0f")
        self._command(0x4F, b"\x00\x00")
        self._command(command, self._pixels)

    def _refresh(self, border: int, sequence: int) -> None:
        self._command(0x3C, bytes((border,)))
        self._command(0x22, bytes((sequence,)))
        self._command(0x20, b"")
        self._started = self._port.ticks_ms()
        self._old_is_stale = True

    def _command(self, command: int, data) -> None:
        self._cs(0)
        self._dc(0)
        self._spi.write(bytes((command,)))
        self._dc(1)
        if data:
            self._spi.write(data)
        self._cs(1)
