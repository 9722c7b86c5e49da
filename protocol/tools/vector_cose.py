"""Vectors of signed objects: COSE_Sign1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import vector_world as world
from vector_world import OK, Vector, vector

from _jzcbor import dumps
from jiaozi import cose, errors

SIGNER = world.key_of("signer")
NAME = bytes(range(32))
BODY = [1, b"two", "three"]


def vectors() -> Iterator[Vector]:
    """COSE_Sign1."""

    def made(rule: str, sw: int, note: str, raw: bytes, **parts: Any) -> Vector:
        default = {"object": cose.REQUEST, "network": world.NETWORK}
        who = {"public": SIGNER.public, "signer": NAME}
        return vector(rule, "cose", sw, note, **(default | who | parts), input=raw)

    def forged(**parts: Any) -> bytes:
        return world.forge(cose.REQUEST, BODY, SIGNER, NAME, **parts)

    good = forged()
    malformed = errors.MALFORMED
    digest = cose.parse(cose.REQUEST, good, world.NETWORK).hash
    yield made("S3", OK, "as it should be", good, hash=digest)
    for note, unprotected in (("not empty", {4: b"x"}), ("an array", []), ("null", None)):
        yield made("S1", malformed, f"unprotected header: {note}", forged(unprotected=unprotected))
    yield made("S1", malformed, "tagged", b"\xd2" + good)
    for length in (0, 63, 65):
        note = f"a signature of {length} bytes"
        yield made("S1", malformed, note, forged(signature=bytes(length)))
    headers: list[tuple[str, object]] = [
        ("empty", {}),
        ("no algorithm", {4: NAME}),
        ("no signer", {1: -8}),
        ("ES256", {1: -7, 4: NAME}),
        ("true for 1", {True: -8, 4: NAME}),
        ("a short signer", {1: -8, 4: NAME[:31]}),
        ("one more header", {1: -8, 4: NAME, 3: 0}),
        ("a critical header", {1: -8, 2: [99], 4: NAME, 99: 0}),
    ]
    for note, header in headers:
        yield made("S2", malformed, f"protected header: {note}", forged(protected=dumps(header)))
    wide = bytes.fromhex("a2013807045820") + NAME
    yield made("S2", malformed, "protected header: -8 in two bytes", forged(protected=wide))
    forgery = errors.BAD_SIGNATURE
    changed = good[:-1] + bytes([good[-1] ^ 1])
    yield made("S3", forgery, "the signature changed", changed)
    other = good.replace(b"two", b"tvo")
    yield made("S3", forgery, "the payload changed", other)
    large = int.from_bytes(good[-32:], "little") + 2**252 + 27742317777372353535851937790883648493
    note = "S beyond the order of the group"
    yield made("S3", forgery, note, good[:-32] + large.to_bytes(32, "little"))
    yield made("S4", errors.WRONG_SIGNER, "another signer is named", good, signer=bytes(32))
    yield made("S4", forgery, "another key", good, public=world.key_of("other").public)
    yield made("S5", forgery, "another kind of object", good, object=cose.PAYMENT)
    yield made("S5", forgery, "another network", good, network=cose.LIVE)
