"""Vectors of records: commands at a wallet with an open channel, sealed by fixed keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import vector_channel
from vector_channel import ALICE, MESSAGE_1, SCENE, changed, seed
from vector_world import OK, Vector, vector

from _jzcbor import dumps
from _jzcrypto import aead_seal
from jiaozi.wallet import book, settle
from jiaozi.wire import apdu, certificates, commands, errors

BROKEN = errors.CHANNEL_BROKEN
TO_WALLET, TO_HOST = seed("key of commands"), seed("key of answers")


def command(ins: int, data: bytes = b"") -> bytes:
    """A command APDU."""
    return apdu.build_command(apdu.CLA, ins, 0, 0, data, apdu.LE_ANY)


INFO, SELECT = command(commands.INFO), apdu.select()
FIRMWARE = 1  # the number of the wallet's firmware (firmware/wallet/version.py), told by INFO
NONCE = bytes(range(16))
STATEMENT = command(commands.STATEMENT, NONCE)


def sealed(
    text: bytes, number: int = 0, key: bytes = TO_WALLET, order: Any = "big", aad: bytes = b""
) -> bytes:
    """A record, as it is sent: correct but for what is given."""
    nonce = number.to_bytes(12, order)
    return command(commands.RECORD, aead_seal(key, nonce, aad, text))


def said(response: bytes, number: int = 0) -> bytes:
    """The record of an answer."""
    return aead_seal(TO_HOST, number.to_bytes(12, "big"), b"", response)


def record(
    rule: str, sw: int, note: str, raw: bytes, before: tuple[bytes, ...] = (), **parts: Any
) -> Vector:
    """A command at a wallet that has an open channel."""
    fields = {"operator": False} | parts
    keys = {"commands": TO_WALLET, "answers": TO_HOST}
    given = {"scene": SCENE, "before": [one.hex() for one in before], "input": raw}
    return vector(rule, "record", sw, note, **given, **keys, **fields)


def scenes() -> dict[str, book.Book]:
    """The wallet of the handshake."""
    return {SCENE: vector_channel.scenes()[SCENE]}


def vectors() -> Iterator[Vector]:
    """Records of either side, and commands that come in none."""
    yield from records()
    yield from gates()
    yield from answers()


def records() -> Iterator[Vector]:
    """The AEAD of each, and what ends a channel (X6, X7)."""
    status = [commands.READY, ALICE.id, certificates.CARD, 3, 1, 1, 3]
    info = dumps([*status, None, None, None, None, FIRMWARE]) + b"\x90\x00"
    once = sealed(INFO)
    yield record("X6", OK, "the first record", once, answer=said(info))
    yield record("X6", OK, "the second", sealed(INFO, 1), (once,), answer=said(info, 1))
    for note, raw in (
        ("under the key of answers", sealed(INFO, key=TO_HOST)),
        ("with additional data", sealed(INFO, aad=b"\x00")),
        ("under number 1", sealed(INFO, 1)),
        ("as number 1 the other way round", sealed(INFO, 1 << 88)),
    ):
        yield record("X6", BROKEN, f"the first record {note}", raw)
    raw = sealed(INFO, 1, order="little")
    yield record("X6", BROKEN, "the second, its number the other way round", raw, (once,))
    yield record("X7", OK, "a tap's command outside leaves it open", sealed(INFO), (INFO,))
    yield record("X7", BROKEN, "the same record again", once, (once,))
    yield record("X7", BROKEN, "one is left out", sealed(INFO, 2), (once,))
    own = command(commands.RECORD, said(info))
    yield record("X7", BROKEN, "the wallet's own answer", own, (once,))
    yield record("X7", BROKEN, "a changed byte", command(commands.RECORD, changed(once[5:-1], 3)))
    yield record("X7", BROKEN, "cut short", command(commands.RECORD, bytes(15)))
    yield record("X7", BROKEN, "nothing", command(commands.RECORD))
    closed = errors.CHANNEL_NEEDED
    forged = command(commands.RECORD, bytes(20))
    yield record("X7", closed, "a good one after one that was forged", once, (forged,))
    yield record("X7", closed, "a good one after SELECT", once, (SELECT,))
    agree = command(commands.AGREE, MESSAGE_1)
    yield record("X7", closed, "a good one after AGREE", once, (agree,))
    bad = command(commands.AGREE)
    yield record("X7", closed, "a good one after an AGREE that is refused", once, (bad,))
    confirm = command(commands.CONFIRM, dumps(bytes(119)))
    yield record("X7", closed, "a good one after CONFIRM", once, (confirm,))
    yield record("X7", closed, "CONFIRM without AGREE", confirm)


def gates() -> Iterator[Vector]:
    """What is taken outside, what inside, and refusals in a record (X8, X9)."""
    needed = errors.CHANNEL_NEEDED
    verify = command(commands.VERIFY, b"1234")
    for note, raw, operator in (
        ("VERIFY", verify, False),
        ("CREATE", command(commands.CREATE), False),
        ("STATEMENT", STATEMENT, True),
        ("ENTRY", command(commands.ENTRY, b"\x00"), True),
    ):
        name = f"{note} outside, beside an open channel"
        yield record("X8", needed, name, raw, operator=operator)
    yield record("X8", OK, "INFO outside", INFO)
    statement = _statement() + b"\x90\x00"
    asked = sealed(STATEMENT)
    good = {"operator": True, "answer": said(statement)}
    yield record("X8", OK, "STATEMENT inside, by the operator", asked, **good)
    not_allowed = errors.NOT_ALLOWED
    for note, raw, sw in (
        ("SELECT", SELECT, not_allowed),
        ("AGREE", command(commands.AGREE, MESSAGE_1), not_allowed),
        ("CONFIRM", command(commands.CONFIRM), not_allowed),
        ("a record", sealed(INFO), not_allowed),
        ("three bytes", INFO[:3], errors.WRONG_LENGTH),
        ("STATEMENT by nobody in particular", STATEMENT, errors.SESSION_NEEDED),
        ("an entry that is none", command(commands.ENTRY, b"\xff"), errors.SESSION_NEEDED),
    ):
        answer = said(sw.to_bytes(2, "big"))
        yield record("X9", OK, f"{note} inside is refused inside", sealed(raw), answer=answer)
    after = {"operator": True, "answer": said(statement, 1)}
    note = "after a refusal inside the channel is open"
    yield record("X9", OK, note, sealed(STATEMENT, 1), (sealed(SELECT),), **after)


def _statement() -> bytes:
    raw: bytes = settle.statement(scenes()[SCENE], NONCE)
    return raw


def answers() -> Iterator[Vector]:
    """Records of answers, at a host (X6, X7)."""
    plain = b"\x90\x00"
    first, second = said(plain), said(plain, 1)

    def made(rule: str, sw: int, note: str, raw: bytes, *before: bytes) -> Vector:
        keys = {"commands": TO_WALLET, "answers": TO_HOST, "text": plain}
        given = {"before": [one.hex() for one in before], "input": raw}
        return vector(rule, "answer", sw, f"at the host: {note}", **given, **keys)

    yield made("X6", OK, "the first answer", first)
    yield made("X6", OK, "the second", second, first)
    yield made("X7", BROKEN, "the first again", first, first)
    yield made("X7", BROKEN, "the second first", second)
    yield made("X7", BROKEN, "its own command", sealed(plain)[5:-1])
    yield made("X7", BROKEN, "a byte behind", first + b"\x00")
    yield made("X7", BROKEN, "the first after one that was forged", first, bytes(18))
