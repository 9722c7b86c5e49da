"""Accepted vectors match the grammar, and every type of message has a vector."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from _jzcbor import dumps, loads
from jiaozi.wire import apdu, commands
from jiaozi_sim.client import Frame
from tests.vectors.wire import FIELDS, GRAMMAR, NOTHING, complaint, complaints, fits, suits, whole

VECTORS = sorted((Path(__file__).parents[2] / "protocol" / "vectors").glob("*.json"))
# Fields of vectors that are messages, by topic. Other topics test the encoding (cbor), objects with
# any body (cose) or commands.
TYPES = {
    "channel": {"input": "", "credential": "channel", "message_1": "message-1"},
    "clearing": {"input": "clearing"},
    "holders": {"input": "", "answer": "opening"},
    "install": {"input": ""},
    "rotation": {"input": "rotation"},
    "settlement": {"input": "settlement"},
    "certificate": {"input": "wallet", "authority": "authority", "epoch": "epoch"},
    "epoch": {"input": "epoch"},
    "filter": {"input": "filter-piece"},
    "evidence": {"input": "proof", "authority": "authority"},
    "outcome": {"input": "outcome"},
    "payment": {"input": "payment", "certificate": "wallet", "answer": "outcome"},
    "policy": {"input": "policy"},
    "purpose": {"input": "", "certificate": "wallet"},
    "request": {"input": "request", "certificate": "wallet", "answer": "pay-answer"},
}
JOURNAL_KEY = 0x10000
OPAQUE = ("message-2", "message-3", "holder", "filter-piece")
# Types with several kinds, each of which needs a vector.
MANY = ("entry", "proof", "clearing")


@cache
def files() -> dict[str, dict]:
    return {path.stem: json.loads(path.read_text()) for path in VECTORS}


def messages() -> Iterator[tuple[str, str, bytes]]:
    """Yield id, type and bytes of each message in accepted vectors."""
    for topic, content in files().items():
        for each in content["vectors"]:
            if each["sw"] != "9000" or each.get("proves") == 0:
                continue
            for field, name in TYPES.get(topic, {}).items():
                if each.get(field):
                    yield each["id"], name or each["kind"], bytes.fromhex(each[field])
            for operator in each.get("operators", []):
                yield each["id"], "operator", bytes.fromhex(operator)
            if topic in ("apdu", "operator", "reader", "session"):
                yield from data_fields(topic, each)
        for name, store in content["scenes"].items():
            for key, value in store.items():
                # Without vectors that only fill the journal.
                if int(key) >= JOURNAL_KEY and len(value) > 400:
                    yield name, "entry", bytes.fromhex(value)


def data_fields(topic: str, each: dict) -> Iterator[tuple[str, str, bytes]]:
    """Yield the data fields of commands and answers whose type is unique."""
    if topic != "reader":
        pairs = [(each["input"], each.get("answer"))]
    else:
        responses = [text[:-4] if text.endswith("9000") else None for text in each["answers"]]
        pairs = list(zip(each["sent"], responses, strict=True))
        yield each["id"], "select-answer", bytes.fromhex(each["input"])[:-2]
    for text, answer in pairs:
        _, ins, _, _, data, _ = apdu.parse_command(bytes.fromhex(text))
        for field, raw in zip(FIELDS[ins], (bytes(data), answer), strict=True):
            if raw is not None and len(field) == 1 and type(field[0]) is str and field[0]:
                yield each["id"], field[0], raw if type(raw) is bytes else bytes.fromhex(str(raw))


def test_what_is_taken_is_a_message() -> None:
    broken = [(where, name) for where, name, raw in messages() if not fits(name, raw)]
    assert broken == []


def parts_of(name: str, raw: bytes) -> set[str]:
    """Return all types of the grammar that match a message or a byte string in it."""
    found = {name} if fits(name, raw) else set()
    todo = [loads(whole(name, raw))]
    if name in OPAQUE:
        return found
    while todo:
        item = todo.pop()
        if isinstance(item, list):
            items = [one for one in top_level() if one.endswith("-item")]
            found |= {one for one in items if name == "clearing" and fits(one, dumps(item))}
            todo.extend(item)
        elif isinstance(item, bytes) and len(item) > 70:
            found |= {one for one in top_level() if fits(one, item)}
            todo.append(loads(item))
    return found


@cache
def top_level() -> list[str]:
    """The grammar's messages: signed objects, data fields of commands, a handshake's messages,
    entries, items, proofs."""
    text = GRAMMAR.read_text("utf-8")
    signed = re.findall(r"^([a-z-]+) = \[bstr \.cbor protected,", text, re.MULTILINE)
    fields = re.findall(r"^([a-z-]+-(?:command|answer|item)) = ", text, re.MULTILINE)
    parts = re.findall(r"^(message-\d) = ", text, re.MULTILINE)
    choices = re.findall(r"^(?:entry|outcome|proof) = (.*)$", text, re.MULTILINE)
    named = [name for line in choices for name in line.split(" / ")]
    return list(dict.fromkeys([*signed, *fields, *named, *parts, "package", "update"]))


def test_every_message_has_a_vector() -> None:
    seen: set[str] = set()
    for _, name, raw in messages():
        seen |= parts_of(name, raw) if name not in seen or name in MANY else set()
        if name in ("entry", "proof", "outcome"):
            seen |= {one for one in top_level() if fits(one, raw)}
    assert set(top_level()) - seen == set()


def test_every_command_has_its_fields() -> None:
    numbers = {
        value
        for name, value in vars(commands).items()
        if name.isupper() and type(value) is int and value >= commands.VERIFY
    }
    assert numbers == set(FIELDS)


SELECT = apdu.select()
INFO = apdu.build_command(apdu.CLA, commands.INFO, 0, 0, b"", apdu.LE_ANY)
BLANK = bytes.fromhex("85010000f6f69000")


@pytest.mark.parametrize(
    ("command", "response", "good"),
    [
        (SELECT, BLANK, True),
        (SELECT, bytes.fromhex("84010000f69000"), False),
        (SELECT, b"\x6a\x82", True),
        (SELECT, b"\x00\x6a\x82", False),
        (INFO, b"\x90\x00", False),
        (b"\x80\xee\x00\x00", b"\x6d\x00", True),
        (b"\x80\xee\x00\x00", b"\x90\x00", False),
        (b"\x80\x52\x00\x00\x01\x00", b"\x6a\x80", True),
        (b"\x80\x52\x00\x00\x01\x00", b"\x90\x00", False),
        (b"\x80\x20\x00\x00\x041234", b"\x90\x00", True),
        (b"\x80\x20\x00\x00\x03123", b"\x90\x00", False),
    ],
)
def test_what_is_said_on_the_air(command: bytes, response: bytes, good: bool) -> None:
    assert (complaint(command, response) is None) is good


def test_a_payment_met_before_may_come_with_anything() -> None:
    """A payee that has answered a payment ignores the rest of the command."""
    met = next(one for one in files()["payment"]["vectors"] if one["sw"] == "9000")
    payment, answer = (bytes.fromhex(met[name]) for name in ("input", "answer"))
    for parts, good in (
        ([b"", payment], True),
        ([b"", payment, b""], True),
        ([b"", payment, None], False),
        ([b"", payment[1:]], False),
        ([payment], False),
        ({0: b"", 1: payment}, False),
    ):
        command = apdu.build_command(apdu.CLA, commands.PAYMENT, 0, 0, dumps(parts), apdu.LE_ANY)
        assert (complaint(command, answer + b"\x90\x00") is None) is good, parts


def test_message_1_is_a_sequence() -> None:
    """The connection identifier has any length, but there are exactly four items."""
    head = b"\x00\x04\x58\x20" + bytes(32)
    for good in (b"\x00", b"\x37", b"\x40", b"\x58\x20" + bytes(32)):
        assert fits("message-1", head + good)
        assert suits(FIELDS[commands.AGREE][0], head + good)
    for bad in (b"", b"\x18\x18", b"\x60", b"\x00\x00", b"\x41"):
        assert not fits("message-1", head + bad)
    assert not fits("message-1", b"\x84" + head + b"\x00")


def frame(way: str, kind: str, data: bytes, fault: str = "") -> Frame:
    return Frame(0.0, way, "", b"\x02" + data, kind, 106, 0.0, fault)


def test_a_tap_is_put_together_of_its_blocks() -> None:
    rats = frame(">", "RATS", b"")
    select = [frame(">", "I0", SELECT), frame("<", "I0", BLANK)]
    split = [frame(">", "I1+", INFO[:3]), frame("<", "ACK1", b""), frame(">", "I0", INFO[3:])]
    wrong = [frame("<", "I1", b"\x90\x00")]
    assert complaints([rats, *select]) == []
    assert len(complaints([rats, *select, *split, *wrong])) == 1
    lost = [frame(">", "I1", INFO, "lose"), frame(">", "I1", b"\x80\xee\x00\x00")]
    assert len(complaints([rats, *select, *lost, *wrong])) == 1
    assert len(complaints([rats, *select, *lost, *wrong, *wrong])) == 1
    assert complaints([rats, *split, *wrong]) == []
    assert complaints([rats, *select, rats, *split, *wrong]) != []


def test_a_block_that_is_repeated_counts_once() -> None:
    """After an answer in two blocks the reader's next block number equals its last one."""
    parts = [frame("<", "I0+", BLANK[:3]), frame(">", "ACK1", b""), frame("<", "I1", BLANK[3:])]
    again = frame("<", "I1", BLANK[3:])
    asked = [frame(">", "I0", SELECT), *parts, again, frame(">", "I0", INFO)]
    wrong = [*asked, frame("<", "I0", b"\x90\x00")]
    assert len(complaints(wrong)) == 1
    assert complaints([*asked, frame("<", "I0", b"\x6a\x80")]) == []


def test_fields_of_several_kinds() -> None:
    assert suits(("request", NOTHING), b"")
    assert not suits(("request", NOTHING), b"\x00")
