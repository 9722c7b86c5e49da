"""Pictures of displays: one by one, and all on a sheet."""

from __future__ import annotations

import time
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from jiaozi_sim.client import Wallet
from jiaozi_sim.machines.engines import patience
from jiaozi_sim.machines.marks import Mark

_SETTLED_SECONDS = 0.4
_LONGEST_SECONDS = 6.0
_LOOK_SECONDS = 0.05

_SCALE = 2
_COLUMNS = 3
_GAP = 28
_CAPTION = 36
_FONT = 24
_PAPER = (255, 255, 255)
_INK = (60, 64, 72)


def keep(wallet: Wallet, path: Path) -> None:
    """Write the display as PNG, once the wallet is idle and its display does not change."""
    ends = [mark.index for mark in wallet.marks() if mark.mark == Mark.TAP_END]
    if ends:
        wallet.wait_mark(Mark.LINK, _LONGEST_SECONDS, ends[-1])
    # Bytes for a display may wait in an engine's sockets.
    settled, longest = _SETTLED_SECONDS * patience(), _LONGEST_SECONDS * patience()
    end = time.monotonic() + longest
    last, since = wallet.picture().tobytes(), time.monotonic()
    while time.monotonic() < min(end, since + settled):
        time.sleep(_LOOK_SECONDS)
        seen = wallet.picture().tobytes()
        if seen != last:
            last, since = seen, time.monotonic()
    wallet.screenshot(path, _SCALE)


def overview(directory: Path, target: Path) -> None:
    """Put all pictures of a directory on one sheet, in the order of their time, with names."""
    files = sorted(directory.glob("*.png"), key=lambda file: file.stat().st_mtime_ns)
    shots = [(file.stem.replace("-", " "), Image.open(file).convert("RGB")) for file in files]
    rows = [shots[i : i + _COLUMNS] for i in range(0, len(shots), _COLUMNS)]
    cell = max(image.width for _, image in shots)
    heights = [max(image.height for _, image in row) + _CAPTION + _GAP for row in rows]
    sheet = Image.new("RGB", (_COLUMNS * (cell + _GAP) + _GAP, sum(heights) + _GAP), _PAPER)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(_FONT)
    top = _GAP
    for row, height in zip(rows, heights, strict=True):
        for column, (name, image) in enumerate(row):
            middle = _GAP + column * (cell + _GAP) + cell // 2
            below = top + height - _CAPTION - _GAP
            sheet.paste(image, (middle - image.width // 2, below - image.height))
            pen.text((middle, below + 4), name, _INK, font, anchor="ma")
        top += height
    sheet.save(target)
