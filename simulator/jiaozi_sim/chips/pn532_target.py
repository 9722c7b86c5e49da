"""The PN532 as a card (target): chip-side ISO-DEP (PICC mode) and raw frames."""

from __future__ import annotations

from enum import Enum

from jiaozi_sim.card import PiccLink
from jiaozi_sim.chips.pn532_chip import Chip
from jiaozi_sim.chips.pn532_codes import (
    ISO14443_4_PICC,
    MAX_DATA,
    MORE,
    Command,
    Status,
    SyntaxFault,
)
from jiaozi_sim.field import TURNAROUND, Identity
from jiaozi_sim.iso_dep import OVERHEAD, Ats
from jiaozi_sim.scheduler import Timer

ATS_FSCI, ATS_TA, ATS_FWI, ATS_SFGI = 5, 0x33, 9, 2
"""Values of the chip's own ATS: 64-byte frames, up to 424 kbit/s, FWT 155 ms."""
DEP_ONLY = 0x02
MODE_PICC = 0x08
WAITING_COMMANDS = (
    Command.TG_GET_DATA,
    Command.TG_SET_DATA,
    Command.TG_SET_META_DATA,
    Command.TG_GET_INITIATOR_COMMAND,
)


class Role(Enum):
    """State of the chip as a target."""

    NONE = "none"
    LISTENING = "listening"  # TgInitAsTarget runs
    PICC = "picc"  # activated, ISO-DEP in the chip
    RAW = "raw"  # activated, frames go to the host
    RELEASED = "released"  # S(DESELECT) came
    FIELD_GONE = "field gone"


