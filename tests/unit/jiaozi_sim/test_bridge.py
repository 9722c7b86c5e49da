"""The bus bridge: frames, pins, and the chips of a board behind it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiaozi_sim.board import load_board, parse_board
from jiaozi_sim.bridge import Bridge, BridgeError, FrameReader, frame
from jiaozi_sim.scheduler import VirtualScheduler
from tests.unit.boards.bare import BARE

UP, DOWN = 1, 2
OK_PIN = 10


class Rig:
    """A board's bridge, driven as by firmware."""

    def __init__(self, board: str = "visual_card") -> None:
        self.clock = VirtualScheduler()
        self.reader = FrameReader()
        self.heard: list[tuple[int, int, bytes]] = []
        self.bridge = Bridge(load_board(board), self.clock, self._hear)
        self.bridge.power_on()
        self.clock.run_for(1)

    def _hear(self, data: bytes) -> None:
        self.heard += self.reader.feed(data)

    def say(self, operation: int, number: int, payload: bytes) -> list[tuple[int, int, bytes]]:
        """Send one frame; return the immediate answer."""
        self.heard.clear()
        self.bridge.receive(frame(operation, number, payload))
        return list(self.heard)

    def spi(self, dc_pin: int, command: int, data: bytes = b"") -> None:
        self.say(3, dc_pin, b"\x00")
        self.say(1, 0, bytes([command]))
        self.say(3, dc_pin, b"\x01")
        self.say(1, 0, data)


@given(
    frames=st.lists(
        st.tuples(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=300)), max_size=8
    ),
    cut=st.integers(1, 50),
)
def test_frames_survive_any_cutting(frames: list[tuple[int, int, bytes]], cut: int) -> None:
    stream = b"".join(frame(*one) for one in frames)
    reader, found = FrameReader(), []
    for at in range(0, len(stream), cut):
        found += reader.feed(stream[at : at + cut])
    assert found == frames


def test_a_frame_is_operation_number_length_payload() -> None:
    assert frame(0x81, 10, b"\x01") == bytes.fromhex("810a010001")


def test_a_button_pulls_its_pin_while_it_is_pressed() -> None:
    rig = Rig()
    assert rig.say(4, OK_PIN, bytes([UP])) == [(0x81, OK_PIN, b"\x01")]
    rig.heard.clear()
    rig.bridge.press("ok")
    rig.bridge.press("ok")
    rig.bridge.release("ok")
    assert rig.heard == [(0x81, OK_PIN, b"\x00"), (0x81, OK_PIN, b"\x01")]


def test_a_pin_without_a_pull_floats_low() -> None:
    assert Rig().say(4, OK_PIN, bytes([DOWN])) == [(0x81, OK_PIN, b"\x00")]


def test_a_pin_is_told_only_to_who_asked_since_power_on() -> None:
    rig = Rig()
    rig.bridge.press("ok")
    assert rig.heard == []
    assert rig.say(4, OK_PIN, bytes([UP])) == [(0x81, OK_PIN, b"\x00")]
    rig.bridge.power_off()
    rig.bridge.power_on()
    rig.heard.clear()
    rig.bridge.release("ok")
    assert rig.heard == []


def test_the_display_draws_and_pushes_busy() -> None:
    rig = Rig()
    rig.say(4, 8, bytes([DOWN]))
    rig.say(3, 5, b"\x00")
    rig.heard.clear()
    rig.spi(6, 0x01, b"\xf9\x00\x00")
    rig.spi(6, 0x44, b"\x00\x0f")
    rig.spi(6, 0x45, b"\x00\x00\xf9\x00")
    rig.spi(6, 0x4E, b"\x00")
    rig.spi(6, 0x4F, b"\x00\x00")
    rig.spi(6, 0x24, b"\x7f" + b"\xff" * (16 * 250 - 1))
    rig.spi(6, 0x22, b"\xf7")
    rig.spi(6, 0x20)
    assert rig.bridge.picture().getextrema() == (255, 255)
    rig.heard.clear()
    rig.clock.run_for(5)
    assert rig.heard == [(0x81, 8, b"\x00")]
    picture = rig.bridge.picture()
    # The first source of the first gate is at the bottom left of the card.
    assert (picture.size, picture.getpixel((0, 121))) == ((250, 122), 0)
    assert picture.tobytes().count(0) == 1
    assert rig.bridge.violations() == []
    rig.spi(6, 0x5A)
    assert rig.bridge.violations() == ["ssd1680: unknown command 5a"]


def test_a_bus_answers_reads_and_floats_when_nobody_is_selected() -> None:
    rig = Rig()
    rig.say(3, 5, b"\x00")
    rig.spi(6, 0x2F)
    assert rig.say(2, 0, b"\x02\x00\xff") == [(0x82, 0, b"\x01\x01")]
    rig.say(3, 5, b"\x01")
    assert rig.say(2, 0, b"\x02\x00\x00") == [(0x82, 0, b"\xff\xff")]
    assert rig.say(2, 1, b"\x02\x00\x00") == []


def test_touch_is_read_over_i2c_and_takes_its_interrupt_back() -> None:
    rig = Rig("wearable")
    assert rig.say(4, 8, bytes([UP])) == [(0x81, 8, b"\x01")]
    rig.heard.clear()
    rig.bridge.touch(200, 17)
    assert rig.heard == [(0x81, 8, b"\x00")]
    rig.say(5, 0, b"\x15\x02")
    assert rig.say(6, 0, b"\x15\x05\x00") == [
        (0x81, 8, b"\x01"),
        (0x82, 0, bytes([1, 0, 200, 0, 17])),
    ]
    rig.bridge.lift()
    rig.say(5, 0, b"\x15\x02")
    assert rig.say(6, 0, b"\x15\x02\x00")[-1] == (0x82, 0, b"\x00\x40")
    rig.say(5, 0, b"\x15\xa7")
    assert rig.say(6, 0, b"\x15\x01\x00")[-1] == (0x82, 0, b"\xb4")
    assert rig.say(6, 0, b"\x16\x01\x00") == []


def test_the_motor_remembers_its_pulses() -> None:
    rig = Rig("wearable")
    rig.say(3, 12, b"\x01")
    rig.clock.run_for(0.25)
    rig.say(3, 12, b"\x00")
    (motor,) = (model for entry, model in rig.bridge.chips if entry.model == "motor")
    assert motor.pulses == [(1.0, 0.25)]


@pytest.mark.parametrize(
    ("operation", "payload"), [(0x07, b""), (0x81, b"\x01"), (3, b""), (2, b"\x01"), (5, b"")]
)
def test_what_is_no_frame_of_the_firmware_is_an_error(operation: int, payload: bytes) -> None:
    with pytest.raises(BridgeError):
        Rig().say(operation, 0, payload)


def test_what_a_board_lacks_is_an_error() -> None:
    with pytest.raises(BridgeError, match="ok, cancel"):
        Rig().bridge.press("fire")
    with pytest.raises(BridgeError):
        Rig().bridge.touch(1, 1)
    with pytest.raises(BridgeError):
        Bridge(parse_board(BARE), VirtualScheduler(), lambda data: None).picture()


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 12), st.binary(max_size=6))))
def test_any_frame_is_obeyed_or_refused(frames: list[tuple[int, int, bytes]]) -> None:
    rig = Rig("wearable")
    for one in frames:
        try:
            rig.say(*one)
        except BridgeError:
            continue
        rig.clock.run_for(0.1)
