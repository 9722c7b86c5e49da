"""SSD1680, controller of black-and-white e-paper panels (Solomon Systech data sheet, rev. 0.14).

The model executes the command stream that a real chip gets on its SPI bus and separates the chip's
two RAMs of 176 x 296 bits, and the image that the panel shows, which changes only by a
display update and stays without power.

Differences to silicon: voltages, waveform tables and temperatures are accepted and have no effect;
display mode 2 is the usual differential waveform (only pixels whose old image, in the RED RAM,
differs are driven). Violations (commands while BUSY, but see POSTED_SECONDS; an update with the
analog part off; an unknown command) are ignored and recorded in `violations`.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from PIL import Image

from jiaozi_sim.scheduler import Scheduler, Timer

SOURCES = 176
GATES = 296
_ROW_BYTES = SOURCES // 8

# Seconds of BUSY.
RESET_SECONDS = 0.001
FULL_UPDATE_SECONDS = 2.0
PARTIAL_UPDATE_SECONDS = 0.4
POWER_SWITCH_SECONDS = 0.05
# Writes to an emulated board's bus are posted and BUSY is pushed back: a driver that polls BUSY at
# once cannot see it yet, which on hardware it could. What comes this soon is held until BUSY ends.
POSTED_SECONDS = 0.1

# Settings without effect here, with the number of their parameters.
_SETTINGS = {0x03: 1, 0x04: 3, 0x0C: 4, 0x0F: 2, 0x18: 1, 0x1A: 2, 0x2B: 2, 0x2C: 1, 0x32: 153}
_SETTINGS |= {0x3C: 1, 0x3F: 1, 0x41: 1}
# Commands with effect, likewise. 0x24, 0x26 (RAM) take any number and are not listed.
_ACTIONS = {0x01: 3, 0x10: 1, 0x11: 1, 0x12: 0, 0x20: 0, 0x21: 2, 0x22: 1, 0x37: 10, 0x44: 2}
_ACTIONS |= {0x45: 4, 0x46: 1, 0x47: 1, 0x4E: 1, 0x4F: 2, 0x7F: 0}
_PARAMETERS = _SETTINGS | _ACTIONS
_WRITE_BW, _WRITE_RED, _READ_RAM, _READ_STATUS = 0x24, 0x26, 0x27, 0x2F

# Bits of display update control 2 (0x22).
_ENABLE_CLOCK, _ENABLE_ANALOG, _MODE_2, _DISPLAY = 0x80, 0x40, 0x08, 0x04
_DISABLE_ANALOG, _DISABLE_CLOCK = 0x02, 0x01


class Ssd1680:
    """One controller with its panel, in portrait: `sources` columns (x) by `gates` rows (y).

    Args:
        scheduler: of the time that BUSY takes.
        drive: called as drive("busy", level) when the chip's output pin changes.
        sources, gates: the visible part of the panel.
        speed: BUSY times are divided by it.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        drive: Callable[[str, int], None],
        sources: int = 122,
        gates: int = 250,
        speed: float = 1.0,
    ) -> None:
        self._scheduler = scheduler
        self._drive = drive
        self.sources, self.gates = sources, gates
        self._speed = speed
        self.violations: list[str] = []
        self.updates = 0
        #: What the panel shows: a row is a number of `sources` bits, the first column its highest
        #: bit, 1 white, 0 black. Kept without power.
        self.shown = [(1 << sources) - 1] * gates
        self._pins = {"cs": 1, "dc": 0, "reset": 1}
        self._timer: Timer | None = None
        self._held: list[tuple[int, bytes]] = []
        self.power_on()

    # -- power and pins --------------------------------------------------------------------------

    def power_on(self) -> None:
        """Set registers to their defaults; the undefined RAM is filled with a fixed noise, which
        shows if a driver does not write it."""
        noise = random.Random(0x1680)
        self.ram_bw = bytearray(noise.randbytes(_ROW_BYTES * GATES))
        self.ram_red = bytearray(noise.randbytes(_ROW_BYTES * GATES))
        self._hardware_reset()

    def power_off(self) -> None:
        """Stop an update; the panel keeps its image."""
        self._stop_timer()
        self._pins = {"cs": 1, "dc": 0, "reset": 1}

    def pin(self, role: str, level: int) -> None:
        """Set the level of an input pin (cs, dc, reset)."""
        rising = level and not self._pins[role]
        self._pins[role] = level
        if role == "reset" and rising:
            self._hardware_reset()

    def _hardware_reset(self) -> None:
        self._stop_timer()
        self._asleep = False
        self._default_registers()
        self._be_busy(RESET_SECONDS)

    def _default_registers(self) -> None:
        self._command: int | None = None
        self._arguments = bytearray()
        self._lines, self._scan = GATES, 0
        self._entry = 0x03
        self._window_x, self._window_y = (0, _ROW_BYTES - 1), (0, GATES - 1)
        self._x = self._y = 0
        self._ram_options = 0x00
        self._sequence = 0xFF
        self._ping_pong = False
        self._clock = self._analog = False

    # -- BUSY ------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Level of the BUSY pin; always high in deep sleep."""
        return self._asleep or self._timer is not None

    def _be_busy(self, seconds: float, image: list[int] | None = None) -> None:
        self._busy_since = self._scheduler.now()
        self._timer = self._scheduler.call_later(seconds / self._speed, self._ready, image)
        self._drive("busy", 1)

    def _ready(self, image: list[int] | None) -> None:
        self._timer = None
        if image is not None:
            self.shown = image
            self.updates += 1
        self._drive("busy", int(self.busy))
        held, self._held = self._held, []
        for is_data, data in held:
            self._take(is_data, data)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._held = []

    # -- bus -------------------------------------------------------------------------------------

    @property
    def selected(self) -> bool:
        """True if the chip is selected: chip select low, reset high."""
        return not self._pins["cs"] and bool(self._pins["reset"])

    def spi_write(self, data: bytes) -> None:
        """Take bytes while selected: commands with D/C low, parameters with D/C high."""
        if self.selected and data:
            self._take(self._pins["dc"], data)

    def _take(self, is_data: int, data: bytes) -> None:
        early = self._scheduler.now() - self._busy_since <= POSTED_SECONDS
        if self._timer is not None and (self._held or early):
            self._held.append((is_data, data))
            return
        for byte in data:
            if is_data:
                self._parameter(byte)
            else:
                self._begin(byte)

    def spi_read(self, count: int) -> bytes:
        """Return the last command's answer: status (0x2F), or RAM (0x27, after a void byte)."""
        if self._command == _READ_STATUS:
            return bytes([int(self.busy) << 2 | 0x01]) * count
        if self._command == _READ_RAM:
            return bytes(self._read_byte(index) for index in range(count))
        return b"\xff" * count

    def _read_byte(self, index: int) -> int:
        if index == 0:
            return 0
        offset = self._ram_offset()
        self._advance()
        return 0 if offset is None else self.ram_bw[offset]

    def _begin(self, command: int) -> None:
        self._command, self._arguments = command, bytearray()
        if self.busy and command != _READ_STATUS:
            self.violations.append(f"command {command:02x} while BUSY")
            self._command = None
        elif command in _PARAMETERS:
            self._run_if_complete()
        elif command not in (_WRITE_BW, _WRITE_RED, _READ_RAM, _READ_STATUS):
            self.violations.append(f"unknown command {command:02x}")
            self._command = None

    def _parameter(self, byte: int) -> None:
        if self._command is None:
            return
        if self._command == _WRITE_BW:
            self._write_ram(self.ram_bw, byte)
        elif self._command == _WRITE_RED:
            self._write_ram(self.ram_red, byte)
        else:
            self._arguments.append(byte)
            self._run_if_complete()

    def _run_if_complete(self) -> None:
        command, wanted = self._command, _PARAMETERS.get(self._command or 0)
        if wanted is None or len(self._arguments) != wanted:
            return
        if command in _ACTIONS:
            getattr(self, f"_command_{command:02x}")(bytes(self._arguments))

    # -- commands --------------------------------------------------------------------------------

    def _command_01(self, a: bytes) -> None:
        """Driver output control: gate lines, and the order in which they are scanned."""
        self._lines = min(GATES, (a[0] | (a[1] & 1) << 8) + 1)
        self._scan = a[2] & 0x07

    def _command_10(self, a: bytes) -> None:
        """Deep sleep: only a hardware reset wakes; mode 2 loses the RAM."""
        if a[0] & 0x03 == 0:
            return
        if a[0] & 0x03 == 0x03:
            self.ram_bw, self.ram_red = bytearray(len(self.ram_bw)), bytearray(len(self.ram_red))
        self._asleep = True
        self._drive("busy", 1)

    def _command_11(self, a: bytes) -> None:
        """Data entry mode: bit 0 X rises, bit 1 Y rises, bit 2 Y moves first."""
        self._entry = a[0] & 0x07

    def _command_12(self, a: bytes) -> None:
        """Software reset: registers, not RAM."""
        self._default_registers()
        self._be_busy(RESET_SECONDS)

    def _command_21(self, a: bytes) -> None:
        """Display update control 1: how each RAM is read (bits 7-4 RED, 3-0 BW)."""
        self._ram_options = a[0]

    def _command_22(self, a: bytes) -> None:
        """Display update control 2: what the next master activation does."""
        self._sequence = a[0]

    def _command_37(self, a: bytes) -> None:
        """Display option: bit 6 of the sixth byte copies the image to the RED RAM after mode 2."""
        self._ping_pong = bool(a[5] & 0x40)

    def _command_44(self, a: bytes) -> None:
        self._window_x = (a[0] & 0x3F, a[1] & 0x3F)

    def _command_45(self, a: bytes) -> None:
        self._window_y = (a[0] | (a[1] & 1) << 8, a[2] | (a[3] & 1) << 8)

    def _command_46(self, a: bytes) -> None:
        self._fill(self.ram_red, a[0])

    def _command_47(self, a: bytes) -> None:
        self._fill(self.ram_bw, a[0])

    def _command_4e(self, a: bytes) -> None:
        self._x = a[0] & 0x3F

    def _command_4f(self, a: bytes) -> None:
        self._y = a[0] | (a[1] & 1) << 8

    def _command_7f(self, a: bytes) -> None:
        """No operation; ends a RAM access."""

    def _command_20(self, a: bytes) -> None:
        """Master activation: run the sequence of 0x22."""
        sequence = self._sequence
        self._clock |= bool(sequence & _ENABLE_CLOCK)
        self._analog |= bool(sequence & _ENABLE_ANALOG)
        image, seconds = None, POWER_SWITCH_SECONDS
        if sequence & _DISPLAY:
            if self._clock and self._analog:
                image = self._next_image(differential=bool(sequence & _MODE_2))
                mode_2 = sequence & _MODE_2
                seconds = PARTIAL_UPDATE_SECONDS if mode_2 else FULL_UPDATE_SECONDS
            else:
                self.violations.append("display update with clock or analog off")
        self._analog &= not sequence & _DISABLE_ANALOG
        self._clock &= not sequence & _DISABLE_CLOCK
        self._be_busy(seconds, image)

    # -- RAM -------------------------------------------------------------------------------------

    def _ram_offset(self) -> int | None:
        inside = self._x < _ROW_BYTES and self._y < GATES
        return self._y * _ROW_BYTES + self._x if inside else None

    def _write_ram(self, ram: bytearray, byte: int) -> None:
        offset = self._ram_offset()
        if offset is None:
            self.violations.append(f"RAM write at x={self._x}, y={self._y}")
        else:
            ram[offset] = byte
        self._advance()

    def _advance(self) -> None:
        """Move the address counter by one byte: one axis, and the other when that one wraps."""
        y_first = self._entry & 0x04
        if y_first:
            if self._step_y():
                self._step_x()
        elif self._step_x():
            self._step_y()

    def _step_x(self) -> bool:
        start, end = self._window_x
        wraps = self._x == end
        self._x = start if wraps else (self._x + (1 if self._entry & 0x01 else -1)) % 64
        return wraps

    def _step_y(self) -> bool:
        start, end = self._window_y
        wraps = self._y == end
        self._y = start if wraps else (self._y + (1 if self._entry & 0x02 else -1)) % 512
        return wraps

    def _fill(self, ram: bytearray, pattern: int) -> None:
        """Auto write (0x46, 0x47): blocks of alternating value, bit 7 that of the first."""
        height = min(8 << (pattern >> 4 & 7), GATES)
        width = min(8 << (pattern & 7), SOURCES) // 8
        first = pattern >> 7
        for y in range(GATES):
            for x in range(_ROW_BYTES):
                odd = (y // height + x // width) & 1
                ram[y * _ROW_BYTES + x] = 0xFF if first ^ odd else 0x00
        self._be_busy(RESET_SECONDS)

    # -- picture ---------------------------------------------------------------------------------

    def _next_image(self, differential: bool) -> list[int]:
        bw, red = self._ram_options & 0x0F, self._ram_options >> 4
        every_dot = (1 << self.sources) - 1
        image = list(self.shown)
        for scanned in range(min(self._lines, self.gates)):
            row = self._gate(scanned)
            if row >= self.gates:
                continue
            new = self._row(self.ram_bw, scanned, bw)
            driven = new ^ self._row(self.ram_red, scanned, red) if differential else every_dot
            image[row] = image[row] & ~driven | new & driven
        if differential and self._ping_pong:
            self.ram_red[:] = self.ram_bw
        return image

    def _row(self, ram: bytearray, row: int, option: int) -> int:
        """The visible dots of a RAM row as 0x21 has them read: plain, as zeros, or inverted."""
        if option & 0x04:
            return 0
        stored = int.from_bytes(ram[row * _ROW_BYTES : (row + 1) * _ROW_BYTES], "big")
        dots = stored >> (SOURCES - self.sources)
        return dots ^ ((1 << self.sources) - 1) if option & 0x08 else dots

    def _gate(self, scanned: int) -> int:
        """The panel's row that RAM row `scanned` drives: TB reverses, SM interlaces, GD swaps."""
        if self._scan & 0x01:
            scanned = self._lines - 1 - scanned
        if self._scan & 0x02:
            half = (self._lines + 1) // 2
            scanned = 2 * scanned if scanned < half else 2 * (scanned - half) + 1
        return scanned ^ 1 if self._scan & 0x04 else scanned

    def image(self) -> Image.Image:
        """Return the panel's image, one pixel a dot, portrait, mode "L" (0 black, 255 white)."""
        row_bytes = (self.sources + 7) // 8
        spare = row_bytes * 8 - self.sources
        packed = b"".join((row << spare).to_bytes(row_bytes, "big") for row in self.shown)
        return Image.frombytes("1", (self.sources, self.gates), packed).convert("L")
