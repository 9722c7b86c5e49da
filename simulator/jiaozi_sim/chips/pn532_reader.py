"""The PN532 as a reader (initiator): sensing, ISO-DEP and raw exchanges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from jiaozi_sim.chips.pn532_chip import Chip
from jiaozi_sim.chips.pn532_codes import (
    AUTOMATIC_RATS,
    CIU_FIFO_DATA,
    CIU_RX_MODE,
    CIU_TX_MODE,
    MAX_DATA,
    MORE,
    REQA,
    Command,
    Status,
    SyntaxFault,
)
from jiaozi_sim.field import BIT_RATES, TURNAROUND, Identity
from jiaozi_sim.iso_dep import (
    ACTIVATION_TIMEOUT,
    CARRIER_HZ,
    OVERHEAD,
    PPSS,
    RATS,
    Ats,
    Failure,
    Pcd,
    PcdEvent,
    PcdStep,
    frame_size,
)
from jiaozi_sim.scheduler import Timer

FSDI = 5
"""The chip's RATS asks for frames of 64 bytes."""
GUARD_TIME = 5e-3
"""Seconds from switching the carrier on to the first REQA (ISO/IEC 14443-3, 5)."""
SENSE_TIME = 5e-3
"""Seconds of one attempt: REQA, anticollision, SELECT, or silence."""
FWT_MARGIN = 49152 / CARRIER_HZ
FAILURES = {
    Failure.TIMEOUT: Status.TIMEOUT,
    Failure.TRANSMISSION: Status.CRC,
    Failure.PROTOCOL: Status.RF_PROTOCOL,
}


class Waiting(Enum):
    """Kind of the expected frame."""

    NOTHING = "nothing"
    ATS = "ats"
    PPS = "pps"
    BLOCK = "block"
    RAW = "raw"


@dataclass
class Target:
    """The one target that the model keeps; its logical number is 1."""

    identity: Identity
    ats: bytes = b""
    fsc: int = 64
    fwt: float = 0.0
    tx_rate: int = 106
    rx_rate: int = 106
    deselected: bool = False
    pcd: Pcd = field(default_factory=Pcd)


