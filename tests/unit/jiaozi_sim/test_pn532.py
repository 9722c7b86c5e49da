"""One PN532: its host link, power, registers and the reader's commands."""

from __future__ import annotations

import pytest

from jiaozi_sim.card import IsoDepCard
from jiaozi_sim.chips import hsu
from jiaozi_sim.chips.pn532 import Pn532, garble
from jiaozi_sim.field import Field
from jiaozi_sim.iso_dep import Ats
from jiaozi_sim.scheduler import VirtualScheduler
from tests.fixtures.pn532_hosts import LIST_ONE, LISTEN, WAKE, Host

ERROR = b"\x7f"


@pytest.fixture
def scheduler() -> VirtualScheduler:
    return VirtualScheduler()


@pytest.fixture
def field(scheduler: VirtualScheduler) -> Field:
    return Field(scheduler)


@pytest.fixture
def host(field: Field, scheduler: VirtualScheduler) -> Host:
    host = Host(field, scheduler).begin()
    field.place(host.chip)
    return host


def add_card(field: Field, scheduler: VirtualScheduler, uid: str = "08112233") -> IsoDepCard:
    card = IsoDepCard(
        field, scheduler, lambda apdu: apdu + b"\x90\x00", uid=bytes.fromhex(uid), ats=Ats(ta=0x33)
    )
    field.place(card)
    return card


@pytest.fixture
def card(field: Field, scheduler: VirtualScheduler) -> IsoDepCard:
    return add_card(field, scheduler)


class TestPower:
    """Waking up, low battery mode, power down."""

    @pytest.fixture
    def asleep(self, field: Field, scheduler: VirtualScheduler) -> Host:
        return Host(field, scheduler)

    def test_a_sleeping_chip_does_not_hear_a_bare_command(self, asleep: Host) -> None:
        asleep.chip.receive(hsu.encode(b"\xd4\x02"))
        assert asleep.acks == 0

    @pytest.mark.parametrize("preamble", [b"\x55", b"\x55\x55" + bytes(14), bytes(10), bytes(5)])
    def test_five_rising_edges_wake_it(self, asleep: Host, preamble: bytes) -> None:
        asleep.send(b"\x02", preamble)

    def test_in_low_battery_mode_there_is_no_radio(self, asleep: Host) -> None:
        asleep.chip.receive(WAKE)
        assert asleep.ask(b"\x02") == bytes.fromhex("32010607")
        assert asleep.ask(LIST_ONE) == ERROR
        asleep.ask(b"\x14\x01")
        assert asleep.ask(b"\x32\x05\xff\x01\x00") == b""
        assert asleep.ask(LIST_ONE) == b"\x00"

    def test_power_down_ends_the_carrier_and_needs_waking(self, field: Field, host: Host) -> None:
        host.ask(b"\x32\x01\x01")
        assert host.ask(b"\x16\x10") == b"\x00"
        assert not host.chip.carrier
        acks = host.acks
        host.chip.receive(hsu.encode(b"\xd4\x02"))
        assert host.acks == acks
        host.chip.receive(WAKE)
        assert host.ask(b"\x32\x01\x00") == b"", "normal mode again"

    def test_only_the_chosen_sources_wake_it(
        self, field: Field, scheduler: VirtualScheduler, host: Host
    ) -> None:
        host.ask(b"\x16\x08")  # RF alone
        acks = host.acks
        host.chip.receive(WAKE + hsu.encode(b"\xd4\x02"))
        assert host.acks == acks
        other = Host(field, scheduler, "other").begin()
        field.place(other.chip)
        other.ask(b"\x32\x01\x01")
        assert host.ask(b"\x02") == bytes.fromhex("32010607")

    def test_a_power_cycle_forgets_everything(self, host: Host, card: IsoDepCard) -> None:
        host.ask(LIST_ONE)
        host.chip.power_cycle()
        assert not host.chip.carrier
        acks = host.acks
        host.chip.receive(hsu.encode(b"\xd4\x02"))
        assert host.acks == acks


