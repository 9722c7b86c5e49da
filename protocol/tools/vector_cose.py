"""Vectors of signed objects: COSE_Sign1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import edwards
import vector_world as world
from vector_world import OK, Vector, vector

from _jzcbor import dumps
from jiaozi.wire import cose, errors

SIGNER = world.key_of("signer")
NAME = bytes(range(32))
BODY = [1, b"two", "three"]


def forged(kind: int = cose.REQUEST, **parts: Any) -> bytes:
    """An object that is correct but for the parts given."""
    return world.forge(kind, BODY, SIGNER, NAME, **parts)


def made(rule: str, sw: int, note: str, raw: bytes, **parts: Any) -> Vector:
    """An object, by whom it is expected to be signed, and as what."""
    default = {"object": cose.REQUEST, "network": world.NETWORK}
    who = {"public": SIGNER.public, "signer": NAME}
    return vector(rule, "cose", sw, note, **(default | who | parts), input=raw)


def vectors() -> Iterator[Vector]:
    """COSE_Sign1."""
    yield from outsides()
    yield from headers()
    yield from signatures()
    yield from signers()


def outsides() -> Iterator[Vector]:
    """The array of four (S1)."""
    good = forged()
    protected, _, payload, signature = cose.decode(good)
    yield made("S1", OK, "as it should be", good)
    yield made("S1", OK, "an empty payload's array", forged(payload=b"\x80"))
    broken: list[tuple[str, object]] = [
        ("an array of three", [protected, {}, payload]),
        ("an array of five", [protected, {}, payload, signature, None]),
        ("a map", {0: protected, 1: {}, 2: payload, 3: signature}),
        ("a protected header that is no byte string", [{1: -8}, {}, payload, signature]),
        ("a detached payload", [protected, {}, None, signature]),
        ("a payload that is text", [protected, {}, "two", signature]),
        ("a signature that is text", [protected, {}, payload, "s" * 64]),
        ("a list of signatures", [protected, {}, payload, [signature]]),
        ("unprotected header: not empty", [protected, {4: b"x"}, payload, signature]),
        ("unprotected header: an array", [protected, [], payload, signature]),
        ("unprotected header: null", [protected, None, payload, signature]),
    ]
    for note, item in broken:
        yield made("S1", errors.MALFORMED, note, dumps(item))
    yield made("S1", errors.MALFORMED, "tagged", b"\xd2" + good)
    yield made("S1", errors.MALFORMED, "one byte more", good + b"\x00")
    for length in (0, 63, 65):
        note = f"a signature of {length} bytes"
        yield made("S1", errors.MALFORMED, note, forged(signature=bytes(length)))
    for note, text in (
        ("trailing bytes in the payload", "8000"),
        ("a float in the payload", "81f93c00"),
        ("a payload that is not deterministic", "811801"),
        ("no payload", ""),
    ):
        raw = forged(payload=bytes.fromhex(text))
        yield made("S1", errors.MALFORMED, note, raw)


def headers() -> Iterator[Vector]:
    """The protected header (S2)."""
    noughts = world.forge(cose.REQUEST, BODY, SIGNER, bytes(32))
    yield made("S2", OK, "a signer of noughts", noughts, signer=bytes(32))
    broken: list[tuple[str, object]] = [
        ("empty", {}),
        ("no algorithm", {4: NAME}),
        ("no signer", {1: -8}),
        ("ES256", {1: -7, 4: NAME}),
        ("true for 1", {True: -8, 4: NAME}),
        ("a short signer", {1: -8, 4: NAME[:31]}),
        ("a long signer", {1: -8, 4: NAME + b"\x00"}),
        ("one more header", {1: -8, 4: NAME, 3: 0}),
        ("a critical header", {1: -8, 2: [99], 4: NAME, 99: 0}),
        ("an array", [1, -8, 4, NAME]),
    ]
    for note, header in broken:
        raw = forged(protected=dumps(header))
        yield made("S2", errors.MALFORMED, f"protected header: {note}", raw)
    for note, text in (
        ("-8 in two bytes", "a2013807045820"),
        ("the signer first", "a2045820"),
        ("of indefinite length", "bf0127045820"),
        ("a byte string of no bytes", ""),
    ):
        end = {"a2045820": NAME + b"\x01\x27", "bf0127045820": NAME + b"\xff", "": b""}
        raw = forged(protected=bytes.fromhex(text) + end.get(text, NAME))
        yield made("S2", errors.MALFORMED, f"protected header: {note}", raw)


def signatures() -> Iterator[Vector]:
    """Ed25519 over the Sig_structure (S3)."""
    good = forged()
    digest = cose.parse(cose.REQUEST, good, world.NETWORK).hash
    yield made("S3", OK, "the hash leaves the signature out", good, hash=digest)
    bad = errors.BAD_SIGNATURE
    yield made("S3", bad, "the signature changed", good[:-1] + bytes([good[-1] ^ 1]))
    yield made("S3", bad, "the payload changed", good.replace(b"two", b"tvo"))
    yield made("S3", bad, "a signature of noughts", forged(signature=bytes(64)))
    over = SIGNER.sign(dumps(BODY))
    yield made("S3", bad, "the payload signed by itself", forged(signature=over))
    plain = dumps(["Signature1", dumps({1: -8, 4: NAME}), b"", dumps(BODY)])
    yield made("S3", bad, "no external_aad", forged(signature=SIGNER.sign(plain)))
    other = world.structure(dumps({1: -8, 4: NAME}), dumps(BODY), cose.REQUEST)
    other = other.replace(b"Signature1", b"CounterSig")
    yield made("S3", bad, "another context", forged(signature=SIGNER.sign(other)))
    yield from edges()


def edges() -> Iterator[Vector]:
    """Signatures on which libraries differ (S3)."""
    signed = world.structure(dumps({1: -8, 4: NAME}), dumps(BODY), cose.REQUEST)
    for edge in edwards.edges(signed):
        sw = OK if edge.good else errors.BAD_SIGNATURE
        yield made("S3", sw, edge.note, forged(signature=edge.signature), public=edge.public)


def signers() -> Iterator[Vector]:
    """By whom, as what and where (S4, S5)."""
    good = forged()
    other = NAME[::-1]
    raw = world.forge(cose.REQUEST, BODY, SIGNER, other)
    yield made("S4", OK, "the certificate that is expected", raw, signer=other)
    near = other[:-1] + b"x"
    yield made("S4", errors.WRONG_SIGNER, "one byte of it is another", raw, signer=near)
    yield made("S4", errors.WRONG_SIGNER, "another is expected", good, signer=bytes(32))
    raw = world.forge(cose.REQUEST, BODY, SIGNER, bytes(32))
    yield made("S4", errors.WRONG_SIGNER, "noughts are named", raw)
    other = world.key_of("other").public
    yield made("S4", errors.BAD_SIGNATURE, "another key", good, public=other)
    live = forged(network=cose.LIVE)
    yield made("S5", OK, "the live network", live, network=cose.LIVE)
    for note, kind in (("a certificate", cose.WALLET), ("a payment", cose.PAYMENT)):
        yield made("S5", errors.BAD_SIGNATURE, f"read as {note}", good, object=kind)
    yield made("S5", errors.BAD_SIGNATURE, "read on another network", good, network=cose.LIVE)
    yield made("S5", errors.BAD_SIGNATURE, "a live object read in a test", live)
    for note, external in (
        ("another version", ["jiaozi", 2, world.NETWORK, cose.REQUEST]),
        ("another protocol", ["jaozi", 1, world.NETWORK, cose.REQUEST]),
        ("one more field", ["jiaozi", 1, world.NETWORK, cose.REQUEST, 0]),
    ):
        protected = dumps({1: -8, 4: NAME})
        signed = dumps(["Signature1", protected, dumps(external), dumps(BODY)])
        yield made("S5", errors.BAD_SIGNATURE, note, forged(signature=SIGNER.sign(signed)))
