"""Signed objects: COSE_Sign1 (RFC 9052), EdDSA (RFC 9053), deterministic CBOR (RFC 8949, 4.2).

On the wire an object is the untagged array `[protected, {}, payload, signature]`:

- protected: `{1: -8, 4: signer}`, EdDSA and the hash of the signer's certificate, nothing else;
- payload: the CBOR body of the object, a byte string;
- signature: over `Sig_structure = ["Signature1", protected, external_aad, payload]`, where
  `external_aad = ["jiaozi", version, network, kind]`, so that nothing signed as one kind, or for
  another network, reads as another.

An object's hash is SHA-256 of its Sig_structure: two encodings of a signature do not make two
objects.
"""

from _jzcbor import dumps, loads
from _jzcrypto import ed25519_public, ed25519_sign, ed25519_verify, sha256
from jiaozi.wire.errors import BAD_SIGNATURE, MALFORMED, WRONG_SIGNER, Refused
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import TypeVar

    AnySigned = TypeVar("AnySigned", bound="Signed", default="Signed")

VERSION = const(1)

# Networks: value of one can never be spent on the other.
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
# 11 was a session, opened by signing a nonce; the channel has taken its place.
ROTATION = const(12)
CLEARING = const(13)
TERMS = const(14)
HOLDERS_KEY = const(15)
HOLDER = const(16)
OPENING = const(17)
CHANNEL = const(18)

HASH_LENGTH = const(32)
ID_LENGTH = const(8)

# The signer hash of an object that is its own signer's certificate (the authority's).
SELF = bytes(HASH_LENGTH)

# The protected header `{1: -8, 4: signer}` as it is encoded, up to the signer's 32 bytes.
_HEADER = b"\xa2\x01\x27\x04\x58\x20"
_HEADER_LENGTH = const(38)


class SigningKey:
    """An Ed25519 key pair made from a 32-byte seed. The seed never leaves the object.

    `public` may be given where it is known, to save computing it.
    """

    def __init__(self, seed: bytes, public: "bytes | None" = None) -> None:
        self._seed = seed
        self.public = ed25519_public(seed) if public is None else public

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of `message`."""
        return ed25519_sign(self._seed, self.public, message)


class Signed:
    """A parsed COSE_Sign1 object. Its signature counts only after `verify`.

    raw: the encoding as received; signer: hash of the signer's certificate; body: the decoded
    payload;
    hash: SHA-256 of the Sig_structure.
    """

    def __init__(
        self, raw: bytes, signer: bytes, body: "Any", structure: bytes, signature: bytes
    ) -> None:
        self.raw = raw
        self.signer = signer
        self.body = body
        self.hash = sha256(structure)
        self._structure = structure
        self._signature = signature

    def verify(self, public: bytes, signer: bytes) -> None:
        """Check that `signer` (a certificate hash) is named and that its key `public` signed.

        Raises Refused(WRONG_SIGNER) or Refused(BAD_SIGNATURE).
        """
        if self.signer != signer:
            raise Refused(WRONG_SIGNER)
        if not ed25519_verify(public, self._structure, self._signature):
            raise Refused(BAD_SIGNATURE)


def sign(
    kind: int,
    body: object,
    key: SigningKey,
    signer: bytes,
    network: int,
    shape: "type[AnySigned]" = Signed,  # type: ignore[assignment]
) -> "AnySigned":
    """Sign `body` as an object of `kind` in the name of the certificate with hash `signer`.

    `shape` is the class of the result, one that reads the fields of its kind.
    """
    protected = _HEADER + signer
    payload = dumps(body)
    structure = _structure(protected, payload, kind, network)
    signature = key.sign(structure)
    raw = dumps([protected, {}, payload, signature])
    return shape(raw, signer, body, structure, signature)


def parse(
    kind: int,
    raw: bytes,
    network: int,
    shape: "type[AnySigned]" = Signed,  # type: ignore[assignment]
) -> "AnySigned":
    """Parse an object of `kind`; its signature is not checked yet, its body only by `shape`.

    Raises Refused(MALFORMED) for anything that is not exactly the encoding `sign` makes.
    """
    outer = decode(raw)
    expect(outer, (BYTES, MAP, BYTES, 64))
    protected, unprotected, payload, signature = outer
    if unprotected or len(protected) != _HEADER_LENGTH or not protected.startswith(_HEADER):
        raise Refused(MALFORMED)
    signer = protected[len(_HEADER) :]
    structure = _structure(protected, payload, kind, network)
    return shape(bytes(raw), signer, decode(payload), structure, signature)


def _structure(protected: bytes, payload: bytes, kind: int, network: int) -> bytes:
    external_aad = dumps(["jiaozi", VERSION, network, kind])
    return dumps(["Signature1", protected, external_aad, payload])


def decode(raw: bytes) -> "Any":
    """Decode one deterministically encoded item; raises Refused(MALFORMED) for anything else."""
    try:
        return loads(raw)
    except ValueError:
        raise Refused(MALFORMED) from None


# What `expect` takes beside a positive number, which stands for a byte string of that length.
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

    Unsigned numbers end at 2**30 - 1 (10.7 million yuan in fen), a small integer on every target.
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
