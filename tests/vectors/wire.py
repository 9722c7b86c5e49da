"""Checks recorded commands and answers against the grammar.

A refused command may contain anything; its answer must be a status word alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import zcbor

from _jzcbor import loads
from jiaozi.wire import apdu, commands
from jiaozi_sim.client import Frame

GRAMMAR = Path(__file__).parents[2] / "protocol" / "jiaozi.cddl"
NOTHING = ""
# Types of data fields in the grammar, or lengths of fields that are not CBOR; with alternatives.
Field = tuple[str | range, ...]
PIN = range(4, 13)
NONCE = range(16, 17)
SEALED = range(16, 65_536)  # at least a tag; a shorter command inside is refused inside the channel
RECORD = range(18, 65_536)  # with a status word
FIELDS: dict[int, tuple[Field, Field]] = {
    commands.SELECT: ((range(8, 9),), ("select-answer",)),
    commands.PAY: (("pay-command",), ("pay-answer",)),
    commands.PAYMENT: (("payment-command",), ("outcome",)),
    commands.RESOLVE: (("outcome",), (NOTHING,)),
    commands.EPOCH: ((NOTHING, "epoch"), ("epoch", NOTHING)),
    commands.INFO: ((NOTHING,), ("info-answer",)),
    commands.VERIFY: ((PIN,), (NOTHING,)),
    commands.CHANGE: (("change-command",), (NOTHING,)),
    commands.ARM: (("arm-command",), ("request", NOTHING)),
    commands.DISARM: ((NOTHING,), (NOTHING,)),
    commands.CREATE: ((NOTHING,), (range(32, 33),)),
    commands.INSTALL: (("install-command",), (NOTHING,)),
    commands.CHALLENGE: ((NOTHING,), (NONCE,)),
    commands.UPDATE: (("update",), (NOTHING,)),
    commands.STATEMENT: ((NONCE,), ("statement",)),
    commands.ENTRY: (("entry-command",), ("entry",)),
    commands.SETTLE: (("settlement",), (NOTHING,)),
    commands.TERMS: (("terms",), (NOTHING,)),
    commands.UNBLOCK: ((PIN,), (NOTHING,)),
    commands.FREEZE: ((NOTHING,), (NOTHING,)),
    commands.SUCCESSOR: ((NONCE,), ("statement",)),
    commands.AGREE: (("message-1",), ("message-2",)),
    commands.CONFIRM: (("message-3",), (NOTHING,)),
    commands.RECORD: ((SEALED,), (RECORD,)),
    commands.ROTATE: (("rotation",), (NOTHING,)),
}


SEQUENCES = {"message-1": 4}
"""Types that are CBOR sequences (RFC 8742): the grammar has them as arrays of so many items."""


@cache
def types() -> dict[str, Any]:
    """Load the types of the grammar by name."""
    return zcbor.DataTranslator.from_cddl(GRAMMAR.read_text("utf-8"), 256).my_types


def whole(name: str, raw: bytes) -> bytes:
    """Return a message as one item; a CBOR sequence gets an array head."""
    return bytes([0x80 | SEQUENCES[name]]) + raw if name in SEQUENCES else raw


@cache
def fits(name: str, raw: bytes) -> bool:
    """True if the bytes are one item that matches the grammar's type of that name."""
    try:
        loads(whole(name, raw))  # the validator ignores bytes after the item
        return types()[name].validate_str(whole(name, raw))
    except (zcbor.CddlValidationError, ValueError, EOFError):
        return False


def suits(field: Field, raw: bytes) -> bool:
    """True if a data field matches one of these types."""

    def good(one: str | range) -> bool:
        if isinstance(one, range):
            return len(raw) in one
        return fits(one, raw) if one else not raw

    return any(good(one) for one in field)


def repeats(ins: int, given: bytes) -> bool:
    """True if it may be a repeated payment, which is answered whatever else comes with it (Y2)."""
    if ins != commands.PAYMENT:
        return False
    try:
        parts = loads(given)
    except ValueError:
        return False
    if type(parts) is not list or len(parts) not in (2, 3):
        return False
    return all(type(part) is bytes for part in parts) and fits("payment", parts[1])


def complaint(command: bytes, response: bytes) -> str | None:
    """Describe what is wrong with an exchange, or return None."""
    data, sw = apdu.split_response(response)
    if sw != apdu.SW_OK:
        return f"{command.hex()}: refused with data" if data else None
    _, ins, _, _, given, _ = apdu.parse_command(command)
    if ins not in FIELDS:
        return f"{command.hex()}: taken, but no command"
    asked, answered = FIELDS[ins]
    # A command without a data field ignores any data.
    if asked != (NOTHING,) and not suits(asked, given) and not repeats(ins, given):
        return f"{command.hex()}: taken, but no {asked}"
    if not suits(answered, data):
        return f"{command.hex()}: answered {data.hex()}, which is no {answered}"
    return None


def exchanges(frames: Iterable[Frame]) -> Iterator[tuple[bytes, bytes]]:
    """Assemble commands and responses from I-blocks (ISO/IEC 14443-4, 7.5).

    A repeated block counts once; unfinished commands and responses are left out.
    """
    parts, last, command = {">": b"", "<": b""}, {">": "", "<": ""}, None
    for frame in frames:
        if frame.kind == "RATS":
            parts, last, command = {">": b"", "<": b""}, {">": "", "<": ""}, None
        way, number = frame.direction, frame.kind[:2]
        if frame.fault or number not in ("I0", "I1") or last[way] == number:
            continue
        # After this, the other side's next block is new, whatever its number.
        last = {">": "", "<": "", way: number}
        parts[way] += frame.data[1:]
        if frame.kind.endswith("+"):
            continue
        whole, parts[way] = parts[way], b""
        if way == ">":
            command = whole
        elif command is not None:
            yield command, whole
            command = None


def complaints(frames: Iterable[Frame]) -> list[str]:
    """List what is wrong with the recorded frames after a wallet was selected."""
    found, selected = [], False
    for command, response in exchanges(frames):
        if apdu.is_select(command):
            selected = apdu.AID in command and response.endswith(b"\x90\x00")
        if selected:
            wrong = complaint(command, response)
            found += [] if wrong is None else [wrong]
    return found
