"""Bus bridge: connects an emulated board's SPI, I2C and pins to the chip models.

The real buses of a board are not emulated instruction by instruction. The port's `machine.SPI`,
`machine.I2C` and `machine.Pin` speak these frames on one UART, and the chip models get the same
bytes and levels that a real chip would. A frame is u8 operation, u8 bus or pin, u16 length
(little-endian), payload. Frames are executed in order.

Firmware to simulator: 01 SPI_WRITE data · 02 SPI_READ u16 count, u8 fill · 03 PIN_OUT u8 level ·
04 PIN_IN u8 pull (0 none, 1 up, 2 down) · 05 I2C_WRITE u8 address, data · 06 I2C_READ u8 address,
u16 count. Simulator to firmware: 81 PIN_LEVEL u8 level · 82 READ_ANSWER data.
PIN_IN is answered by a PIN_LEVEL at once, and by another at each change of the level.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from PIL import Image

from jiaozi_sim import board as data
from jiaozi_sim.board import Board, Chip
from jiaozi_sim.chips.cst816s import ADDRESS as CST816S_ADDRESS
from jiaozi_sim.chips.cst816s import Cst816s
from jiaozi_sim.chips.gc9a01 import Gc9a01
from jiaozi_sim.chips.motor import Motor
from jiaozi_sim.chips.ssd1680 import Ssd1680
from jiaozi_sim.scheduler import Scheduler

SPI_WRITE, SPI_READ, PIN_OUT, PIN_IN, I2C_WRITE, I2C_READ = range(1, 7)
PIN_LEVEL, READ_ANSWER = 0x81, 0x82
_HEAD = struct.Struct("<BBH")
_PULL_UP = 1


class BridgeError(Exception):
    """The firmware sent an invalid frame, or the board has no such chip or button."""


def frame(operation: int, number: int, payload: bytes) -> bytes:
    """Encode a bridge frame."""
    return _HEAD.pack(operation, number, len(payload)) + payload


class FrameReader:
    """Cuts a byte stream into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, int, bytes]]:
        """Add bytes; return the complete frames as (operation, number, payload)."""
        self._buffer += data
        frames, at = [], 0
        while len(self._buffer) - at >= _HEAD.size:
            operation, number, length = _HEAD.unpack_from(self._buffer, at)
            end = at + _HEAD.size + length
            if len(self._buffer) < end:
                break
            frames.append((operation, number, bytes(self._buffer[at + _HEAD.size : end])))
            at = end
        del self._buffer[:at]
        return frames


class Pins:
    """Levels of a board's pins as chips and buttons drive them; inputs are reported."""

    def __init__(self, push: Callable[[int, int], None]) -> None:
        self._push = push
        self._driven: dict[int, int | None] = {}
        self._pulls: dict[int, int] = {}
        self._pushed: dict[int, int] = {}

    def forget_firmware(self) -> None:
        """Reset after a loss of power: no pin is an input, no pull is on."""
        self._pulls.clear()
        self._pushed.clear()

    def watch(self, pin: int, pull: int) -> None:
        """Make the pin an input: report its level now and at each change."""
        self._pulls[pin] = pull
        self._pushed.pop(pin, None)
        self._push_change(pin)

    def drive(self, pin: int, level: int | None) -> None:
        """Drive the pin as a chip or button; None lets it float to its pull."""
        self._driven[pin] = level
        if pin in self._pulls:
            self._push_change(pin)

    def level(self, pin: int) -> int:
        driven = self._driven.get(pin)
        return int(self._pulls.get(pin) == _PULL_UP) if driven is None else driven

    def _push_change(self, pin: int) -> None:
        level = self.level(pin)
        if self._pushed.get(pin) != level:
            self._pushed[pin] = level
            self._push(pin, level)


