"""The PN532 driver against a scripted chip: frames, time-outs, chaining, and a wire that lies."""

import contextlib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jiaozi_sim.chips import hsu
from tests.fixtures.hardware_fakes import ScriptedUart
from wallet.drivers import pn532
from wallet.hal.errors import ChipError, LinkError, LinkLost, LinkTimeout, TwoCards

UID = b"\x11\x22\x33"
VERSION = bytes.fromhex("32010607")


class Chip:
    """Answers each command from a table of lists, whose last entry holds for ever."""

    def __init__(self, **table):
        self.table = {0x02: [VERSION], 0x52: [b"\0"]} | {c: [b""] for c in (0x10, 0x12, 0x14, 0x32)}
        self.table |= {int(name[1:], 16): answers for name, answers in table.items()}
        self.decoder = hsu.Decoder()
        self.commands: list[bytes] = []
        self.acks = self.naks = 0
        self.last = b""
        self.mangle = lambda frame: frame
        self.deaf = 0

    def __call__(self, data: bytes) -> bytes:
        return b"".join(self._one(got) for got in self.decoder.feed(data))

    def _one(self, got: hsu.Received) -> bytes:
        if got.kind is hsu.Kind.ACK:
            self.acks += 1
        elif got.kind is hsu.Kind.NAK:
            self.naks += 1
            return self.last
        elif got.kind is hsu.Kind.PACKET:
            if self.deaf:
                self.deaf -= 1
                return b""
            return hsu.ACK + self._answer(got.body)
        return b""

    def _answer(self, body: bytes) -> bytes:
        assert body[0] == 0xD4
        self.commands.append(body[1:])
        answers = self.table.get(body[1])
        if answers is None:
            return hsu.ERROR_FRAME
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer is None:
            return b""
        self.last = hsu.encode(bytes((0xD5, body[1] + 1)) + answer)
        return self.mangle(self.last)


def driver(chip) -> pn532.Pn532:
    return pn532.Pn532(ScriptedUart(chip), UID)


def reader(*answers: bytes | None) -> tuple[pn532.Pn532, Chip]:
    chip = Chip(x40=list(answers))
    return driver(chip), chip


def card(*commands: bytes | None) -> tuple[pn532.Pn532, Chip]:
    chip = Chip(x8C=[b"\x08\xe0\x80"], x86=list(commands), x8E=[b"\0"], x94=[b"\0"])
    made = driver(chip)
    made.listen()
    assert made.ready()
    assert made.activated()
    return made, chip


def test_begin_configures_and_raises_the_speed():
    chip = Chip()
    made = driver(chip)
    made.begin()
    assert made._uart.bauds == [115200, 921600]
    assert [c[0] for c in chip.commands] == [0x14, 0x02, 0x10, 0x02, 0x32]
    assert chip.commands[2] == b"\x10\x07"
    assert chip.commands[-1] == bytes.fromhex("3205ff0101")


def test_begin_falls_back_when_the_fast_wire_is_dead():
    chip = Chip()
    uart = ScriptedUart(lambda data: chip(data) if uart.bauds[-1] == 115200 else b"")
    made = pn532.Pn532(uart, UID)
    made.begin()
    assert uart.bauds == [115200, 921600, 115200]


def test_begin_finds_a_chip_left_at_the_fast_speed():
    chip = Chip()
    uart = ScriptedUart(lambda data: chip(data) if uart.bauds[-1] == 921600 else b"\xff\x00\x13")
    pn532.Pn532(uart, UID).begin()
    assert uart.bauds == [115200, 921600]


def test_begin_without_a_chip():
    with pytest.raises(LinkTimeout):
        pn532.Pn532(ScriptedUart(lambda data: b""), UID).begin()


@pytest.mark.parametrize("size", [0, 1, 251, 252, 253, 261, 262, 263, 524, 525, 1500])
def test_reader_chains_commands(size):
    command = bytes(i * 7 & 255 for i in range(size))
    made, chip = reader(b"\0\x90\x00")
    assert made.exchange(command) == b"\x90\x00"
    assert b"".join(c[2:] for c in chip.commands) == command
    assert [c[1] for c in chip.commands] == [0x41] * (len(chip.commands) - 1) + [0x01]
    assert max(len(c) for c in chip.commands) <= 264


