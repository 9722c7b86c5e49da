"""Vectors of epochs at a wallet that has epoch 5."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import vector_world as world
from vector_world import OK, Vector, vector

from _jzcbor import dumps
from jiaozi.wallet import book
from jiaozi.wire import cose, errors

SCENE = "alice in epoch 5"
KEY = world.key_of("authority")
VALID = [one.hash for one in world.OPERATORS]


def scenes() -> dict[str, book.Book]:
    """The wallet whose epoch is to be replaced."""
    return {SCENE: world.wallet("alice", [0, 1000], at=5)}


def made(rule: str, sw: int, note: str, raw: bytes, adopted: bool = True) -> Vector:
    """An epoch handed to the wallet, with the policy it has already."""
    fields = {"adopted": adopted} if sw == OK else {}
    return vector(rule, "epoch", sw, note, scene=SCENE, input=raw, **fields)


def signed(body: object, **parts: Any) -> bytes:
    """An epoch of any body."""
    key, by = parts.pop("key", KEY), parts.pop("by", world.AUTHORITY.hash)
    return world.forge(parts.pop("kind", cose.EPOCH), body, key, by, **parts)


def vectors() -> Iterator[Vector]:
    """Epochs."""
    yield from numbers()
    yield from fields()
    yield from signers()


def numbers() -> Iterator[Vector]:
    """A number only rises (F1)."""
    older = errors.EPOCH_OLDER
    yield made("F1", OK, "the next epoch", world.epoch(6))
    yield made("F1", OK, "an epoch that skips some", world.epoch(2**30 - 1))
    yield made("F1", OK, "the very same epoch", world.epoch(5))
    yield made("F1", OK, "the epoch before, which is left", world.epoch(4), adopted=False)
    yield made("F1", OK, "the first epoch, which is left", world.epoch(0), adopted=False)
    yield made("F1", older, "the same number with one more revoked", world.epoch(5, [bytes(8)]))
    note = "the same number with one operator less"
    yield made("F1", older, note, world.epoch(5, operators=VALID[:1]))


def fields() -> Iterator[Vector]:
    """Three fields (F3)."""
    yield made("F3", OK, "nobody revoked, nobody valid", signed([6, [], []]))
    many = [bytes([7, *at.to_bytes(7, "big")]) for at in range(40)]
    yield made("F3", OK, "forty revoked", signed([6, many, VALID]))
    broken: list[tuple[str, object]] = [
        ("a number of 2^30", [2**30, [], VALID]),
        ("a negative number", [-1, [], VALID]),
        ("false for a number", [False, [], VALID]),
        ("an id of seven bytes", [6, [bytes(7)], VALID]),
        ("an id that is a number", [6, [7], VALID]),
        ("a hash of 31 bytes", [6, [], [bytes(31)]]),
        ("an operator's certificate for its hash", [6, [], [world.OPERATOR.raw]]),
        ("a map of revoked", [6, {0: bytes(8)}, VALID]),
        ("no operators", [6, []]),
        ("a field more", [6, [], VALID, 0]),
        ("a number alone", 6),
    ]
    for note, body in broken:
        yield made("F3", errors.MALFORMED, note, signed(body))
    wide = dumps([6, [], VALID]).replace(b"\x06", b"\x18\x06", 1)
    yield made("F3", errors.MALFORMED, "6 in two bytes", signed(None, payload=wide))


def signers() -> Iterator[Vector]:
    """By whom it is signed (F4)."""
    body = [6, [], VALID]
    yield made("F4", OK, "by the authority", signed([6, [], VALID[::-1]]))
    operator = {"key": world.key_of("operator"), "by": world.OPERATOR.hash}
    yield made("F4", errors.WRONG_SIGNER, "by an operator", signed(body, **operator))
    note = "by an authority of its own"
    yield made("F4", errors.WRONG_SIGNER, note, signed(body, key=world.key_of("own"), by=bytes(32)))
    forged = errors.BAD_SIGNATURE
    note = "by an operator in the authority's name"
    yield made("F4", forged, note, signed(body, key=world.key_of("operator")))
    yield made("F4", forged, "of the live network", signed(body, network=cose.LIVE))
    yield made("F4", forged, "signed as a settlement", signed(body, kind=cose.SETTLEMENT))
