"""NXP PN532 on a high-speed UART (HSU), as reader and as card. Clauses: user manual UM0701-02.

The chip does the block protocol of ISO/IEC 14443-4 by itself in both roles; whole APDUs go in and
out, cut into pieces of at most 262 bytes for the UART frames (§7.3.5, §7.3.16 to §7.3.18).

    host -> chip   command frame              chip -> host   ACK at once, response frame when done
    host -> chip   ACK alone                  the running command is given up, nothing comes back
    host -> chip   NAK                        the last response once more

The UART given must wait inside `readinto(buffer, count)`, for at most `QUANTUM_MS` of silence, so
that what is executed here does not depend on how the bytes arrive. All longer time-outs are counted
in such quanta.
"""

from micropython import const
from wallet.hal.errors import ChipError, LinkError, LinkLost, LinkTimeout, TwoCards

QUANTUM_MS = const(250)
SLOW_BAUD = const(115200)
FAST_BAUD = const(921600)
APDU_SIZE = const(1536)
"""The longest APDU taken in, either way."""

_ACK_QUANTA = const(2)
_CHIP_QUANTA = const(4)  # a command that does not wait for anybody
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
_TG_INIT_AS_TARGET = const(0x8C)
_TG_SET_DATA = const(0x8E)
_TG_SET_META_DATA = const(0x94)

_READER_FLAGS = const(0x14)  # automatic ATR_RES and RATS
_CARD_FLAGS = const(0x34)  # and the ISO/IEC 14443-4 card protocol done by the chip
_MORE = const(0x40)  # MI bit, in a status and in a target number
_PIECE = const(262)

# Offsets in the send buffer. An extended frame starts at 0, a normal one at 3: no payload moves.
_TFI = const(8)
_PARAMS = const(10)

_ACK = const(-1)
_NAK = const(-2)
_ACK_FRAME = b"\x00\x00\xff\x00\xff\x00"
_NAK_FRAME = b"\x00\x00\xff\xff\x00\x00"
_WAKE = b"\x55\x55" + bytes(14)
_MOST_NOISE = const(64)

# §7.1: time-out, CRC, parity, framing, no field, protocol, released…: the other side, not the chip.
_LOST = (0x01, 0x02, 0x03, 0x05, 0x06, 0x0A, 0x0B, 0x13, 0x25, 0x29, 0x2B)


class _Garbled(Exception):
    """Bytes that are not a frame."""


