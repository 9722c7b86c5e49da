"""ISO/IEC 14443-4 half-duplex block protocol for Type A, as state machines without input or output.

:class:`Pcd` is the reader's side and :class:`Picc` the card's. Both are given the blocks that
arrive and return the next step; sending, timing and buffering belong to their owner. Blocks are
byte strings without CRC (the field accounts for it). Neither NAD nor CID is used. Rule numbers
below are those of ISO/IEC 14443-4:2018, 7.5.5 (block numbers A to E, block handling 1 to 13).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

CARRIER_HZ = 13.56e6
FRAME_SIZES = (16, 24, 32, 40, 48, 64, 96, 128, 256)
"""FSD or FSC by FSDI or FSCI (table 1); higher codes mean 256."""
OVERHEAD = 3
"""Bytes of a frame that are not INF: PCB and two of CRC."""
ACTIVATION_TIMEOUT = 65536 / CARRIER_HZ
"""Seconds a PICC has for its ATS (7.2)."""
WTXM_MAX = 59

RATS, PPSS = 0xE0, 0xD0
I_BLOCK, R_ACK, R_NAK, S_DESELECT, S_WTX = 0x02, 0xA2, 0xB2, 0xC2, 0xF2
CHAINING, NUMBER = 0x10, 0x01


def frame_size(code: int) -> int:
    """FSD or FSC in bytes for FSDI or FSCI."""
    return FRAME_SIZES[min(code, len(FRAME_SIZES) - 1)]


def frame_waiting_time(fwi: int) -> float:
    """FWT in seconds for FWI (7.2); the reserved 15 counts as 4."""
    return 4096 / CARRIER_HZ * 2 ** (4 if fwi == 15 else fwi)


def is_i_block(block: bytes) -> bool:
    """True for an information block without NAD and CID."""
    return bool(block) and block[0] & 0xEE == I_BLOCK


def is_r_block(block: bytes) -> bool:
    """True for R(ACK) and R(NAK)."""
    return len(block) == 1 and block[0] & 0xEE == R_ACK


def is_ack(block: bytes) -> bool:
    """True for R(ACK)."""
    return is_r_block(block) and not block[0] & 0x10


def is_wtx(block: bytes) -> bool:
    """True for a request or response of waiting time extension with a WTXM in range."""
    return len(block) == 2 and block[0] == S_WTX and 1 <= block[1] & 0x3F <= WTXM_MAX


def block_kind(block: bytes, from_picc: bool = False) -> str:
    """Return a short name of a block for logs and fault rules: ``I0``, ``I1+`` (chained), ``ACK0``,
    ``NAK1``, ``WTX``, ``DESELECT``, ``RATS``, ``ATS``, ``PPS`` or ``?``.

    An ATS cannot be told from its bytes alone; ``from_picc`` allows the name where it fits.
    """
    if is_i_block(block):
        return f"I{block[0] & NUMBER}" + ("+" if block[0] & CHAINING else "")
    if is_r_block(block):
        return f"{'NAK' if block[0] & 0x10 else 'ACK'}{block[0] & NUMBER}"
    if is_wtx(block):
        return "WTX"
    if block == bytes((S_DESELECT,)):
        return "DESELECT"
    if len(block) == 2 and block[0] == RATS:
        return "RATS"
    if block and block[0] & 0xF0 == PPSS and len(block) <= 3:
        return "PPS"
    if from_picc and block and block[0] == len(block):
        return "ATS"
    return "?"


@dataclass(frozen=True)
class Ats:
    """Answer to select (5.2): what a PICC can do. Bit rates are TA(1) as sent."""

    fsci: int = 8
    ta: int = 0x80
    fwi: int = 9
    sfgi: int = 0
    historical: bytes = b""

    def encode(self) -> bytes:
        """TL, T0, TA, TB, TC and historical bytes; no support of NAD and CID."""
        body = bytes((0x70 | self.fsci, self.ta, self.fwi << 4 | self.sfgi, 0))
        body += self.historical
        return bytes((len(body) + 1,)) + body

    @classmethod
    def decode(cls, data: bytes) -> Ats:
        """Read an ATS; interface bytes that are missing take the standard's defaults.

        Raises:
            ValueError: the length byte or the interface bytes do not fit the data.
        """
        if not data or data[0] != len(data):
            raise ValueError("TL of an ATS is not its length")
        if len(data) == 1:
            return cls(fsci=2, ta=0, fwi=4)
        rest = data[2:]
        values = []
        for bit, default in ((0x10, 0x00), (0x20, 0x40), (0x40, 0x00)):
            if data[1] & bit and not rest:
                raise ValueError("an ATS announces more interface bytes than it has")
            values.append(rest[0] if data[1] & bit else default)
            rest = rest[1:] if data[1] & bit else rest
        ta, tb, _tc = values
        return cls(data[1] & 0x0F, ta, tb >> 4, tb & 0x0F, rest)

    @property
    def fsc(self) -> int:
        """Largest frame the PICC takes, in bytes with PCB and CRC."""
        return frame_size(self.fsci)

    @property
    def fwt(self) -> float:
        """Frame waiting time in seconds."""
        return frame_waiting_time(self.fwi)


class PcdEvent(Enum):
    """Next step of the reader's side after a block or a time-out."""

    SEND = "send"  # transmit ``block`` and wait ``waits`` times FWT
    ACKNOWLEDGED = "acknowledged"  # the chained block arrived: send the next one
    DATA = "data"  # ``inf`` of the answer; fetch() for the rest if ``more``
    DESELECTED = "deselected"  # S(DESELECT) was answered
    FAILED = "failed"  # gave up, for ``reason``


