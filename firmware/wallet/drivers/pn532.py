"""NXP PN532 as reader and as card. Clauses: user manual UM0701-02.

The chip runs the block protocol of ISO/IEC 14443-4 in both roles; whole APDUs go in and out, in
pieces of at most 262 bytes for the UART frames (§7.3.5, §7.3.16 to §7.3.18).
"""

from micropython import const
from wallet.drivers.pn532_hsu import ACK_FRAME, CHIP_QUANTA, PARAMS, PIECE, Hsu
from wallet.hal.errors import ChipError, LinkError, LinkLost, TwoCards

SLOW_BAUD = const(115200)
FAST_BAUD = const(921600)
RECEIVE_RING = const(1024)
"""The least receive ring of the chip's UART: a whole extended frame fits, with what precedes it."""
UID_SIZE = const(3)
APDU_SIZE = const(1536)
"""The longest APDU received, as reader or card."""

_CARD_QUANTA = const(20)  # a card may compute for a while behind S(WTX)

_GET_FIRMWARE_VERSION = const(0x02)
_SET_SERIAL_BAUD_RATE = const(0x10)
_SET_PARAMETERS = const(0x12)
_SAM_CONFIGURATION = const(0x14)
_RF_CONFIGURATION = const(0x32)
_IN_DATA_EXCHANGE = const(0x40)
_IN_LIST_PASSIVE_TARGET = const(0x4A)
_IN_PSL = const(0x4E)
_TG_GET_DATA = const(0x86)
_TG_GET_TARGET_STATUS = const(0x8A)
_TG_INIT_AS_TARGET = const(0x8C)
_TG_SET_DATA = const(0x8E)
_TG_SET_META_DATA = const(0x94)

_READER_FLAGS = const(0x14)  # automatic ATR_RES and RATS
_CARD_FLAGS = const(0x34)  # and the ISO/IEC 14443-4 card protocol in the chip
_ACTIVATED = const(1)  # a target's state, as TgGetTargetStatus gives it
_MORE = const(0x40)  # MI bit, in a status and in a target number
_WAKE = b"\x55\x55" + bytes(14)

# §7.1: time-out, CRC, parity, framing, no field, protocol, released: errors of the peer.
_LOST = (0x01, 0x02, 0x03, 0x05, 0x06, 0x0A, 0x0B, 0x13, 0x25, 0x29, 0x2B)


