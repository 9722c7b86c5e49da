"""Frames between a PN532 and its host on the high speed UART.

Formats (PN532 user manual UM0701-02, 6.2.1), all with a start code ``00 FF``::

    normal     00 00 FF LEN LCS            TFI data… DCS 00     1 to 255 bytes of TFI and data
    extended   00 00 FF FF FF LM LL LCS    TFI data… DCS 00     up to 265 bytes of TFI and data
    ACK        00 00 FF 00 FF 00
    NAK        00 00 FF FF 00 00            only from the host: repeat the last answer
    error      00 00 FF 01 FF 7F 81 00      only from the chip: syntax error

LCS and DCS make the sum of what they cover zero modulo 256.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

ACK = bytes.fromhex("0000ff00ff00")
NAK = bytes.fromhex("0000ffff0000")
ERROR_FRAME = bytes.fromhex("0000ff01ff7f8100")
START = b"\x00\xff"
HOST_TO_CHIP = 0xD4
CHIP_TO_HOST = 0xD5
MAX_BODY = 265
"""Largest TFI and data that the chip's buffer holds."""


class Kind(Enum):
    """Kind of a frame in the host's byte stream."""

    ACK = "ack"
    NAK = "nak"
    PACKET = "packet"
    BROKEN = "broken"


@dataclass(frozen=True)
class Received:
    """One frame from the host; ``body`` is TFI and data of a packet, else empty."""

    kind: Kind
    body: bytes = b""


def encode(body: bytes) -> bytes:
    """The frame around ``body`` (TFI and data), extended where a normal one cannot hold it.

    Raises:
        ValueError: the body is empty or longer than :data:`MAX_BODY`.
    """
    if not 1 <= len(body) <= MAX_BODY:
        raise ValueError(f"a PN532 frame holds 1 to {MAX_BODY} bytes, not {len(body)}")
    if len(body) < 256:
        length = bytes((len(body), -len(body) & 0xFF))
    else:
        high, low = divmod(len(body), 256)
        length = bytes((0xFF, 0xFF, high, low, -(high + low) & 0xFF))
    return b"\x00" + START + length + body + bytes((-sum(body) & 0xFF, 0))


class Decoder:
    """Finds frames in the bytes from the host, which may come in any pieces."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def reset(self) -> None:
        """Drop an unfinished frame."""
        self._pending.clear()

    def feed(self, data: bytes) -> list[Received]:
        """Add bytes; return the complete frames.

        Everything between frames (preambles, postambles, noise) is skipped. A frame with a wrong
        checksum or an impossible length is BROKEN, and the search continues after its start code.
        """
        self._pending += data
        found: list[Received] = []
        while (step := self._next()) is not None:
            received, used = step
            del self._pending[:used]
            if received is not None:
                found.append(received)
        return found

    def _next(self) -> tuple[Received | None, int] | None:
        """(frame or nothing, bytes used up), or None when more bytes are needed."""
        buf = self._pending
        start = buf.find(START)
        if start < 0:
            keep = 1 if buf[-1:] == b"\x00" else 0
            return (None, len(buf) - keep) if len(buf) > keep else None
        body = start + 2
        if len(buf) < body + 2:
            return None
        length, check = buf[body], buf[body + 1]
        if (length, check) == (0x00, 0xFF):
            return Received(Kind.ACK), body + 2
        if (length, check) == (0xFF, 0x00):
            return Received(Kind.NAK), body + 2
        header = 2
        if (length, check) == (0xFF, 0xFF):
            if len(buf) < body + 5:
                return None
            length = buf[body + 2] << 8 | buf[body + 3]
            check = (buf[body + 2] + buf[body + 3] + buf[body + 4]) & 0xFF
            header = 5
        else:
            check = (length + check) & 0xFF
        if check or not 1 <= length <= MAX_BODY:
            return Received(Kind.BROKEN), body
        end = body + header + length + 1
        if len(buf) < end:
            return None
        if sum(buf[body + header : end]) & 0xFF:
            return Received(Kind.BROKEN), end
        return Received(Kind.PACKET, bytes(buf[body + header : end - 1])), end
