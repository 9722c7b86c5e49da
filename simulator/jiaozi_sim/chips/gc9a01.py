"""GC9A01A, controller of round 240 x 240 colour LCDs (GalaxyCore data sheet).

The model executes the command stream that a real chip gets on its SPI bus. Its modules wire the
glass blue first and normally white, so true colours need the BGR bit of MADCTL set and inversion
on, as on the hardware; without either, colours are wrong here too. The glass is round: pixels
outside the circle exist in memory and are not visible.

Differences to silicon: gamma, voltages, timing and tearing commands are accepted and have no
effect; waking takes no time; scrolling and partial mode are not modelled. Violations of the data
sheet are ignored and recorded in `violations`.
"""

from __future__ import annotations

from functools import cache

from PIL import Image, ImageChops, ImageDraw

SIZE = 240

_NOP, _RESET, _SLEEP_IN, _SLEEP_OUT, _NORMAL = 0x00, 0x01, 0x10, 0x11, 0x13
_INVERT_OFF, _INVERT_ON, _DISPLAY_OFF, _DISPLAY_ON = 0x20, 0x21, 0x28, 0x29
_COLUMNS, _ROWS, _WRITE, _WRITE_MORE = 0x2A, 0x2B, 0x2C, 0x3C
_MADCTL, _PIXEL_FORMAT, _READ_ID = 0x36, 0x3A, 0x04
_MIRROR_ROWS, _MIRROR_COLUMNS, _EXCHANGE, _BGR = 0x80, 0x40, 0x20, 0x08
_BYTES_PER_PIXEL = {0x05: 2, 0x06: 3}
# From here on, and 0x34, 0x35, 0x51, 0x53: registers of the maker; settings without effect here.
_MAKERS_REGISTERS = 0x60
_SETTINGS = {0x34, 0x35, 0x44, 0x51, 0x53, 0x55}