class Pn532:
    """One chip. Every call ends in finite time; every failure is one of `wallet.hal.errors`.

    uart: with a receive ring of at least 1 KiB; uid: three random bytes, the rest of the identifier
    shown as a card (the chip puts 08, "random", in front).
    """

    def __init__(self, uart, uid: bytes):
        self._uart = uart
        self._uid = uid
        self._tx = bytearray(_PARAMS + _PIECE + 4)
        self._tx_view = memoryview(self._tx)
        self._rx = memoryview(bytearray(_PARAMS + _PIECE + 4))
        self._apdu = memoryview(bytearray(APDU_SIZE))
        self._flags = 0
        self._running = 0
        self._body = 0

    # Power-up ------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Wake the chip, whatever state it was left in, raise the wire's speed and configure it.

        Raises LinkTimeout when no chip answers.
        """
        self._wake_at_any_speed()
        # §7.3.1: finite retries, or InListPassiveTarget would wait for ever.
        self._call(_RF_CONFIGURATION, b"\x05\xff\x01\x01")

    def _wake_at_any_speed(self) -> None:
        try:
            self._wake(SLOW_BAUD)
        except LinkError:
            self._wake(FAST_BAUD)  # the wallet was reset, the chip was not
            return
        if not self._raise_speed():
            self._wake(SLOW_BAUD)

    def _wake(self, baud: int) -> None:
        self._uart.init(baudrate=baud)
        self._running = 0
        self._flags = 0
        self._uart.write(_WAKE)
        self._uart.write(_ACK_FRAME)  # ends what an earlier life started
        self._call(_SAM_CONFIGURATION, b"\x01\x14\x01")
        self._call(_GET_FIRMWARE_VERSION, b"")

    def _raise_speed(self) -> bool:
        """Go to FAST_BAUD. False when the chip does not answer there."""
        try:
            self._call(_SET_SERIAL_BAUD_RATE, b"\x07")
            self._uart.write(_ACK_FRAME)  # §7.2.7: the new speed holds from this ACK on
            self._uart.flush()
            self._uart.init(baudrate=FAST_BAUD)
            self._call(_GET_FIRMWARE_VERSION, b"")
        except LinkError:
            return False
        return True

    # As a reader ---------------------------------------------------------------------------------

    def poll(self) -> bool:
        """Look for one ISO/IEC 14443-4 card, for some ten milliseconds, and activate it.

        The field stays on. Raises TwoCards when a second one answers.
        """
        self._set_flags(_READER_FLAGS)
        answer = self._call(_IN_LIST_PASSIVE_TARGET, b"\x02\x00", _CHIP_QUANTA)
        if len(answer) < 1:
            raise ChipError("target list without a count")
        if answer[0] > 1:
            raise TwoCards("two cards in the field")
        # number, target, ATQA (2), SAK, UID length, UID, ATS; bit 20h of SAK says ISO/IEC 14443-4.
        if answer[0] == 0 or len(answer) < 6 or not answer[4] & 0x20:
            return False
        if _offers_424(answer[6 + answer[5] :]):
            # §7.3.7. A card that does not answer this stays at 106 kbit/s; the exchange will tell.
            self._call(_IN_PSL, b"\x01\x02\x02", _CARD_QUANTA)
        return True

    def exchange(self, command) -> bytes:
        """Send a command APDU to the card found by `poll` and return its response APDU.

        Raises LinkLost, LinkTimeout or ChipError; the card must then be released.
        """
        total = len(command)
        sent = 0
        while True:
            size = min(_PIECE, total - sent)
            last = sent + size == total
            self._tx[_PARAMS] = 1 if last else 1 | _MORE
            self._tx_view[_PARAMS + 1 : _PARAMS + 1 + size] = command[sent : sent + size]
            answer = self._send_receive(_IN_DATA_EXCHANGE, size + 1, _CARD_QUANTA)
            status = _status(answer)
            if last:
                break
            sent += size
        got = self._keep(answer, 0)
        while status & _MORE:
            answer = self._call(_IN_DATA_EXCHANGE, b"\x01", _CARD_QUANTA)
            status = _status(answer)
            got = self._keep(answer, got)
        if got < 0:
            raise ChipError("response longer than the buffer")
        return bytes(self._apdu[:got])

    def field_off(self) -> None:
        """Switch our own field off, which also lets go of the card in it.

        No S(DESELECT) before: a card that has just left would keep us waiting for its answer.
        """
        self._call(_RF_CONFIGURATION, b"\x01\x00")

    # As a card -----------------------------------------------------------------------------------

    def listen(self) -> None:
        """Start to be a card; `ready` tells when a reader has come, then call `activated`."""
        if self._flags != _CARD_FLAGS:
            self.field_off()
        self._set_flags(_CARD_FLAGS)
        # §7.3.14: passive and ISO/IEC 14443-4 only; ATQA 0004, our UID, SAK 20; then nothing for
        # FeliCa, NFCID3, general and historical bytes.
        self._start(_TG_INIT_AS_TARGET, b"\x05\x04\x00" + self._uid + b"\x20" + bytes(30))

    def activated(self) -> bool:
        """Take the end of `listen`: whether a reader chose us as an ISO/IEC 14443-4 card."""
        answer = self._finish(_TG_INIT_AS_TARGET, _ACK_QUANTA)
        return len(answer) > 0 and bool(answer[0] & 0x08)

    def expect_command(self) -> None:
        """Ask the chip for the reader's next command; `ready` tells when it is there."""
        self._start(_TG_GET_DATA, b"")

    def take_command(self):
        """The command APDU asked for, as a view that holds until the next call of this chip.

        None if it was too long. Raises LinkLost when the reader has gone.
        """
        answer = self._finish(_TG_GET_DATA, _CARD_QUANTA)
        status = _status(answer)
        got = self._keep(answer, 0)
        while status & _MORE:
            answer = self._call(_TG_GET_DATA, b"", _CARD_QUANTA)
            status = _status(answer)
            got = self._keep(answer, got)
        return None if got < 0 else self._apdu[:got]

    def answer(self, response) -> None:
        """Send the response APDU to the command taken last. Raises LinkLost as above."""
        total = len(response)
        sent = 0
        while total - sent > _PIECE:
            self._put(_TG_SET_META_DATA, response, sent, _PIECE)
            sent += _PIECE
        self._put(_TG_SET_DATA, response, sent, total - sent)

    def _put(self, code: int, data, start: int, size: int) -> None:
        self._tx_view[_PARAMS : _PARAMS + size] = data[start : start + size]
        _status(self._send_receive(code, size, _CARD_QUANTA))

    # Commands ------------------------------------------------------------------------------------

    def ready(self) -> bool:
        """Whether the chip has begun to answer the command that was started."""
        return self._uart.any() > 0

    def abort(self) -> None:
        """Give up the running command, if there is one (§6.2.1.3)."""
        if self._running:
            self._running = 0
            self._uart.write(_ACK_FRAME)

    def _set_flags(self, flags: int) -> None:
        if self._flags != flags:
            self._call(_SET_PARAMETERS, bytes((flags,)))
            self._flags = flags

    def _keep(self, answer, start: int) -> int:
        """Append an answer's data (after its status) to the APDU buffer; -1 once it is too much."""
        end = start + len(answer) - 1
        if start < 0 or end > APDU_SIZE:
            return -1
        self._apdu[start:end] = answer[1:]
        return end

    def _call(self, code: int, params: bytes, quanta: int = _CHIP_QUANTA):
        self._tx_view[_PARAMS : _PARAMS + len(params)] = params
        return self._send_receive(code, len(params), quanta)

    def _start(self, code: int, params: bytes) -> None:
        self._tx_view[_PARAMS : _PARAMS + len(params)] = params
        self._send(code, len(params))

    def _send_receive(self, code: int, size: int, quanta: int):
        self._send(code, size)
        return self._finish(code, quanta)

    # Frames (§6.2.1) -----------------------------------------------------------------------------

    def _send(self, code: int, size: int) -> None:
        """Send a command whose `size` parameter bytes are in place, until it is acknowledged."""
        self.abort()
        frame = self._frame(code, size)
        for _ in range(2):
            if self._uart.any():
                self._uart.read()  # a late answer to something given up
            self._uart.write(frame)
            if self._acknowledged():
                self._running = code
                return
        raise LinkTimeout("chip does not acknowledge")

    def _frame(self, code: int, size: int):
        tx = self._tx
        count = size + 2
        if count < 256:
            start = 3
            tx[3] = tx[4] = 0
            tx[5] = 0xFF
            tx[6] = count
            tx[7] = -count & 0xFF
        else:
            start = 0
            tx[0] = tx[1] = 0
            tx[2] = tx[3] = tx[4] = 0xFF
            tx[5] = count >> 8
            tx[6] = count & 0xFF
            tx[7] = -((count >> 8) + count) & 0xFF
        tx[_TFI] = 0xD4
        tx[_TFI + 1] = code
        end = _PARAMS + size
        tx[end] = -sum(self._tx_view[_TFI:end]) & 0xFF
        tx[end + 1] = 0
        return self._tx_view[start : end + 2]

    def _acknowledged(self) -> bool:
        try:
            for _ in range(3):
                kind = self._receive(_ACK_QUANTA)
                if kind == _ACK:
                    return True
                if kind == _NAK:
                    return False
                # else a whole answer to something given up: the ACK follows
        except (_Garbled, LinkTimeout):
            pass
        return False

    def _finish(self, code: int, quanta: int):
        """The data of the response to the running command: a view that holds until the next."""
        for _ in range(3):
            try:
                size = self._receive(quanta)
            except _Garbled:
                if self._uart.any():
                    self._uart.read()
                self._uart.write(_NAK_FRAME)
                continue
            except LinkTimeout:
                self.abort()
                raise
            start = self._body
            if size == 1 and self._rx[start] == 0x7F:
                self._running = 0
                raise ChipError("syntax error frame")
            if size >= 2 and self._rx[start] == 0xD5 and self._rx[start + 1] == code + 1:
                self._running = 0
                return self._rx[start + 2 : start + size]
        self.abort()
        raise ChipError("no answer that can be read")

    def _receive(self, quanta: int) -> int:
        """Read one frame: _ACK, _NAK, or how many bytes it carries, from rx[self._body] on."""
        rx = self._rx
        self._read(rx, 6, quanta)
        if rx[0] or rx[1] or rx[2] != 0xFF:
            self._find_start()
        size = rx[3]
        check = rx[4]
        if size + check == 0x100:
            start = 5
            self._read(rx[6:], size + 1, 0)
        elif size == 0xFF and check == 0xFF:
            start = 8
            self._read(rx[6:], 2, 0)
            size = rx[5] << 8 | rx[6]
            if sum(rx[5:8]) & 0xFF or size > _PIECE + 3:
                raise _Garbled
            self._read(rx[8:], size + 2, 0)
        elif size + check == 0xFF and (size == 0 or check == 0):
            return _NAK if size else _ACK
        else:
            raise _Garbled
        if sum(rx[start : start + size + 1]) & 0xFF:
            raise _Garbled
        self._body = start
        return size

    def _find_start(self) -> None:
        """Slide over noise until rx starts with 00 00 FF."""
        rx = self._rx
        for _ in range(_MOST_NOISE):
            for i in range(5):
                rx[i] = rx[i + 1]
            self._read(rx[5:], 1, 0)
            if rx[2] == 0xFF and not (rx[0] or rx[1]):
                return
        raise _Garbled

    def _read(self, view, count: int, quanta: int) -> None:
        """Read `count` bytes, or raise LinkTimeout when none comes, _Garbled when too few do.

        quanta: how often to wait; 0 for the rest of a frame, which is already on its way.
        """
        done = self._uart.readinto(view, count) or 0
        while done < count:
            quanta -= 1
            if quanta < 0 or (quanta == 0 and done):
                raise _Garbled
            if quanta == 0:
                raise LinkTimeout("chip is silent")
            done += self._uart.readinto(view[done:], count - done) or 0


def _offers_424(ats) -> bool:
    """Whether an ATS (ISO/IEC 14443-4 §5.2, length first) offers 424 kbit/s in both directions."""
    return len(ats) > 2 and bool(ats[1] & 0x10) and ats[2] & 0x22 == 0x22


def _status(answer) -> int:
    """The status byte an answer starts with (§7.1). Raises what an error in it means."""
    if len(answer) < 1:
        raise ChipError("answer without a status")
    error = answer[0] & 0x3F
    if error in _LOST:
        raise LinkLost(f"chip status {error:02x}")
    if error:
        raise ChipError(f"chip status {error:02x}", error)
    return answer[0]
