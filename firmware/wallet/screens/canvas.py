"""Boxes and lettering on the part of a picture that a display hands out."""

import framebuf

from wallet.screens import glyphs_large, glyphs_medium, glyphs_text

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LARGE = glyphs_large
MEDIUM = glyphs_medium
TEXT = glyphs_text
"""The fonts: modules made by `firmware/fonts`. The first two have only what amounts need."""


def width(font, text: str) -> int:
    """Pixels from the first to the last column of a text."""
    total = 0
    for character in text:
        total += _glyph(font, character)[0] + font.GAP
    return max(total - font.GAP, 0)


def wrap(font, text: str, room: int) -> list:
    """The text in lines no wider than `room`, broken at spaces."""
    lines = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line and width(font, longer) > room:
            lines.append(line)
            line = word
        else:
            line = longer
    lines.append(line)
    return lines


def _glyph(font, character: str) -> bytes:
    """A character's width and rows; what the font lacks is a question mark, or a space."""
    at = font.CHARACTERS.find(character)
    if at < 0:
        at = max(font.CHARACTERS.find("?"), 0)
    return font.GLYPHS[at]


class Canvas:
    """Drawing in display coordinates with the display's roles of colours."""

    def __init__(self, display):
        self._colours = display.colours
        self._format = display.format
        self._palette = framebuf.FrameBuffer(bytearray(16), 2, 1, self._format)
        # framebuf reads glyphs only from memory that could be written to.
        self._cell = bytearray(max([len(g) for font in (LARGE, TEXT) for g in font.GLYPHS]))
        self._fb: Any = None
        self._top = 0
        self._bottom = 0

    def part(self, fb, top: int, bottom: int) -> None:
        """Draw from now on into fb, which shows the display's rows from top to before bottom."""
        self._fb = fb
        self._top = top
        self._bottom = bottom

    def clear(self, role: int) -> None:
        """Everything in one colour."""
        self._fb.fill(self._colours[role])

    def box(self, x: int, y: int, wide: int, high: int, role: int) -> None:
        """A filled rectangle."""
        self._fb.fill_rect(x, y - self._top, wide, high, self._colours[role])

    def frame(self, x: int, y: int, wide: int, high: int, role: int) -> None:
        """The outline of a rectangle, with its four corner pixels left out."""
        self.box(x + 1, y, wide - 2, 1, role)
        self.box(x + 1, y + high - 1, wide - 2, 1, role)
        self.box(x, y + 1, 1, high - 2, role)
        self.box(x + wide - 1, y + 1, 1, high - 2, role)

    def text(self, font, text: str, x: int, y: int, role: int, ground: int) -> None:
        """Letters whose tops are at y, on a ground that is there already."""
        if y >= self._bottom or y + font.HEIGHT <= self._top:
            return
        clear = self._colours[ground]
        self._palette.pixel(0, 0, clear)
        self._palette.pixel(1, 0, self._colours[role])
        for character in text:
            glyph = _glyph(font, character)
            wide = glyph[0]
            self._cell[: len(glyph) - 1] = glyph[1:]
            cell = framebuf.FrameBuffer(self._cell, wide, font.HEIGHT, framebuf.MONO_HLSB)
            self._fb.blit(cell, x, y - self._top, clear, self._palette)
            x += wide + font.GAP
