"""Render the strokes to the bitmaps in `firmware/wallet/screens/glyphs_*.py`.

    python firmware/fonts/make_glyphs.py            write them
    python firmware/fonts/make_glyphs.py --check    fail if they are stale

Corners are snapped to whole pixels before drawing, so that stems are equally thick. A pixel is
black if the pen covers at least half of it.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass
from pathlib import Path

import strokes
from PIL import Image, ImageDraw

SCREENS = Path(__file__).resolve().parents[1] / "wallet" / "screens"
FINE = 8  # drawn larger by this factor, then averaged


@dataclass(frozen=True)
class Size:
    """One bitmap font: height of a capital and width of the pen, in pixels."""

    name: str
    what: str
    glyphs: dict[str, strokes.Glyph]
    cap: int
    pen: int
    gap: int
    descent: int  # hundredths below the base line


SIZES = (
    Size("large", "Amounts on their own.", strokes.AMOUNT, cap=40, pen=6, gap=5, descent=20),
    Size("medium", "Amounts too long for that.", strokes.AMOUNT, cap=26, pen=4, gap=4, descent=20),
    Size("text", "Everything else.", strokes.TEXT, cap=12, pen=2, gap=2, descent=30),
)


class Drawing:
    """One glyph on a fine grid."""

    def __init__(self, size: Size, glyph: strokes.Glyph) -> None:
        self.size = size
        width, self.lines = glyph
        self.scale = size.cap / 100
        self.columns = round(width * self.scale) + size.pen
        self.rows = size.cap + size.pen + round(size.descent * self.scale)
        self.image = Image.new("L", (self.columns * FINE, self.rows * FINE))
        self.draw = ImageDraw.Draw(self.image)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Convert a point to fine pixels, with y pointing down."""
        half = self.size.pen / 2
        return (
            (x * self.scale + half) * FINE,
            (self.size.cap - y * self.scale + half) * FINE,
        )

    def snapped(self, x: float, y: float) -> tuple[float, float]:
        """Convert a point to fine pixels and snap it to a whole pixel."""
        return self.place(round(x * self.scale) / self.scale, round(y * self.scale) / self.scale)

    def arc(self, element: strokes.Arc) -> list[tuple[float, float]]:
        """Return points on an arc whose bounding box is on whole pixels."""
        cx, cy, rx, ry, start, end = element
        left, low = self.snapped(cx - rx, cy - ry)
        right, high = self.snapped(cx + rx, cy + ry)
        steps = max(2, int(abs(end - start) / 4))
        angles = [math.radians(start + (end - start) * i / steps) for i in range(steps + 1)]
        return [
            (
                (left + right) / 2 + (right - left) / 2 * math.cos(a),
                (low + high) / 2 - (low - high) / 2 * math.sin(a),
            )
            for a in angles
        ]

    def bits(self) -> list[list[bool]]:
        """Return the rows of pixels, true where black."""
        for line in self.lines:
            points: list[tuple[float, float]] = []
            for element in line:
                points += [self.snapped(*element)] if len(element) == 2 else self.arc(element)
            self.trace(points)
        small = self.image.resize((self.columns, self.rows), Image.Resampling.BOX)
        pixels = small.tobytes()
        rows = [pixels[i : i + self.columns] for i in range(0, len(pixels), self.columns)]
        return [[value >= 128 for value in row] for row in rows]

    def trace(self, points: list[tuple[float, float]]) -> None:
        """Draw with a round pen through the points."""
        radius = self.size.pen * FINE / 2
        self.draw.line(points, fill=255, width=round(2 * radius))
        for x, y in points:
            self.draw.ellipse((x - radius, y - radius, x + radius - 1, y + radius - 1), fill=255)


def packed(rows: list[list[bool]]) -> bytes:
    """Encode rows as framebuf.MONO_HLSB: rows padded to bytes, first pixel in the highest bit."""
    out = bytearray()
    for row in rows:
        for i in range(0, len(row), 8):
            out.append(sum(0x80 >> k for k, ink in enumerate(row[i : i + 8]) if ink))
    return bytes(out)


def module(size: Size) -> str:
    """Render one glyph module."""
    names = "".join(sorted(size.glyphs))
    drawings = [(name, Drawing(size, size.glyphs[name])) for name in names]
    height = drawings[0][1].rows
    lines = [
        f'"""{size.what} Written by `firmware/fonts/make_glyphs.py`: do not edit."""',
        "",
        "from micropython import const",
        "",
        f"HEIGHT = const({height})",
        f"ASCENT = const({size.cap + size.pen})",
        f"GAP = const({size.gap})",
        f"CHARACTERS = {literal(names)}",
        "# For each character its width in pixels, then its rows (framebuf.MONO_HLSB).",
        "GLYPHS = (",
    ]
    for _, drawing in drawings:
        data = bytes((drawing.columns,)) + packed(drawing.bits())
        lines += wrapped(data)
    return "\n".join([*lines, ")", ""])


def literal(text: str) -> str:
    """Format a string literal in double quotes."""
    inner = ascii(text)[1:-1].replace("\\'", "'").replace('"', '\\"')
    return f'"{inner}"'


def wrapped(data: bytes) -> list[str]:
    """Format a bytes object as source lines of at most 100 columns."""
    pieces = [data[i : i + 22] for i in range(0, len(data), 22)]
    text = ['b"' + "".join(f"\\x{byte:02x}" for byte in piece) + '"' for piece in pieces]
    if len(text) == 1:
        return [f"    {text[0]},"]
    return ["    (", *(f"        {piece}" for piece in text), "    ),"]


def main() -> int:
    """Write or check all fonts; return 1 if a checked one is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 if stale")
    check = parser.parse_args().check
    stale = []
    for size in SIZES:
        path = SCREENS / f"glyphs_{size.name}.py"
        text = module(size)
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.name)
    if stale:
        print(f"stale: {', '.join(stale)}; run firmware/fonts/make_glyphs.py")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