class Bridge:
    """One board's chips and buttons behind its bridge UART.

    Args:
        send: takes the bytes for the firmware.
        speed: slow chips (e-paper) are this much faster than real ones.
    """

    def __init__(
        self,
        board: Board,
        scheduler: Scheduler,
        send: Callable[[bytes], None],
        speed: float = 1.0,
    ) -> None:
        self._scheduler, self._send, self._speed = scheduler, send, speed
        self._reader = FrameReader()
        self._pins = Pins(self._push_level)
        self._buttons = {button.name: button for button in board.buttons}
        self.chips: list[tuple[Chip, Any]] = []
        self._listeners: dict[int, list[tuple[Any, str]]] = {}
        self._display = board.display
        for entry in board.chips:
            if not isinstance(entry, data.Pn532):  # it has a UART of its own
                self._attach(entry)

    def _attach(self, entry: Chip) -> None:
        model = _build(entry, self._scheduler, self._drive_for(entry), self._speed)
        self.chips.append((entry, model))
        for role, pin in entry.pins.items():
            self._listeners.setdefault(pin, []).append((model, role))

    def _drive_for(self, entry: Chip) -> Callable[[str, int], None]:
        def drive(role: str, level: int) -> None:
            self._pins.drive(entry.pins[role], level)

        return drive

    def _push_level(self, pin: int, level: int) -> None:
        self._send(frame(PIN_LEVEL, pin, bytes([level])))

    # -- power -----------------------------------------------------------------------------------

    def power_on(self) -> None:
        """Apply power to the chips."""
        for _, model in self.chips:
            model.power_on()

    def power_off(self) -> None:
        """Cut the power: a partial frame, pulls and levels are lost."""
        self._reader = FrameReader()
        self._pins.forget_firmware()
        for _, model in self.chips:
            model.power_off()

    # -- firmware's side -------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Receive bytes from the firmware. Raises BridgeError for an invalid frame."""
        for operation, number, payload in self._reader.feed(data):
            self._obey(operation, number, payload)

    def _obey(self, operation: int, number: int, payload: bytes) -> None:
        if operation == SPI_WRITE:
            for model in self._on_bus(f"spi{number}"):
                model.spi_write(payload)
        elif operation == SPI_READ:
            self._spi_read(number, *_unpack("<HB", payload))
        elif operation == PIN_OUT:
            (level,) = _unpack("<B", payload)
            for model, role in self._listeners.get(number, []):
                model.pin(role, level)
        elif operation == PIN_IN:
            (pull,) = _unpack("<B", payload)
            self._pins.watch(number, pull)
        elif operation == I2C_WRITE:
            (address,) = _unpack("<B", payload[:1])
            for model in self._on_bus(f"i2c{number}", address):
                model.i2c_write(payload[1:])
        elif operation == I2C_READ:
            self._i2c_read(number, *_unpack("<BH", payload))
        else:
            raise BridgeError(f"operation {operation:02x} is unknown")

    def _on_bus(self, bus: str, address: int | None = None) -> list[Any]:
        return [
            model
            for entry, model in self.chips
            if entry.bus == bus and address in (None, CST816S_ADDRESS)
        ]

    def _spi_read(self, number: int, count: int, fill: int) -> None:
        del fill  # the models ignore what is sent during a read
        models = self._on_bus(f"spi{number}")
        answers = [model.spi_read(count) for model in models if model.selected]
        if models:
            floating = b"\xff" * count
            self._send(frame(READ_ANSWER, number, answers[0] if answers else floating))

    def _i2c_read(self, number: int, address: int, count: int) -> None:
        for model in self._on_bus(f"i2c{number}", address):
            self._send(frame(READ_ANSWER, number, model.i2c_read(count)))

    # -- the person's side -----------------------------------------------------------------------

    def press(self, name: str) -> None:
        """Hold a button down. Raises BridgeError if it does not exist."""
        button = self._button(name)
        self._pins.drive(button.pin, button.pressed_level)

    def release(self, name: str) -> None:
        """Release a button; its pin floats to its pull."""
        self._pins.drive(self._button(name).pin, None)

    def _button(self, name: str) -> data.Button:
        if name not in self._buttons:
            known = ", ".join(self._buttons) or "none"
            raise BridgeError(f"no button {name!r} on this board; it has: {known}")
        return self._buttons[name]

    def is_refreshing(self) -> bool:
        """True while a display's refresh is under way."""
        return any(getattr(model, "busy", False) for _, model in self.chips)

    def touch(self, x: int, y: int) -> None:
        """Touch the screen at a point."""
        self._chip("cst816s").touch(x, y)

    def lift(self) -> None:
        """Lift the finger off the screen."""
        self._chip("cst816s").release()

    def _chip(self, model_name: str) -> Any:
        for entry, model in self.chips:
            if entry.model == model_name:
                return model
        raise BridgeError(f"no {model_name} on this board")

    def picture(self) -> Image.Image:
        """Return the display's image, upright, one pixel a dot."""
        if self._display is None:
            raise BridgeError("this board has no display")
        turned: Image.Image = self._chip(self._display.model).image()
        return turned.rotate(self._display.rotation, expand=True)

    def violations(self) -> list[str]:
        """Return the firmware's violations of the chips' data sheets."""
        return [
            f"{entry.model}: {what}"
            for entry, model in self.chips
            for what in getattr(model, "violations", ())
        ]


def _unpack(layout: str, payload: bytes) -> tuple[int, ...]:
    try:
        return struct.unpack(layout, payload)
    except struct.error as error:
        raise BridgeError(f"payload {payload.hex()} has the wrong length") from error


def _build(
    entry: Chip, scheduler: Scheduler, drive: Callable[[str, int], None], speed: float
) -> Any:
    if isinstance(entry, data.Ssd1680):
        # board.toml has the size as it is viewed; the controller's rows are its longer side.
        sides = sorted((entry.width, entry.height))
        return Ssd1680(scheduler, drive, sources=sides[0], gates=sides[1], speed=speed)
    if isinstance(entry, data.Gc9a01):
        return Gc9a01()
    if isinstance(entry, data.Cst816s):
        return Cst816s(drive)
    return Motor(scheduler)
