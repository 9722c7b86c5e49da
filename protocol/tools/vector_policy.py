"""Vectors of policies at a wallet that has policy 5 in force."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import vector_world as world
from vector_world import OK, Vector, vector

from _jzcbor import dumps
from jiaozi.wallet import book
from jiaozi.wire import cose, errors

SCENE = "alice under policy 5"
KEY = world.key_of("operator")
BODY = list((world.LIMITS | {"version": 6}).values())


def scenes() -> dict[str, book.Book]:
    """The wallet whose policy is to be replaced."""
    return {SCENE: world.wallet("alice", [0, 1000], version=5)}


def made(rule: str, sw: int, note: str, raw: bytes) -> Vector:
    """A policy handed to the wallet, with the epoch it has already."""
    return vector(rule, "policy", sw, note, scene=SCENE, input=raw)


def signed(change: dict[int, Any] | None = None, **parts: Any) -> bytes:
    """A policy whose fields at some places are other ones."""
    body = [(change or {}).get(place, value) for place, value in enumerate(BODY)]
    key, by = parts.pop("key", KEY), parts.pop("by", world.OPERATOR.hash)
    return world.forge(parts.pop("kind", cose.POLICY), body, key, by, **parts)


def vectors() -> Iterator[Vector]:
    """Policies."""
    yield from versions()
    yield from fields()
    yield from owners()


def versions() -> Iterator[Vector]:
    """A version only rises (L1)."""
    older = errors.POLICY_OLDER
    yield made("L1", OK, "the next version", world.policy(version=6))
    yield made("L1", OK, "a much later version", world.policy(version=2**30 - 1))
    yield made("L1", OK, "the very same policy", world.policy(version=5))
    yield made("L1", older, "the version before", world.policy(version=4))
    yield made("L1", older, "version 0", world.policy(version=0))
    note = "the same version with a limit that is wider"
    yield made("L1", older, note, world.policy(version=5, single=500_001))
    note = "the same version with a limit that is narrower"
    yield made("L1", older, note, world.policy(version=5, hops=7))


def fields() -> Iterator[Vector]:
    """Thirteen fields (L5)."""
    yield made("L5", OK, "every limit at its largest", signed(dict.fromkeys(LIMITS, 2**30 - 1)))
    yield made("L5", OK, "every limit nought", signed(dict.fromkeys(LIMITS, 0)))
    bad = errors.MALFORMED
    changes: list[tuple[str, dict[int, Any]]] = [
        ("a limit of 2^30", {4: 2**30}),
        ("a negative limit", {8: -1}),
        ("true for a limit", {10: True}),
        ("no limit", {5: None}),
        ("a currency in bytes", {2: b"CNY"}),
        ("a version that is text", {0: "6"}),
    ]
    for note, change in changes:
        yield made("L5", bad, note, signed(change))
    yield made("L5", bad, "a field less", signed(payload=dumps(BODY[:-1])))
    yield made("L5", bad, "a field more", signed(payload=dumps([*BODY, 0])))
    floating = dumps(BODY)[:-1] + bytes.fromhex("f94900")
    yield made("L5", bad, "a float for a limit", signed(payload=floating))
    endless = b"\x9f" + dumps(BODY)[1:] + b"\xff"
    yield made("L5", bad, "an array of indefinite length", signed(payload=endless))


LIMITS = range(3, 13)


def owners() -> Iterator[Vector]:
    """By whom and for whom it is (L6)."""
    yield made("L6", OK, "by the wallet's operator for its tier", signed({0: 7}))
    yield made("L6", errors.WRONG_TIER, "for a higher tier", signed({1: 4}))
    yield made("L6", errors.WRONG_TIER, "for tier 0", signed({1: 0}))
    yield made("L6", errors.WRONG_CURRENCY, "in another currency", signed({2: "USD"}))
    yield made("L6", errors.WRONG_CURRENCY, "no currency", signed({2: ""}))
    other = {"key": world.key_of("foreign"), "by": world.FOREIGN.hash}
    yield made("L6", errors.WRONG_SIGNER, "by another operator", signed(**other))
    authority = {"key": world.key_of("authority"), "by": world.AUTHORITY.hash}
    yield made("L6", errors.WRONG_SIGNER, "by the authority", signed(**authority))
    forged = errors.BAD_SIGNATURE
    yield made("L6", forged, "by the wallet itself", signed(key=world.key_of("alice")))
    yield made("L6", forged, "for the live network", signed(network=cose.LIVE))
    yield made("L6", forged, "signed as an epoch", signed(kind=cose.EPOCH))
