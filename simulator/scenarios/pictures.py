"""Pictures of displays: one by one, and all on a sheet."""

from __future__ import annotations

import time
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from jiaozi_sim.client import Wallet
from jiaozi_sim.machines.marks import Mark

_SETTLED_SECONDS = 0.4
_LONGEST_SECONDS = 6.0
_LOOK_SECONDS = 0.05

_SCALE = 2
_COLUMNS = 3
_GAP = 28
_CAPTION = 26
_PAPER = (255, 255, 255)
_INK = (60, 64, 72)


def keep(wallet: Wallet, path: Path) -> None:
    """Write the display as PNG, once the wallet has come to rest and drawn what it had to say."""
    ends = [mark.index for mark in wallet.marks() if mark.mark == Mark.TAP_END]
    if ends:
        wallet.wait_mark(Mark.LINK, _LONGEST_SECONDS, ends[-1])
    end = time.monotonic() + _LONGEST_SECONDS
    last, since = wallet.picture().tobytes(), time.monotonic()
    while time.monotonic() < min(end, since + _SETTLED_SECONDS):
        time.sleep(_LOOK_SECONDS)
        seen = wallet.picture().tobytes()
        if seen != last:
            last, since = seen, time.monotonic()
    wallet.screenshot(path, _SCALE)


def overview(directory: Path, target: Path) -> None:
    """All pictures of a directory on one sheet, in the order they were taken, with their names."""
    files = sorted(directory.glob("*.png"), key=lambda file: file.stat().st_mtime_ns)
    shots = [(file.stem.replace("-", " "), Image.open(file).convert("RGB")) for file in files]
    cell = max(image.width for _, image in shots), max(image.height for _, image in shots)
    rows = -(-len(shots) // _COLUMNS)
    width = _COLUMNS * (cell[0] + _GAP) + _GAP
    height = rows * (cell[1] + _CAPTION + _GAP) + _GAP
    sheet = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(16)
    for number, (name, image) in enumerate(shots):
        row, column = divmod(number, _COLUMNS)
        left = _GAP + column * (cell[0] + _GAP)
        top = _GAP + row * (cell[1] + _CAPTION + _GAP)
        centred = (cell[0] - image.width) // 2, (cell[1] - image.height) // 2
        sheet.paste(image, (left + centred[0], top + centred[1]))
        pen.text((left + cell[0] // 2, top + cell[1] + 4), name, _INK, font, anchor="ma")
    sheet.save(target)