class TestHostLink:
    """ACK, NAK, error frames, aborting, baud rate."""

    def test_nak_repeats_the_last_answer(self, host: Host) -> None:
        first = host.ask(b"\x02")
        host.chip.receive(hsu.NAK)
        assert host.answers == [first]

    def test_a_broken_frame_is_not_acknowledged(self, host: Host) -> None:
        acks = host.acks
        host.chip.receive(hsu.encode(b"\xd4\x02")[:-2] + b"\xff\x00")
        assert (host.acks, host.answers) == (acks, [])

    @pytest.mark.parametrize(
        "command", ["02ff", "32", "3205", "4a03ff", "4a", "8c05", "f0", "1209ff", "10ff", "1408"]
    )
    def test_a_senseless_command_gets_the_error_frame(self, host: Host, command: str) -> None:
        assert host.ask(bytes.fromhex(command)) == ERROR

    @pytest.mark.parametrize("body", [b"\xd5\x02", b"\xd4"])
    def test_so_does_a_frame_that_is_no_command(self, host: Host, body: bytes) -> None:
        host.chip.receive(hsu.encode(body))
        assert host.answers == [ERROR]

    def test_ack_aborts_the_running_command(
        self, field: Field, scheduler: VirtualScheduler, host: Host
    ) -> None:
        host.ask(b"\x32\x05\xff\x01\xff")  # look for ever
        host.send(LIST_ONE)
        scheduler.run_for(60.0)
        assert host.answers == []
        host.chip.receive(hsu.ACK)
        scheduler.run_until_idle()
        add_card(field, scheduler)
        scheduler.run_for(1.0)
        assert host.answers == []

    def test_a_new_command_aborts_the_running_one(
        self, scheduler: VirtualScheduler, host: Host
    ) -> None:
        host.send(LISTEN)
        assert host.ask(b"\x02") == bytes.fromhex("32010607")
        scheduler.run_until_idle()
        assert host.answers == []

    def test_the_longest_line_test_is_echoed(self, host: Host) -> None:
        command = b"\x00\x00" + bytes(i & 0xFF for i in range(262))
        assert host.ask(command) == command[1:]

    def test_a_new_baud_rate_holds_from_the_ack_on(self, host: Host) -> None:
        assert host.ask(b"\x10\x07") == b""
        assert host.chip.baud == 115200
        host.chip.receive(hsu.ACK, baud=115200)
        assert host.chip.baud == 921600
        acks = host.acks
        host.chip.receive(hsu.encode(b"\xd4\x02"), baud=115200)
        assert host.acks == acks
        host.send(b"\x02", baud=921600)

    def test_garbage_is_never_a_frame(self) -> None:
        assert 0 not in garble(bytes(range(256)))


class TestSensing:
    """InListPassiveTarget in different fields."""

    def test_nobody_there(self, scheduler: VirtualScheduler, host: Host) -> None:
        assert host.ask(LIST_ONE) == b"\x00"
        assert scheduler.now() == pytest.approx(0.02), "guard time and three attempts"
        assert host.ask(b"\x06\x63\x39") == b"\x26"
        assert host.chip.carrier, "the carrier stays on"

    def test_one_card_is_activated(self, host: Host, card: IsoDepCard) -> None:
        assert host.ask(LIST_ONE).hex() == "01" + "01000420" + "0408112233" + "0578339000"
        assert host.ask(b"\x06\x63\x39") == b"\x00"
        assert host.ask(b"\x04").hex() == "00000101000000" + "00"

    def test_without_automatic_rats_it_is_only_selected(self, host: Host, card: IsoDepCard) -> None:
        host.ask(b"\x12\x00")
        assert host.ask(LIST_ONE).hex() == "01" + "01000420" + "0408112233"
        assert host.ask(b"\x42\xe0\x80") == b"\x00\x05\x78\x33\x90\x00"

    def test_only_the_uid_asked_for(
        self, field: Field, scheduler: VirtualScheduler, host: Host, card: IsoDepCard
    ) -> None:
        add_card(field, scheduler, "08445566")
        assert host.ask(LIST_ONE + bytes.fromhex("08445566"))[6:10].hex() == "08445566"
        host.ask(b"\x32\x01\x00")
        assert host.ask(LIST_ONE + bytes.fromhex("08999999")) == b"\x00"

    def test_two_cards_are_a_collision(
        self, field: Field, scheduler: VirtualScheduler, host: Host, card: IsoDepCard
    ) -> None:
        add_card(field, scheduler, "08445566")
        assert host.ask(LIST_ONE) == b"\x00"
        assert host.ask(b"\x06\x63\x39") == b"\x00", "somebody did answer"

    def test_who_asks_for_two_cards_sees_both_but_can_use_neither(
        self, field: Field, scheduler: VirtualScheduler, host: Host, card: IsoDepCard
    ) -> None:
        add_card(field, scheduler, "08445566")
        found = host.ask(b"\x4a\x02\x00")
        assert found.hex() == "02" + "01000420" + "0408112233" + "02000420" + "0408445566"
        assert host.ask(b"\x40\x01\x00") == b"\x27"

    def test_another_modulation_finds_nothing(self, host: Host, card: IsoDepCard) -> None:
        assert host.ask(b"\x4a\x01\x01\x00\xff\xff\x01\x00") == b"\x00"

    def test_with_collision_avoidance_a_foreign_carrier_keeps_it_silent(
        self, field: Field, scheduler: VirtualScheduler, host: Host, card: IsoDepCard
    ) -> None:
        other = Host(field, scheduler, "other").begin()
        field.place(other.chip)
        other.ask(b"\x32\x01\x01")
        host.ask(b"\x32\x01\x02")
        assert host.ask(b"\x04")[1] == 1, "an external field is seen"
        assert host.ask(LIST_ONE) == b"\x00"
        assert not host.chip.carrier
        host.ask(b"\x32\x01\x00")
        assert host.ask(LIST_ONE) == b"\x00", "without it two carriers jam each other"
        other.ask(b"\x32\x01\x00")
        assert host.ask(LIST_ONE)[:1] == b"\x01"

    def test_a_released_card_needs_a_new_field(self, host: Host, card: IsoDepCard) -> None:
        host.ask(LIST_ONE)
        assert host.ask(b"\x52\x00") == b"\x00"
        assert host.ask(LIST_ONE) == b"\x00", "it is halted"
        host.ask(b"\x32\x01\x00")
        assert host.ask(LIST_ONE)[:1] == b"\x01"


