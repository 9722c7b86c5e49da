"""Wires to a PN532: baud rates, lost bytes, pace, and a pseudo-terminal."""

from __future__ import annotations

import copy
import os
import select
import termios
from collections.abc import Iterator

import pytest

from jiaozi_sim.chips import hsu
from jiaozi_sim.chips.pn532 import Pn532
from jiaozi_sim.field import Field
from jiaozi_sim.scheduler import VirtualScheduler
from jiaozi_sim.wires import PtyWire, UartWire
from tests.fixtures.pn532_hosts import WAKE

GET_VERSION = hsu.encode(b"\xd4\x02")
VERSION = hsu.encode(b"\xd5\x03\x32\x01\x06\x07")
TO_921600 = hsu.encode(b"\xd4\x10\x07")
DONE = hsu.encode(b"\xd5\x11")


def connect(wire: UartWire | PtyWire) -> Pn532:
    scheduler = wire.scheduler
    chip = Pn532(Field(scheduler), scheduler, wire.from_chip)
    wire.connect(chip)
    return chip


@pytest.fixture
def scheduler() -> VirtualScheduler:
    return VirtualScheduler()


@pytest.fixture
def uart(scheduler: VirtualScheduler) -> UartWire:
    wire = UartWire(scheduler)
    connect(wire)
    wire.write(WAKE)
    return wire


def test_bytes_go_both_ways(uart: UartWire) -> None:
    uart.write(GET_VERSION)
    assert uart.any() == len(hsu.ACK + VERSION)
    assert uart.read(6) == hsu.ACK
    assert uart.read() == VERSION
    assert (uart.bytes_to_chip, uart.bytes_to_host) == (len(WAKE + GET_VERSION), 19)


def test_at_a_wrong_baud_rate_the_chip_hears_garbage(uart: UartWire) -> None:
    uart.baudrate = 921600
    uart.write(GET_VERSION)
    assert uart.any() == 0


def test_a_host_that_forgets_to_change_its_rate_reads_garbage(uart: UartWire) -> None:
    uart.write(TO_921600)
    assert uart.read() == hsu.ACK + DONE
    uart.write(hsu.ACK)
    uart.write(GET_VERSION)
    assert uart.any() == 0, "the chip does not hear the old rate"
    uart.baudrate = 921600
    uart.write(GET_VERSION)
    assert uart.read() == hsu.ACK + VERSION
    uart.baudrate = 115200
    uart.from_chip(VERSION)
    assert hsu.Decoder().feed(uart.read()) == []


def test_bytes_are_lost_where_asked(uart: UartWire) -> None:
    uart.lose(2, after=7)
    uart.write(GET_VERSION)
    assert uart.read() == hsu.ACK + VERSION[:1] + VERSION[3:]
    assert uart.lost == 2


def test_a_full_ring_loses_what_comes(scheduler: VirtualScheduler) -> None:
    uart = UartWire(scheduler, capacity=10)
    connect(uart)
    uart.write(WAKE + GET_VERSION)
    assert uart.read() == (hsu.ACK + VERSION)[:10]
    assert uart.lost == len(hsu.ACK + VERSION) - 10


def test_paced_bytes_take_their_time_in_order(scheduler: VirtualScheduler) -> None:
    uart = UartWire(scheduler, paced=True)
    connect(uart)
    uart.write(WAKE)
    uart.write(GET_VERSION)
    scheduler.run_until((len(WAKE + GET_VERSION) + 5) * 10 / 115200)
    assert uart.any() == 0
    scheduler.run_until_idle()
    assert uart.read() == hsu.ACK + VERSION
    total = len(WAKE + GET_VERSION + hsu.ACK + VERSION) * 10 / 115200
    assert scheduler.now() == pytest.approx(total)


def test_a_copy_of_a_wire_answers_for_itself(uart: UartWire) -> None:
    other = copy.deepcopy(uart)
    other.write(GET_VERSION)
    assert (uart.any(), other.any()) == (0, 19)


class TestPty:
    """The pseudo-terminal for programs of the host."""

    @pytest.fixture
    def wire(self, scheduler: VirtualScheduler) -> Iterator[PtyWire]:
        wire = PtyWire(scheduler)
        yield wire
        wire.close()

    @pytest.fixture
    def chip(self, wire: PtyWire) -> Pn532:
        return connect(wire)

    @pytest.fixture
    def port(self, wire: PtyWire) -> Iterator[int]:
        port = os.open(wire.path, os.O_RDWR | os.O_NOCTTY)
        yield port
        os.close(port)

    def pump(self, wire: PtyWire) -> None:
        while select.select([wire], [], [], 0.05)[0]:
            wire.on_readable()

    def set_speed(self, port: int, speed: int) -> None:
        settings = termios.tcgetattr(port)
        settings[4] = settings[5] = speed
        termios.tcsetattr(port, termios.TCSANOW, settings)

    def test_it_is_raw_and_starts_at_115200(self, wire: PtyWire, chip: Pn532, port: int) -> None:
        assert wire.host_baud == 115200
        os.write(port, WAKE + GET_VERSION)
        self.pump(wire)
        assert os.read(port, 100) == hsu.ACK + VERSION

    def test_it_outlives_its_programs(self, wire: PtyWire, chip: Pn532) -> None:
        for preamble in (WAKE, b""):
            port = os.open(wire.path, os.O_RDWR | os.O_NOCTTY)
            os.write(port, preamble + GET_VERSION)
            self.pump(wire)
            assert os.read(port, 100) == hsu.ACK + VERSION
            os.close(port)

    @pytest.mark.parametrize("ack", ["read late", "flushed"])
    def test_the_ack_counts_though_the_speed_was_changed_at_once(
        self, wire: PtyWire, chip: Pn532, port: int, ack: str
    ) -> None:
        os.write(port, WAKE + TO_921600)
        self.pump(wire)
        assert os.read(port, 100) == hsu.ACK + DONE
        if ack == "read late":
            os.write(port, hsu.ACK)
        self.set_speed(port, termios.B921600)
        os.write(port, GET_VERSION)
        self.pump(wire)
        assert chip.baud == 921600
        assert os.read(port, 100) == hsu.ACK + VERSION

    def test_at_another_speed_nothing_is_understood(
        self, wire: PtyWire, chip: Pn532, port: int
    ) -> None:
        os.write(port, WAKE)
        self.pump(wire)
        self.set_speed(port, termios.B9600)
        os.write(port, GET_VERSION)
        self.pump(wire)
        assert not select.select([port], [], [], 0)[0]

    def test_a_program_that_does_not_read_loses_bytes(
        self, wire: PtyWire, chip: Pn532, port: int
    ) -> None:
        for _ in range(200):
            wire.from_chip(bytes(1000))
        assert wire.lost > 0
