"""The SSD1680 model, driven with a driver's byte streams."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiaozi_sim.chips.ssd1680 import (
    FULL_UPDATE_SECONDS,
    GATES,
    PARTIAL_UPDATE_SECONDS,
    POSTED_SECONDS,
    SOURCES,
    Ssd1680,
)
from jiaozi_sim.scheduler import VirtualScheduler

WIDTH, HEIGHT = 122, 250
FULL, PARTIAL = 0xF7, 0xFF


class Rig:
    """A chip with its clock and bus, and the recorded levels of its BUSY pin."""

    def __init__(self) -> None:
        self.clock = VirtualScheduler()
        self.busy: list[int] = []
        self.chip = Ssd1680(self.clock, lambda _, level: self.busy.append(level))
        self.chip.pin("cs", 0)
        self.clock.run_for(0.1)

    def send(self, command: int, *parameters: int) -> None:
        self.chip.pin("dc", 0)
        self.chip.spi_write(bytes([command]))
        self.chip.pin("dc", 1)
        self.chip.spi_write(bytes(parameters))

    def window(self, x0: int, x1: int, y0: int, y1: int, entry: int = 3) -> None:
        self.send(0x11, entry)
        self.send(0x44, x0, x1)
        self.send(0x45, y0 & 255, y0 >> 8, y1 & 255, y1 >> 8)
        self.send(0x4E, x0)
        self.send(0x4F, y0 & 255, y0 >> 8)

    def fill(self, command: int, value: int) -> None:
        self.window(0, 15, 0, HEIGHT - 1)
        self.send(command, *[value] * (16 * HEIGHT))

    def show(self, sequence: int = FULL) -> None:
        self.send(0x22, sequence)
        self.send(0x20)
        self.clock.run_for(10)

    def dots(self) -> set[tuple[int, int]]:
        """Return the positions of the panel's black dots."""
        pixels = self.chip.image().tobytes()
        return {divmod(at, WIDTH)[::-1] for at, value in enumerate(pixels) if value == 0}


@pytest.fixture
def rig() -> Rig:
    made = Rig()
    made.send(0x01, HEIGHT - 1, 0, 0)
    made.fill(0x24, 0xFF)
    return made


def test_nothing_is_shown_before_an_update(rig: Rig) -> None:
    rig.fill(0x24, 0x00)
    assert rig.dots() == set()
    rig.show()
    assert len(rig.dots()) == WIDTH * HEIGHT
    assert rig.chip.violations == []


def test_the_image_changes_when_busy_ends(rig: Rig) -> None:
    rig.fill(0x24, 0x00)
    rig.busy.clear()
    rig.send(0x22, FULL)
    rig.send(0x20)
    assert rig.busy == [1]
    rig.clock.run_for(FULL_UPDATE_SECONDS * 0.99)
    assert (rig.busy, rig.dots()) == ([1], set())
    rig.clock.run_for(FULL_UPDATE_SECONDS * 0.02)
    assert rig.busy == [1, 0]
    assert rig.chip.updates == 1