@pytest.mark.parametrize("size", [0, 253, 262, 263, 900, 1536])
def test_reader_joins_responses(size):
    response = bytes(i * 5 & 255 for i in range(size))
    pieces = [response[i : i + 262] for i in range(0, size, 262)] or [b""]
    answers = [bytes((0x40 if piece is not pieces[-1] else 0,)) + piece for piece in pieces]
    made, _ = reader(*answers)
    assert made.exchange(b"\x80\x10\0\0") == response


def test_response_longer_than_the_buffer():
    made, _ = reader(*[b"\x40" + bytes(262)] * 6, b"\0ab")
    with pytest.raises(ChipError, match="longer"):
        made.exchange(b"1234")


@pytest.mark.parametrize("status", [0x01, 0x0A, 0x0B, 0x29])
def test_counterpart_gone(status):
    made, _ = reader(bytes((status,)))
    with pytest.raises(LinkLost):
        made.exchange(b"1234")


def test_chip_refuses():
    made, _ = reader(b"\x27")
    with pytest.raises(ChipError) as caught:
        made.exchange(b"1234")
    assert caught.value.status == 0x27


def test_syntax_error_frame():
    with pytest.raises(ChipError, match="syntax"):
        driver(Chip()).poll()


ONE_CARD = bytes.fromhex("0101000420040811223305 75 33 92 03".replace(" ", ""))


@pytest.mark.parametrize(
    ("answer", "found", "raised"),
    [
        (b"\0", False, False),
        (ONE_CARD, True, True),
        (ONE_CARD[:4] + b"\x08" + ONE_CARD[5:], False, False),  # no ISO/IEC 14443-4 card
        (ONE_CARD[:12] + b"\x11" + ONE_CARD[13:], True, False),  # 212 kbit/s at most
        (ONE_CARD[:10], True, False),
        (ONE_CARD[:5], False, False),
    ],
)
def test_poll(answer, found, raised):
    chip = Chip(x4A=[answer], x4E=[b"\0"])
    assert driver(chip).poll() is found
    assert chip.commands[:2] == [b"\x12\x14", b"\x4a\x02\x00"]
    assert chip.commands[2:] == ([b"\x4e\x01\x02\x02"] if raised else [])


def test_two_cards():
    with pytest.raises(TwoCards):
        driver(Chip(x4A=[b"\x02" + ONE_CARD[1:] + ONE_CARD[1:]])).poll()


def test_card_listens_with_its_field_off():
    made, chip = card(b"\0")
    assert chip.commands[:2] == [b"\x32\x01\x00", b"\x12\x34"]
    target = chip.commands[2]
    assert target[:8] == b"\x8c\x05\x04\x00" + UID + b"\x20"
    assert len(target) == 1 + 1 + 6 + 18 + 10 + 1 + 1
    made.listen()
    assert len(chip.commands) == 4  # nothing is set twice


@pytest.mark.parametrize("size", [0, 1, 262, 263, 700, 1536])
def test_card_joins_commands(size):
    command = bytes(i * 3 & 255 for i in range(size))
    pieces = [command[i : i + 262] for i in range(0, size, 262)] or [b""]
    made, _ = card(*[bytes((0x40 if piece is not pieces[-1] else 0,)) + piece for piece in pieces])
    made.expect_command()
    assert bytes(made.take_command()) == command


def test_card_is_told_of_a_command_too_long():
    made, _ = card(*[b"\x40" + bytes(262)] * 9, b"\0ab", b"\0ok")
    made.expect_command()
    assert made.take_command() is None
    made.expect_command()
    assert bytes(made.take_command()) == b"ok"