class ReaderRole:
    """Commands 40 to 54. Each either answers at once (bytes) or through ``chip.finish()``."""

    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self.target: Target | None = None
        self._waiting = Waiting.NOTHING
        self._timer: Timer | None = None
        self._tries = 0
        self._uid = b""
        self._brty, self._max_targets = 0, 1
        self._raw = b""
        self._out: list[tuple[bytes, bool]] = []
        self._data = b""
        self._rest = False  # the target is chaining and waits for R(ACK)
        self._new_rates = (106, 106)

    def cancel(self) -> None:
        """Stop what is running; the target stays known."""
        if self._timer:
            self._timer.cancel()
        self._waiting = Waiting.NOTHING
        self._out = []

    def forget(self) -> None:
        """Stop, and forget the target."""
        self.cancel()
        self.target = None
        self._rest, self._data = False, b""

    # Sensing

    def list_passive_target(self, data: bytes) -> None:
        """InListPassiveTarget: MaxTg, BrTy, then for type A the UID to look for."""
        if not 1 <= data[0] <= 2 or data[1] > 4:
            raise SyntaxFault
        self.forget()
        self._max_targets, self._brty = data[0], data[1]
        self._uid = data[2:] if data[1] == 0 else b""
        self._tries = self._chip.passive_retries + 1
        fresh = not self._chip.carrier
        self._chip.carrier_for_reader()
        self._later((GUARD_TIME if fresh else 0.0) + SENSE_TIME, self._sense)

    def _later(self, delay: float, fn: Callable[..., None], *args: object) -> None:
        self._timer = self._chip.scheduler.call_later(delay, fn, *args)

    def _sense(self) -> None:
        if not self._chip.carrier:
            self._chip.carrier_for_reader()
        answers = self._chip.field.sense(self._chip, uid=self._uid) if self._brty == 0 else []
        self._chip.registers[CIU_FIFO_DATA] = 0 if answers else REQA
        if len(answers) > 1 and self._max_targets > 1:
            # Both are listed so that the host sees them, but neither is activated.
            listed = [self._description(n, who, b"") for n, (_, who) in enumerate(answers[:2], 1)]
            self._chip.finish(Command.IN_LIST_PASSIVE_TARGET, b"\x02" + b"".join(listed))
            return
        if len(answers) != 1:  # no answer, or a collision: no usable target
            self._not_found()
            return
        card, identity = answers[0]
        self.target = Target(identity)
        self._chip.field.select(self._chip, card, identity.uid)
        if identity.sak & 0x20 and self._chip.parameters & AUTOMATIC_RATS:
            self._rats()
        else:
            self._found(self.target)

    def _not_found(self) -> None:
        self.target = None
        self._tries -= 1
        if self._tries or self._chip.passive_retries == 0xFF:
            self._tries = max(self._tries, 1)
            self._later(SENSE_TIME, self._sense)
        else:
            self._chip.finish(Command.IN_LIST_PASSIVE_TARGET, b"\x00")

    def _found(self, target: Target) -> None:
        description = self._description(1, target.identity, target.ats)
        self._chip.finish(Command.IN_LIST_PASSIVE_TARGET, b"\x01" + description)

    def _description(self, number: int, who: Identity, ats: bytes) -> bytes:
        head = bytes((number, who.atqa[1], who.atqa[0], who.sak, len(who.uid)))
        return head + who.uid + ats

    def _rats(self) -> None:
        self._send(bytes((RATS, FSDI << 4)), ACTIVATION_TIMEOUT, Waiting.ATS)

    def _ats(self, frame: bytes | None) -> None:
        try:
            ats = Ats.decode(frame or b"")
        except ValueError:
            ats = None
        selecting = self._chip.running == Command.IN_SELECT
        if self.target is None or ats is None:
            if selecting:
                self._chip.finish(Command.IN_SELECT, bytes((Status.TIMEOUT,)))
            else:
                self._not_found()
            return
        self.target = Target(self.target.identity, frame or b"", ats.fsc, ats.fwt)
        self.target.pcd.retries = max(2, self._chip.com_retries)
        if selecting:
            self._chip.finish(Command.IN_SELECT, b"\x00")
        else:
            self._found(self.target)

    # Frames

    def _send(self, frame: bytes, timeout: float, waiting: Waiting) -> None:
        self._later(TURNAROUND, self._put, frame, timeout, waiting)

    def _put(self, frame: bytes, timeout: float, waiting: Waiting) -> None:
        rate = self.target.tx_rate if self.target else 106
        if waiting is Waiting.RAW:
            rate = self._register_rate(CIU_TX_MODE)
        duration = self._chip.field.transmit(self._chip, frame, rate)
        self._waiting = waiting
        self._later(duration + timeout, self._timeout)

    def _register_rate(self, register: int) -> int:
        return BIT_RATES[min(self._chip.registers.get(register, 0) >> 4 & 7, len(BIT_RATES) - 1)]

    def _timeout(self) -> None:
        end = self._chip.field.busy_until(self._chip)
        if end is not None:  # the answer has begun in time: wait for its end
            self._later(end - self._chip.scheduler.now(), self._timeout)
            return
        self._got(None, Failure.TIMEOUT)

    def receive_frame(self, frame: bytes, bit_rate: int, intact: bool) -> None:
        """Receive a frame from a card; one at another bit rate counts as broken."""
        if self._waiting is Waiting.NOTHING:
            return
        expected = self.target.rx_rate if self.target else 106
        if self._waiting is Waiting.RAW:
            expected = self._register_rate(CIU_RX_MODE)
        if intact and bit_rate == expected and frame:
            self._got(frame, Failure.TIMEOUT)
        else:
            self._got(None, Failure.TRANSMISSION)

    def _got(self, frame: bytes | None, failure: Failure) -> None:
        waiting, self._waiting = self._waiting, Waiting.NOTHING
        if self._timer:
            self._timer.cancel()
        if waiting is Waiting.ATS:
            self._ats(frame)
        elif waiting is Waiting.PPS:
            self._pps(frame)
        elif waiting is Waiting.RAW:
            self._answered_raw(frame, failure)
        elif waiting is Waiting.BLOCK and self.target:
            pcd = self.target.pcd
            self._follow(pcd.missing(failure) if frame is None else pcd.receive(frame))

    # ISO-DEP

    def data_exchange(self, data: bytes) -> bytes | None:
        """InDataExchange: Tg with MI, then up to 262 bytes."""
        number, more, data = data[0] & 0x3F, bool(data[0] & MORE), data[1:]
        if len(data) > MAX_DATA:
            raise SyntaxFault
        if self.target is None or number != 1 or self.target.deselected:
            return bytes((Status.WRONG_CONTEXT,))
        if not self.target.ats:
            self._raw, self._tries = data, self._chip.com_retries
            self._send(data, self._chip.exchange_timeout, Waiting.RAW)
            return None
        if self._rest:
            if data:
                return bytes((Status.WRONG_CONTEXT,))
            self._rest = False
            self._follow(self.target.pcd.fetch())
            return None
        size = self.target.fsc - OVERHEAD
        pieces = [data[i : i + size] for i in range(0, len(data), size)] or [b""]
        self._out = [(piece, True) for piece in pieces[:-1]] + [(pieces[-1], more)]
        self._follow(self.target.pcd.send(*self._out.pop(0)))
        return None

    def _follow(self, step: PcdStep) -> None:
        """Execute the block protocol's next step."""
        target = self.target
        if target is None:
            return
        if step.event is PcdEvent.SEND:
            self._send(step.block, target.fwt * step.waits + FWT_MARGIN, Waiting.BLOCK)
        elif step.event is PcdEvent.ACKNOWLEDGED and self._out:
            self._follow(target.pcd.send(*self._out.pop(0)))
        elif step.event is PcdEvent.DATA and step.more and self._has_room(step.inf):
            self._data += step.inf
            self._follow(target.pcd.fetch())
        elif step.event is PcdEvent.FAILED:
            self._data, self._out = b"", []
            self._done(FAILURES[step.reason or Failure.PROTOCOL])
        else:
            target.deselected = step.event is PcdEvent.DESELECTED
            self._rest = step.more
            data, self._data = self._data + step.inf, b""
            self._done(Status.OK | (MORE if step.more else 0), data)

    def _has_room(self, inf: bytes) -> bool:
        """True if the chip's buffer has room for another block."""
        return len(self._data) + len(inf) + frame_size(FSDI) - OVERHEAD <= MAX_DATA

    def _done(self, status: int, data: bytes = b"") -> None:
        running = self._chip.running
        if running == Command.IN_RELEASE:
            self.forget()
            self._chip.finish(running, b"\x00")
        elif running is not None:
            self._chip.finish(running, bytes((status,)) + data)

    def set_bit_rate(self, data: bytes) -> bytes | None:
        """InPSL: Tg, bit rate to the target, bit rate from it (0, 1, 2: 106, 212, 424 kbit/s)."""
        if self.target is None or data[0] != 1 or not self.target.ats:
            return bytes((Status.WRONG_CONTEXT,))
        if max(data[1:]) > 2:
            return bytes((Status.INVALID_PARAMETER,))
        self._new_rates = (BIT_RATES[data[1]], BIT_RATES[data[2]])
        pps = bytes((PPSS, 0x11, data[2] << 2 | data[1]))
        self._send(pps, self.target.fwt, Waiting.PPS)
        return None

    def _pps(self, frame: bytes | None) -> None:
        if self.target is None or frame != bytes((PPSS,)):
            self._chip.finish(Command.IN_PSL, bytes((Status.TIMEOUT,)))
            return
        self.target.tx_rate, self.target.rx_rate = self._new_rates
        self._chip.finish(Command.IN_PSL, b"\x00")

    def presence(self) -> bytes | None:
        """Diagnose 06: R(NAK) to the ISO-DEP target, which answers if it is still there."""
        if self.target is None or not self.target.ats:
            return bytes((Status.WRONG_CONTEXT,))
        self._follow(self.target.pcd.presence_check())
        return None

    # Release and raw frames

    def deselect(self, data: bytes) -> bytes | None:
        """InDeselect: S(DESELECT), the target can be selected again."""
        if self.target is None or data[0] > 1:
            return bytes((Status.WRONG_CONTEXT,))
        if not self.target.ats or self.target.deselected:
            self.target.deselected = True
            return b"\x00"
        self._rest, self._data = False, b""
        self._follow(self.target.pcd.deselect())
        return None

    def release(self, data: bytes) -> bytes | None:
        """InRelease: like InDeselect, and the target is forgotten. Allowed without a target."""
        if self.target is None or not self.target.ats or self.target.deselected:
            self.forget()
            return b"\x00"
        return self.deselect(data)

    def select(self, data: bytes) -> bytes | None:
        """InSelect: wake a deselected target."""
        if self.target is None or data[0] != 1:
            return bytes((Status.WRONG_CONTEXT,))
        if not self.target.deselected:
            return b"\x00"
        uid = self.target.identity.uid
        answers = self._chip.field.sense(self._chip, wake=True, uid=uid)
        if len(answers) != 1:
            return bytes((Status.TIMEOUT,))
        self.target = Target(self.target.identity, self.target.ats)
        self._chip.field.select(self._chip, answers[0][0], uid)
        if not self.target.ats:
            return b"\x00"
        self._rats()
        return None

    def communicate_thru(self, data: bytes) -> None:
        """InCommunicateThru: a frame as it is, CRC added, and its answer."""
        self._raw, self._tries = data, self._chip.com_retries
        self._send(data, self._chip.exchange_timeout, Waiting.RAW)

    def _answered_raw(self, frame: bytes | None, failure: Failure) -> None:
        if frame is None and self._tries:
            self._tries -= 1
            self._send(self._raw, self._chip.exchange_timeout, Waiting.RAW)
        elif frame is None:
            self._done(FAILURES[failure])
        else:
            self._done(Status.OK, frame[:MAX_DATA])
