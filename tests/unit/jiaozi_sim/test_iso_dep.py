"""The block protocol: its rules one by one, then both sides over a lossy channel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiaozi_sim.iso_dep import (
    Ats,
    Failure,
    Pcd,
    PcdEvent,
    PcdStep,
    Picc,
    PiccEvent,
    block_kind,
    frame_size,
    frame_waiting_time,
)


def h(text: str) -> bytes:
    return bytes.fromhex(text)


@pytest.mark.parametrize(
    ("block", "kind"),
    [
        ("02", "I0"),
        ("130011", "I1+"),
        ("a2", "ACK0"),
        ("b3", "NAK1"),
        ("f201", "WTX"),
        ("c2", "DESELECT"),
        ("e050", "RATS"),
        ("d01100", "PPS"),
        ("0578809000", "?"),
        ("", "?"),
        ("a200", "?"),
        ("f200", "?"),
        ("f23c", "?"),
    ],
)
def test_blocks_have_names(block: str, kind: str) -> None:
    assert block_kind(h(block)) == kind


def test_an_ats_is_named_only_in_its_direction() -> None:
    assert block_kind(h("0578809000"), from_picc=True) == "ATS"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("01", Ats(2, 0, 4, 0)),
        ("0200", Ats(0, 0, 4, 0)),
        ("0575339203", Ats(5, 0x33, 9, 2)),
        ("067533920380", Ats(5, 0x33, 9, 2, b"\x80")),
        ("042891aa", Ats(8, 0, 9, 1, b"\xaa")),
    ],
)
def test_ats_is_read_with_its_defaults(data: str, expected: Ats) -> None:
    assert Ats.decode(h(data)) == expected


@pytest.mark.parametrize("data", ["", "05", "0270", "0578809000ff"])
def test_a_malformed_ats_is_refused(data: str) -> None:
    with pytest.raises(ValueError, match="ATS"):
        Ats.decode(h(data))


def test_ats_comes_back_as_it_went() -> None:
    ats = Ats(5, 0x33, 7, 1, b"hist")
    assert Ats.decode(ats.encode()) == ats


def test_sizes_and_times_are_those_of_the_standard() -> None:
    assert [frame_size(n) for n in (0, 2, 5, 8, 15)] == [16, 32, 64, 256, 256]
    assert frame_waiting_time(0) == pytest.approx(302e-6, rel=0.01)
    assert frame_waiting_time(9) == pytest.approx(0.1547, rel=0.01)
    assert frame_waiting_time(15) == frame_waiting_time(4)


class TestPcd:
    """The reader's side; block numbers start at 0."""

    def test_numbers_toggle_with_each_exchange(self) -> None:
        pcd = Pcd()
        for number in (0, 1, 0):
            assert pcd.send(b"c").block == bytes((0x02 | number,)) + b"c"
            assert pcd.receive(bytes((0x02 | number,)) + b"a").inf == b"a"

    def test_silence_is_met_with_nak_and_then_failure(self) -> None:
        pcd = Pcd(retries=2)
        pcd.send(b"c")
        assert [pcd.missing().block for _ in range(2)] == [h("b2")] * 2
        step = pcd.missing()
        assert (step.event, step.reason) == (PcdEvent.FAILED, Failure.TIMEOUT)

    def test_an_ack_with_the_other_number_repeats_the_block(self) -> None:
        pcd = Pcd()
        pcd.send(b"c")
        pcd.missing()
        assert pcd.receive(h("a3")).block == b"\x02c"

    def test_a_chained_block_waits_for_its_ack(self) -> None:
        pcd = Pcd()
        assert pcd.send(b"c", more=True).block == b"\x12c"
        assert pcd.receive(h("a2")).event is PcdEvent.ACKNOWLEDGED
        assert pcd.send(b"d").block == b"\x03d"

    def test_an_answer_in_pieces_is_fetched_by_ack(self) -> None:
        pcd = Pcd()
        pcd.send(b"c")
        step = pcd.receive(b"\x12a")
        assert (step.inf, step.more) == (b"a", True)
        assert pcd.fetch().block == h("a3")
        assert pcd.missing().block == h("a3"), "rule 5: not NAK"
        step = pcd.receive(b"\x03b")
        assert (step.inf, step.more) == (b"b", False)

    def test_wtx_is_granted_and_lengthens_the_wait_also_of_a_nak(self) -> None:
        pcd = Pcd()
        pcd.send(b"c")
        assert pcd.receive(h("f205")) == PcdStep(PcdEvent.SEND, h("f205"), waits=5)
        assert pcd.missing() == PcdStep(PcdEvent.SEND, h("b2"), waits=5)
        assert pcd.receive(b"\x02a").inf == b"a"
        assert pcd.send(b"d").waits == 1

    @pytest.mark.parametrize("answer", ["03", "12aa", "a2", "b2", "ff", "f200", "c2"])
    def test_what_does_not_fit_while_chaining_is_a_protocol_error(self, answer: str) -> None:
        pcd = Pcd(retries=0)
        pcd.send(b"c", more=answer == "12aa")
        step = pcd.receive(h(answer))
        assert (step.event, step.reason) == (PcdEvent.FAILED, Failure.PROTOCOL)

    def test_deselect_is_repeated_until_answered(self) -> None:
        pcd = Pcd()
        assert pcd.deselect().block == h("c2")
        assert pcd.missing().block == h("c2")
        assert pcd.receive(h("c2")).event is PcdEvent.DESELECTED

    def test_presence_is_asked_by_nak_and_told_by_ack(self) -> None:
        pcd, picc = Pcd(), Picc()
        answer = picc.receive(pcd.presence_check().block)
        assert (answer.event, answer.block) == (PiccEvent.SEND, h("a3"))
        assert pcd.receive(answer.block).event is PcdEvent.ACKNOWLEDGED


