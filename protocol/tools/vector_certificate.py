"""Vectors of wallets' certificates, and whether they are current."""

from __future__ import annotations

from collections.abc import Iterator

import edwards
import vector_world as world
from vector_world import OK, Vector, vector

from jiaozi.wire import certificates, cose, errors
from jiaozi.wire.suites import EDDSA

NAME = bytes(range(32))
KEY = world.key_of("operator")
GOOD = world.certificate("wallet", expiry=9)
BODY = cose.parse(cose.WALLET, GOOD.raw, world.NETWORK).body


def made(rule: str, sw: int, note: str, raw: bytes, **parts: object) -> Vector:
    """A certificate, at a wallet that knows these operators and has this epoch."""
    operators = parts.pop("operators", world.OPERATORS)
    trust = {
        "authority": world.AUTHORITY.raw,
        "operators": [one.raw.hex() for one in operators],  # type: ignore[attr-defined]
        "epoch": parts.get("epoch", world.epoch(1)),
    }
    return vector(rule, "certificate", sw, note, input=raw, **trust)


def issued(change: dict | None = None, key: cose.SigningKey = KEY, by: bytes = b"") -> bytes:
    """A certificate whose claims are other ones."""
    return world.forge(cose.WALLET, BODY | (change or {}), key, by or world.OPERATOR.hash)


def vectors() -> Iterator[Vector]:
    """Certificates of wallets."""
    yield from claims()
    yield from keys()
    yield from issuers()
    yield from current()


def claims() -> Iterator[Vector]:
    """What a certificate says (C1)."""
    yield made("C1", OK, "an id of noughts, every number at its largest", issued(LARGEST))
    changes: list[tuple[str, dict]] = [
        ("a short id", {7: b"short"}),
        ("an id of nine bytes", {7: bytes(9)}),
        ("an id that is text", {7: "12345678"}),
        ("no key", {8: None}),
        ("an X25519 key", {8: {1: {1: 1, -1: 4, -2: bytes(32)}}}),
        ("a short key", {8: {1: {1: 1, -1: 6, -2: bytes(31)}}}),
        ("a key with its private part", {8: {1: {1: 1, -1: 6, -2: bytes(32), -4: bytes(32)}}}),
        ("true for 1", {8: {1: {True: 1, -1: 6, -2: bytes(32)}}}),
        ("claims of an operator", {-65537: ["CNY", 9]}),
        ("one claim too many", {-65537: [1, 3, 0, 9, 0]}),
        ("a negative expiry", {-65537: [1, 3, 0, -1]}),
        ("an expiry beyond 2^30 - 1", {-65537: [1, 3, 0, 2**30]}),
        ("true for a tier", {-65537: [1, True, 0, 9]}),
        ("an issuer's name", {1: "issuer"}),
    ]
    for note, change in changes:
        yield made("C1", errors.MALFORMED, note, issued(change))
    for claim in BODY:
        less = {key: value for key, value in BODY.items() if key != claim}
        raw = world.forge(cose.WALLET, less, KEY, world.OPERATOR.hash)
        yield made("C1", errors.MALFORMED, f"without claim {claim}", raw)


def keys() -> Iterator[Vector]:
    """The key of a certificate (C7)."""
    mixed = edwards.add(edwards.multiply(5, edwards.BASE), edwards.torsion()[1])
    good = {8: EDDSA.confirmation(edwards.encode(mixed))}
    yield made("C7", OK, "a key of mixed order: only its holder can sign", issued(good))
    for edge in edwards.edges(b""):
        if edge.note.startswith(("A of small", "A not canonical")):
            change = {8: {1: {1: 1, -1: 6, -2: edge.public}}}
            yield made("C7", errors.MALFORMED, edge.note, issued(change))


LARGEST = {7: bytes(8), -65537: [2**30 - 1] * 4}


def issuers() -> Iterator[Vector]:
    """By whom it is issued (C2)."""
    yield made("C2", OK, "as it should be", GOOD.raw)
    yield made("C2", OK, "by an operator of another currency", foreign())
    unknown, forged = errors.UNKNOWN_OPERATOR, errors.BAD_SIGNATURE
    rogue = world.key_of("rogue")
    yield made("C2", unknown, "by nobody known", issued(key=rogue, by=NAME))
    yield made("C2", unknown, "by an operator not told of", foreign(), operators=[world.OPERATOR])
    by = world.AUTHORITY.hash
    yield made("C2", unknown, "by the authority", issued(key=world.key_of("authority"), by=by))
    by = GOOD.hash
    yield made("C2", unknown, "by a wallet", issued(key=world.key_of("wallet"), by=by))
    yield made("C2", unknown, "by itself", issued(key=world.key_of("wallet"), by=bytes(32)))
    yield made("C2", forged, "not signed by its operator", issued(key=rogue))
    other = world.key_of("foreign")
    yield made("C2", forged, "signed by another operator", issued(key=other))
    body = {7: BODY[7], 8: BODY[8], -65537: [1, 3, 0, 9]}
    raw = world.forge(cose.OPERATOR, body, KEY, world.OPERATOR.hash)
    yield made("C2", forged, "signed as an operator's certificate", raw)
    raw = world.forge(cose.WALLET, body, KEY, world.OPERATOR.hash, network=cose.LIVE)
    yield made("C2", forged, "of the live network", raw)


def foreign() -> bytes:
    """A certificate of the operator that has another currency."""
    return world.certificate("wallet", by="foreign").raw


def current() -> Iterator[Vector]:
    """Whether it is expired or revoked (C3, C4)."""
    short = certificates.issue(
        cose.OPERATOR,
        b"shortops",
        world.key_of("short").public,
        ["CNY", 3],
        world.key_of("authority"),
        world.AUTHORITY,
        world.NETWORK,
    )
    late = certificates.issue(
        cose.WALLET,
        b"outlives",
        world.key_of("wallet").public,
        [1, 3, 0, 9],
        world.key_of("short"),
        short,
        world.NETWORK,
    )
    yield made("C3", OK, "the last epoch", GOOD.raw, epoch=world.epoch(9))
    yield made("C3", errors.EXPIRED, "the epoch after", GOOD.raw, epoch=world.epoch(10))
    three = world.epoch(3, operators=[short.hash])
    yield made("C3", OK, "its operator's last epoch", late.raw, epoch=three, operators=[short])
    four = world.epoch(4, operators=[short.hash])
    note = "its operator has expired"
    yield made("C3", errors.EXPIRED, note, late.raw, epoch=four, operators=[short])
    others = [bytes(8), GOOD.id[:7] + b"\x00"]
    yield made("C4", OK, "others are revoked", GOOD.raw, epoch=world.epoch(1, others))
    ids = [bytes(8), GOOD.id, b"\xff" * 8]
    yield made("C4", errors.REVOKED, "revoked, among others", GOOD.raw, epoch=world.epoch(1, ids))
    none = world.epoch(1, operators=[world.FOREIGN.hash])
    note = "its operator is no longer valid"
    yield made("C4", errors.REVOKED, note, GOOD.raw, epoch=none)
    note = "no operator is valid"
    yield made("C4", errors.REVOKED, note, GOOD.raw, epoch=world.epoch(1, operators=[]))
