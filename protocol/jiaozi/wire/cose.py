"""Signed objects: COSE_Sign1 (RFC 9052), EdDSA (RFC 9053), deterministic CBOR (RFC 8949, 4.2).

On the wire an object is the untagged array `[protected, {}, payload, signature]`:

- protected: `{1: alg, 4: signer}`, the suite (`jiaozi.wire.suites`) and the hash of the signer's
  certificate, nothing else;
- payload: the CBOR body of the object, a byte string;
- signature: over `Sig_structure = ["Signature1", protected, external_aad, payload]`, where
  `external_aad = ["jiaozi", version, network, kind]`, so that a signature is valid for one kind and
  one network only.

An object's hash is SHA-256 of its Sig_structure, so it does not depend on the signature's encoding.
"""

from _jzcbor import dumps, loads
from _jzcrypto import sha256
from jiaozi.wire.errors import BAD_SIGNATURE, MALFORMED, WRONG_SIGNER, Refused
from jiaozi.wire.suites import EDDSA, HASH_LENGTH, HEADER_LENGTH, Suite, suite_of
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import TypeVar

    AnySigned = TypeVar("AnySigned", bound="Signed", default="Signed")

VERSION = const(1)

# Networks: value of one cannot be spent on the other.
TEST = const(0)
LIVE = const(1)

# Object kinds.
AUTHORITY = const(0)
OPERATOR = const(1)
WALLET = const(2)
POLICY = const(3)
EPOCH = const(4)
REQUEST = const(5)
PAYMENT = const(6)
RECEIPT = const(7)
VOID = const(8)
STATEMENT = const(9)
SETTLEMENT = const(10)
# 11 is not used.
ROTATION = const(12)
CLEARING = const(13)
TERMS = const(14)
HOLDERS_KEY = const(15)
HOLDER = const(16)
OPENING = const(17)
CHANNEL = const(18)

ID_LENGTH = const(8)

# The signer hash of a self-signed certificate (the authority's).
SELF = bytes(HASH_LENGTH)


class SigningKey:
    """A key pair of a suite, made from its seed. The seed never leaves the object.

    public: the public key if known, which saves computing it.
    """

    def __init__(self, seed: bytes, public: "bytes | None" = None, suite: Suite = EDDSA) -> None:
        self._seed = seed
        self.suite = suite
        self.public = suite.public(seed) if public is None else public

    def sign(self, message: bytes) -> bytes:
        """Return the signature of `message`."""
        return self.suite.sign(self._seed, self.public, message)


class Signed:
    """A parsed COSE_Sign1 object. Its signature counts only after `verify`.

    raw: the encoding as received; signer: hash of the signer's certificate; body: the decoded
    payload; hash: SHA-256 of the Sig_structure.
    """

    def __init__(
        self,
        raw: bytes,
        suite: Suite,
        signer: bytes,
        body: "Any",
        structure: bytes,
        signature: bytes,
    ) -> None:
        self.raw = raw
        self._suite = suite
        self.signer = signer
        self.body = body
        self.hash = sha256(structure)
        self._structure = structure
        self._signature = signature

    def verify(self, public: bytes, signer: bytes) -> None:
        """Check that the object names `signer` (a certificate hash) and that `public` signed it.

        Raises Refused(WRONG_SIGNER) or Refused(BAD_SIGNATURE).
        """
        if self.signer != signer:
            raise Refused(WRONG_SIGNER)
        if not self._suite.verify(public, self._structure, self._signature):
            raise Refused(BAD_SIGNATURE)


def sign(
    kind: int,
    body: object,
    key: SigningKey,
    signer: bytes,
    network: int,
    shape: "type[AnySigned]" = Signed,  # type: ignore[assignment]
) -> "AnySigned":
    """Sign `body` as an object of `kind`, naming the certificate with hash `signer`.

    shape: the class of the result, which reads the fields of its kind.
    """
    suite = key.suite
    protected = suite.header + signer
    payload = dumps(body)
    structure = _structure(protected, payload, kind, network)
    signature = key.sign(structure)
    raw = dumps([protected, {}, payload, signature])
    return shape(raw, suite, signer, body, structure, signature)


def parse(
    kind: int,
    raw: bytes,
    network: int,
    shape: "type[AnySigned]" = Signed,  # type: ignore[assignment]
) -> "AnySigned":
    """Parse an object of `kind` without checking its signature; `shape` checks its body.

    Raises Refused(MALFORMED) for anything other than the encoding that `sign` produces.
    """
    suite, protected, payload, signature = _open(raw)
    structure = _structure(protected, payload, kind, network)
    signer = protected[HEADER_LENGTH:]
    return shape(bytes(raw), suite, signer, decode(payload), structure, signature)


def body_of(raw: bytes) -> "Any":
    """Decode the payload of an object of any kind. Raises Refused(MALFORMED)."""
    return decode(_open(raw)[2])


def _open(raw: bytes) -> "tuple[Suite, bytes, bytes, bytes]":
    """Split a signed object into suite, protected header, payload and signature."""
    outer = decode(raw)
    expect(outer, (BYTES, MAP, BYTES, BYTES))
    protected, unprotected, payload, signature = outer
    suite = suite_of(protected)
    if unprotected or len(signature) != suite.signature_length:
        raise Refused(MALFORMED)
    return suite, protected, payload, signature


def _structure(protected: bytes, payload: bytes, kind: int, network: int) -> bytes:
    external_aad = dumps(["jiaozi", VERSION, network, kind])
    return dumps(["Signature1", protected, external_aad, payload])


def decode(raw: bytes) -> "Any":
    """Decode one deterministically encoded item; raises Refused(MALFORMED) for anything else."""
    try:
        return loads(raw)
    except ValueError:
        raise Refused(MALFORMED) from None


# Field types of `expect`; a positive number means a byte string of that length.
UINT = const(0)
BYTES = const(-1)
LIST = const(-2)
TEXT = const(-3)
MAP = const(-4)
OPTIONAL_BYTES = const(-5)

_LARGEST = const(0x3FFFFFFF)
_TYPES = {BYTES: bytes, LIST: list, TEXT: str, MAP: dict}


def expect(body: "Any", fields: "tuple[int, ...]") -> None:
    """Check that `body` is an array whose items have the types of `fields`.

    Unsigned numbers are at most 2**30 - 1 (10.7 million yuan in fen), a small integer on every
    target.
    Raises Refused(MALFORMED).
    """
    if type(body) is not list or len(body) != len(fields):
        raise Refused(MALFORMED)
    for value, field in zip(body, fields):
        if field == UINT:
            good = type(value) is int and 0 <= value <= _LARGEST
        elif field > 0:
            good = type(value) is bytes and len(value) == field
        elif field == OPTIONAL_BYTES:
            good = value is None or type(value) is bytes
        else:
            good = type(value) is _TYPES[field]
        if not good:
            raise Refused(MALFORMED)
