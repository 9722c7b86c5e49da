"""The field: coupling between endpoints, air times of frames, and faults."""

from __future__ import annotations

from typing import Any

import pytest

from jiaozi_sim.card import IsoDepCard
from jiaozi_sim.faults import Fault
from jiaozi_sim.field import Field, Identity, air_time
from jiaozi_sim.scheduler import VirtualScheduler


class Ear:
    """An endpoint that records the frames it receives."""

    def __init__(self, name: str, scheduler: VirtualScheduler, answers: bool = True) -> None:
        self.name, self.scheduler, self.answers = name, scheduler, answers
        self.heard: list[tuple[Any, bytes, bool]] = []
        self.felt: list[bool] = []
        self.selected = 0

    def field_changed(self, present: bool) -> None:
        self.felt.append(present)

    def receive_frame(self, frame: bytes, bit_rate: int, intact: bool) -> None:
        self.heard.append((self.scheduler.now(), frame, intact))

    def identity(self, wake: bool) -> Identity | None:
        return Identity(b"\x04\x00", self.name.encode(), 0x20) if self.answers else None

    def select(self) -> None:
        self.selected += 1


class Place:
    """A field with a reader and two cards."""

    def __init__(self) -> None:
        self.scheduler = VirtualScheduler()
        self.field = Field(self.scheduler)
        self.driver, self.card, self.other = (
            Ear(name, self.scheduler) for name in ("driver", "card", "other")
        )
        for ear in (self.driver, self.card):
            self.field.place(ear)
        self.field.set_carrier(self.driver, True)

    def say(self, sender: Ear, frame: bytes) -> None:
        self.field.transmit(sender, frame)
        self.scheduler.run_until_idle()


@pytest.fixture
def place() -> Place:
    return Place()


def test_air_time_counts_parity_crc_and_the_bit_rate() -> None:
    bit = 128 / 13.56e6
    assert air_time(1) == pytest.approx(29 * bit)
    assert air_time(62, 424) == pytest.approx(air_time(62) / 4)
    with pytest.raises(ValueError, match="bit rate"):
        air_time(1, 100)


def test_a_carrier_is_felt_by_the_others_and_from_when_they_come(place: Place) -> None:
    assert (place.driver.felt, place.card.felt) == ([], [True])
    place.field.place(place.other)
    assert place.other.felt == [True]
    place.field.remove(place.other)
    place.field.set_carrier(place.driver, False)
    assert (place.other.felt, place.card.felt) == ([True, False], [True, False])
    assert not place.field.feels_carrier(place.card)


def test_a_carrier_outside_is_not_felt(place: Place) -> None:
    place.field.remove(place.driver)
    assert place.card.felt == [True, False]
    place.field.place(place.driver)
    assert place.card.felt == [True, False, True]


def test_the_driver_is_heard_by_all_others_and_a_card_by_the_driver(place: Place) -> None:
    place.field.place(place.other)
    place.say(place.driver, b"\x02c")
    place.say(place.card, b"\x02a")
    duration = air_time(2)
    assert place.card.heard == place.other.heard == [(pytest.approx(duration), b"\x02c", True)]
    assert place.driver.heard == [(pytest.approx(2 * duration), b"\x02a", True)]


@pytest.mark.parametrize("change", ["remove card", "remove driver", "carrier", "two carriers"])
def test_what_changes_while_a_frame_is_on_the_air_loses_it(place: Place, change: str) -> None:
    place.field.place(place.other)
    place.field.transmit(place.driver, b"\x02c")
    if change == "remove card":
        place.field.remove(place.card)
    elif change == "remove driver":
        place.field.remove(place.driver)
    elif change == "carrier":
        place.field.set_carrier(place.driver, False)
        place.field.set_carrier(place.driver, True)
    else:
        place.field.set_carrier(place.other, True)
    place.scheduler.run_until_idle()
    assert place.card.heard == []


def test_two_frames_at_once_break_each_other(place: Place) -> None:
    place.field.transmit(place.driver, b"\x02c")
    place.say(place.card, b"\x02a")
    assert [intact for _, _, intact in place.card.heard + place.driver.heard] == [False, False]


def test_sensing_needs_the_only_carrier(place: Place) -> None:
    found = place.field.sense(place.driver)
    assert [endpoint.name for endpoint, _ in found] == ["card"]
    assert place.field.sense(place.card) == []
    place.field.place(place.other)
    assert len(place.field.sense(place.driver)) == 2, "a collision is the reader's to judge"
    assert [e.name for e, _ in place.field.sense(place.driver, uid=b"other")] == ["other"]
    place.field.set_carrier(place.other, True)
    assert place.field.sense(place.driver) == []


