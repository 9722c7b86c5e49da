"""GalaxyCore GC9A01A with a round 240 x 240 colour LCD (RGB565), drawn in bands.

There is no frame buffer: bands of rows are painted and sent one after another in 7.5 KiB of memory.
"""

import framebuf

from micropython import const

_SIZE = const(240)
_BAND = const(16)

_SLEEP_OUT = const(0x11)
_INVERT_ON = const(0x21)
_DISPLAY_ON = const(0x29)
_COLUMNS = const(0x2A)
_ROWS = const(0x2B)
_WRITE = const(0x2C)

# Register, data. The first two unlock the vendor's registers; voltages and gamma are the vendor's.
_SET_UP = (
    (0xFE, b""),
    (0xEF, b""),
    (0x36, b"\x08"),  # upright, blue first as the glass is wired
    (0x3A, b"\x05"),  # 16 bits a pixel
    (0xC3, b"\x13"),
    (0xC4, b"\x13"),
    (0xC9, b"\x22"),
    (0xF0, b"\x45\x09\x08\x08\x26\x2a"),
    (0xF1, b"\x43\x70\x72\x36\x37\x6f"),
    (0xF2, b"\x45\x09\x08\x08\x26\x2a"),
    (0xF3, b"\x43\x70\x72\x36\x37\x6f"),
    (0x66, b"\x3c\x00\xcd\x67\x45\x45\x10\x00\x00\x00"),
    (0x67, b"\x00\x3c\x00\x00\x00\x01\x54\x10\x32\x98"),
    (0x74, b"\x10\x85\x80\x00\x00\x4e\x00"),
    (0x98, b"\x3e\x07"),
    (_INVERT_ON, b""),
)


def rgb(red: int, green: int, blue: int) -> int:
    """Return a colour (0..255 each) as framebuf.RGB565, with the high byte first for the chip."""
    word = (red & 0xF8) << 8 | (green & 0xFC) << 3 | blue >> 3
    return (word & 0xFF) << 8 | word >> 8


class Gc9a01:
    """A display (`wallet.hal.display`). spi: mode 0; cs, dc, reset: pins; port: waiting."""

    width = _SIZE
    height = _SIZE
    is_round = True
    format = framebuf.RGB565
    colours = (
        rgb(0, 0, 0),
        rgb(255, 255, 255),
        rgb(150, 160, 176),
        rgb(96, 216, 128),
        rgb(255, 120, 96),
    )

    def __init__(self, spi, cs, dc, reset, port):
        self._spi = spi
        self._cs = cs
        self._dc = dc
        self._reset = reset
        self._port = port
        self._band = bytearray(_SIZE * _BAND * 2)
        self._fb = framebuf.FrameBuffer(self._band, _SIZE, _BAND, self.format)
        self._is_set_up = False

    def draw(self, paint) -> None:
        """Paint and send every band; switch the display on after the first picture."""
        if not self._is_set_up:
            self._set_up()
        self._command(_COLUMNS, b"\x00\x00\x00\xef")
        for top in range(0, _SIZE, _BAND):
            paint(self._fb, top, top + _BAND)
            self._command(_ROWS, bytes((0, top, 0, top + _BAND - 1)))
            self._command(_WRITE, self._band)
        if not self._is_set_up:
            self._command(_DISPLAY_ON, b"")  # only now: its memory is random at power-up
            self._is_set_up = True

    def is_drawn(self) -> bool:
        """Return True: the picture is complete when `draw` returns."""
        return True

    def _set_up(self) -> None:
        self._reset(0)
        self._port.sleep_ms(10)
        self._reset(1)
        self._port.sleep_ms(120)
        for register, data in _SET_UP:
            self._command(register, data)
        self._command(_SLEEP_OUT, b"")
        self._port.sleep_ms(120)

    def _command(self, command: int, data) -> None:
        self._cs(0)
        self._dc(0)
        self._spi.write(bytes((command,)))
        self._dc(1)
        if data:
            self._spi.write(data)
        self._cs(1)