class Failure(Enum):
    """Reason for which a :class:`Pcd` gave up."""

    TIMEOUT = "timeout"
    TRANSMISSION = "transmission"
    PROTOCOL = "protocol"


@dataclass(frozen=True)
class PcdStep:
    """An event and what belongs to it."""

    event: PcdEvent
    block: bytes = b""
    waits: int = 1
    inf: bytes = b""
    more: bool = False
    reason: Failure | None = None


class Pcd:
    """The reader's side: ``send()`` a block, feed what comes to ``receive()`` or ``missing()``.

    ``retries`` is the number of requests for a missing or broken block before giving up.
    """

    def __init__(self, retries: int = 2) -> None:
        self.retries = retries
        self.number = 0  # rule A
        self._sent = b""  # the last I-block or S(DESELECT)
        self._fetching = False  # the PICC is chaining
        self._waits = 1
        self._tries = 0

    def send(self, inf: bytes, more: bool = False) -> PcdStep:
        """An I-block with ``inf``, chained if ``more`` is to follow."""
        pcb = I_BLOCK | self.number | (CHAINING if more else 0)
        self._sent = bytes((pcb,)) + inf
        self._fetching = False
        return self._begin(self._sent)

    def fetch(self) -> PcdStep:
        """R(ACK) for a chained block of the PICC, asking for the next one (rule 2)."""
        self._fetching = True
        return self._begin(bytes((R_ACK | self.number,)))

    def deselect(self) -> PcdStep:
        """S(DESELECT)."""
        self._sent = bytes((S_DESELECT,))
        self._fetching = False
        return self._begin(self._sent)

    def presence_check(self) -> PcdStep:
        """R(NAK), which a present PICC answers with R(ACK) (rule 12)."""
        self._sent = b""
        self._fetching = False
        return self._begin(bytes((R_NAK | self.number,)))

    def _begin(self, block: bytes) -> PcdStep:
        self._tries, self._waits = 0, 1
        return PcdStep(PcdEvent.SEND, block)

    def missing(self, reason: Failure = Failure.TIMEOUT) -> PcdStep:
        """No intact block came in time: request it again (rules 4, 5 and 8) or give up."""
        self._tries += 1
        if self._tries > self.retries:
            return PcdStep(PcdEvent.FAILED, reason=reason)
        if self._sent[:1] == bytes((S_DESELECT,)):
            return PcdStep(PcdEvent.SEND, self._sent)
        block = (R_ACK if self._fetching else R_NAK) | self.number
        return PcdStep(PcdEvent.SEND, bytes((block,)), waits=self._waits)

    def receive(self, block: bytes) -> PcdStep:
        """Take a block with a good CRC."""
        if is_wtx(block):
            self._waits, self._tries = block[1] & 0x3F, 0
            return PcdStep(PcdEvent.SEND, bytes((S_WTX, self._waits)), waits=self._waits)
        if self._sent[:1] == bytes((S_DESELECT,)):
            if block[:1] == bytes((S_DESELECT,)):
                return PcdStep(PcdEvent.DESELECTED)
            return self.missing(Failure.PROTOCOL)
        if is_ack(block):
            return self._acknowledged(block)
        if is_i_block(block) and block[0] & NUMBER == self.number and not self._chaining():
            self.number ^= 1  # rule B
            more = bool(block[0] & CHAINING)
            return PcdStep(PcdEvent.DATA, inf=block[1:], more=more)
        return self.missing(Failure.PROTOCOL)

    def _chaining(self) -> bool:
        return bool(self._sent and self._sent[0] & CHAINING) and not self._fetching

    def _acknowledged(self, block: bytes) -> PcdStep:
        if not self._sent:
            return PcdStep(PcdEvent.ACKNOWLEDGED)
        if self._fetching:
            return self.missing(Failure.PROTOCOL)
        if block[0] & NUMBER != self.number:  # rule 6: the PICC has not received the block
            self._tries += 1
            if self._tries > self.retries:
                return PcdStep(PcdEvent.FAILED, reason=Failure.TRANSMISSION)
            return PcdStep(PcdEvent.SEND, self._sent)
        if not self._chaining():
            return self.missing(Failure.PROTOCOL)
        self.number ^= 1  # rules B and 7
        return PcdStep(PcdEvent.ACKNOWLEDGED)