def test_the_log_tells_time_direction_sender_and_kind(place: Place) -> None:
    place.field.select(place.driver, place.card, b"uid!")
    place.say(place.driver, b"\xe0\x50")
    place.say(place.card, b"\x05\x78\x80\x90\x00")
    place.say(place.driver, b"\x12abc")
    rows = [(r.direction, r.sender, r.kind, r.fault) for r in place.field.log]
    assert rows == [
        (">", "driver", "SELECT", ""),
        (">", "driver", "RATS", ""),
        ("<", "card", "ATS", ""),
        (">", "driver", "I0+", ""),
    ]
    assert place.field.log[3].time == pytest.approx(air_time(2) + air_time(5))
    assert place.card.selected == 1


def test_a_tap_counts_apdu_bytes_once_and_frame_bytes_always(place: Place) -> None:
    place.field.select(place.driver, place.card, b"uid!")
    exchange = [
        (place.driver, b"\x12abc"),
        (place.card, b"\xa2"),
        (place.driver, b"\x03de"),
        (place.driver, b"\x03de"),  # sent again
        (place.card, b"\x13fgh"),
        (place.driver, b"\xa2"),
        (place.card, b"\x02i"),
    ]
    for sender, frame in exchange:
        place.say(sender, frame)
    place.scheduler.run_for(1.0)
    place.field.set_carrier(place.driver, False)
    (tap,) = place.field.taps
    assert (tap.apdu_bytes, tap.exchanges, tap.frames) == (9, 1, len(exchange))
    assert tap.frame_bytes == sum(len(frame) + 2 for _, frame in exchange)
    assert tap.air_time == pytest.approx(sum(air_time(len(frame)) for _, frame in exchange))
    assert tap.ended == pytest.approx(tap.air_time + 1.0)


def test_taps_add_up(place: Place) -> None:
    for _ in range(3):
        place.field.select(place.driver, place.card, b"uid!")
        place.say(place.driver, b"\x02abc")
    total = place.field.tap_totals()
    assert (total.apdu_bytes, total.frames, total.frame_bytes) == (9, 3, 18)


class TestFaults:
    """Fault rules and their actions."""

    def heard(self, place: Place) -> list[tuple[bytes, bool]]:
        return [(frame, intact) for _, frame, intact in place.card.heard]

    def test_the_nth_fitting_frame_is_lost(self, place: Place) -> None:
        place.field.faults.append(Fault("lose", direction=">", kind="I", nth=2))
        for frame in (b"\x02a", b"\xa2", b"\x03b", b"\x02c"):
            place.say(place.driver, frame)
        assert self.heard(place) == [(b"\x02a", True), (b"\xa2", True), (b"\x02c", True)]
        assert [r.fault for r in place.field.log] == ["", "", "lose", ""]

    def test_all_from_a_fitting_frame_on_are_lost(self, place: Place) -> None:
        place.field.faults.append(Fault("lose", kind="I", since=2))
        for frame in (b"\x02a", b"\xa2", b"\x03b", b"\x02c"):
            place.say(place.driver, frame)
        assert self.heard(place) == [(b"\x02a", True), (b"\xa2", True)]

    def test_a_truncated_frame_is_shorter_and_broken(self, place: Place) -> None:
        place.field.faults.append(Fault("truncate", amount=2, times=1))
        place.say(place.driver, b"\x02abc")
        place.say(place.driver, b"\x03abc")
        assert self.heard(place) == [(b"\x02a", False), (b"\x03abc", True)]

    def test_a_delayed_frame_comes_later(self, place: Place) -> None:
        place.field.faults.append(Fault("delay", amount=0.5))
        place.say(place.driver, b"\x02a")
        assert place.card.heard == [(pytest.approx(0.5 + air_time(2)), b"\x02a", True)]

    def test_a_repeated_frame_comes_twice(self, place: Place) -> None:
        place.field.faults.append(Fault("repeat", amount=0.5))
        place.say(place.driver, b"\x02a")
        first, second = place.card.heard
        assert first[1:] == second[1:] == (b"\x02a", True)
        assert second[0] - first[0] == pytest.approx(0.5 + air_time(2))

    def test_a_predicate_chooses(self, place: Place) -> None:
        place.field.faults.append(Fault("lose", matching=lambda way, kind, frame: b"x" in frame))
        place.say(place.driver, b"\x02x")
        place.say(place.driver, b"\x02y")
        assert self.heard(place) == [(b"\x02y", True)]

    def test_a_rate_strikes_its_part_and_the_same_ones_by_seed(self, seed: int) -> None:
        runs = []
        for _ in range(2):
            fault = Fault("lose", rate=0.1, seed=seed)
            runs.append([fault.strikes(">", "I0", b"") for _ in range(3000)])
        assert runs[0] == runs[1]
        assert 180 < sum(runs[0]) < 430

    @pytest.mark.parametrize(
        "rule",
        [
            {"action": "burn"},
            {"action": "lose", "rate": 1.5},
            {"action": "delay", "amount": -1.0},
            {"action": "lose", "nth": 0},
            {"action": "lose", "since": 0},
        ],
    )
    def test_a_senseless_rule_is_refused(self, rule: dict[str, object]) -> None:
        with pytest.raises(ValueError, match=r"fault|amount|nth"):
            Fault(**rule)  # type: ignore[arg-type]