@pytest.mark.parametrize("size", [2, 262, 263, 524, 525, 1000])
def test_card_chains_answers(size):
    response = bytes(i * 11 & 255 for i in range(size))
    made, chip = card(b"\0")
    chip.commands.clear()
    made.answer(response)
    assert b"".join(c[1:] for c in chip.commands) == response
    assert [c[0] for c in chip.commands] == [0x94] * (len(chip.commands) - 1) + [0x8E]


def test_reader_leaves():
    made, _ = card(b"\x29")
    made.expect_command()
    with pytest.raises(LinkLost):
        made.take_command()


def test_lost_acknowledgement_is_asked_for_again():
    made, chip = reader(b"\0\x90\x00")
    chip.deaf = 1
    assert made.exchange(b"1234") == b"\x90\x00"
    chip.deaf = 2
    with pytest.raises(LinkTimeout):
        made.exchange(b"1234")


def test_silent_chip_is_told_to_stop():
    made, chip = reader(None)
    with pytest.raises(LinkTimeout):
        made.exchange(b"1234")
    assert chip.acks == 1


@pytest.mark.parametrize("position", range(12))
def test_one_bad_byte_in_a_response_is_repaired(position):
    made, chip = reader(b"\0\x90\x00")

    def once(frame):
        chip.mangle = lambda f: f
        return frame[:position] + bytes((frame[position] ^ 0x10,)) + frame[position + 1 :]

    chip.mangle = once
    assert made.exchange(b"1234") == b"\x90\x00"


@pytest.mark.parametrize("count", [1, 2, 5, 30])
def test_noise_before_a_response(count):
    made, chip = reader(b"\0\x90\x00")
    chip.mangle = lambda frame: b"\x80" * count + frame
    assert made.exchange(b"1234") == b"\x90\x00"


def test_answer_that_never_can_be_read():
    broken = b"\0\0\xff\x05\xfb\xd5\x41\0\x90\x00\0\0"
    made = driver(lambda data: broken if data == hsu.NAK else hsu.ACK + broken)
    with pytest.raises(ChipError, match="read"):
        made.exchange(b"1234")


def test_late_answer_to_an_aborted_command_is_skipped():
    chip = Chip(x8C=[None], x4A=[b"\0"])
    late = hsu.encode(b"\xd5\x8d\x08\xe0\x80")
    made = pn532.Pn532(ScriptedUart(lambda data: late + chip(data) if aborted else chip(data)), UID)
    aborted = False
    made.listen()
    assert not made.ready()
    made.abort()
    assert chip.acks == 1
    aborted = True
    assert made.poll() is False


@settings(max_examples=300)
@given(st.binary(max_size=80), st.integers(0, 2**32))
def test_any_bytes_from_a_chip_give_an_answer_or_a_typed_error(raw, seed):
    dice = random.Random(seed)

    def chaos(data: bytes) -> bytes:
        choice = dice.randrange(4)
        if choice == 0:
            return raw
        frame = hsu.encode(b"\xd5\x41" + raw[:60])
        if choice == 1:
            cut = dice.randrange(len(frame))
            return hsu.ACK + frame[:cut] + frame[cut + 1 :]
        return hsu.ACK + (frame if choice == 2 else hsu.ERROR_FRAME)

    made = driver(chaos)
    for work in (lambda: made.exchange(raw), made.begin, made.poll, made.listen, made.take_command):
        with contextlib.suppress(LinkError):
            work()


@pytest.mark.parametrize(("state", "ended"), [(b"\x00\x00", True), (b"\x01\x22", False)])
def test_listening_ends_unless_the_chip_has_been_chosen(state, ended):
    """Its word of having been chosen comes before its answer to what it is now, and is skipped."""
    chip = Chip(x8C=[None], x8A=[state], x86=[b"\0command"])
    made = driver(chip)
    made.listen()
    if not ended:
        made._uart.received += hsu.encode(b"\xd5\x8d\x08\xe0\x80")
    assert made.withdraw() is ended
    assert chip.acks == 1
    assert not made.ready()
    if not ended:
        made.expect_command()
        assert bytes(made.take_command()) == b"command"
