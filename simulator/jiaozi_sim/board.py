"""The schema of `boards/<board>/board.toml`, which holds all data of a board.

Strict: unknown and missing keys, numbers out of range, pins or UARTs used twice, and capabilities
that do not fit the chips are errors. The simulator builds a wallet from a board.toml;
`boards/generate.py` writes the files for firmware and Renode from it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from jiaozi_sim.machines.base import NVM_SIZE

BOARDS = Path(__file__).parents[2] / "boards"
PIN_COUNT = 32

Pin = Annotated[int, Field(ge=0, lt=PIN_COUNT)]
UartNumber = Annotated[int, Field(ge=0, le=4)]
Pixels = Annotated[int, Field(ge=0, le=4096)]
Hertz = Annotated[int, Field(gt=0)]
Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]


class BoardError(Exception):
    """A board.toml is missing, unreadable or invalid. The text is one line with table and key."""


class _Table(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _Chip(_Table):
    """One `[[chip]]`: its model, its bus, and the board pin of each of its pins."""

    PINS: ClassVar[tuple[str, ...]] = ()
    model: str
    bus: str | None = None

    @property
    def pins(self) -> dict[str, int]:
        """Board pins by the chip's pin names."""
        return {role: getattr(self, role) for role in self.PINS}


class _Display(_Chip):
    """A display; width, height: as the user sees it; rotation: of the controller, in degrees."""

    bus: Annotated[str, Field(pattern="^spi[01]$")]
    bus_hz: Hertz
    width: Pixels
    height: Pixels
    rotation: Literal[0, 90, 180, 270] = 0


class Pn532(_Chip):
    """Contactless reader and card."""

    model: Literal["pn532"]
    bus: Annotated[str, Field(pattern="^uart[0-4]$")]

    @property
    def uart(self) -> int:
        """The number of its UART."""
        return int(self.bus.removeprefix("uart"))


class Ssd1680(_Display):
    """E-paper."""

    PINS = ("cs", "dc", "reset", "busy")
    model: Literal["ssd1680"]
    cs: Pin
    dc: Pin
    reset: Pin
    busy: Pin


class Gc9a01(_Display):
    """Round colour screen."""

    PINS = ("cs", "dc", "reset")
    model: Literal["gc9a01"]
    cs: Pin
    dc: Pin
    reset: Pin


class Cst816s(_Chip):
    """Touch controller."""

    PINS = ("interrupt", "reset")
    model: Literal["cst816s"]
    bus: Annotated[str, Field(pattern="^i2c[01]$")]
    bus_hz: Hertz
    interrupt: Pin
    reset: Pin


class Motor(_Chip):
    """Vibration motor."""

    PINS = ("pin",)
    model: Literal["motor"]
    pin: Pin


Chip = Pn532 | Ssd1680 | Gc9a01 | Cst816s | Motor
Display = Ssd1680 | Gc9a01


class Button(_Table):
    """One `[[button]]`; active: its level while pressed."""

    name: Name
    pin: Pin
    active: Literal["low", "high"]

    @property
    def pressed_level(self) -> int:
        return int(self.active == "high")


class TouchKey(_Table):
    """One `[[touch_key]]`: a screen area that acts as a button; right and bottom are excluded."""

    name: Name
    left: Pixels
    top: Pixels
    right: Pixels
    bottom: Pixels


class Nvm(_Table):
    """Non-volatile memory: sizes in bytes."""

    size: Annotated[int, Field(ge=4096, le=NVM_SIZE)]
    page: Annotated[int, Field(ge=256, le=NVM_SIZE)]
    program_unit: Annotated[int, Field(ge=4, le=4096)]

    @model_validator(mode="after")
    def _fits(self) -> Nvm:
        if self.size % self.page or self.page % self.program_unit:
            raise ValueError("size must be a multiple of page, and page of program_unit")
        return self


class Memory(_Table):
    """Sizes of heap and stack in RAM, in KiB."""

    heap_kib: Annotated[int, Field(ge=32)]
    stack_kib: Annotated[int, Field(ge=8)]


class EmulatedUarts(_Table):
    """UART numbers by role, without the UARTs of chips."""

    host: UartNumber
    bridge: UartNumber
    contact: UartNumber
    log: UartNumber


class Emulated(_Table):
    """`[target.emulated]`: the emulated machine of the board."""

    machine: Literal["mps2-an386"]
    uart: EmulatedUarts


class Targets(_Table):
    """The targets for which the board's firmware is built."""

    emulated: Emulated