@given(
    x=st.integers(0, WIDTH - 1),
    y=st.integers(0, HEIGHT - 1),
    entry=st.sampled_from([0b011, 0b111, 0b010, 0b001, 0b000, 0b110]),
)
def test_one_pixel(x: int, y: int, entry: int) -> None:
    rig = Rig()
    rig.send(0x01, HEIGHT - 1, 0, 0)
    rig.fill(0x24, 0xFF)
    rig.send(0x11, entry)
    rig.send(0x4E, x // 8)
    rig.send(0x4F, y & 255, y >> 8)
    rig.send(0x24, 0xFF & ~(0x80 >> x % 8))
    rig.show()
    assert rig.dots() == {(x, y)}


@given(
    x0=st.integers(0, 14),
    width=st.integers(1, 4),
    y0=st.integers(0, HEIGHT - 9),
    height=st.integers(1, 8),
    entry=st.integers(0, 7),
)
def test_a_window_is_filled_in_the_order_of_the_entry_mode(
    x0: int, width: int, y0: int, height: int, entry: int
) -> None:
    rig = Rig()
    x1, y1 = min(x0 + width - 1, 15), y0 + height - 1
    xs, ys = list(range(x0, x1 + 1)), list(range(y0, y1 + 1))
    if not entry & 1:
        xs.reverse()
    if not entry & 2:
        ys.reverse()
    rig.window(xs[0], xs[-1], ys[0], ys[-1], entry)
    order = [(x, y) for x in xs for y in ys] if entry & 4 else [(x, y) for y in ys for x in xs]
    before = bytes(rig.chip.ram_red)
    rig.send(0x26, *[index % 251 for index in range(len(order))])
    expected = bytearray(before)
    for index, (x, y) in enumerate(order):
        expected[y * (SOURCES // 8) + x] = index % 251
    assert rig.chip.ram_red == expected
    # The address wraps to the window's first one.
    rig.send(0x26, 0xAA)
    x, y = order[0]
    assert rig.chip.ram_red[y * (SOURCES // 8) + x] == 0xAA


def test_a_partial_update_drives_only_what_differs_from_the_red_ram(rig: Rig) -> None:
    rig.show()
    rig.fill(0x26, 0xFF)
    rig.window(0, 15, 0, HEIGHT - 1)
    rig.send(0x24, 0x0F)
    started = rig.clock.now()
    rig.send(0x22, PARTIAL)
    rig.send(0x20)
    while rig.chip.busy:
        rig.clock.step()
    assert rig.clock.now() - started == pytest.approx(PARTIAL_UPDATE_SECONDS)
    assert rig.dots() == {(x, 0) for x in range(4)}
    # With equal RAMs no dot is driven, so dots stay that the image does not have.
    rig.window(0, 15, 0, HEIGHT - 1)
    rig.send(0x24, 0xFF)
    rig.show(PARTIAL)
    assert rig.dots() == {(x, 0) for x in range(4)}
    rig.show(FULL)
    assert rig.dots() == set()


def test_ping_pong_keeps_the_last_image_as_the_old_one(rig: Rig) -> None:
    rig.fill(0x26, 0xFF)
    rig.send(0x37, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0)
    rig.show()
    rig.fill(0x24, 0x00)
    rig.show(PARTIAL)
    rig.fill(0x24, 0xFF)
    rig.show(PARTIAL)
    assert rig.dots() == set()


def test_display_update_control_1_can_invert_or_blank_the_image(rig: Rig) -> None:
    rig.send(0x21, 0x08, 0x80)
    rig.show()
    assert len(rig.dots()) == WIDTH * HEIGHT
    rig.send(0x21, 0x00, 0x80)
    rig.show()
    assert rig.dots() == set()
    rig.send(0x21, 0x04, 0x80)
    rig.show()
    assert len(rig.dots()) == WIDTH * HEIGHT


def test_scan_direction_turns_the_rows_round(rig: Rig) -> None:
    rig.window(0, 15, 0, HEIGHT - 1)
    rig.send(0x24, 0x7F)
    rig.send(0x01, HEIGHT - 1, 0, 0x01)
    rig.show()
    assert rig.dots() == {(0, HEIGHT - 1)}


@pytest.mark.parametrize("scan", range(8))
def test_every_scan_order_reaches_every_row_once(rig: Rig, scan: int) -> None:
    rig.fill(0x24, 0x00)
    rig.send(0x01, HEIGHT - 1, 0, scan)
    rig.show()
    assert len(rig.dots()) == WIDTH * HEIGHT


def test_auto_write_fills_the_ram(rig: Rig) -> None:
    rig.send(0x47, 0xF7)
    rig.clock.run_for(1)
    assert rig.chip.ram_bw == b"\xff" * (SOURCES // 8 * GATES)
    rig.send(0x46, 0x77)
    rig.clock.run_for(1)
    assert rig.chip.ram_red == bytes(SOURCES // 8 * GATES)


def test_commands_while_busy_are_ignored_and_noted(rig: Rig) -> None:
    rig.send(0x22, FULL)
    rig.send(0x20)
    rig.clock.run_for(POSTED_SECONDS * 1.1)
    rig.send(0x22, 0x00)
    assert rig.chip.violations == ["command 22 while BUSY"]
    rig.clock.run_for(10)
    rig.fill(0x24, 0x00)
    rig.send(0x20)
    rig.clock.run_for(10)
    assert len(rig.dots()) == WIDTH * HEIGHT  # the sequence is still FULL


def test_what_was_posted_before_busy_could_be_seen_waits(rig: Rig) -> None:
    rig.fill(0x24, 0x00)
    rig.send(0x22, FULL)
    rig.send(0x20)
    rig.fill(0x24, 0xFF)
    rig.send(0x22, FULL)
    rig.send(0x20)
    rig.clock.run_for(FULL_UPDATE_SECONDS * 1.01)
    assert len(rig.dots()) == WIDTH * HEIGHT
    assert rig.chip.busy
    rig.clock.run_for(FULL_UPDATE_SECONDS)
    assert rig.dots() == set()
    assert rig.chip.violations == []


def test_an_update_needs_clock_and_analog(rig: Rig) -> None:
    rig.fill(0x24, 0x00)
    rig.show(0x04)
    assert rig.dots() == set()
    assert rig.chip.violations == ["display update with clock or analog off"]
    rig.show(0xC0)
    rig.show(0x04)
    assert len(rig.dots()) == WIDTH * HEIGHT
    rig.show(0x03)
    rig.show(0x04)
    assert len(rig.chip.violations) == 2


def test_software_reset_keeps_the_ram_and_forgets_registers(rig: Rig) -> None:
    rig.fill(0x24, 0x00)
    rig.fill(0x26, 0xFF)
    rig.send(0x22, 0x00)
    rig.send(0x12)
    assert rig.chip.busy
    rig.clock.run_for(1)
    rig.send(0x20)
    rig.clock.run_for(10)
    assert len(rig.dots()) == WIDTH * HEIGHT


def test_deep_sleep_ends_only_by_a_hardware_reset(rig: Rig) -> None:
    rig.fill(0x24, 0x00)
    rig.send(0x10, 0x01)
    rig.clock.run_for(100)
    assert rig.chip.busy
    rig.send(0x12)
    assert rig.chip.violations == ["command 12 while BUSY"]
    rig.chip.pin("reset", 0)
    rig.chip.pin("reset", 1)
    rig.clock.run_for(1)
    rig.show()
    assert len(rig.dots()) == WIDTH * HEIGHT


def test_the_image_outlives_the_power(rig: Rig) -> None:
    rig.fill(0x24, 0x00)
    rig.show()
    rig.chip.power_off()
    rig.chip.power_on()
    assert len(rig.dots()) == WIDTH * HEIGHT


def test_an_update_dies_with_the_power(rig: Rig) -> None:
    rig.fill(0x24, 0x00)
    rig.send(0x22, FULL)
    rig.send(0x20)
    rig.chip.power_off()
    rig.clock.run_for(10)
    assert rig.dots() == set()


def test_not_selected_hears_nothing(rig: Rig) -> None:
    rig.chip.pin("cs", 1)
    rig.fill(0x24, 0x00)
    assert rig.chip.ram_bw[0] == 0xFF


def test_ram_and_status_can_be_read(rig: Rig) -> None:
    rig.window(2, 5, 7, 9)
    rig.send(0x24, 0x12, 0x34)
    rig.window(2, 5, 7, 9)
    rig.send(0x27)
    assert rig.chip.spi_read(3) == b"\x00\x12\x34"
    rig.send(0x2F)
    assert rig.chip.spi_read(1) == b"\x01"


def test_unknown_commands_and_addresses_are_noted(rig: Rig) -> None:
    rig.send(0x5A)
    rig.window(0, 63, 0, HEIGHT - 1)
    rig.send(0x4E, 22)
    rig.send(0x24, 0x00)
    assert rig.chip.violations == ["unknown command 5a", "RAM write at x=22, y=0"]


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=8)), max_size=60))
def test_any_bytes_leave_the_chip_standing(writes: list[tuple[bool, bytes]]) -> None:
    rig = Rig()
    for is_data, data in writes:
        rig.chip.pin("dc", int(is_data))
        rig.chip.spi_write(data)
        rig.clock.run_for(3)
    assert rig.chip.image().size == (WIDTH, HEIGHT)