class TestExchange:
    """InDataExchange and its relatives."""

    @pytest.fixture
    def active(self, host: Host, card: IsoDepCard) -> Host:
        assert host.ask(LIST_ONE)[:1] == b"\x01"
        return host

    def test_without_a_target(self, host: Host) -> None:
        assert host.ask(b"\x40\x01\x00") == b"\x27"
        assert host.ask(b"\x44\x01") == b"\x27"
        assert host.ask(b"\x54\x01") == b"\x27"
        assert host.ask(b"\x4e\x01\x00\x00") == b"\x27"
        assert host.ask(b"\x00\x06") == b"\x27"
        assert host.ask(b"\x52\x00") == b"\x00"

    def test_262_bytes_go_and_263_do_not(self, active: Host) -> None:
        assert active.ask(b"\x40\x41" + bytes(262)) == b"\x00"
        with pytest.raises(ValueError, match="265"):
            active.ask(b"\x40\x01" + bytes(263))

    def test_a_long_answer_comes_in_pieces_that_fit_the_chip(self, active: Host) -> None:
        assert active.ask(b"\x40\x41" + bytes(262)) == b"\x00"
        answer = active.ask(b"\x40\x01" + bytes(200))
        sizes = [len(answer) - 1]
        while answer[0] == 0x40:
            answer = active.ask(b"\x40\x01")
            sizes.append(len(answer) - 1)
        assert answer[0] == 0
        assert sum(sizes) == 464
        assert max(sizes) <= 262

    def test_new_data_while_an_answer_is_pending_is_out_of_context(self, active: Host) -> None:
        active.ask(b"\x40\x41" + bytes(262))
        assert active.ask(b"\x40\x01" + bytes(200))[0] == 0x40
        assert active.ask(b"\x40\x01\x55") == b"\x27"

    def test_presence(self, field: Field, active: Host, card: IsoDepCard) -> None:
        assert active.ask(b"\x00\x06") == b"\x00"
        field.remove(card)
        assert active.ask(b"\x00\x06") == b"\x01"

    def test_deselect_and_select_again(self, active: Host) -> None:
        active.ask(b"\x40\x01hi")
        assert active.ask(b"\x44\x01") == b"\x00"
        assert active.ask(b"\x40\x01hi") == b"\x27"
        assert active.ask(b"\x54\x01") == b"\x00"
        assert active.ask(b"\x40\x01hi") == b"\x00hi\x90\x00"

    def test_deselecting_a_card_that_has_gone_times_out(
        self, field: Field, active: Host, card: IsoDepCard
    ) -> None:
        field.remove(card)
        assert active.ask(b"\x44\x01") == b"\x01"
        assert active.ask(b"\x52\x01") == b"\x00", "release never fails"

    def test_the_bit_rate_is_raised_by_pps(self, field: Field, active: Host) -> None:
        assert active.ask(b"\x4e\x01\x03\x03") == b"\x10"
        assert active.ask(b"\x4e\x01\x02\x02") == b"\x00"
        assert active.ask(b"\x40\x01hi") == b"\x00hi\x90\x00"
        assert [r.bit_rate for r in list(field.log)[-2:]] == [424, 424]

    def test_switching_the_carrier_off_loses_the_target(self, active: Host) -> None:
        active.ask(b"\x32\x01\x00")
        assert active.ask(b"\x40\x01\x00") == b"\x27"

    def test_raw_frames_time_out_as_configured(
        self, scheduler: VirtualScheduler, active: Host
    ) -> None:
        active.ask(b"\x32\x02\x00\x0b\x08")  # 100 µs × 2⁷
        start = scheduler.now()
        assert active.ask(b"\x42\x99") == b"\x01"
        assert scheduler.now() - start == pytest.approx(12.8e-3, rel=0.1)

    def test_raw_frames_are_repeated_as_configured(self, field: Field, active: Host) -> None:
        active.ask(b"\x32\x04\x02")
        before = len(field.log)
        assert active.ask(b"\x42\x99") == b"\x01"
        assert len(field.log) - before == 3

    def test_an_answer_that_began_in_time_is_heard_out(self, field: Field, host: Host) -> None:
        card = IsoDepCard(
            field, host.scheduler, lambda apdu: bytes(55), ats=Ats(fsci=8, fwi=0)
        )  # FWT 0.3 ms, the answer takes 5 ms
        field.place(card)
        host.ask(LIST_ONE)
        assert host.ask(b"\x40\x01x") == b"\x00" + bytes(55)
        assert not any(r.kind.startswith("NAK") for r in field.log)


