"""The PN532's frames on a high-speed UART (HSU). Clauses: user manual UM0701-02.

    host -> chip   command frame              chip -> host   ACK at once, response frame when done
    host -> chip   ACK alone                  abort the running command, no response
    host -> chip   NAK                        repeat the last response

The UART waits inside `readinto(buffer, count)` for at most `QUANTUM_MS` of silence, so that the
code executed here does not depend on how bytes arrive. Longer time-outs are counted in quanta.
"""

from micropython import const
from wallet.hal.errors import ChipError, LinkTimeout

QUANTUM_MS = const(250)
PIECE = const(262)
"""The most data bytes in one frame, after the status or target number (§7.3.5)."""

_ACK_QUANTA = const(2)
CHIP_QUANTA = const(4)
"""Time-out of a command that does not wait for a peer."""

# Offsets in the send buffer. An extended frame starts at 0, a normal one at 3: no payload moves.
_TFI = const(8)
PARAMS = const(10)
"""Where a command's parameters start in `tx`."""

_HEAD = const(6)  # first read of a frame: an ACK, or a normal frame up to its TFI
_ACK = const(-1)
_NAK = const(-2)
ACK_FRAME = b"\x00\x00\xff\x00\xff\x00"
_NAK_FRAME = b"\x00\x00\xff\xff\x00\x00"
_MOST_NOISE = const(64)


class _Garbled(Exception):
    """Bytes that are not a frame."""


class Hsu:
    """Commands and responses as frames. Raises LinkTimeout, ChipError."""

    def __init__(self, uart):
        self._uart = uart
        self._tx = bytearray(PARAMS + PIECE + 4)
        self._tx[_TFI] = 0xD4
        self._tx_view = memoryview(self._tx)
        self._rx = memoryview(bytearray(PARAMS + PIECE + 4))
        self._rx_head = self._rx[:_HEAD]
        self._rx_rest = self._rx[_HEAD:]
        self._running = 0
        self._body = 0

    def ready(self) -> bool:
        """True if the chip has begun to respond to the command that was started."""
        return self._uart.any() > 0

    def abort(self) -> None:
        """Abort the running command, if any (§6.2.1.3)."""
        if self._running:
            self._running = 0
            self._uart.write(ACK_FRAME)

    def _call(self, code: int, params: bytes, quanta: int = CHIP_QUANTA):
        self._tx_view[PARAMS : PARAMS + len(params)] = params
        return self._send_receive(code, len(params), quanta)

    def _start(self, code: int, params: bytes) -> None:
        self._tx_view[PARAMS : PARAMS + len(params)] = params
        self._send(code, len(params))

    def _send_receive(self, code: int, size: int, quanta: int):
        self._send(code, size)
        return self._finish(code, quanta)

    def _send(self, code: int, size: int) -> None:
        """Send a command whose `size` parameter bytes are in place; wait for its ACK."""
        if self._running:
            self.abort()
        uart = self._uart
        frame = self._frame(code, size)
        for _ in range(2):
            if uart.any():
                uart.read()  # a late response to an aborted command
            uart.write(frame)
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
        tx[_TFI + 1] = code
        end = PARAMS + size
        tx[end] = -sum(self._tx_view[_TFI:end]) & 0xFF
        tx[end + 1] = 0
        return self._tx_view[start : end + 2]

    def _acknowledged(self) -> bool:
        got = self._uart.readinto(self._rx_head)
        if got == _HEAD and self._rx_head == ACK_FRAME:
            return True
        try:
            kind = self._receive(got or 0, _ACK_QUANTA)
            for _ in range(2):
                if kind < 0:
                    break
                kind = self._receive(0, _ACK_QUANTA)  # a response to an aborted command
        except (_Garbled, LinkTimeout):
            return False
        return kind == _ACK

    def _finish(self, code: int, quanta: int):
        """Return the data of the response to the running command, valid until the next command."""
        rx = self._rx
        for _ in range(3):
            try:
                size = self._receive(0, quanta)
            except _Garbled:
                if self._uart.any():
                    self._uart.read()
                self._uart.write(_NAK_FRAME)
                continue
            except LinkTimeout:
                self.abort()
                raise
            start = self._body
            if size == 1 and rx[start] == 0x7F:
                self._running = 0
                raise ChipError("syntax error frame")
            if size >= 2 and rx[start + 1] == code + 1 and rx[start] == 0xD5:
                self._running = 0
                return rx[start + 2 : start + size]
        self.abort()
        raise ChipError("no answer that can be read")

    def _receive(self, have: int, quanta: int) -> int:
        """Read one frame; return _ACK, _NAK, or the length of its data at rx[self._body].

        have: number of its first bytes that are in rx already.
        """
        rx = self._rx
        if have < _HEAD:
            self._read(have, _HEAD, quanta)
        if rx[0] or rx[1] or rx[2] != 0xFF:
            self._find_start()
        size = rx[3]
        check = rx[4]
        if size + check == 0x100:
            start = 5
            if self._uart.readinto(self._rx_rest, size + 1) != size + 1:
                raise _Garbled
        elif size == 0xFF and check == 0xFF:
            start = 8
            self._read(6, 8, 0)
            size = rx[5] << 8 | rx[6]
            if sum(rx[5:8]) & 0xFF or size > PIECE + 3:
                raise _Garbled
            self._read(8, 8 + size + 2, 0)
        elif size + check == 0xFF and (size == 0 or check == 0):
            return _NAK if size else _ACK
        else:
            raise _Garbled
        if sum(rx[start : start + size + 1]) & 0xFF:
            raise _Garbled
        self._body = start
        return size

    def _find_start(self) -> None:
        """Skip noise until rx starts with 00 00 FF."""
        rx = self._rx
        for _ in range(_MOST_NOISE):
            for i in range(5):
                rx[i] = rx[i + 1]
            self._read(5, 6, 0)
            if rx[2] == 0xFF and not (rx[0] or rx[1]):
                return
        raise _Garbled

    def _read(self, start: int, end: int, quanta: int) -> None:
        """Fill rx from start to end. Raises LinkTimeout if nothing comes, _Garbled if too little.

        quanta: how often to wait; 0 for the rest of a frame that has begun.
        """
        done = start
        while True:
            done += self._uart.readinto(self._rx[done:end]) or 0
            if done == end:
                return
            quanta -= 1
            if quanta <= 0:
                raise LinkTimeout("chip is silent") if done == 0 else _Garbled
