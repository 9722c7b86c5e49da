"""Signature suites: algorithm ids, encodings, lengths and functions, in one table (RFC 9053).

The protected header of a signed object names its suite, the cnf claim of a certificate the suite of
its key. The table has one row. Another suite (ES256, SM2) is another row with a header of the same
length; no codec changes.
"""

from _jzcbor import dumps, loads
from _jzcrypto import ed25519_public, ed25519_sign, ed25519_verify
from jiaozi.wire.errors import MALFORMED, Refused
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# SHA-256, in every suite.
HASH_LENGTH = const(32)

# Lengths of the encoded protected header `{1: alg, 4: signer}`, without and with the signer's hash.
HEADER_LENGTH = const(6)
PROTECTED_LENGTH = const(38)


class Suite:
    """One row of the table.

    header: see HEADER_LENGTH; cose_key: the cnf claim as encoded, up to the public key; key_length,
    signature_length: bytes; public(seed) -> public key; sign(seed, public, message) -> signature;
    verify(public, message, signature) -> bool; check_key(public) raises Refused(MALFORMED) for a
    key under which others can sign.
    """

    def __init__(
        self,
        algorithm: int,
        cose_key: bytes,
        lengths: "tuple[int, int]",
        functions: "tuple[Callable, Callable, Callable, Callable]",
    ) -> None:
        self.header = b"\xa2\x01" + dumps(algorithm) + b"\x04\x58\x20"
        self.cose_key = cose_key
        self.key_length, self.signature_length = lengths
        self.public, self.sign, self.verify, self.check_key = functions

    def confirmation(self, public: bytes) -> "Any":
        """Return the cnf claim of a public key (RFC 8747, 3.2), not yet encoded."""
        return loads(self.cose_key + public)


# y of the canonical points whose order divides 8, little-endian: 0, 1, -1 and the two of order 8.
_SMALL_ORDER = (
    bytes(32),
    b"\x01" + bytes(31),
    b"\xec" + b"\xff" * 30 + b"\x7f",
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
)
_LARGEST_Y = b"\xff" * 30 + b"\x7f"


def _check_ed25519(public: bytes) -> None:
    """Refuse a y of the field's modulus or more, and points of small order (RFC 8032, 5.1.3)."""
    y = public[:31] + bytes((public[31] & 0x7F,))
    if y in _SMALL_ORDER or (y[0] >= 0xED and y[1:] == _LARGEST_Y):
        raise Refused(MALFORMED)


EDDSA = Suite(
    -8,  # COSE algorithm id
    # {1: {1: 1 (OKP), -1: 6 (Ed25519), -2: x}} (RFC 9053, 7.2), the value of claim cnf.
    b"\xa1\x01\xa3\x01\x01\x20\x06\x21\x58\x20",
    (32, 64),
    (ed25519_public, ed25519_sign, ed25519_verify, _check_ed25519),
)
SUITES = (EDDSA,)


def suite_of(protected: bytes) -> Suite:
    """Return the suite that a protected header names. Raises Refused(MALFORMED)."""
    if len(protected) == PROTECTED_LENGTH:
        for suite in SUITES:
            if protected.startswith(suite.header):
                return suite
    raise Refused(MALFORMED)


def read_key(confirmation: bytes) -> "tuple[Suite, bytes]":
    """Return suite and public key of an encoded cnf claim. Raises Refused(MALFORMED)."""
    for suite in SUITES:
        public = confirmation[len(suite.cose_key) :]
        if confirmation.startswith(suite.cose_key) and len(public) == suite.key_length:
            suite.check_key(public)
            return suite, public
    raise Refused(MALFORMED)
