"""Vectors of wallets' certificates, and whether they are current."""

from __future__ import annotations

from collections.abc import Iterator

import vector_world as world
from vector_world import OK, Vector, vector

from jiaozi import cose, errors

NAME = bytes(range(32))


def vectors() -> Iterator[Vector]:
    """Certificates of wallets, and whether they are current."""

    def made(rule: str, sw: int, note: str, raw: bytes, epoch: bytes = b"") -> Vector:
        operators = [one.raw.hex() for one in world.OPERATORS]
        trust = {"authority": world.AUTHORITY.raw, "operators": operators}
        epoch = epoch or world.epoch(1)
        return vector(rule, "certificate", sw, note, input=raw, epoch=epoch, **trust)

    operator = world.key_of("operator")
    good = world.certificate("wallet", expiry=9)
    body = cose.parse(cose.WALLET, good.raw, world.NETWORK).body
    yield made("C2", OK, "as it should be", good.raw)
    changes: list[tuple[str, dict]] = [
        ("a short id", {7: b"short"}),
        ("no key", {8: None}),
        ("an X25519 key", {8: {1: {1: 1, -1: 4, -2: bytes(32)}}}),
        ("a short key", {8: {1: {1: 1, -1: 6, -2: bytes(31)}}}),
        ("true for 1", {8: {1: {True: 1, -1: 6, -2: bytes(32)}}}),
        ("claims of an operator", {-65537: ["CNY", 9]}),
        ("a negative expiry", {-65537: [1, 3, 0, -1]}),
        ("an expiry beyond 2^30 - 1", {-65537: [1, 3, 0, 2**30]}),
        ("one more claim", {1: "issuer"}),
    ]
    for note, change in changes:
        raw = world.forge(cose.WALLET, body | change, operator, world.OPERATOR.hash)
        yield made("C1", errors.MALFORMED, note, raw)
    rogue = world.key_of("rogue")
    yield made(
        "C2",
        errors.UNKNOWN_OPERATOR,
        "unknown operator",
        world.forge(cose.WALLET, body, rogue, NAME),
    )
    raw = world.forge(cose.WALLET, body, rogue, world.OPERATOR.hash)
    yield made("C2", errors.BAD_SIGNATURE, "not signed by its operator", raw)
    yield made("C3", OK, "the last epoch", good.raw, world.epoch(9))
    yield made("C3", errors.EXPIRED, "the epoch after its last", good.raw, world.epoch(10))
    yield made("C4", errors.REVOKED, "revoked", good.raw, world.epoch(1, [good.id]))
    none = world.epoch(1, operators=[world.FOREIGN.hash])
    yield made("C4", errors.REVOKED, "its operator is no longer valid", good.raw, none)