class TestPicc:
    """The card's side; block numbers start at 1 and toggle before the first answer."""

    def test_a_command_is_answered_with_its_number(self) -> None:
        picc = Picc()
        for number in (0, 1):
            step = picc.receive(bytes((2 | number,)) + b"c")
            assert (step.event, step.inf) == (PiccEvent.DATA, b"c")
            assert picc.answer(b"a") == bytes((2 | number,)) + b"a"

    def test_nak_for_an_answer_that_was_lost_repeats_it(self) -> None:
        picc = Picc()
        picc.receive(b"\x02c")
        answer = picc.answer(b"a")
        assert picc.receive(h("b2")).block == answer

    def test_nak_for_a_command_that_was_lost_is_answered_by_ack(self) -> None:
        assert Picc().receive(h("b2")).block == h("a3")

    def test_a_busy_card_hears_nothing_but_deselect(self) -> None:
        picc = Picc()
        picc.receive(b"\x02c")
        for block in ("02ff", "b2", "a2", "f201", "e050"):
            assert picc.receive(h(block)).event is PiccEvent.IGNORE
        assert picc.receive(h("c2")).event is PiccEvent.DESELECTED

    def test_while_wtx_is_asked_nak_repeats_it(self) -> None:
        picc = Picc()
        picc.receive(b"\x02c")
        wtx = picc.ask_wtx(3)
        assert picc.receive(h("b2")).block == wtx
        assert picc.receive(wtx).event is PiccEvent.WTX_GRANTED
        assert picc.answer(b"a") == b"\x02a"

    def test_a_chained_answer_goes_on_at_ack_and_repeats_at_a_second_one(self) -> None:
        picc = Picc()
        picc.receive(b"\x02c")
        assert picc.answer(b"a", more=True) == b"\x12a"
        assert picc.receive(h("a3")).event is PiccEvent.NEXT
        block = picc.answer(b"b")
        assert block == b"\x03b"
        assert picc.receive(h("a3")).block == block

    @given(st.binary(max_size=8))
    def test_any_bytes_are_survived(self, block: bytes) -> None:
        picc = Picc()
        assert picc.receive(block).event in PiccEvent


class Card:
    """A PICC whose application answers every command with its length and the command itself."""

    def __init__(self, size: int, wtx: int) -> None:
        self.picc, self.size, self.wtx = Picc(), size, wtx
        self.asked = 0
        self.commands: list[bytes] = []
        self.command = self.answer = b""

    def receive_frame(self, block: bytes) -> bytes | None:
        step = self.picc.receive(block)
        if step.event is PiccEvent.DATA:
            self.command += step.inf
            if step.more:
                return self.picc.acknowledge()
            self.commands.append(self.command)
            self.answer = len(self.command).to_bytes(2, "big") + self.command
            self.command, self.asked = b"", 0
            return self._next()
        if step.event in (PiccEvent.NEXT, PiccEvent.WTX_GRANTED):
            return self._next()
        return step.block or None

    def _next(self) -> bytes:
        if self.asked < self.wtx:
            self.asked += 1
            return self.picc.ask_wtx()
        piece, self.answer = self.answer[: self.size], self.answer[self.size :]
        return self.picc.answer(piece, bool(self.answer))


def exchange(pcd: Pcd, card: Card, command: bytes, size: int, fates: list[str]) -> bytes:
    """Send a command over a channel that passes, loses or breaks each frame by ``fates``."""

    def fate() -> str:
        return fates.pop(0) if fates else "pass"

    pieces = [command[i : i + size] for i in range(0, len(command), size)] or [b""]
    answer = b""
    step = pcd.send(pieces.pop(0), bool(pieces))
    while True:
        if step.event is PcdEvent.SEND:
            reply = card.receive_frame(step.block) if fate() == "pass" else None
            back = fate() if reply is not None else "lose"
            if back == "pass" and reply is not None:
                step = pcd.receive(reply)
            else:
                reason = Failure.TRANSMISSION if back == "break" else Failure.TIMEOUT
                step = pcd.missing(reason)
        elif step.event is PcdEvent.ACKNOWLEDGED:
            step = pcd.send(pieces.pop(0), bool(pieces))
        elif step.event is PcdEvent.DATA:
            answer += step.inf
            if not step.more:
                return answer
            step = pcd.fetch()
        else:
            raise AssertionError(f"gave up: {step.reason}")


@given(
    commands=st.lists(st.binary(max_size=40), min_size=1, max_size=4),
    sizes=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    wtx=st.integers(0, 2),
    fates=st.lists(st.sampled_from(["pass", "pass", "lose", "break"]), max_size=200),
)
def test_every_command_arrives_once_and_every_answer_whole(
    commands: list[bytes], sizes: tuple[int, int], wtx: int, fates: list[str]
) -> None:
    pcd, card = Pcd(retries=400), Card(sizes[1], wtx)
    for command in commands:
        answer = exchange(pcd, card, command, sizes[0], fates)
        assert answer == len(command).to_bytes(2, "big") + command
    assert card.commands == commands
