"""The card's side of a session: a block protocol with timing, and a whole card in Python."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Protocol

from jiaozi_sim.field import BIT_RATES, TURNAROUND, Endpoint, Field, Identity
from jiaozi_sim.iso_dep import (
    OVERHEAD,
    PPSS,
    RATS,
    Ats,
    Picc,
    PiccEvent,
    frame_size,
)
from jiaozi_sim.scheduler import Scheduler, Timer

WTX_FRACTION = 0.5
"""Part of FWT after which a PICC that is still busy asks for more."""


class CardState(Enum):
    """States of a Type A card (ISO/IEC 14443-3 figure 7 and 14443-4)."""

    IDLE = "idle"
    ACTIVE = "active"
    PROTOCOL = "protocol"
    HALT = "halt"


class PiccOwner(Protocol):
    """Callbacks of a :class:`PiccLink`."""

    def link_activated(self, rats: bytes) -> None:
        """RATS was received; the ATS is sent next."""

    def link_data(self, inf: bytes, more: bool) -> None:
        """INF of an I-block: ``acknowledge()`` is due if ``more``, else ``answer()``."""

    def link_next(self) -> None:
        """The last chained block was acknowledged: ``answer()`` with the next one is due."""

    def link_sent(self) -> None:
        """The I-block of the last ``answer()`` was sent."""

    def link_deselected(self) -> None:
        """The reader released this card."""


class PiccLink:
    """ISO/IEC 14443-4 PICC on a field: RATS, PPS, blocks, and S(WTX) while the owner is busy.

    With ``auto_wtx`` off a busy owner lets the frame waiting time run out.
    """

    def __init__(
        self,
        field: Field,
        scheduler: Scheduler,
        endpoint: Endpoint,
        owner: PiccOwner,
        ats: Ats,
    ) -> None:
        self.ats = ats
        self.auto_wtx = True
        self.fsd = 256
        self._field, self._scheduler = field, scheduler
        self._endpoint, self._owner = endpoint, owner
        self._sending: Timer | None = None
        self._busy: Timer | None = None
        self.reset()

    def reset(self) -> None:
        """Go back to IDLE, as without a field."""
        for timer in (self._sending, self._busy):
            if timer is not None:
                timer.cancel()
        self.state = CardState.IDLE
        self.rx_rate = self.tx_rate = 106
        self._picc = Picc()
        self._pps_allowed = False
        # The block that is due but waits for the S(WTX) response: (INF, more), or None for R(ACK).
        self._held: list[tuple[bytes, bool] | None] = []

    @property
    def capacity(self) -> int:
        """Maximum INF bytes in a block to the reader."""
        return self.fsd - OVERHEAD

    @property
    def chaining(self) -> bool:
        """True if the last block sent announced another one."""
        return self._picc.chaining

    def senses(self, wake: bool) -> bool:
        """Sense REQA (WUPA if ``wake``); True to answer. An active card goes back to IDLE."""
        if self.state is CardState.ACTIVE:
            self.state = CardState.IDLE
            return False
        return self.state is CardState.IDLE or (wake and self.state is CardState.HALT)

    def select(self) -> None:
        """Become active: anticollision has selected this card."""
        self.reset()
        self.state = CardState.ACTIVE

    def receive_frame(self, frame: bytes, bit_rate: int, intact: bool) -> None:
        """Receive a frame of the reader; ignore broken ones and other bit rates."""
        if not intact or bit_rate != self.rx_rate or not frame:
            return
        if self.state is CardState.ACTIVE and frame[0] == RATS and len(frame) == 2:
            self._activate(frame)
        elif self.state is CardState.PROTOCOL:
            if self._pps_allowed and frame[0] & 0xF0 == PPSS:
                self._pps(frame)
            else:
                self._pps_allowed = False
                self._block(frame)

    def _activate(self, rats: bytes) -> None:
        self.state = CardState.PROTOCOL
        self.fsd = frame_size(rats[1] >> 4)
        self._pps_allowed = True
        self._transmit(self.ats.encode())
        self._owner.link_activated(rats)

    def _pps(self, frame: bytes) -> None:
        self._pps_allowed = False
        pps1 = frame[2] if len(frame) == 3 and frame[1] & 0x10 else 0
        send, receive = pps1 >> 2 & 3, pps1 & 3
        supported = (send == 0 or self.ats.ta >> 4 & 1 << (send - 1)) and (
            receive == 0 or self.ats.ta & 1 << (receive - 1)
        )
        if not supported or (send != receive and self.ats.ta & 0x80):
            return
        self._transmit(frame[:1], rates=(BIT_RATES[receive], BIT_RATES[send]))

    def _block(self, frame: bytes) -> None:
        step = self._picc.receive(frame)
        if step.event is PiccEvent.DATA:
            self._wait_for_owner()
            self._owner.link_data(step.inf, step.more)
        elif step.event is PiccEvent.NEXT:
            self._wait_for_owner()
            self._owner.link_next()
        elif step.event is PiccEvent.SEND:
            self._transmit(step.block)
        elif step.event is PiccEvent.WTX_GRANTED:
            self._granted()
        elif step.event is PiccEvent.DESELECTED:
            if self._busy:
                self._busy.cancel()
            self._transmit(step.block)
            self.state = CardState.HALT
            self._owner.link_deselected()

    def answer(self, inf: bytes, more: bool = False) -> None:
        """Send the I-block that is due; no effect if none is."""
        self._pay((inf, more))

    def acknowledge(self) -> None:
        """Send the R(ACK) that is due; no effect if none is."""
        self._pay(None)

    def _pay(self, due: tuple[bytes, bool] | None) -> None:
        if not self._picc.owes:
            return
        if self._busy:
            self._busy.cancel()
        if self._picc.asked_wtx:
            self._held = [due]
            return
        block = self._picc.acknowledge() if due is None else self._picc.answer(*due)
        self._transmit(block, tell=due is not None)

    def _granted(self) -> None:
        if self._held:
            self._pay(self._held.pop())
        else:
            self._wait_for_owner()

    def _wait_for_owner(self) -> None:
        self._busy = self._scheduler.call_later(self.ats.fwt * WTX_FRACTION, self._still_busy)

    def _still_busy(self) -> None:
        if self.auto_wtx and self._picc.owes and not self._picc.asked_wtx:
            self._transmit(self._picc.ask_wtx())

    def _transmit(self, frame: bytes, rates: tuple[int, int] = (0, 0), tell: bool = False) -> None:
        """Send after the frame delay time; new bit rates (in, out) apply after the frame."""
        self._sending = self._scheduler.call_later(TURNAROUND, self._put, frame, rates, tell)

    def _put(self, frame: bytes, rates: tuple[int, int], tell: bool) -> None:
        duration = self._field.transmit(self._endpoint, frame, self.tx_rate)
        self.rx_rate, self.tx_rate = rates[0] or self.rx_rate, rates[1] or self.tx_rate
        if tell:
            self._sending = self._scheduler.call_later(duration, self._owner.link_sent)


class IsoDepCard:
    """A card whose application is a Python function from command APDU to response APDU.

    ``processing`` is the simulated seconds that each command takes.
    """

    def __init__(
        self,
        field: Field,
        scheduler: Scheduler,
        apdu: Callable[[bytes], bytes],
        *,
        name: str = "card",
        uid: bytes = b"\x08\x11\x22\x33",
        ats: Ats | None = None,
        processing: float = 0.0,
    ) -> None:
        self.name = name
        self.uid = uid
        self.processing = processing
        self.apdu = apdu
        self._scheduler = scheduler
        self.link = PiccLink(field, scheduler, self, self, ats or Ats())
        self._work: Timer | None = None
        self._command = b""
        self._answer = b""

    def _stop(self) -> None:
        if self._work:
            self._work.cancel()
        self._command = self._answer = b""

    def field_changed(self, present: bool) -> None:
        """Reset when the field is gone."""
        self._stop()
        self.link.reset()

    def receive_frame(self, frame: bytes, bit_rate: int, intact: bool) -> None:
        """See :class:`jiaozi_sim.field.Endpoint`."""
        self.link.receive_frame(frame, bit_rate, intact)

    def identity(self, wake: bool) -> Identity | None:
        """ATQA 0004, the UID, SAK 20 (ISO/IEC 14443-4)."""
        return Identity(b"\x04\x00", self.uid, 0x20) if self.link.senses(wake) else None

    def select(self) -> None:
        """See :class:`jiaozi_sim.field.Endpoint`."""
        self._stop()
        self.link.select()

    def link_activated(self, rats: bytes) -> None:
        """Start a new session."""
        self._stop()

    def link_data(self, inf: bytes, more: bool) -> None:
        """Collect a command; execute it when it is complete."""
        self._command += inf
        if more:
            self.link.acknowledge()
        else:
            command, self._command = self._command, b""
            self._work = self._scheduler.call_later(self.processing, self._done, command)

    def _done(self, command: bytes) -> None:
        self._answer = self.apdu(command)
        self.link_next()

    def link_next(self) -> None:
        """Send the next piece of the answer."""
        inf = self._answer[: self.link.capacity]
        self._answer = self._answer[self.link.capacity :]
        self.link.answer(inf, bool(self._answer))

    def link_sent(self) -> None:
        """Do nothing: the next block is sent on the reader's request."""

    def link_deselected(self) -> None:
        """Stop executing: the reader has ended the session."""
        self._stop()