class Board(_Table):
    """One board; links: its links to readers and peers; person: its means of user input."""

    name: Name
    form: Literal["card", "wearable", "sim"]
    links: Annotated[tuple[Literal["contactless"], ...], Field(strict=False)]
    person: Literal["keys", "touch", "nobody"]
    target: Targets
    memory: Memory
    nvm: Nvm
    chips: Annotated[
        tuple[Annotated[Chip, Field(discriminator="model")], ...], Field(alias="chip", strict=False)
    ] = ()
    buttons: Annotated[tuple[Button, ...], Field(alias="button", strict=False)] = ()
    touch_keys: Annotated[tuple[TouchKey, ...], Field(alias="touch_key", strict=False)] = ()

    @property
    def display(self) -> Display | None:
        """The display's chip, or None."""
        return next((chip for chip in self.chips if isinstance(chip, _Display)), None)

    @property
    def contactless(self) -> Pn532 | None:
        """The contactless chip, or None."""
        return next((chip for chip in self.chips if isinstance(chip, Pn532)), None)

    @property
    def uarts(self) -> dict[str, int]:
        """UART number by role; the contactless chip's role is `nfc`."""
        uarts = self.target.emulated.uart.model_dump()
        if self.contactless is not None:
            uarts["nfc"] = self.contactless.uart
        return uarts

    @model_validator(mode="after")
    def _check_unique(self) -> Board:
        pins = [
            (pin, f"{chip.model}.{role}") for chip in self.chips for role, pin in chip.pins.items()
        ]
        pins += [(button.pin, f"button {button.name}") for button in self.buttons]
        _reject_duplicates("pin", pins)
        _reject_duplicates("UART", ((number, role) for role, number in self.uarts.items()))
        _reject_duplicates("model", ((chip.model, "a chip") for chip in self.chips))
        _reject_duplicates("name", ((button.name, "a button") for button in self.buttons))
        return self

    @model_validator(mode="after")
    def _check_capabilities(self) -> Board:
        models = {chip.model for chip in self.chips}
        if ("contactless" in self.links) != (self.contactless is not None):
            raise ValueError('links: "contactless" goes with a pn532 chip, and only with one')
        if (self.person == "touch") != ("cst816s" in models and bool(self.touch_keys)):
            raise ValueError('person: "touch" goes with a cst816s chip and touch_key tables')
        if (self.person == "nobody") != (not self.buttons and not self.touch_keys):
            raise ValueError('person: "nobody" goes with no button or touch_key, and only then')
        for key in self.touch_keys:
            shown = self.display
            if shown is None or key.right > shown.width or key.bottom > shown.height:
                raise ValueError(f"touch_key {key.name} is not on the display")
        return self


def _reject_duplicates(what: str, uses: Iterable[tuple[object, str]]) -> None:
    users: dict[object, str] = {}
    for used, user in uses:
        if used in users:
            raise ValueError(f"{what} {used} is used by {users[used]} and {user}")
        users[used] = user


def board_names() -> list[str]:
    """List the names of all boards: the folders of boards/ with a board.toml."""
    return sorted(path.parent.name for path in BOARDS.glob("*/board.toml"))


def load_board(board: str | Path) -> Board:
    """Load a board by its name, or by the path of a folder outside boards/.

    Raises:
        BoardError: the board does not exist, or its board.toml is invalid.
    """
    path = BOARDS / board / "board.toml"
    try:
        found = parse_board(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BoardError(f"{path}: {error.strerror}") from error
    except BoardError as error:
        raise BoardError(f"{path}: {error}") from error
    if found.name != path.parent.name:
        raise BoardError(f"{path}: board: name = {found.name!r}: not the name of its folder")
    return found


def parse_board(text: str) -> Board:
    """Parse the text of a board.toml. Raises BoardError."""
    try:
        return Board.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BoardError(str(error)) from error
    except ValidationError as error:
        raise BoardError(_first_error(error)) from error


def _first_error(error: ValidationError) -> str:
    """Format the first validation error in one line: table, key, problem."""
    first = error.errors(include_url=False)[0]
    # Tables of an array are counted from 1; a chip's number is followed by its model.
    path = [str(part + 1) if isinstance(part, int) else part for part in first["loc"]]
    if first["type"] == "value_error":  # of a table as a whole
        return f"{' '.join(path) or 'board'}: {first['ctx']['error']}"
    where = f"{' '.join(path[:-1]) or 'board'}: {path[-1]}"
    if first["type"] == "missing":
        return f"{where}: is missing"
    if first["type"] == "extra_forbidden":
        return f"{where}: unknown key"
    given = "" if isinstance(first["input"], dict | list) else f" = {first['input']!r}"
    return f"{where}{given}: {first['msg']}"
