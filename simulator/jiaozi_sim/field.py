"""The 13.56 MHz field between readers and cards: presence, carriers and frames.

Type A at 106 to 848 kbit/s. Frames are byte strings without CRC; the field adds the CRC's two
bytes to every length and air time. Sensing (REQA, anticollision, SELECT) is modelled as "who would
answer"; the reader takes care of its duration. One field is one place: everything placed on it is
in reach of everything else.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Protocol

from jiaozi_sim.faults import Fault
from jiaozi_sim.iso_dep import (
    CARRIER_HZ,
    CHAINING,
    NUMBER,
    S_DESELECT,
    block_kind,
    is_ack,
    is_i_block,
)
from jiaozi_sim.scheduler import Scheduler

TURNAROUND = 1236 / CARRIER_HZ
"""Seconds between the end of a frame and the start of its answer (frame delay time, 14443-3)."""
CRC_BYTES = 2
LOG_LIMIT = 100_000
BIT_RATES = (106, 212, 424, 848)


def air_time(length: int, bit_rate: int = 106) -> float:
    """Seconds that a Type A frame of ``length`` bytes and its CRC occupies the air.

    Nine bits a byte (parity), a start bit and one bit of silence as the end (14443-3, 6.2.3).

    Raises:
        ValueError: no such bit rate.
    """
    if bit_rate not in BIT_RATES:
        raise ValueError(f"no bit rate of {bit_rate} kbit/s in this field")
    bits = 9 * (length + CRC_BYTES) + 2
    return bits * 128 / CARRIER_HZ / (bit_rate // 106)


@dataclass(frozen=True)
class Identity:
    """A Type A card's answers in sensing. ``atqa`` as on the air, low byte first."""

    atqa: bytes
    uid: bytes
    sak: int


class Endpoint(Protocol):
    """A device with an antenna."""

    name: str

    def field_changed(self, present: bool) -> None:
        """Another endpoint's carrier was switched on or off."""

    def receive_frame(self, frame: bytes, bit_rate: int, intact: bool) -> None:
        """Receive a frame, at its end; ``intact`` is False if its CRC is wrong."""

    def identity(self, wake: bool) -> Identity | None:
        """Return the answer to REQA (or WUPA if ``wake``), None for none."""
        ...

    def select(self) -> None:
        """The reader has selected this endpoint in anticollision."""


@dataclass(frozen=True)
class FrameRecord:
    """One frame (or SELECT) of the log. ``direction`` is ``>`` from the carrier's driver,
    ``<`` to it; ``kind`` as :func:`jiaozi_sim.iso_dep.block_kind`; ``fault`` names
    the fault applied to it, or is empty."""

    time: float
    direction: str
    sender: str
    data: bytes
    kind: str
    bit_rate: int
    air_time: float
    fault: str = ""

    def __deepcopy__(self, memo: dict[int, object]) -> FrameRecord:
        return self


@dataclass
class Tap:
    """Traffic of one session, from SELECT of a card to its end.

    ``apdu_bytes`` is INF of I-blocks, repeated blocks not counted; ``frame_bytes`` is
    everything: activation, block headers, CRC, repetitions. ``exchanges`` counts completed answers.
    """

    started: float
    ended: float | None = None
    frames: int = 0
    frame_bytes: int = 0
    apdu_bytes: int = 0
    exchanges: int = 0
    air_time: float = 0.0


@dataclass
class _Flight:
    """A frame on the air until ``end``."""

    sender: Endpoint
    data: bytes
    bit_rate: int
    end: float
    intact: bool = True
    lost: bool = False


