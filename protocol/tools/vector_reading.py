"""Vectors of what is read: CBOR, COSE and certificates."""

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


# Encoding -----------------------------------------------------------------------------------------

_CBOR_TAKEN = [
    ("00", "the smallest number"),
    ("17", "the last number in one byte"),
    ("1818", "the first in two"),
    ("1b0000000100000000", "a number of 33 bits"),
    ("3bffffffffffffffff", "the least negative number of 64 bits"),
    ("8301820203820405", "arrays in an array"),
    ("a40a0118640220036" + "17a04", "keys in bytewise order of their encodings"),
    ("63e6b0b4", "text"),
    ("81" * 8 + "01", "eight arrays deep"),
    ("83f4f5f6", "false, true, null"),
]
_CBOR_REFUSED = [
    ("E1", "", "nothing"),
    ("E1", "0000", "two items"),
    ("E1", "8201", "an array cut short"),
    ("E1", "5803" + "0102", "a byte string cut short"),
    ("E1", "9bffffffffffffffff", "a length beyond anything"),
    ("E2", "1817", "23 in two bytes"),
    ("E2", "1b0000000000000001", "1 in nine bytes"),
    ("E2", "3800", "-1 in two bytes"),
    ("E2", "5800", "a long head of an empty byte string"),
    ("E2", "9800", "a long head of an empty array"),
    ("E3", "5f4101ff", "a byte string of indefinite length"),
    ("E3", "9fff", "an array of indefinite length"),
    ("E3", "bfff", "a map of indefinite length"),
    ("E4", "a201020103", "a key twice"),
    ("E4", "a202010101", "keys out of order"),
    ("E4", "a1800" + "1", "an array as a key"),
    ("E5", "f7", "undefined"),
    ("E5", "f90000", "a float"),
    ("E5", "fb3ff199999999999a", "a long float"),
    ("E5", "c001", "a tag"),
    ("E5", "c249010000000000000000", "a bignum"),
    ("E5", "f820", "a simple value"),
    ("E6", "61ff", "text that is not UTF-8"),
    ("E6", "63eda080", "a surrogate"),
    ("E7", "81" * 9 + "01", "nine arrays deep"),
]


def cbor() -> Iterator[Vector]:
    """Deterministic CBOR."""
    for text, note in _CBOR_TAKEN:
        yield vector("E1", "cbor", OK, note, input=text)
    for rule, text, note in _CBOR_REFUSED:
        yield vector(rule, "cbor", errors.MALFORMED, note, input=text)


def signatures() -> Iterator[Vector]:
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


# Certificates -------------------------------------------------------------------------------------


def wallets() -> Iterator[Vector]:
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