class Pn532(Hsu):
    """One chip. Every call ends in finite time; errors are those of `wallet.hal.errors`.

    uart: with a receive ring of RECEIVE_RING; uid: UID_SIZE random bytes, the rest of the
    identifier shown as a card (the chip puts 08, "random", in front).
    """

    def __init__(self, uart, uid: bytes):
        super().__init__(uart)
        self._uid = uid
        self._apdu = memoryview(bytearray(APDU_SIZE))
        self._flags = 0

    # Power-up ------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Wake the chip from any state, raise the baud rate and configure it.

        Raises LinkTimeout when no chip answers.
        """
        self._wake_at_any_speed()
        # §7.3.1: finite retries, since InListPassiveTarget would wait forever.
        self._call(_RF_CONFIGURATION, b"\x05\xff\x01\x01")

    def _wake_at_any_speed(self) -> None:
        try:
            self._wake(SLOW_BAUD)
        except LinkError:
            self._wake(FAST_BAUD)  # the wallet was reset, but not the chip
            return
        if not self._raise_speed():
            self._wake(SLOW_BAUD)

    def _wake(self, baud: int) -> None:
        self._uart.init(baudrate=baud)
        self._running = 0
        self._flags = 0
        self._uart.write(_WAKE)
        self._uart.write(ACK_FRAME)  # ends a command from before a reset
        self._call(_SAM_CONFIGURATION, b"\x01\x14\x01")
        self._call(_GET_FIRMWARE_VERSION, b"")

    def _raise_speed(self) -> bool:
        """Switch to FAST_BAUD. Returns False if the chip does not answer there."""
        try:
            self._call(_SET_SERIAL_BAUD_RATE, b"\x07")
            self._uart.write(ACK_FRAME)  # §7.2.7: the new speed holds from this ACK on
            self._uart.flush()
            self._uart.init(baudrate=FAST_BAUD)
            self._call(_GET_FIRMWARE_VERSION, b"")
        except LinkError:
            return False
        return True

    # As a reader ---------------------------------------------------------------------------------

    def poll(self) -> bool:
        """Look for one ISO/IEC 14443-4 card for some ten milliseconds; True if it was activated.

        The field stays on. Raises TwoCards when a second one answers.
        """
        self._set_flags(_READER_FLAGS)
        answer = self._call(_IN_LIST_PASSIVE_TARGET, b"\x02\x00", CHIP_QUANTA)
        if len(answer) < 1:
            raise ChipError("target list without a count")
        if answer[0] > 1:
            raise TwoCards("two cards in the field")
        # number, target, ATQA (2), SAK, UID length, UID, ATS; bit 20h of SAK says ISO/IEC 14443-4.
        if answer[0] == 0 or len(answer) < 6 or not answer[4] & 0x20:
            return False
        if _offers_424(answer[6 + answer[5] :]):
            # §7.3.7. A card that does not answer stays at 106 kbit/s.
            self._call(_IN_PSL, b"\x01\x02\x02", _CARD_QUANTA)
        return True

    def exchange(self, command) -> bytes:
        """Send a command APDU to the card found by `poll` and return its response APDU.

        Raises LinkLost, LinkTimeout or ChipError; the card must then be released.
        """
        total = len(command)
        data = memoryview(command)
        sent = 0
        while True:
            size = min(PIECE, total - sent)
            last = sent + size == total
            self._tx[PARAMS] = 1 if last else 1 | _MORE
            self._tx_view[PARAMS + 1 : PARAMS + 1 + size][:] = data[sent : sent + size]
            answer = self._send_receive(_IN_DATA_EXCHANGE, size + 1, _CARD_QUANTA)
            status = _status(answer)
            if last:
                break
            sent += size
        if not status & _MORE:
            return bytes(answer[1:])
        got = self._keep(answer, 0)
        while status & _MORE:
            answer = self._call(_IN_DATA_EXCHANGE, b"\x01", _CARD_QUANTA)
            status = _status(answer)
            got = self._keep(answer, got)
        if got < 0:
            raise ChipError("response longer than the buffer")
        return bytes(self._apdu[:got])

    def field_off(self) -> None:
        """Switch our own field off, which also releases the card in it.

        Without S(DESELECT): its answer from a card that has just left would time out.
        """
        self._call(_RF_CONFIGURATION, b"\x01\x00")

    # As a card -----------------------------------------------------------------------------------

    def listen(self) -> None:
        """Start to listen as a card; once `ready` is True, call `activated`."""
        if self._flags != _CARD_FLAGS:
            self.field_off()
        self._set_flags(_CARD_FLAGS)
        # §7.3.14: passive and ISO/IEC 14443-4 only; ATQA 0004, our UID, SAK 20; then nothing for
        # FeliCa, NFCID3, general and historical bytes.
        self._start(_TG_INIT_AS_TARGET, b"\x05\x04\x00" + self._uid + b"\x20" + bytes(30))

    def activated(self) -> bool:
        """Finish `listen`. True if a reader has activated us as an ISO/IEC 14443-4 card."""
        answer = self._finish(_TG_INIT_AS_TARGET, CHIP_QUANTA)
        return len(answer) > 0 and bool(answer[0] & 0x08)

    def withdraw(self) -> bool:
        """Abort `listen`. False if a reader has activated us meanwhile: call `expect_command`.

        Activation may cross with our abort on the UART, so the chip is asked for its state.
        """
        self.abort()
        answer = self._call(_TG_GET_TARGET_STATUS, b"")
        return len(answer) < 1 or answer[0] != _ACTIVATED

    def expect_command(self) -> None:
        """Request the reader's next command from the chip; `ready` is True when it has come."""
        self._start(_TG_GET_DATA, b"")

    def take_command(self):
        """Return the command APDU, as a view valid until the next call of this chip.

        None if it was too long. Raises LinkLost when the reader has gone.
        """
        answer = self._finish(_TG_GET_DATA, _CARD_QUANTA)
        status = _status(answer)
        if not status & _MORE:
            return answer[1:]
        got = self._keep(answer, 0)
        while status & _MORE:
            answer = self._call(_TG_GET_DATA, b"", _CARD_QUANTA)
            status = _status(answer)
            got = self._keep(answer, got)
        return None if got < 0 else self._apdu[:got]

    def answer(self, response) -> None:
        """Send the response APDU to the last command. Raises LinkLost when the reader has gone."""
        total = len(response)
        data = memoryview(response)
        sent = 0
        while total - sent > PIECE:
            self._put(_TG_SET_META_DATA, data[sent : sent + PIECE])
            sent += PIECE
        self._put(_TG_SET_DATA, data[sent:])

    def _put(self, code: int, data) -> None:
        size = len(data)
        self._tx_view[PARAMS : PARAMS + size][:] = data
        _status(self._send_receive(code, size, _CARD_QUANTA))

    def _set_flags(self, flags: int) -> None:
        if self._flags != flags:
            self._call(_SET_PARAMETERS, bytes((flags,)))
            self._flags = flags

    def _keep(self, answer, start: int) -> int:
        """Append an answer's data to the APDU buffer; return the new end, -1 if too long."""
        end = start + len(answer) - 1
        if start < 0 or end > APDU_SIZE:
            return -1
        # Through a view of that size: assigning to a slice would move all that follows.
        self._apdu[start:end][:] = answer[1:]
        return end


def _offers_424(ats) -> bool:
    """True if an ATS (ISO/IEC 14443-4 §5.2, length first) offers 424 kbit/s both ways."""
    return len(ats) > 2 and bool(ats[1] & 0x10) and ats[2] & 0x22 == 0x22


def _status(answer) -> int:
    """Return the status byte of an answer (§7.1). Raises LinkLost, ChipError."""
    if len(answer) < 1:
        raise ChipError("answer without a status")
    status = answer[0]
    error = status & 0x3F
    if error:
        if error in _LOST:
            raise LinkLost(f"chip status {error:02x}")
        raise ChipError(f"chip status {error:02x}", error)
    return status