class Field:
    """The field; see the module. ``log`` has all frames and ``taps`` all sessions, newest last."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.log: deque[FrameRecord] = deque(maxlen=LOG_LIMIT)
        self.taps: list[Tap] = []
        self.faults: list[Fault] = []
        self._placed: dict[Endpoint, bool] = {}  # endpoint: True if it is in another's carrier
        self._carriers: dict[Endpoint, None] = {}
        self._flights: list[_Flight] = []
        self._tap_of: tuple[Endpoint, Endpoint] | None = None
        self._numbers: dict[str, int] = {}

    # Presence and carrier

    def place(self, endpoint: Endpoint) -> None:
        """Bring an endpoint into the field (a tap). Placing it twice is the same as once."""
        self._placed.setdefault(endpoint, False)
        self._tell_presence()

    def remove(self, endpoint: Endpoint) -> None:
        """Take an endpoint out of the field, and out of the others' carriers."""
        felt = self._placed.pop(endpoint, False)
        if self._tap_of and endpoint in self._tap_of:
            self._end_tap()
        if felt:
            endpoint.field_changed(False)
        self._tell_presence()

    @property
    def placed(self) -> tuple[Endpoint, ...]:
        """All endpoints in the field, in the order of placing."""
        return tuple(self._placed)

    def set_carrier(self, endpoint: Endpoint, on: bool) -> None:
        """Switch an endpoint's own carrier. Frames on the air at a change are lost."""
        if (endpoint in self._carriers) == on:
            return
        if on:
            self._carriers[endpoint] = None
        else:
            del self._carriers[endpoint]
            if self._tap_of and endpoint is self._tap_of[0]:
                self._end_tap()
        if endpoint in self._placed:
            for flight in self._flights:
                flight.lost = True
        self._tell_presence()

    def feels_carrier(self, endpoint: Endpoint) -> bool:
        """True while another endpoint's carrier reaches this one."""
        return self._placed.get(endpoint, False)

    def _tell_presence(self) -> None:
        for endpoint in tuple(self._placed):
            present = any(e is not endpoint and e in self._placed for e in self._carriers)
            if self._placed.get(endpoint, present) != present:
                self._placed[endpoint] = present
                endpoint.field_changed(present)

    def _driver(self) -> Endpoint | None:
        """Return the driver of the only carrier; None without one, or with two, which jam."""
        drivers = [e for e in self._carriers if e in self._placed]
        return drivers[0] if len(drivers) == 1 else None

    # Sensing

    def sense(
        self, reader: Endpoint, wake: bool = False, uid: bytes = b""
    ) -> list[tuple[Endpoint, Identity]]:
        """Return the endpoints that answer the reader's REQA or WUPA now; uid: only that one.

        More than one answer is a collision, which the reader handles. There is no answer without a
        carrier, or with two.
        """
        if self._driver() is not reader:
            return []
        answers = []
        for endpoint in tuple(self._placed):
            who = endpoint.identity(wake) if endpoint is not reader else None
            if who is not None and uid in (b"", who.uid):
                answers.append((endpoint, who))
        return answers

    def select(self, reader: Endpoint, card: Endpoint, uid: bytes) -> None:
        """Select a card that answered: a tap begins."""
        self._end_tap()
        now = self.scheduler.now()
        self.taps.append(Tap(now))
        self._tap_of, self._numbers = (reader, card), {}
        self.log.append(FrameRecord(now, ">", reader.name, uid, "SELECT", 106, 0.0))
        card.select()

    def _end_tap(self) -> None:
        if self._tap_of:
            self.taps[-1].ended = self.scheduler.now()
            self._tap_of = None

    # Frames

    def transmit(self, sender: Endpoint, frame: bytes, bit_rate: int = 106) -> float:
        """Put a frame on the air; returns its air time in seconds.

        It is received at its end: by all others if the carrier's driver sent it, else by the
        driver. Frames that overlap are both broken. Faults apply.
        """
        for fault in tuple(self.faults):
            direction = ">" if sender in self._carriers else "<"
            kind = block_kind(frame, direction == "<")
            if fault.strikes(direction, kind, frame):
                self._afflict(fault, sender, frame, bit_rate)
                return air_time(len(frame), bit_rate)
        self._launch(sender, frame, bit_rate)
        return air_time(len(frame), bit_rate)

    def _afflict(self, fault: Fault, sender: Endpoint, frame: bytes, bit_rate: int) -> None:
        name = fault.action
        if name == "lose":
            self._launch(sender, frame, bit_rate, name).lost = True
        elif name == "truncate":
            self._launch(sender, frame[: int(fault.amount)], bit_rate, name).intact = False
        elif name == "delay":
            self.scheduler.call_later(fault.amount, self._launch, sender, frame, bit_rate, name)
        else:
            self._launch(sender, frame, bit_rate)
            again = air_time(len(frame), bit_rate) + fault.amount
            self.scheduler.call_later(again, self._launch, sender, frame, bit_rate, name)

    def _launch(self, sender: Endpoint, frame: bytes, bit_rate: int, fault: str = "") -> _Flight:
        duration = air_time(len(frame), bit_rate)
        flight = _Flight(sender, frame, bit_rate, self.scheduler.now() + duration)
        for other in self._flights:
            other.intact = flight.intact = False
        self._flights.append(flight)
        direction = ">" if sender in self._carriers else "<"
        kind = block_kind(frame, direction == "<")
        record = FrameRecord(
            self.scheduler.now(), direction, sender.name, frame, kind, bit_rate, duration, fault
        )
        self.log.append(record)
        self._count(record)
        self.scheduler.call_later(duration, self._land, flight)
        return flight

    def _land(self, flight: _Flight) -> None:
        self._flights.remove(flight)
        driver = self._driver()
        if flight.lost or driver is None or flight.sender not in self._placed:
            return
        if flight.sender is driver:
            hearers = [e for e in self._placed if e is not driver]
        else:
            hearers = [driver]
        for endpoint in hearers:
            endpoint.receive_frame(flight.data, flight.bit_rate, flight.intact)
        if flight.sender is not driver and flight.data == bytes((S_DESELECT,)):
            self._end_tap()

    def _count(self, record: FrameRecord) -> None:
        if not self._tap_of:
            return
        tap = self.taps[-1]
        tap.frames += 1
        tap.frame_bytes += len(record.data) + CRC_BYTES
        tap.air_time += record.air_time
        if not is_i_block(record.data) and not is_ack(record.data):
            return
        # The block numbers of each side alternate: an equal number is a repetition.
        number = record.data[0] & NUMBER
        again = self._numbers.get(record.direction) == number
        self._numbers[record.direction] = number
        if again or not is_i_block(record.data):
            return
        tap.apdu_bytes += len(record.data) - 1
        if record.direction == "<" and not record.data[0] & CHAINING:
            tap.exchanges += 1

    def busy_until(self, endpoint: Endpoint) -> float | None:
        """Return the time at which the last frame of others on the air ends; None if there is none.

        A reader whose time-out comes during an answer waits for its end.
        """
        ends = [f.end for f in self._flights if f.sender is not endpoint]
        return max(ends, default=None)

    def tap_totals(self) -> Tap:
        """Return the sum over all taps; ``started`` is that of the first (0.0 without taps)."""
        total = Tap(self.taps[0].started if self.taps else 0.0)
        for tap in self.taps:
            total = replace(
                total,
                ended=tap.ended,
                frames=total.frames + tap.frames,
                frame_bytes=total.frame_bytes + tap.frame_bytes,
                apdu_bytes=total.apdu_bytes + tap.apdu_bytes,
                exchanges=total.exchanges + tap.exchanges,
                air_time=total.air_time + tap.air_time,
            )
        return total
