"""Generate a board's files from its board.toml, into its folder generated/.

    python boards/generate.py                 all boards
    python boards/generate.py --check         write nothing; exit 1 if a file is stale
    python boards/generate.py path/to/board   only this folder, also outside boards/

To add a board, create a folder boards/NAME with three files and run this:

    board.toml   chips with their pins, keys, memory, links (schema: simulator/jiaozi_sim/board.py)
    board.py     creates the drivers with the numbers of module `wiring`, which is generated
    README.md    describes the board

Then `make firmware BOARD=NAME`, `jiaozi-sim run NAME`. No other file lists boards.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from jiaozi_sim.board import BOARDS, Board, BoardError, Button, TouchKey, board_names, load_board
from jiaozi_sim.machines.base import (
    BOOT_PAGE,
    BOOT_PAGE_SIZE,
    KEY_PAGE,
    MARK_WORD,
    NVM_BASE,
    RAM_BASE,
    RAM_SIZE,
    ROM_SIZE,
)
from renode_files import platform, script

WALLET = Path(__file__).resolve().parents[1] / "firmware" / "wallet"

# Optional parts of an image by the names in a board's data, as paths below firmware/wallet: files,
# or folders with everything in them.
TAKES: dict[str, tuple[str, ...]] = {
    "chip pn532": ("drivers/pn532.py", "drivers/pn532_hsu.py"),
    "chip ssd1680": ("drivers/ssd1680.py",),
    "chip gc9a01": ("drivers/gc9a01.py",),
    "chip cst816s": ("drivers/cst816s.py",),
    "chip motor": (),
    "display": ("screens", "person/viewer.py"),
    "link contactless": ("links/contactless",),
    "person keys": ("person/keys.py",),
    "person touch": ("person/keys.py", "person/touch.py"),
    "person nobody": ("person/nobody.py",),
}

ORIGIN = "Written by boards/generate.py from board.toml: do not edit."


def files_of(board: Board) -> dict[str, str]:
    """Render each generated file, by name."""
    return {
        "mpconfigboard.h": header(board),
        "mpconfigboard.mk": settings(board),
        "memory.ld": memory(),
        "manifest.py": manifest(board),
        "wiring.py": wiring(board),
        f"{board.name}.repl": platform(board, ORIGIN),
        f"{board.name}.resc": script(board, ORIGIN),
    }


def spoken(board: Board) -> str:
    """Return the board's name in words."""
    return board.name.replace("_", " ")


def header(board: Board) -> str:
    """Render the C header with the board's settings."""
    return f"""\
// {ORIGIN}
#ifndef JZ_MPCONFIGBOARD_H
#define JZ_MPCONFIGBOARD_H

#define MICROPY_HW_BOARD_NAME "{spoken(board)}"
#define MICROPY_HW_MCU_NAME "Cortex-M4 (emulated)"

#define JZ_NVM_ADDRESS ({NVM_BASE:#010x}u)
#define JZ_NVM_SIZE ({board.nvm.size}u)
#define JZ_NVM_PAGE ({board.nvm.page}u)

#define JZ_BOOT_PAGE ({BOOT_PAGE:#010x}u)
#define JZ_BOOT_PAGE_SIZE ({BOOT_PAGE_SIZE}u)
#define JZ_MARKER_PAGE ({MARK_WORD:#010x}u)
#define JZ_KEY_PAGE ({KEY_PAGE:#010x}u)

#endif
"""


def settings(board: Board) -> str:
    """Render make's settings; those with ?= can be set on its command line."""
    return f"""\
# {ORIGIN}
BOARD_NAME = {board.name}
BOARD_NVM_UNIT = {board.nvm.program_unit}
NVM_UNIT ?= {board.nvm.program_unit}
HEAP_KIB ?= {board.memory.heap_kib}
STACK_KIB ?= {board.memory.stack_kib}
"""


def memory() -> str:
    """Render the linker's memory regions."""
    return f"""\
/* {ORIGIN} */
MEMORY
{{
    ROM (rx)  : ORIGIN = 0x00000000, LENGTH = {ROM_SIZE // 1024}K
    RAM (rwx) : ORIGIN = {RAM_BASE:#010x}, LENGTH = {RAM_SIZE // 1024}K
}}
"""