class PiccEvent(Enum):
    """Next step of the card's side after a block."""

    IGNORE = "ignore"
    DATA = "data"  # ``inf`` arrived: acknowledge() if ``more``, else answer()
    NEXT = "next"  # the chained block was acknowledged: answer() with the next one
    SEND = "send"  # transmit ``block``
    WTX_GRANTED = "wtx granted"
    DESELECTED = "deselected"  # transmit ``block``, then this PICC is halted


@dataclass(frozen=True)
class PiccStep:
    """An event and what belongs to it."""

    event: PiccEvent
    block: bytes = b""
    inf: bytes = b""
    more: bool = False


class Picc:
    """The card's side. Between DATA or NEXT and its block it *owes* the reader a block."""

    def __init__(self) -> None:
        self.number = 1  # rule C
        self.owes = False
        self.asked_wtx = False  # S(WTX) is out and not yet answered: nothing else may be sent
        self.chaining = False  # the last block sent announced another one
        self._last = b""

    def receive(self, block: bytes) -> PiccStep:
        """Take a block with a good CRC. A PICC that owes a block accepts only S(DESELECT)."""
        if block[:1] == bytes((S_DESELECT,)):
            return PiccStep(PiccEvent.DESELECTED, block=block)
        if self.asked_wtx:
            return self._while_waiting(block)
        if self.owes:
            return PiccStep(PiccEvent.IGNORE)
        if is_i_block(block):
            self.number ^= 1  # rule D
            self.chaining = False
            self.owes = True
            return PiccStep(PiccEvent.DATA, inf=block[1:], more=bool(block[0] & CHAINING))
        if is_r_block(block):
            return self._r_block(block)
        return PiccStep(PiccEvent.IGNORE)

    def _while_waiting(self, block: bytes) -> PiccStep:
        if is_wtx(block):
            self.asked_wtx = False
            return PiccStep(PiccEvent.WTX_GRANTED)
        if is_r_block(block) and block[0] & NUMBER == self.number:
            return PiccStep(PiccEvent.SEND, block=self._last)  # rule 11
        return PiccStep(PiccEvent.IGNORE)

    def _r_block(self, block: bytes) -> PiccStep:
        if block[0] & NUMBER == self.number:
            if not self._last:
                return PiccStep(PiccEvent.IGNORE)
            return PiccStep(PiccEvent.SEND, block=self._last)  # rule 11
        if block[0] & 0x10:
            return PiccStep(PiccEvent.SEND, block=bytes((R_ACK | self.number,)))  # rule 12
        if self.chaining:
            self.number ^= 1  # rules E and 13
            self.owes = True
            return PiccStep(PiccEvent.NEXT)
        return PiccStep(PiccEvent.IGNORE)

    def answer(self, inf: bytes, more: bool = False) -> bytes:
        """The I-block that is owed, chained if ``more`` is to follow."""
        self.chaining = more
        return self._pay(bytes((I_BLOCK | self.number | (CHAINING if more else 0),)) + inf)

    def acknowledge(self) -> bytes:
        """R(ACK) for a chained block of the reader."""
        return self._pay(bytes((R_ACK | self.number,)))

    def ask_wtx(self, multiplier: int = 1) -> bytes:
        """S(WTX): the reader waits ``multiplier`` times FWT for the owed block."""
        self.asked_wtx = True
        self._last = bytes((S_WTX, multiplier))
        return self._last

    def _pay(self, block: bytes) -> bytes:
        self.owes = False
        self._last = block
        return block
