"""Vectors of commands that a wallet takes from its operator: terms of purses, the journal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import taps
import vector_rotation
import vector_world as world
from vector_apdu import SELECT, command
from vector_world import OK, Vector, vector

from _jzcbor import dumps
from jiaozi.operator import issue
from jiaozi.wallet import book, purposes, rotate
from jiaozi.wire import certificates, commands, cose, errors

ALICE, PURSE, FULL = "alice in epoch 5", "alice with a purse", "alice with four purses"
PAID, ANEW = "alice who has paid", "alice after a rotation"
EPOCH, NUMBER = 5, 7
MALFORMED = errors.MALFORMED


def terms(
    number: int = NUMBER,
    categories: tuple[int, ...] = (5411,),
    expiry: int = 50,
    cap: int = 100,
    by: str = "operator",
    funder: certificates.Certificate = world.OPERATOR,
) -> bytes:
    """Terms of a purse."""
    key = world.key_of(by)
    return issue.make_terms(number, list(categories), [], expiry, cap, key, funder, world.NETWORK)


def _with(*numbers: int) -> book.Book:
    """A wallet that has adopted terms."""
    made = world.wallet("alice", taps.MONEY, at=EPOCH)
    for number in numbers:
        step = purposes.adopt(made, terms(number))
        if step is not None:
            made.apply(step)
    return made


def _anew() -> book.Book:
    """A wallet under its next key."""
    made = vector_rotation.scenes()[vector_rotation.REST]
    body = [vector_rotation.last(), vector_rotation.certificate().raw]
    raw = world.forge(cose.ROTATION, body, world.key_of("operator"), world.OPERATOR.hash)
    done = False
    while not done:
        changes, done = rotate.rotate(made, raw, vector_rotation.SEED)
        made.store.commit(changes)
        made = book.Book(made.store)
    return made


def scenes() -> dict[str, book.Book]:
    """Wallets that an operator speaks with."""
    return {
        ALICE: _with(),
        PURSE: _with(NUMBER),
        FULL: _with(*range(2, 2 + purposes.MOST_PURPOSES)),
        PAID: taps.paid(),
        ANEW: _anew(),
    }


def made(rule: str, sw: int, note: str, raw: bytes, scene: str, **parts: Any) -> Vector:
    """A command of the operator's."""
    given = {"scene": scene, "operator": True, "before": [SELECT.hex()], "input": raw}
    return vector(rule, "apdu", sw, note, **given, **parts)


def vectors() -> Iterator[Vector]:
    """Terms, then entries."""
    yield from adopting()
    yield from bodies()
    yield from entries()


def adopting() -> Iterator[Vector]:
    """Whose terms, and when (T2)."""

    def give(sw: int, note: str, raw: bytes, scene: str = ALICE) -> Vector:
        parts = {"answer": b""} if sw == OK else {}
        return made("T2", sw, note, command(commands.TERMS, raw), scene, **parts)

    yield give(OK, "terms of the operator", terms())
    yield give(OK, "the same again", terms(), PURSE)
    yield give(OK, "in the last epoch of theirs", terms(expiry=EPOCH))
    yield give(OK, "of another number", terms(8), PURSE)
    yield give(errors.TERMS_REFUSED, "another cap for the same number", terms(cap=101), PURSE)
    other = terms(categories=(5411, 5812))
    yield give(errors.TERMS_REFUSED, "another category for the same number", other, PURSE)
    yield give(errors.TOO_MANY_PURSES, "a fifth purse", terms(9), FULL)
    yield give(OK, "the fourth again", terms(5), FULL)
    yield give(errors.EXPIRED, "terms that have expired", terms(expiry=EPOCH - 1))
    yield give(errors.BAD_SIGNATURE, "forged ones", terms(by="rogue"))
    note = "of an operator that pays in another currency"
    dollars = terms(by="foreign", funder=world.FOREIGN)
    yield give(errors.WRONG_CURRENCY, note, dollars)
    stranger = terms(by="alice", funder=world.certificate("alice"))
    yield give(errors.UNKNOWN_OPERATOR, "signed by the wallet itself", stranger)


def bodies() -> Iterator[Vector]:
    """What are terms (T1)."""
    good: list[Any] = [NUMBER, [5411], [], 50, 100]

    def give(sw: int, note: str, body: object, kind: int = cose.TERMS) -> Vector:
        raw = world.forge(kind, body, world.key_of("operator"), world.OPERATOR.hash)
        return made("T1", sw, note, command(commands.TERMS, raw), ALICE)

    yield give(OK, "sixteen categories", [2, list(range(1, 17)), [], 50, 1])
    yield give(OK, "eight operators", [2, [1], [bytes([n] * 8) for n in range(8)], 50, 1])
    for note, at, value in (
        ("number 1", 0, 1),
        ("no category", 1, []),
        ("category 0", 1, [0]),
        ("seventeen categories", 1, list(range(1, 18))),
        ("a cap of nought", 4, 0),
        ("nine operators", 2, [bytes(8)] * 9),
        ("an operator's hash for its id", 2, [bytes(32)]),
        ("no array of operators", 2, None),
        ("text for an expiry", 3, "50"),
    ):
        yield give(MALFORMED, note, [*good[:at], value, *good[at + 1 :]])
    yield give(MALFORMED, "four parts", good[:4])
    yield give(errors.BAD_SIGNATURE, "signed as a policy", good, cose.POLICY)


def entries() -> Iterator[Vector]:
    """The journal as it was chained (N1)."""
    found = scenes()
    for note, scene in (
        ("a payment", PAID),
        ("terms", PURSE),
        ("a rotation", ANEW),
    ):
        first = found[scene].entry(0)
        raw = command(commands.ENTRY, dumps(0))
        yield made("N1", OK, f"the entry of {note}", raw, scene, answer=first)
    for note, data, sw in (
        ("a position that is not reached", dumps(1), errors.NOT_FOUND),
        ("a negative position", dumps(-1), MALFORMED),
        ("no position", b"", MALFORMED),
    ):
        yield made("N1", sw, f"ENTRY: {note}", command(commands.ENTRY, data), PAID)