def taken_by(board: Board) -> list[str]:
    """List the optional parts of the application for the board's image. Raises BoardError."""
    wanted = [f"chip {chip.model}" for chip in board.chips]
    wanted += ["display"] if board.display is not None else []
    wanted += [f"link {link}" for link in board.links]
    wanted += [f"person {board.person}"]
    taken = sorted({path for name in wanted for path in TAKES[name]})
    missing = [path for path in taken if not (WALLET / path).exists()]
    if missing:
        raise BoardError(f"{board.name}: firmware/wallet has no {', '.join(missing)}")
    return taken


def manifest(board: Board) -> str:
    """Render MicroPython's manifest of the image."""
    taken = "".join(f'        "{path}",\n' for path in taken_by(board))
    return f'''\
"""The board's frozen modules. {ORIGIN}"""

include(  # noqa: F821  (given by makemanifest)
    "$(PORT_DIR)/../../manifest.py",
    wallet=(
{taken}    ),
)
'''


def wiring(board: Board) -> str:
    """Render the module with the numbers that board.py needs for its drivers."""
    lines = [f'"""Pins, buses and keys. {ORIGIN}"""', ""]
    for chip in board.chips:
        name = chip.model.upper()
        if chip.bus is not None:
            kind, number = chip.bus[:-1].upper(), chip.bus[-1]
            lines.append(f"{name}_{kind} = {number}")
        if (rate := getattr(chip, "bus_hz", None)) is not None:
            lines.append(f"{name}_HZ = {rate:_}")
        lines += [f"{name}_{role.upper()} = {pin}" for role, pin in chip.pins.items()]
        lines.append("")
    if board.buttons:
        lines += ["# Name, pin, level while pressed."]
        lines += table("BUTTONS", (button(one) for one in board.buttons))
    if board.touch_keys:
        lines += ["# Name, left, top, right, bottom."]
        lines += table("TOUCH_KEYS", (touch_key(one) for one in board.touch_keys))
    return "\n".join(lines).rstrip("\n") + "\n"


def button(one: Button) -> str:
    return f'("{one.name}", {one.pin}, {one.pressed_level})'


def touch_key(one: TouchKey) -> str:
    return f'("{one.name}", {one.left}, {one.top}, {one.right}, {one.bottom})'


def table(name: str, rows: Iterable[str]) -> list[str]:
    """Format a tuple as Python source, in ruff's layout."""
    first, *others = rows
    if not others:
        return [f"{name} = ({first},)"]
    return [f"{name} = (", *(f"    {row}," for row in (first, *others)), ")"]


def bring_up_to_date(folder: Path, check: bool) -> list[str]:
    """Write a board's generated files; return the stale ones. With `check` write nothing."""
    generated = folder / "generated"
    wanted = files_of(load_board(folder))
    present = {path.name: path for path in generated.glob("*") if path.is_file()}
    stale = [name for name in present if name not in wanted]
    stale += [
        name
        for name, text in wanted.items()
        if name not in present or present[name].read_text(encoding="utf-8") != text
    ]
    if not check:
        generated.mkdir(exist_ok=True)
        for name in stale:
            if name in wanted:
                (generated / name).write_text(wanted[name], encoding="utf-8")
            else:
                present[name].unlink()
    return [str(generated / name) for name in stale]


def main() -> int:
    """Write or check the files; return 1 if a checked file is stale or a board is invalid."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 if stale")
    parser.add_argument("folder", nargs="*", type=Path, help="boards; all of boards/ if none")
    given = parser.parse_args()
    folders = [path.resolve() for path in given.folder] or [BOARDS / n for n in board_names()]
    try:
        stale = [name for folder in folders for name in bring_up_to_date(folder, given.check)]
    except BoardError as error:
        print(error, file=sys.stderr)
        return 1
    if given.check and stale:
        print(f"stale: {', '.join(stale)}; run boards/generate.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