class TargetRole:
    """Commands 86 to 94. Each either answers at once (bytes) or through ``chip.finish()``."""

    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self.role = Role.NONE
        self.link = PiccLink(chip.field, chip.scheduler, chip, self, Ats())
        self._identity = Identity(b"\x04\x00", b"\x08\x00\x00\x00", 0x20)
        self._as_picc = False
        self._type_a = True
        self._raw_selected = False
        self._replying: Timer | None = None
        self._forget_data()

    def _forget_data(self) -> None:
        self._data = b""
        self._complete = False  # a whole command lies in _data
        self._acknowledge = False  # R(ACK) waits until the host has emptied the buffer
        self._may_answer = False
        self._next_due = False  # the reader acknowledged a block, the next one is owed
        self._out: list[tuple[bytes, bool]] = []
        self._frames: list[bytes] = []

    def cancel(self) -> None:
        """Abort the running command for the host."""
        self._out = []
        if self.role is Role.LISTENING:
            self.stop()

    def stop(self) -> None:
        """Stop being a target."""
        self.role = Role.NONE
        self.link.reset()
        self._raw_selected = False
        self._forget_data()

    # Activation

    def init(self, data: bytes) -> None:
        """TgInitAsTarget: mode, 6 Mifare, 18 FeliCa and 10 NFCID3t bytes, Gt, Tk with lengths."""
        if len(data) < 37 or len(data) < 37 + data[35]:
            raise SyntaxFault
        historical = data[37 + data[35] :]
        if data[35] > 47 or data[36 + data[35]] != len(historical) or len(historical) > 48:
            raise SyntaxFault
        self.stop()
        self._identity = Identity(data[1:3], b"\x08" + data[3:6], data[6])
        self._type_a = not data[0] & DEP_ONLY
        self._as_picc = bool(self._chip.parameters & ISO14443_4_PICC and data[6] & 0x20)
        self.link.ats = Ats(ATS_FSCI, ATS_TA, ATS_FWI, ATS_SFGI, historical)
        self.role = Role.LISTENING

    def identity(self, wake: bool) -> Identity | None:
        """Answers only while TgInitAsTarget runs."""
        if self.role is not Role.LISTENING or not self._type_a:
            return None
        if not self._as_picc:
            return None if self._raw_selected else self._identity
        return self._identity if self.link.senses(wake) else None

    def select(self) -> None:
        """The reader has selected the chip."""
        self._raw_selected = not self._as_picc
        self.link.select()

    def field_changed(self, present: bool) -> None:
        """The reader's carrier was switched on or off."""
        if present or self.role in (Role.NONE, Role.RELEASED, Role.FIELD_GONE):
            return
        if self.role is Role.LISTENING:
            self._raw_selected = False
            self.link.reset()
            return
        self.stop()
        self.role = Role.FIELD_GONE
        self._end_command(Status.RF_FIELD_LATE)

    def _end_command(self, status: Status) -> None:
        if self._chip.running in WAITING_COMMANDS:
            self._chip.finish(self._chip.running, bytes((status,)))

    def receive_frame(self, frame: bytes, bit_rate: int, intact: bool) -> None:
        """Receive a frame of the reader."""
        if self.role is Role.PICC or (self.role is Role.LISTENING and self._as_picc):
            self.link.receive_frame(frame, bit_rate, intact)
        elif not intact or bit_rate != 106 or not self._raw_selected:
            return
        elif self.role is Role.LISTENING:
            self.role = Role.RAW
            self._chip.finish(Command.TG_INIT_AS_TARGET, b"\x00" + frame)
        elif self.role is Role.RAW:
            self._frames = [frame]
            self._hand_over_raw()

    def _gone(self, role: Role) -> bytes | None:
        """The status for a command that needs ``role``, or None if the chip has it."""
        if self.role is role:
            return None
        status = {
            Role.RELEASED: Status.RELEASED,
            Role.FIELD_GONE: Status.INVALID_STATE,
            Role.PICC: Status.NOT_ALLOWED,
            Role.RAW: Status.NOT_ALLOWED,
        }.get(self.role, Status.WRONG_CONTEXT)
        return bytes((status,))

    # ISO-DEP in the chip

    def link_activated(self, rats: bytes) -> None:
        """RATS was received; the chip answers it itself."""
        self.role = Role.PICC
        self._forget_data()
        self._chip.finish(Command.TG_INIT_AS_TARGET, bytes((MODE_PICC,)) + rats)

    def link_data(self, inf: bytes, more: bool) -> None:
        """Collect a command; what does not fit the buffer goes to the host piece by piece."""
        self._data += inf
        self._out, self._may_answer, self._next_due = [], False, False
        if more and len(self._data) + self.link.ats.fsc - OVERHEAD <= MAX_DATA:
            self.link.acknowledge()
            return
        self._complete, self._acknowledge = not more, more
        if self._chip.running == Command.TG_GET_DATA:
            self._chip.finish(Command.TG_GET_DATA, self._hand_over())

    def _hand_over(self) -> bytes:
        data, self._data = self._data, b""
        if self._complete:
            self._complete, self._may_answer = False, True
            return b"\x00" + data
        self._acknowledge = False
        self.link.acknowledge()
        return bytes((MORE,)) + data

    def get_data(self) -> bytes | None:
        """TgGetData: the next command, or the next piece of it with MI."""
        gone = self._gone(Role.PICC)
        if gone is None and (self._complete or self._acknowledge):
            return self._hand_over()
        return gone

    def set_data(self, data: bytes, more: bool) -> bytes | None:
        """TgSetData, or TgSetMetaData if ``more`` of the answer follows."""
        if len(data) > MAX_DATA:
            raise SyntaxFault
        gone = self._gone(Role.PICC)
        if gone is not None:
            return gone
        if not self._may_answer:
            return bytes((Status.WRONG_CONTEXT,))
        size = self.link.capacity
        pieces = [data[i : i + size] for i in range(0, len(data), size)] or [b""]
        first = not self._out and not self.link.chaining
        self._out += [(piece, True) for piece in pieces[:-1]] + [(pieces[-1], more)]
        self._may_answer = more
        if first or self._next_due:
            self._send_next()
        return None

    def _send_next(self) -> None:
        self._next_due = False
        self.link.answer(*self._out.pop(0))

    def link_next(self) -> None:
        """The reader acknowledged the last block and requests the next."""
        self._next_due = True
        if self._out:
            self._send_next()

    def link_sent(self) -> None:
        """A block was sent; after the last one the command is done."""
        running = self._chip.running
        if not self._out and running in (Command.TG_SET_DATA, Command.TG_SET_META_DATA):
            self._chip.finish(running, b"\x00")

    def link_deselected(self) -> None:
        """S(DESELECT): the host gets status 29."""
        self._forget_data()
        self.role = Role.RELEASED
        self._end_command(Status.RELEASED)

    # Frames as they are

    def get_initiator_command(self) -> bytes | None:
        """TgGetInitiatorCommand: the next frame of the reader."""
        gone = self._gone(Role.RAW)
        if gone is None and self._frames:
            return b"\x00" + self._frames.pop()
        return gone

    def _hand_over_raw(self) -> None:
        if self._chip.running == Command.TG_GET_INITIATOR_COMMAND:
            self._chip.finish(Command.TG_GET_INITIATOR_COMMAND, b"\x00" + self._frames.pop())

    def response_to_initiator(self, data: bytes) -> bytes:
        """TgResponseToInitiator: answer with a frame."""
        gone = self._gone(Role.RAW)
        if gone is not None:
            return gone
        self._chip.scheduler.call_later(TURNAROUND, self._put_raw, data)
        return b"\x00"

    def _put_raw(self, frame: bytes) -> None:
        if self.role is Role.RAW:
            self._chip.field.transmit(self._chip, frame)

    def status(self) -> bytes:
        """TgGetTargetStatus: state and bit rates (both ways, 0 is 106 kbit/s)."""
        if self.role is Role.RELEASED:
            return b"\x02\x00"
        if self.role not in (Role.PICC, Role.RAW):
            return b"\x00\x00"
        rates = {106: 0, 212: 1, 424: 2, 848: 3}
        return bytes((1, rates[self.link.tx_rate] << 4 | rates[self.link.rx_rate]))
