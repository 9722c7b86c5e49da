"""Command and response APDUs (ISO/IEC 7816-4 §5.1), strict, for both sides of a tap.

A command is CLA INS P1 P2 [Lc data] [Le]; a response is [data] SW1 SW2. Lengths are "short" (one
byte, data up to 255, answers up to 256) or "extended" (a zero byte, then two; 65535 and 65536).
Both forms are read; the short form is written whenever the lengths fit it. Data is returned as a
slice of the argument: pass a memoryview to avoid a copy.
"""

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

AID = b"\xf0\x4a\x49\x41\x4f\x5a\x49\x01"
"""Application identifier: the proprietary prefix F0, "JIAOZI", version 1."""

CLA_ISO = 0x00
"""Class of interindustry commands; only SELECT is one of them here."""

CLA = 0x80
"""Class of every other command of this protocol."""

INS_SELECT = 0xA4
P1_BY_NAME = 0x04
LE_SHORT_ANY = 256
LE_ANY = 65536
"""Le values meaning "as much as there is" in the short and the extended form."""

SW_OK = 0x9000
SW_WRONG_LENGTH = 0x6700


class ApduError(ValueError):
    """An APDU is malformed.

    status: the status word with which a card answers such a command.
    """

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status = status


def parse_command(apdu: "bytes | memoryview") -> "tuple[int, int, int, int, Any, int | None]":
    """Split a command APDU into (cla, ins, p1, p2, data, le).

    data is a slice of `apdu` (empty when absent); le is None when absent, else 1..65536.
    Raises ApduError (6700) if the length fields do not match the APDU's length.
    """
    size = len(apdu)
    if size < 4:
        raise ApduError(SW_WRONG_LENGTH, "command shorter than its header")
    le = None
    start = size
    end = size
    if size > 4:
        if apdu[4] or size == 5:
            start, end, le = _short(apdu, size)
        else:
            start, end, le = _extended(apdu, size)
    return apdu[0], apdu[1], apdu[2], apdu[3], apdu[start:end], le


def _short(apdu: "bytes | memoryview", size: int) -> "tuple[int, int, int | None]":
    """Bounds of the data and Le in cases 2S, 3S and 4S."""
    length = apdu[4]
    if size == 5:
        return size, size, length or LE_SHORT_ANY
    if size == 5 + length:
        return 5, size, None
    if size == 6 + length:
        return 5, size - 1, apdu[size - 1] or LE_SHORT_ANY
    raise ApduError(SW_WRONG_LENGTH, "Lc does not fit the command")


def _extended(apdu: "bytes | memoryview", size: int) -> "tuple[int, int, int | None]":
    """Bounds of the data and Le in cases 2E, 3E and 4E."""
    if size < 7:
        raise ApduError(SW_WRONG_LENGTH, "extended length cut short")
    length = apdu[5] << 8 | apdu[6]
    if size == 7:
        return size, size, length or LE_ANY
    if length == 0:
        raise ApduError(SW_WRONG_LENGTH, "extended Lc of zero")
    if size == 7 + length:
        return 7, size, None
    if size == 9 + length:
        return 7, size - 2, apdu[size - 2] << 8 | apdu[size - 1] or LE_ANY
    raise ApduError(SW_WRONG_LENGTH, "Lc does not fit the command")


def build_command(
    cla: int,
    ins: int,
    p1: int,
    p2: int,
    data: "bytes | memoryview" = b"",
    le: "int | None" = None,
) -> bytes:
    """Encode a command APDU, in the extended form only if its lengths require it.

    data: up to 65535 bytes. le: the longest answer wanted, 1..65536, or None for no answer data.
    Raises ValueError if a value is out of range.
    """
    size = len(data)
    if size > 65535 or (le is not None and not 1 <= le <= LE_ANY):
        raise ValueError("length out of range")
    head = bytes((cla, ins, p1, p2))
    if size > 255 or (le is not None and le > LE_SHORT_ANY):
        parts = [head, b"\x00"]
        if size:
            parts += (bytes((size >> 8, size & 255)), data)
        if le is not None:
            parts.append(bytes((le >> 8 & 255, le & 255)))
    else:
        parts = [head]
        if size:
            parts += (bytes((size,)), data)
        if le is not None:
            parts.append(bytes((le & 255,)))
    return b"".join(parts)


def select(le: int = LE_ANY) -> bytes:
    """The SELECT command (ISO/IEC 7816-4 §11.2.2) for our application, by name."""
    return build_command(CLA_ISO, INS_SELECT, P1_BY_NAME, 0, AID, le)


def is_select(apdu: "bytes | memoryview") -> bool:
    """True if a command APDU is a SELECT by name, of any application."""
    return len(apdu) > 4 and apdu[0] == CLA_ISO and apdu[1] == INS_SELECT and apdu[2] == P1_BY_NAME


def build_response(status: int, data: "bytes | memoryview" = b"") -> bytes:
    """Encode a response APDU."""
    return b"".join((data, bytes((status >> 8, status & 255))))


def split_response(apdu: "bytes | memoryview") -> "tuple[Any, int]":
    """Split a response APDU into (data, status word). Raises ApduError if it has no status word."""
    size = len(apdu)
    if size < 2:
        raise ApduError(SW_WRONG_LENGTH, "response without a status word")
    return apdu[: size - 2], apdu[size - 2] << 8 | apdu[size - 1]
