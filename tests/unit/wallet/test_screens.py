"""Every screen on both displays: nothing is cut off, nothing overlaps, and amounts read right.

JIAOZI_SCREENS=<folder> also writes the pictures there.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from jiaozi.wire import errors
from tests.fixtures import framebuf_fake as framebuf
from tests.fixtures.devices import Port
from wallet.drivers.gc9a01 import Gc9a01
from wallet.drivers.ssd1680 import Ssd1680
from wallet.hal.errors import DisplayError
from wallet.person.viewer import Viewer
from wallet.screens import Screens, canvas
from wallet.screens.amounts import amount
from wallet.screens.pages import PAGES
from wallet.screens.reasons import reason_text

ROOT = Path(__file__).parents[3]
WALLET = bytes.fromhex("3f9ac1d20011223344")
STATUS_WORDS = [v for v in vars(errors).values() if isinstance(v, int)]
SHOWN = [
    ("blank", {}),
    ("home", {"balance": 0, "wallet": WALLET}),
    ("home", {"balance": 123450, "wallet": WALLET}),
    ("home", {"balance": 50000000, "wallet": WALLET}),
    ("home", {"balance": 50000000, "wallet": WALLET, "bound": 50000000}),
    ("consent", {"amount": 5000000, "wallet": WALLET, "bound": True}),
    ("armed_receive", {"amount": 2500}),
    ("armed_receive", {"amount": 0}),
    ("armed_pay", {"amount": 500000, "left": 120}),
    ("armed_pay", {"amount": 500000, "left": 30, "named": True}),
    ("allow_pin", {}),
    ("confirmed", {}),
    ("consent", {"amount": 5000000, "wallet": WALLET, "bound": True, "number": 8}),
    ("consent", {"amount": 2500, "wallet": WALLET}),
    ("consent", {"amount": 5000000, "wallet": bytes(9)}),
    ("paid", {"amount": 2500}),
    ("received", {"amount": 50000000}),
    ("refused", {"reason": errors.OVER_SINGLE}),
    ("refused", {"reason": "two cards"}),
    ("pending", {"balance": 97500}),
    ("blocked", {}),
    ("frozen", {}),
    ("outdated", {}),
    ("damaged", {}),
]


class Display:
    """A display that keeps its picture; drawn in parts as the real one is."""

    def __init__(self, kind: type) -> None:
        self.width, self.height = kind.width, kind.height
        self.is_round, self.format, self.colours = kind.is_round, kind.format, kind.colours
        self.rows = 16 if kind.is_round else kind.height
        self.image = Image.new("RGB", (self.width, self.height))
        self.draws = 0
        self.broken = self.refreshing = False

    def draw(self, paint) -> None:
        if self.broken:
            raise DisplayError("broken")
        self.draws += 1
        wide = self.width
        for top in range(0, self.height, self.rows):
            size = wide * (self.rows + 7 & ~7) * (2 if self.is_round else 1)
            fb = framebuf.FrameBuffer(bytearray(size), wide, self.rows, self.format)
            paint(fb, top, top + self.rows)
            for y in range(self.rows):
                for x in range(wide):
                    self.image.putpixel((x, top + y), self._colour(fb.get(x, y)))

    def is_drawn(self) -> bool:
        return not self.refreshing

    def _colour(self, value: int) -> tuple[int, int, int]:
        if not self.is_round:
            return (255, 255, 255) if value else (0, 0, 0)
        word = (value & 0xFF) << 8 | value >> 8
        return word >> 8 & 0xF8, word >> 3 & 0xFC, word << 3 & 0xF8

    def ink(self) -> set[tuple[int, int]]:
        paper = self._colour(self.colours[0])
        pixels = self.image.load()
        return {
            (x, y) for x in range(self.width) for y in range(self.height) if pixels[x, y] != paper
        }


@pytest.fixture(params=[Ssd1680, Gc9a01], ids=["card", "round"])
def display(request):
    return Display(request.param)


@pytest.mark.parametrize("number", range(len(SHOWN)), ids=lambda i: f"{i:02d}-{SHOWN[i][0]}")
def test_every_screen_fits(display, number, monkeypatch, request):
    name, data = SHOWN[number]
    placed: list[tuple[int, int, int, int, str]] = []
    inner = canvas.Canvas.text

    def text(self, font, text, x, y, role, ground):
        if text:
            placed.append((x, y, x + canvas.width(font, text), y + font.ASCENT, text))
        inner(self, font, text, x, y, role, ground)

    monkeypatch.setattr(canvas.Canvas, "text", text)
    Screens(display).draw(name, **data)
    folder = os.environ.get("JIAOZI_SCREENS")
    if folder:
        picture = display.image.resize((display.width * 3, display.height * 3), 0)
        picture.save(Path(folder) / f"{request.node.callspec.id}.png")
    assert placed
    for left, top, right, bottom, words in placed:
        for x, y in ((left, top), (right, top), (left, bottom), (right, bottom)):
            assert 0 <= x <= display.width, words
            assert 0 <= y <= display.height, words
            if display.is_round:
                assert (x - 120) ** 2 + (y - 120) ** 2 <= 118**2, words
    boxes = sorted(set(placed))
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            apart = a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1]
            assert apart, (a, b)
    ink = display.ink()
    assert len(ink) > 300
    if display.is_round:
        assert all((x - 120) ** 2 + (y - 120) ** 2 < 120**2 for x, y in ink)


def test_every_screen_is_shown_here():
    assert {name for name, _ in SHOWN} == set(PAGES)


def test_refresh_draws_only_what_changed():
    display = Display(Ssd1680)
    person = Viewer(display, Port())
    person.refresh()
    assert display.draws == 0
    person.show("paid", amount=2500)
    person.show("home", balance=100, wallet=WALLET)
    assert display.draws == 0
    person.refresh()
    person.refresh()
    assert display.draws == 1
    person.show("home", balance=200, wallet=WALLET)
    person.refresh()
    assert display.draws == 2


def test_home_says_what_happened_last():
    assert PAGES["home"](balance=5, wallet=WALLET, last=-2500)[3] == ("last -25.00",)
    display = Display(Ssd1680)
    person = Viewer(display, Port())
    person.show("home", balance=100, wallet=WALLET)
    person.refresh()
    first = display.image.copy()
    person.show("received", amount=100)
    person.show("home", balance=100, wallet=WALLET)
    person.refresh()
    assert display.image.tobytes() != first.tobytes()


def test_a_broken_display_does_not_stop_the_wallet():
    display = Display(Ssd1680)
    person = Viewer(display, Port())
    display.broken = True
    person.show("blank")
    person.refresh()
    display.broken = False
    person.refresh()
    assert display.draws == 1


@pytest.mark.parametrize(
    ("minor", "text"),
    [
        (0, "0.00"),
        (5, "0.05"),
        (100, "1.00"),
        (99999, "999.99"),
        (100000, "1,000.00"),
        (123456789, "1,234,567.89"),
        (-2500, "-25.00"),
        (-1, "-0.01"),
    ],
)
def test_amounts(minor, text):
    assert amount(minor) == text
    assert amount(minor, True) == (text if minor < 0 else "+" + text)


@given(st.integers(-(10**12), 10**12))
def test_amounts_like_python_formats_them(minor):
    units, rest = divmod(abs(minor), 100)
    assert amount(minor) == f"{'-' if minor < 0 else ''}{units:,}.{rest:02d}"


@pytest.mark.parametrize("sw", STATUS_WORDS)
def test_every_refusal_has_words_the_font_knows(sw):
    for character in reason_text(sw):
        assert character in canvas.TEXT.CHARACTERS


def test_fonts_are_as_drawn():
    tool = ROOT / "firmware" / "fonts" / "make_glyphs.py"
    done = subprocess.run([sys.executable, str(tool), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_wrapping_keeps_every_word():
    text = "Over the limit. Sync with your operator."
    lines = canvas.wrap(canvas.TEXT, text, 150)
    assert " ".join(lines) == text
    assert len(lines) > 1
    assert all(canvas.width(canvas.TEXT, line) <= 150 for line in lines)
