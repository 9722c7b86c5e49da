"""The GC9A01 model, driven with a driver's byte streams."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jiaozi_sim.chips.gc9a01 import SIZE, Gc9a01

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
RED_565, GREEN_565, BLUE_565 = b"\xf8\x00", b"\x07\xe0", b"\x00\x1f"
CENTRE = (SIZE // 2, SIZE // 2)


class Rig:
    """A chip, initialised as by a driver."""

    def __init__(self, madctl: int = 0x08) -> None:
        self.chip = Gc9a01()
        self.chip.pin("cs", 0)
        self.send(0x11)
        self.send(0x36, bytes([madctl]))
        self.send(0x3A, b"\x05")
        self.send(0x21)
        self.send(0x29)

    def send(self, command: int, data: bytes = b"") -> None:
        self.chip.pin("dc", 0)
        self.chip.spi_write(bytes([command]))
        self.chip.pin("dc", 1)
        self.chip.spi_write(data)

    def window(self, x0: int, x1: int, y0: int, y1: int) -> None:
        self.send(0x2A, bytes((0, x0, 0, x1)))
        self.send(0x2B, bytes((0, y0, 0, y1)))

    def fill(self, pixel: bytes) -> None:
        self.window(0, SIZE - 1, 0, SIZE - 1)
        self.send(0x2C, pixel * (SIZE * SIZE))

    def seen(self, x: int, y: int) -> object:
        """Return the colour of a pixel, None outside the glass."""
        red, green, blue, alpha = self.chip.image().crop((x, y, x + 1, y + 1)).tobytes()
        return (red, green, blue) if alpha else None


@pytest.mark.parametrize(
    ("pixel", "colour"), [(RED_565, RED), (GREEN_565, GREEN), (BLUE_565, BLUE)]
)
def test_colours(pixel: bytes, colour: tuple[int, int, int]) -> None:
    rig = Rig()
    rig.fill(pixel)
    assert rig.seen(*CENTRE) == colour
    assert rig.chip.violations == []


def test_colours_are_wrong_without_the_bgr_bit_or_inversion() -> None:
    rig = Rig(madctl=0x00)
    rig.fill(RED_565)
    assert rig.seen(*CENTRE) == BLUE
    rig = Rig()
    rig.fill(RED_565)
    rig.send(0x20)
    assert rig.seen(*CENTRE) == (0, 255, 255)


def test_the_glass_is_round() -> None:
    rig = Rig()
    rig.fill(b"\xff\xff")
    white = (255, 255, 255)
    assert [rig.seen(x, y) for x, y in ((0, 0), (239, 0), (0, 239), (239, 239))] == [None] * 4
    assert [rig.seen(x, y) for x, y in ((120, 1), (1, 120), (120, 238), CENTRE)] == [white] * 4


def turned(x: int, y: int, madctl: int) -> tuple[int, int]:
    """Return the position on the glass of the pixel written at column x, row y."""
    column, row = (y, x) if madctl & 0x20 else (x, y)
    column = SIZE - 1 - column if madctl & 0x40 else column
    return column, SIZE - 1 - row if madctl & 0x80 else row


def at_of(point: tuple[int, int]) -> int:
    return point[1] * SIZE + point[0]


@given(x=st.integers(80, 160), y=st.integers(80, 160), madctl=st.sampled_from(range(0, 256, 32)))
def test_one_pixel_in_each_orientation(x: int, y: int, madctl: int) -> None:
    rig = Rig(madctl | 0x08)
    rig.chip.memory[:] = [bytes(3)] * (SIZE * SIZE)
    rig.window(x, x, y, y)
    rig.send(0x2C, GREEN_565)
    assert rig.seen(*turned(x, y, madctl)) == GREEN
    assert rig.chip.memory.count(bytes(GREEN)) == 1


@given(
    x=st.integers(0, 230),
    y=st.integers(0, 230),
    width=st.integers(1, 9),
    height=st.integers(1, 9),
    cut=st.integers(1, 7),
    madctl=st.sampled_from(range(0, 256, 32)),
)
def test_a_window_however_the_bytes_are_cut(
    x: int, y: int, width: int, height: int, cut: int, madctl: int
) -> None:
    rig = Rig(madctl | 0x08)
    rig.chip.memory[:] = [bytes(3)] * (SIZE * SIZE)
    rig.window(x, x + width - 1, y, y + height - 1)
    pixels = b"".join(bytes([value % 256, 0x1F]) for value in range(width * height))
    rig.send(0x2C)
    for at in range(0, len(pixels), cut):
        rig.chip.spi_write(pixels[at : at + cut])
    written = {at for at, pixel in enumerate(rig.chip.memory) if pixel[2]}
    expected = {turned(x + i, y + j, madctl) for j in range(height) for i in range(width)}
    assert {divmod(at, SIZE)[::-1] for at in written} == expected
    first = rig.chip.memory[at_of(turned(x, y, madctl))]
    assert first == bytes((0, 0, 255))


def test_a_new_window_starts_at_its_first_pixel() -> None:
    rig = Rig()
    rig.window(0, SIZE - 1, 0, SIZE - 1)
    rig.send(0x2C, RED_565 * 200)
    rig.window(3, 10, 7, 7)
    rig.send(0x3C, GREEN_565 * 9)
    assert rig.chip.memory[at_of((3, 7)) :][:8] == [bytes(GREEN)] * 8
    assert rig.chip.memory.count(bytes(GREEN)) == 8


def test_18_bits_a_pixel() -> None:
    rig = Rig()
    rig.send(0x3A, b"\x06")
    rig.fill(b"\xfc\x80\x00")
    assert rig.seen(*CENTRE) == (255, 130, 0)


@pytest.mark.parametrize("command", [0x10, 0x28, 0x01])
def test_dark_when_asleep_off_or_reset(command: int) -> None:
    rig = Rig()
    rig.fill(b"\xff\xff")
    rig.send(command)
    assert rig.seen(*CENTRE) == (0, 0, 0)


def test_dark_without_power_or_backlight_and_in_reset() -> None:
    for role in ("backlight", "reset"):
        rig = Rig()
        rig.fill(b"\xff\xff")
        rig.chip.pin(role, 0)
        assert rig.seen(*CENTRE) == (0, 0, 0)
    rig = Rig()
    rig.fill(b"\xff\xff")
    rig.chip.power_off()
    assert rig.seen(*CENTRE) == (0, 0, 0)
    rig.chip.power_on()
    assert rig.seen(*CENTRE) == (0, 0, 0)


def test_misuse_is_noted() -> None:
    rig = Rig()
    rig.window(10, 5, 0, 240)
    rig.send(0x5A)
    rig.send(0x3A, b"\x03")
    rig.send(0x2C, b"\xff\xff")
    assert rig.chip.violations == [
        "window 10 to 5",
        "window 0 to 240",
        "unknown command 5a",
        "pixel format 03",
    ]


def test_identification_can_be_read() -> None:
    rig = Rig()
    rig.send(0x04)
    assert rig.chip.spi_read(4) == b"\x00\x00\x9a\x01"


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=8)), max_size=60))
@example(writes=[(False, b"\x36"), (True, b"")])
def test_any_bytes_leave_the_chip_standing(writes: list[tuple[bool, bytes]]) -> None:
    rig = Rig()
    for is_data, data in writes:
        rig.chip.pin("dc", int(is_data))
        rig.chip.spi_write(data)
    assert rig.chip.image().size == (SIZE, SIZE)