class TestTarget:
    """TgInitAsTarget and raw frames; chip-side ISO-DEP is in test_pn532_pair.py."""

    @pytest.fixture
    def reader(self, field: Field, scheduler: VirtualScheduler) -> Host:
        reader = Host(field, scheduler, "reader").begin()
        field.place(reader.chip)
        return reader

    def test_raw_frames_go_to_the_host(self, host: Host, reader: Host) -> None:
        host.send(LISTEN)  # without the PICC bit of SetParameters
        reader.ask(b"\x12\x00")
        assert reader.ask(LIST_ONE).hex() == "01" + "01000420" + "0408112233"
        reader.send(b"\x42\xe0\x80")
        assert host.wait() == b"\x00\xe0\x80"
        assert host.ask(b"\x90\x05\x78\x80\x90\x00") == b"\x00"
        assert reader.wait() == b"\x00\x05\x78\x80\x90\x00"
        host.send(b"\x88")
        reader.send(b"\x42\x02hi")
        assert host.wait() == b"\x00\x02hi"
        assert host.ask(b"\x86") == b"\x26", "no ISO-DEP in the chip here"

    def test_commands_out_of_context(self, host: Host) -> None:
        for command in (b"\x86", b"\x88", b"\x8e\x90\x00", b"\x94\x90", b"\x90\x00", b"\x92\x00"):
            assert host.ask(command) == b"\x27"
        assert host.ask(b"\x8a") == b"\x00\x00"

    def test_an_answer_without_a_command_is_out_of_context(self, host: Host, reader: Host) -> None:
        host.listen()
        reader.ask(LIST_ONE)
        host.wait()
        assert host.ask(b"\x8e\x90\x00") == b"\x27"
        assert host.ask(b"\x88") == b"\x26"
        assert host.ask(b"\x8a") == b"\x01\x00"

    def test_an_aborted_listener_is_not_found(
        self, scheduler: VirtualScheduler, host: Host, reader: Host
    ) -> None:
        host.listen()
        host.chip.receive(hsu.ACK)
        assert reader.ask(LIST_ONE) == b"\x00"
        host.send(LISTEN)
        assert reader.ask(LIST_ONE)[:1] == b"\x01"

    def test_a_target_for_nfcip_only_is_no_type_a_card(self, host: Host, reader: Host) -> None:
        host.ask(b"\x12\x34")
        host.send(b"\x8c\x02" + LISTEN[2:])
        assert reader.ask(LIST_ONE) == b"\x00"

    @pytest.mark.parametrize("tail", ["", "00", "0001", "3000", "0031" + "00" * 49])
    def test_lengths_of_general_and_historical_bytes_are_checked(
        self, host: Host, tail: str
    ) -> None:
        assert host.ask(LISTEN[:-2] + bytes.fromhex(tail)) == ERROR

    def test_historical_bytes_are_in_the_ats(self, host: Host, reader: Host) -> None:
        host.ask(b"\x12\x34")
        host.send(LISTEN[:-1] + b"\x02\x80\x81")
        assert reader.ask(LIST_ONE).hex().endswith("07753392008081")

    def test_reading_makes_it_no_target_any_more(self, host: Host, reader: Host) -> None:
        host.listen()
        reader.ask(LIST_ONE)
        host.wait()
        host.ask(LIST_ONE)
        assert host.ask(b"\x86") == b"\x27"


def test_any_command_is_answered_or_waits(field: Field, scheduler: VirtualScheduler) -> None:
    for code in range(256):
        for size in (0, 1, 2, 3, 9, 37, 263):
            host = Host(field, scheduler).begin()
            host.send(bytes((code,)) + bytes(size))
            assert isinstance(host.chip, Pn532)
            host.chip.receive(hsu.ACK)
