"""Phase marks: the meaning of values stored to the marker word.

The source of this table is `firmware/include/jz/marks.h`; a test compares the two.
"""

from __future__ import annotations

from enum import IntEnum


class Mark(IntEnum):
    """A phase or event that the firmware reports. Idle is not a phase: it interrupts one."""

    NONE = 0
    READY = 1  # boot done, first link open
    TAP_BEGIN = 2  # first byte of SELECT sent or received
    LINK = 3
    ENCODE = 4  # CBOR
    VERIFY = 5
    SIGN = 6
    HASH = 7
    COMMIT = 8  # NVM programming
    TAP_COMMITTED = 9  # the payee's record is committed
    TAP_END = 10
    GC = 11
    ANSWERED = 12  # first byte of an APDU answer leaves
    PYTHON = 13  # any other work
    TAP_COMMIT_PAYER = 14  # the payer's record is committed
    DECODE = 15  # CBOR; allocates, so its cost depends on the heap


IDLE_ENTER = 0x80
IDLE_LEAVE = 0xC0
