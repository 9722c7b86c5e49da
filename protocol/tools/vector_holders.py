"""Vectors of references to holders, which operators seal and the authority opens on the record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import vector_world as world
from vector_world import OK, Vector, vector

from _jzcrypto import x25519_public
from jiaozi.wire import cose, errors

HOST_ONLY = "what concerns holders is between operators and authority"
PRIVATE = hashlib.sha256(b"key for holders").digest()
# "Li Hua", sealed to that key once: each sealing draws a key of its own (RFC 9180, 4.1).
SEALED = bytes.fromhex(
    "bc05a768c6a75362eabc48cbcd9b0a51ac3d935875bb0f9c7b17b4803be3635d904c580f5834f82394f65c80"
    "204ff28819d3ef9e3308087e85564dc4c76b4bd557f6f4321d5218e5425efbb0a0b580ec766fff6bb4f9b529"
    "df58502f40f4520eaa11181be52123f334ea62a86542c6aa"
)
AUTHORITY, OPERATOR = world.AUTHORITY.hash, world.OPERATOR.hash
ALICE = world.certificate("alice").id
MALFORMED, FORGED = errors.MALFORMED, errors.BAD_SIGNATURE
PUBLISHED = {
    "authority": world.AUTHORITY.raw,
    "operators": [one.raw.hex() for one in world.OPERATORS],
    "epoch": world.epoch(3),
}


def signed(kind: int, body: object, by: str, signer: bytes) -> bytes:
    """An object in the name of `signer`."""
    return world.forge(kind, body, world.key_of(by), signer)


def vectors() -> Iterator[Vector]:
    """The key to seal to, what is sealed, and the record of its opening."""
    yield from keys()
    yield from references()
    yield from records()


def keys() -> Iterator[Vector]:
    """By whom the key to seal to is signed (H1)."""
    public = [x25519_public(PRIVATE)]

    def made(sw: int, note: str, raw: bytes) -> Vector:
        return vector("H1", "holders-key", sw, note, **PUBLISHED, input=raw, length=112)

    key, wrong = cose.HOLDERS_KEY, errors.WRONG_SIGNER
    yield made(OK, "by the authority", signed(key, public, "authority", AUTHORITY))
    yield made(wrong, "by an operator", signed(key, public, "operator", OPERATOR))
    yield made(FORGED, "by a stranger", signed(key, public, "rogue", AUTHORITY))
    kind = signed(cose.HOLDER, public, "authority", AUTHORITY)
    yield made(FORGED, "signed as another kind", kind)
    for note, body in (("no key", []), ("a short key", [bytes(31)]), ("two keys", public * 2)):
        yield made(MALFORMED, note, signed(key, body, "authority", AUTHORITY))


def references() -> Iterator[Vector]:
    """By whom a reference is exported (H3), and the record of it (H4)."""
    body: list[Any] = [ALICE, SEALED]

    def made(rule: str, sw: int, note: str, raw: bytes, **parts: Any) -> Vector:
        fields = {"private": PRIVATE, "key": hashlib.sha256(b"authority").digest()}
        fields |= {"who": "court", "why": "2026-17"} | parts
        return vector(rule, "holder", sw, note, **PUBLISHED, **fields, input=raw)

    good = signed(cose.HOLDER, body, "operator", OPERATOR)
    parts = {"text": "Li Hua", "answer": record(reference=_hash(cose.HOLDER, good))}
    yield made("H4", OK, "by the operator", good, **parts)
    fake = signed(cose.HOLDER, body, "rogue", OPERATOR)
    yield made("H3", FORGED, "by a stranger", fake)
    kind = signed(cose.STATEMENT, body, "operator", OPERATOR)
    yield made("H3", FORGED, "signed as another kind", kind)
    for note, other in (
        ("a short id", [ALICE[:7], SEALED]),
        ("text for what is sealed", [ALICE, "Li Hua"]),
        ("nothing sealed", [ALICE]),
    ):
        yield made("H3", MALFORMED, note, signed(cose.HOLDER, other, "operator", OPERATOR))


def _hash(kind: int, raw: bytes) -> bytes:
    return cose.parse(kind, raw, world.NETWORK).hash


def record(by: str = "authority", signer: bytes = AUTHORITY, **fields: Any) -> bytes:
    """A record of an opening, the first one unless another number is given."""
    body = {
        "number": 1,
        "previous": bytes(32),
        "epoch": 3,
        "wallet": ALICE,
        "who": "court",
        "why": "2026-17",
        "reference": bytes(32),
    }
    kind = fields.pop("kind", cose.OPENING)
    return signed(kind, list((body | fields).values()), by, signer)


def records() -> Iterator[Vector]:
    """Records are the authority's, and chained (H5)."""
    first = record()
    after = _hash(cose.OPENING, first)

    def made(sw: int, note: str, raw: bytes, *before: bytes) -> Vector:
        fields = {"before": [one.hex() for one in before], "number": len(before) + 1}
        return vector("H5", "opening", sw, note, **PUBLISHED, **fields, input=raw)

    yield made(OK, "the first record", first)
    yield made(OK, "the second", record(number=2, previous=after), first)
    fake = record("rogue", number=2, previous=after)
    yield made(FORGED, "the second, by a stranger", fake, first)
    by = errors.WRONG_SIGNER
    yield made(by, "the first, by an operator", record("operator", OPERATOR))
    yield made(FORGED, "signed as another kind", record(kind=cose.HOLDER))
    for note, fields in (
        ("a name for a number", {"number": "1"}),
        ("a short hash", {"previous": bytes(31)}),
        ("nobody's id", {"wallet": b""}),
        ("bytes for who asks", {"who": b"court"}),
    ):
        yield made(MALFORMED, note, record(**fields))
    yield made(MALFORMED, "a record cut short", first[:-1])
