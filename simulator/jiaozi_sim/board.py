"""What the simulator reads of `boards/<board>/board.toml`, checked strictly.

The schema is this file: every key is known, required keys are there, numbers are in range, and no
two things hang on one pin. Sections for real hardware are none of the simulator's business and are
skipped by name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jiaozi_sim.machines.base import NVM_SIZE

BOARDS = Path(__file__).parents[2] / "boards"
FORMS = ("card", "wearable", "sim")
UART_ROLES = ("host", "nfc", "bridge", "contact", "log")
UART_COUNT = 5
PIN_COUNT = 32
_OTHERS = ("hardware",)


class BoardError(Exception):
    """A board.toml is missing, unreadable, or says something it must not."""


@dataclass(frozen=True)
class ChipKind:
    """What an entry of a chip model must and may say."""

    bus: str | None
    pins: tuple[str, ...]
    optional_pins: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    display: bool = False


CHIP_KINDS: Mapping[str, ChipKind] = {
    "ssd1680": ChipKind(
        "spi", ("cs", "dc", "reset", "busy"), (), ("width", "height", "rotation"), display=True
    ),
    "gc9a01": ChipKind(
        "spi", ("cs", "dc", "reset"), ("backlight",), ("width", "height", "rotation"), display=True
    ),
    "cst816s": ChipKind("i2c", ("interrupt",), ("reset",), ("address",)),
    "motor": ChipKind(None, ("pin",)),
}


@dataclass(frozen=True)
class Chip:
    """One `[[chip]]`: which model, on which bus, which of its pins on which board pin."""

    model: str
    bus: str | None
    pins: Mapping[str, int]
    options: Mapping[str, int]

    @property
    def kind(self) -> ChipKind:
        return CHIP_KINDS[self.model]


@dataclass(frozen=True)
class Button:
    """One `[[button]]`; `active` is its level when pressed."""

    name: str
    pin: int
    active: int


@dataclass(frozen=True)
class Nvm:
    """Sizes in bytes, the time of a page erase in milliseconds."""

    size: int
    page: int
    program_unit: int
    erase_ms: float


@dataclass(frozen=True)
class Board:
    """One board as the simulator sees it."""

    name: str
    form: str
    machine: str
    uarts: Mapping[str, int]
    nvm: Nvm
    chips: tuple[Chip, ...]
    buttons: tuple[Button, ...]


def load_board(name: str, boards: Path = BOARDS) -> Board:
    """The board of that name.

    Raises:
        BoardError: there is none, or its board.toml is not valid.
    """
    path = boards / name / "board.toml"
    try:
        board = parse_board(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BoardError(f"{path}: {error.strerror}") from error
    except BoardError as error:
        raise BoardError(f"{path}: {error}") from error
    if board.name != name:
        raise BoardError(f"{path}: it names itself {board.name!r}")
    return board


def parse_board(text: str) -> Board:
    """A board from the text of its board.toml. Raises BoardError."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BoardError(str(error)) from error
    top = _Section("board", {key: table[key] for key in table if key not in _OTHERS})
    emulated = _Section("emulated", top.take("emulated", dict))
    board = Board(
        name=top.take("name", str),
        form=top.choice("form", FORMS),
        machine=emulated.choice("machine", ("mps2-an386",)),
        uarts=_uarts(_Section("uart", top.take("uart", dict))),
        nvm=_nvm(_Section("nvm", top.take("nvm", dict))),
        chips=tuple(_chip(_Section("chip", entry)) for entry in top.take("chip", list, [])),
        buttons=tuple(_button(_Section("button", entry)) for entry in top.take("button", list, [])),
    )
    emulated.done()
    top.done()
    _refuse_shared_pins(board)
    return board


class _Section:
    """One table while it is read: what is left over at the end is unknown."""

    def __init__(self, name: str, table: object) -> None:
        if not isinstance(table, dict):
            raise BoardError(f"{name} is not a table")
        self._name, self._left = name, dict(table)

    def take(self, key: str, kind: type | tuple[type, ...], default: Any = None) -> Any:
        value = self._left.pop(key, default)
        if value is None:
            raise BoardError(f"{self._name} lacks {key!r}")
        if not isinstance(value, kind) or isinstance(value, bool):
            raise BoardError(f"{self._name}: {key} = {value!r} has the wrong type")
        return value

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        value = self.take(key, str)
        if value not in allowed:
            raise BoardError(f"{self._name}: {key} = {value!r} is none of {', '.join(allowed)}")
        return str(value)

    def number(self, key: str, low: int, high: int) -> int:
        value = self.take(key, int)
        if not low <= value <= high:
            raise BoardError(f"{self._name}: {key} = {value} is not within {low} to {high}")
        return int(value)

    def has(self, key: str) -> bool:
        return key in self._left

    def done(self) -> None:
        if self._left:
            raise BoardError(f"{self._name}: unknown {', '.join(sorted(self._left))}")


def _uarts(section: _Section) -> dict[str, int]:
    uarts = {
        role: section.number(role, 0, UART_COUNT - 1) for role in UART_ROLES if section.has(role)
    }
    section.done()
    if len(set(uarts.values())) != len(uarts):
        raise BoardError("uart: two roles on one UART")
    return uarts


def _nvm(section: _Section) -> Nvm:
    nvm = Nvm(
        size=section.number("size", 4096, NVM_SIZE),
        page=section.number("page", 256, NVM_SIZE),
        program_unit=section.number("program_unit", 1, 4096),
        erase_ms=float(section.take("erase_ms", (int, float))),
    )
    section.done()
    if nvm.size % nvm.page or nvm.page % nvm.program_unit:
        raise BoardError("nvm: the size is no multiple of the page, or the page of the unit")
    return nvm


def _chip(section: _Section) -> Chip:
    model = section.choice("model", tuple(CHIP_KINDS))
    kind = CHIP_KINDS[model]
    bus = section.take("bus", str) if kind.bus else None
    if bus is not None and not (bus.startswith(kind.bus or "") and bus[3:].isdecimal()):
        raise BoardError(f"chip {model}: bus = {bus!r} is no {kind.bus} bus")
    roles = (*kind.pins, *(role for role in kind.optional_pins if section.has(role)))
    pins = {role: section.number(role, 0, PIN_COUNT - 1) for role in roles}
    options = {key: section.number(key, 0, 4096) for key in kind.options if section.has(key)}
    section.done()
    return Chip(model, bus, pins, options)


def _button(section: _Section) -> Button:
    button = Button(
        name=section.take("name", str),
        pin=section.number("pin", 0, PIN_COUNT - 1),
        active=1 if section.choice("active", ("low", "high")) == "high" else 0,
    )
    section.done()
    return button


def _refuse_shared_pins(board: Board) -> None:
    users: dict[int, str] = {}
    taken = [
        (pin, f"{chip.model}.{role}") for chip in board.chips for role, pin in chip.pins.items()
    ]
    taken += [(button.pin, f"button {button.name}") for button in board.buttons]
    for pin, user in taken:
        if pin in users:
            raise BoardError(f"pin {pin} is used by {users[pin]} and {user}")
        users[pin] = user
    names = [button.name for button in board.buttons]
    if len(set(names)) != len(names):
        raise BoardError("two buttons of one name")