class Gc9a01:
    """One controller with its round glass."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self._pins = {"cs": 1, "dc": 0, "reset": 1, "backlight": 1}
        self._powered = True
        self.power_on()

    # -- power and pins --------------------------------------------------------------------------

    def power_on(self) -> None:
        """Set registers to their defaults; the frame memory is undefined, here grey."""
        self._powered = True
        #: Row by row, each pixel as three bytes of RGB as they were written.
        self.memory = [b"\x80\x80\x80"] * (SIZE * SIZE)
        self._reset()

    def power_off(self) -> None:
        """Show nothing: a liquid crystal needs power."""
        self._powered = False
        self._pins = {"cs": 1, "dc": 0, "reset": 1, "backlight": 1}

    def pin(self, role: str, level: int) -> None:
        """Set the level of an input pin (cs, dc, reset, backlight)."""
        rising = level and not self._pins[role]
        self._pins[role] = level
        if role == "reset" and rising:
            self._reset()

    def _reset(self) -> None:
        self._command, self._arguments = _NOP, bytearray()
        self._columns = self._rows = (0, SIZE - 1)
        self._column = self._row = 0
        self._madctl, self._pixel_format = 0x00, 0x06
        self.asleep, self.on, self.inverted = True, False, False

    # -- bus -------------------------------------------------------------------------------------

    @property
    def selected(self) -> bool:
        """True if the chip is selected: chip select low, reset high."""
        return not self._pins["cs"] and bool(self._pins["reset"])

    def spi_write(self, data: bytes) -> None:
        """Take bytes while selected: commands with D/C low, parameters with D/C high."""
        if not self.selected or not data:
            return
        if not self._pins["dc"]:
            for command in data:
                self._begin(command)
        elif self._command in (_WRITE, _WRITE_MORE):
            self._write_pixels(data)
        else:
            self._arguments += data
            self._take_arguments()

    def spi_read(self, count: int) -> bytes:
        """Return the last command's answer: identification 00 9A 01 after a dummy byte."""
        answer = b"\x00\x00\x9a\x01" if self._command == _READ_ID else b""
        return answer[:count].ljust(count, b"\x00")

    def _begin(self, command: int) -> None:
        self._command, self._arguments = command, bytearray()
        if command == _WRITE:
            self._column, self._row = self._columns[0], self._rows[0]
        if command == _RESET:
            self._reset()
        elif command in _SWITCHES:
            attribute, value = _SWITCHES[command]
            setattr(self, attribute, value)
        elif command not in _KNOWN and command < _MAKERS_REGISTERS:
            self.violations.append(f"unknown command {command:02x}")

    def _take_arguments(self) -> None:
        command, a = self._command, self._arguments
        if command in (_COLUMNS, _ROWS) and len(a) == 4:
            window = (a[0] << 8 | a[1], a[2] << 8 | a[3])
            if not window[0] <= window[1] < SIZE:
                self.violations.append(f"window {window[0]} to {window[1]}")
            else:
                self._set_window(command, window)
        elif command == _MADCTL:
            self._madctl = a[0]
        elif command == _PIXEL_FORMAT:
            self._pixel_format = a[0] & 0x07
            if self._pixel_format not in _BYTES_PER_PIXEL:
                self.violations.append(f"pixel format {a[0]:02x}")

    def _set_window(self, command: int, window: tuple[int, int]) -> None:
        if command == _COLUMNS:
            self._columns = window
        else:
            self._rows = window
        self._column, self._row = self._columns[0], self._rows[0]

    # -- memory ----------------------------------------------------------------------------------

    def _write_pixels(self, data: bytes) -> None:
        size = _BYTES_PER_PIXEL.get(self._pixel_format)
        if size is None:
            return
        self._arguments += data
        whole = len(self._arguments) // size * size
        pixels = [_rgb(bytes(self._arguments[at : at + size])) for at in range(0, whole, size)]
        self._arguments = self._arguments[whole:]
        written = 0
        while written < len(pixels):
            room = self._columns[1] - self._column + 1
            run = pixels[written : written + room]
            self._write_run(run)
            written += len(run)

    def _write_run(self, pixels: list[bytes]) -> None:
        """Write pixels into the present row of the window and advance."""
        column, row, step = self._column, self._row, 1
        if self._madctl & _EXCHANGE:
            column, row, step = row, column, SIZE
        if self._madctl & _MIRROR_COLUMNS:
            column, step = SIZE - 1 - column, step if self._madctl & _EXCHANGE else -step
        if self._madctl & _MIRROR_ROWS:
            row, step = SIZE - 1 - row, -step if self._madctl & _EXCHANGE else step
        start = row * SIZE + column
        stop = start + step * len(pixels)
        self.memory[start : stop if stop >= 0 else None : step] = pixels
        self._column += len(pixels)
        if self._column > self._columns[1]:
            self._column = self._columns[0]
            self._row = self._row + 1 if self._row < self._rows[1] else self._rows[0]

    # -- picture ---------------------------------------------------------------------------------

    def image(self) -> Image.Image:
        """Return the visible image, mode "RGBA": transparent outside the glass, black if dark."""
        glass = Image.new("L", (SIZE, SIZE))
        ImageDraw.Draw(glass).ellipse((0, 0, SIZE - 1, SIZE - 1), fill=255)
        seen = Image.new("RGBA", (SIZE, SIZE))
        seen.paste(self._light(), mask=glass)
        return seen

    def _light(self) -> Image.Image:
        lit = self._powered and self._pins["reset"] and self._pins["backlight"]
        if not lit or self.asleep or not self.on:
            return Image.new("RGB", (SIZE, SIZE))
        picture = Image.frombytes("RGB", (SIZE, SIZE), b"".join(self.memory))
        if not self.inverted:
            picture = ImageChops.invert(picture)
        if not self._madctl & _BGR:
            red, green, blue = picture.split()
            picture = Image.merge("RGB", (blue, green, red))
        return picture


_SWITCHES = {
    _SLEEP_IN: ("asleep", True),
    _SLEEP_OUT: ("asleep", False),
    _INVERT_OFF: ("inverted", False),
    _INVERT_ON: ("inverted", True),
    _DISPLAY_OFF: ("on", False),
    _DISPLAY_ON: ("on", True),
}
_KNOWN = _SETTINGS | {_NOP, _NORMAL, _COLUMNS, _ROWS, _WRITE, _WRITE_MORE}
_KNOWN |= {_MADCTL, _PIXEL_FORMAT, _READ_ID}


@cache
def _rgb(pixel: bytes) -> bytes:
    """Three bytes of eight bits from RGB565 (two bytes) or RGB666 (three)."""
    if len(pixel) == 3:
        return bytes(value & 0xFC | value >> 6 for value in pixel)
    word = pixel[0] << 8 | pixel[1]
    red, green, blue = word >> 11, word >> 5 & 0x3F, word & 0x1F
    return bytes((red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2))