class Reader(Ear):
    """Drives a card block by block."""

    def ask(self, place: Place, frame: bytes, rate: int = 106) -> bytes | None:
        """Send a frame and wait at most a second for the answer."""
        before = len(self.heard)
        place.field.transmit(self, frame, rate)
        place.scheduler.run_for(1.0)
        return self.heard[-1][1] if len(self.heard) > before else None


class TestIsoDepCard:
    """The Python card, tested over the air."""

    @pytest.fixture
    def place(self) -> Place:
        place = Place()
        place.field.remove(place.card)
        place.field.set_carrier(place.driver, False)
        place.field.remove(place.driver)
        return place

    @pytest.fixture
    def reader(self, place: Place) -> Reader:
        reader = Reader("reader", place.scheduler, answers=False)
        place.field.place(reader)
        place.field.set_carrier(reader, True)
        return reader

    @pytest.fixture
    def card(self, place: Place) -> IsoDepCard:
        card = IsoDepCard(place.field, place.scheduler, lambda apdu: apdu + b"\x90\x00")
        place.field.place(card)
        return card

    def select(self, place: Place, reader: Reader) -> None:
        ((endpoint, who),) = place.field.sense(reader)
        place.field.select(reader, endpoint, who.uid)

    def test_it_says_nothing_before_it_is_selected(
        self, place: Place, reader: Reader, card: IsoDepCard
    ) -> None:
        assert reader.ask(place, b"\xe0\x50") is None
        self.select(place, reader)
        assert reader.ask(place, b"\x02hi") is None, "not before RATS"
        assert reader.ask(place, b"\xe0\x80") == b"\x05\x78\x80\x90\x00"
        assert reader.ask(place, b"\x02hi") == b"\x02hi\x90\x00"

    def test_it_respects_the_readers_frame_size(
        self, place: Place, reader: Reader, card: IsoDepCard
    ) -> None:
        self.select(place, reader)
        reader.ask(place, b"\xe0\x00")  # FSD 16
        assert reader.ask(place, b"\x02" + bytes(20)) == b"\x12" + bytes(13)
        assert reader.ask(place, b"\xa3") == b"\x03" + bytes(7) + b"\x90\x00"

    def test_after_deselect_it_answers_only_wupa(
        self, place: Place, reader: Reader, card: IsoDepCard
    ) -> None:
        self.select(place, reader)
        reader.ask(place, b"\xe0\x80")
        assert reader.ask(place, b"\xc2") == b"\xc2"
        assert place.field.taps[-1].ended is not None
        assert place.field.sense(reader) == []
        assert len(place.field.sense(reader, wake=True)) == 1

    def test_leaving_the_field_makes_it_forget(
        self, place: Place, reader: Reader, card: IsoDepCard
    ) -> None:
        self.select(place, reader)
        reader.ask(place, b"\xe0\x80")
        reader.ask(place, b"\x12half a com")
        place.field.remove(card)
        place.field.place(card)
        self.select(place, reader)
        reader.ask(place, b"\xe0\x80")
        assert reader.ask(place, b"\x02hi") == b"\x02hi\x90\x00"

    def test_pps_changes_the_bit_rate_and_other_rates_are_not_heard(
        self, place: Place, reader: Reader, card: IsoDepCard
    ) -> None:
        card.link.ats = type(card.link.ats)(ta=0x33)
        self.select(place, reader)
        reader.ask(place, b"\xe0\x80")
        assert reader.ask(place, b"\xd0\x11\x0a") == b"\xd0"
        assert reader.ask(place, b"\x02hi") is None
        assert reader.ask(place, b"\x02hi", rate=424) == b"\x02hi\x90\x00"
        assert place.field.log[-1].bit_rate == 424

    def test_pps_for_a_rate_it_does_not_have_is_ignored(
        self, place: Place, reader: Reader, card: IsoDepCard
    ) -> None:
        self.select(place, reader)
        reader.ask(place, b"\xe0\x80")
        assert reader.ask(place, b"\xd0\x11\x0a") is None
        assert reader.ask(place, b"\x02hi") == b"\x02hi\x90\x00"

    def test_an_answer_ready_while_wtx_is_open_waits_for_it(
        self, place: Place, reader: Reader, card: IsoDepCard
    ) -> None:
        card.processing = 0.08  # S(WTX) goes out after 0.077 s
        self.select(place, reader)
        reader.ask(place, b"\xe0\x80")
        assert reader.ask(place, b"\x02hi") == b"\xf2\x01"
        assert reader.ask(place, b"\xb2") == b"\xf2\x01", "lost: the same again"
        assert reader.ask(place, b"\xf2\x01") == b"\x02hi\x90\x00"
