"""The command `jiaozi-sim`: use one simulated wallet in a terminal."""

from __future__ import annotations

import os
import secrets
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from jiaozi_sim.board import Board, BoardError, load_board
from jiaozi_sim.client import FIRMWARE, Simulator, SimulatorError, Wallet
from jiaozi_sim.machines.marks import Mark

READER = "reader"
WALLET = "wallet"
_SETTLED_SECONDS = 1.0

app = typer.Typer(
    no_args_is_help=True,
    help="Simulated wallets: run a firmware image on an emulated board and use it.",
    pretty_exceptions_show_locals=False,
)
console = Console()

BoardArgument = Annotated[
    str, typer.Argument(help="A folder of boards/, such as visual_card, or the path of one.")
]
ElfOption = Annotated[
    Path | None,
    typer.Option(help="Firmware image; build/firmware/BOARD/firmware.elf if not given."),
]
SeedOption = Annotated[
    str | None,
    typer.Option(help="Makes the board's randomness repeat. Drawn anew, and shown, if not given."),
]


@app.command()
def run(
    board: BoardArgument = "visual_card",
    elf: ElfOption = None,
    seed: SeedOption = None,
    nvm: Annotated[
        Path | None,
        typer.Option(help="Keep the wallet's memory in this file: read at the start if it exists."),
    ] = None,
    directory: Annotated[
        Path | None, typer.Option(help="Keep logs and the frame log in this new folder.")
    ] = None,
) -> None:
    """Switch a wallet on and press its buttons with the keyboard.

    Shows the serial port of a contactless reader: point the command `jiaozi` at it, and hold the
    wallet to the reader with the key t. Ends with q or Ctrl-C and leaves nothing running.
    """
    seed = seed or secrets.token_hex(8)
    image = _image(board, elf)
    with _said_plainly(), Simulator(directory, panel_speed=1.0) as sim:
        wallet = sim.add_wallet(WALLET, board, image, seed.encode())
        reader = sim.add_reader(READER)
        if nvm is not None and nvm.exists():
            wallet.nvm_write(nvm.read_bytes())
        wallet.start()
        facts = {"seed": seed, "reader port": reader.path}
        facts |= {f"{role} port": path for role, path in wallet.ports.items()}
        hand = _Hand(sim, wallet, load_board(board))
        console.print(_table(board, facts, hand.keys()))
        try:
            hand.live()
        except KeyboardInterrupt:
            console.print()
        finally:
            wallet.cut_power()
            if nvm is not None:
                nvm.write_bytes(wallet.nvm_read())


@app.command()
def screenshot(
    output: Annotated[Path, typer.Argument(help="PNG file to write.")],
    board: BoardArgument = "visual_card",
    elf: ElfOption = None,
    seed: SeedOption = None,
    press: Annotated[
        list[str] | None,
        typer.Option(help="Press this button first; may be given several times, in order."),
    ] = None,
    scale: Annotated[int, typer.Option(min=1, max=10, help="Dots a pixel.")] = 3,
) -> None:
    """Start a wallet, wait until its display stands still, and save it as a picture."""
    seed = seed or secrets.token_hex(8)
    image = _image(board, elf)
    with _said_plainly(), Simulator() as sim:
        wallet = sim.add_wallet(WALLET, board, image, seed.encode())
        wallet.start()
        wallet.wait_mark(Mark.READY)
        _wait_until_settled(wallet)
        for button in press or []:
            wallet.press(button)
            _wait_until_settled(wallet)
        wallet.screenshot(output, scale)
    console.print(f"{output} (seed {seed})")


class _Hand:
    """Keyboard control of a wallet, as far as its board has keys."""

    def __init__(self, sim: Simulator, wallet: Wallet, board: Board) -> None:
        self._sim, self._wallet = sim, wallet
        self._in_field = False
        self._pictures = 0
        self._over = False
        self._keys: dict[str, tuple[str, Callable[[], None]]] = {
            "q": ("quit", self._quit),
            "p": ("take the power away, or give it back", self._power),
        }
        if board.contactless is not None:
            self._keys["t"] = ("hold it to the reader, or take it away", self._tap)
        if board.display is not None:
            self._keys["s"] = ("save the display as a picture", self._save)
        for number, button in enumerate(wallet.buttons, 1):
            self._keys[str(number)] = (f"press {button}", self._press(button))

    def keys(self) -> dict[str, str]:
        """Return the action of each key."""
        return {key: what for key, (what, _) in self._keys.items()}

    def live(self) -> None:
        """Execute keys until q or the end of the input."""
        with _single_keys():
            while not self._over:
                key = os.read(sys.stdin.fileno(), 1).decode(errors="replace")
                if not key:
                    return
                if key in self._keys:
                    self._keys[key][1]()
                    console.print(self._state())

    def _state(self) -> str:
        power = "on" if self._wallet.running else "off"
        where = "at the reader" if self._in_field else "away from the reader"
        counts = self._wallet.counts()
        phase = Mark(counts.phase).name if counts.phase in list(Mark) else str(counts.phase)
        work = f"{counts.work / 1e6:.2f} M instructions, {counts.nvm_stores} NVM stores"
        troubles = "".join(f"\n  {what}" for what in self._wallet.violations()[-3:])
        return f"power {power}, {where}, phase {phase}, {work}{troubles}"

    def _press(self, button: str) -> Callable[[], None]:
        return lambda: self._wallet.press(button)

    def _quit(self) -> None:
        self._over = True

    def _tap(self) -> None:
        if self._in_field:
            self._sim.untap(WALLET)
        else:
            self._sim.tap(WALLET, READER)
        self._in_field = not self._in_field

    def _power(self) -> None:
        if self._wallet.running:
            self._wallet.cut_power()
        else:
            self._wallet.start()

    def _save(self) -> None:
        self._pictures += 1
        path = Path(f"wallet-{self._pictures}.png")
        self._wallet.screenshot(path)
        console.print(f"saved {path}")


def _image(board: str, elf: Path | None) -> Path:
    with _said_plainly():
        load_board(board)
        path = elf or FIRMWARE / board / "firmware.elf"
        if not path.is_file():
            raise SimulatorError("NoImage", f"no image {path}: make -C firmware BOARD={board}")
        return path


def _table(board: str, facts: dict[str, str], keys: dict[str, str]) -> Table:
    table = Table(title=f"A wallet: {board}", show_header=False, title_justify="left")
    for name, value in facts.items():
        table.add_row(name, value)
    table.add_section()
    for key, what in keys.items():
        table.add_row(f"key {key}", what)
    return table


def _wait_until_settled(wallet: Wallet, limit: float = 20.0) -> None:
    """Wait until the display has not changed for a while."""
    end = time.monotonic() + limit
    still_since, last = time.monotonic(), b""
    while time.monotonic() < end:
        now = wallet.picture().tobytes()
        if now != last:
            still_since, last = time.monotonic(), now
        elif time.monotonic() - still_since > _SETTLED_SECONDS:
            return
        time.sleep(0.05)
    raise SimulatorError("Restless", f"the display did not stand still in {limit} s")


@contextmanager
def _single_keys() -> Iterator[None]:
    """Read single keys without echo, if the input is a terminal."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Print an expected failure as one line, without a traceback."""
    try:
        yield
    except (SimulatorError, BoardError) as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from error


def main() -> None:
    """Entry point of `jiaozi-sim`."""
    app()


if __name__ == "__main__":
    main()
