"""EDHOC (RFC 9528): authenticated key exchange.

Method 0 (both sides sign), messages 1 to 3. Not supported: message_4 (the first protected answer
confirms instead, 5.5), external authorization data (refused), negotiation of suites (there is one),
and error messages (the transport carries a status word). A message is a CBOR sequence (RFC 8742).
The codec decodes single items only, so a sequence is decoded as the array of the same items, which
is one byte longer.

The caller supplies the ephemeral secret; an `Initiator` or `Responder` serves one run.
"""

from _jzcbor import dumps
from _jzcrypto import (
    aead_open,
    aead_seal,
    ed25519_verify,
    hmac_sha256,
    sha256,
    x25519,
    x25519_public,
)
from jiaozi.wire.cose import BYTES, MAP, decode
from jiaozi.wire.cose import expect as expect_fields
from jiaozi.wire.errors import BAD_SIGNATURE, CHANNEL_BROKEN, MALFORMED, Refused
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from jiaozi.wire.cose import SigningKey

    Cipher = Callable[[bytes, bytes, bytes, bytes], bytes]
    """(key, nonce, additional data, text) -> text; opening raises ValueError for a forgery."""

    PeerVerifier = Callable[[Any], "Credential"]
    """Takes a decoded ID_CRED; returns the credential it stands for, or raises Refused."""

_METHOD = const(0)
_HASH = const(32)
_KEY = const(32)

# Labels of EDHOC_KDF (RFC 9528, table 6).
_KEYSTREAM_2 = const(0)
_MAC_2 = const(2)
_K_3 = const(3)
_IV_3 = const(4)
_MAC_3 = const(6)
_PRK_OUT = const(7)
_PRK_EXPORTER = const(10)


class Suite:
    """A cipher suite with SHA-256, X25519, EdDSA and any AEAD (RFC 9528, 3.6).

    number: as registered; key, nonce: lengths in bytes; seal, open: the AEAD's functions.
    """

    def __init__(self, number: int, key: int, nonce: int, seal: "Cipher", open: "Cipher") -> None:
        self.number = number
        self.key = key
        self.nonce = nonce
        self.seal = seal
        self.open = open


SUITE_4 = Suite(4, 32, 12, aead_seal, aead_open)
"""ChaCha20/Poly1305: the suite that wallets speak."""


class Credential:
    """A side's credential (RFC 9528, 3.5): ID_CRED and CRED, both encoded, and its Ed25519 key."""

    def __init__(self, id_cred: bytes, cred: bytes, public: bytes) -> None:
        self.id_cred = id_cred
        self.cred = cred
        self.public = public


# HKDF (RFC 5869) and EDHOC_KDF --------------------------------------------------------------------


def extract(salt: bytes, secret: bytes) -> bytes:
    """HKDF-Extract with SHA-256."""
    return hmac_sha256(salt, secret)


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand with SHA-256; at most 255 blocks of 32 bytes."""
    if length > 255 * _HASH:
        raise ValueError("too long")
    made = block = b""
    count = 0
    while len(made) < length:
        count += 1
        block = hmac_sha256(key, block + info + bytes((count,)))
        made += block
    return made[:length]


def kdf(key: bytes, label: int, context: bytes, length: int) -> bytes:
    """EDHOC_KDF (RFC 9528, 4.1.2)."""
    return expand(key, sequence(label, context, length), length)


def sequence(*items: "Any") -> bytes:
    """Encode at most 23 items as a CBOR sequence."""
    return dumps(items)[1:]


def split(raw: bytes, count: int) -> "list[Any]":
    """Decode a CBOR sequence of `count` items (at most 23). Raises Refused(MALFORMED)."""
    return decode(bytes((0x80 | count,)) + bytes(raw))


# Common to both sides -----------------------------------------------------------------------------


def transcript_2(public: bytes, message_1: bytes) -> bytes:
    """Compute TH_2 (RFC 9528, 5.3.2); public: the responder's ephemeral key G_Y."""
    return sha256(sequence(public, sha256(message_1)))


def transcript_next(previous: bytes, plaintext: bytes, cred: bytes) -> bytes:
    """Compute TH_3 or TH_4 (RFC 9528, 5.4.2) from TH_2 or TH_3, a plaintext and its sender."""
    return sha256(sequence(previous) + plaintext + cred)


class _Session:
    """State of one run, on either side.

    peer: the verified credential of the other side, as `verify_peer` returned it.
    """

    def __init__(self, suite: Suite, secret: bytes) -> None:
        self._suite = suite
        self._secret = secret
        self._prk = b""
        self._th = b""
        self._exporter = b""
        self.peer: Any = None

    def _derive_prk(self, public: bytes) -> None:
        """Compute PRK_2e; in method 0 it is also PRK_3e2m and PRK_4e3m (4.1.1)."""
        try:
            shared = x25519(self._secret, public)
        except ValueError:
            raise Refused(CHANNEL_BROKEN) from None
        self._prk = extract(self._th, shared)

    def _keystream(self, text: bytes) -> bytes:
        """Encrypt or decrypt PLAINTEXT_2 (5.3.2); message_3 authenticates it."""
        stream = kdf(self._prk, _KEYSTREAM_2, self._th, len(text))
        return bytes(a ^ b for a, b in zip(text, stream))

    def _sig_structure(self, label: int, prefix: bytes, who: Credential) -> bytes:
        """Encode the Sig_structure of Signature_or_MAC_2 or _3, which holds the MAC."""
        bound = sequence(self._th) + who.cred
        mac = kdf(self._prk, label, prefix + who.id_cred + bound, _HASH)
        return dumps(["Signature1", who.id_cred, bound, mac])

    def _verify(self, label: int, prefix: bytes, who: Credential, signature: bytes) -> None:
        if not ed25519_verify(who.public, self._sig_structure(label, prefix, who), signature):
            raise Refused(BAD_SIGNATURE)
        self.peer = who

    def _message_3_key(self) -> "tuple[bytes, bytes, bytes]":
        """Compute K_3, IV_3 and A_3 (5.4.2) from the transcript TH_3."""
        key = kdf(self._prk, _K_3, self._th, self._suite.key)
        nonce = kdf(self._prk, _IV_3, self._th, self._suite.nonce)
        return key, nonce, dumps(["Encrypt0", b"", self._th])

    def _finish(self, plaintext: bytes, cred: bytes) -> None:
        """Compute TH_4 and PRK_exporter (4.1.3, 4.2.1) and drop the secrets of the run."""
        th_4 = transcript_next(self._th, plaintext, cred)
        out = kdf(self._prk, _PRK_OUT, th_4, _HASH)
        self._exporter = kdf(out, _PRK_EXPORTER, b"", _HASH)
        self._secret = self._prk = b""

    def export(self, label: int, context: bytes, length: int) -> bytes:
        """EDHOC_Exporter (RFC 9528, 4.2.1). Raises Refused(CHANNEL_BROKEN) before `finish`."""
        if not self._exporter:
            raise Refused(CHANNEL_BROKEN)
        return kdf(self._exporter, label, context, length)


class Initiator(_Session):
    """The side that sends message_1."""

    def __init__(self, suite: Suite, secret: bytes, connection: "int | bytes") -> None:
        super().__init__(suite, secret)
        self.message_1 = sequence(_METHOD, suite.number, x25519_public(secret), connection)

    def finish(
        self, message_2: bytes, verify_peer: "PeerVerifier", me: Credential, key: "SigningKey"
    ) -> bytes:
        """Check message_2; return message_3, signed with `key` as `me`.

        verify_peer: authenticates the responder's ID_CRED and returns its credential.

        Raises Refused (MALFORMED, CHANNEL_BROKEN, BAD_SIGNATURE, and what `verify_peer` raises).
        """
        [data] = _fields(message_2, (BYTES,))
        public, hidden = data[:_KEY], data[_KEY:]
        if not hidden:
            raise Refused(MALFORMED)
        self._th = transcript_2(public, self.message_1)
        self._derive_prk(public)
        plaintext = self._keystream(hidden)
        connection, named, signature = split(plaintext, 3)
        _check_connection(connection)
        expect_fields([named, signature], (MAP, 64))
        peer = verify_peer(named)
        self._verify(_MAC_2, sequence(connection), peer, signature)
        self._th = transcript_next(self._th, plaintext, peer.cred)
        plaintext = me.id_cred + sequence(key.sign(self._sig_structure(_MAC_3, b"", me)))
        cipher_key, nonce, aad = self._message_3_key()
        sealed = self._suite.seal(cipher_key, nonce, aad, plaintext)
        self._finish(plaintext, me.cred)
        return sequence(sealed)


class Responder(_Session):
    """The side that answers with message_2."""

    def __init__(
        self,
        suite: Suite,
        secret: bytes,
        connection: "int | bytes",
        message_1: bytes,
        me: Credential,
        key: "SigningKey",
    ) -> None:
        """Read message_1 and sign message_2. Raises Refused (MALFORMED, CHANNEL_BROKEN).

        The initiator is not authenticated yet, so `me` is disclosed to any peer.
        """
        super().__init__(suite, secret)
        method, number, public, other = split(message_1, 4)
        _check_connection(other)
        expect_fields([method, number, public], (0, 0, _KEY))
        if method != _METHOD or number != suite.number:
            raise Refused(CHANNEL_BROKEN)
        own = x25519_public(secret)
        self._th = transcript_2(own, message_1)
        self._derive_prk(public)
        prefix = sequence(connection)
        signature = key.sign(self._sig_structure(_MAC_2, prefix, me))
        plaintext = prefix + me.id_cred + sequence(signature)
        self.message_2 = sequence(own + self._keystream(plaintext))
        self._th = transcript_next(self._th, plaintext, me.cred)

    def finish(self, message_3: bytes, verify_peer: "PeerVerifier") -> None:
        """Check message_3 and authenticate the initiator.

        verify_peer: authenticates the initiator's ID_CRED and returns its credential.

        Raises Refused (MALFORMED, CHANNEL_BROKEN, BAD_SIGNATURE, and what `verify_peer` raises).
        """
        [sealed] = _fields(message_3, (BYTES,))
        key, nonce, aad = self._message_3_key()
        try:
            plaintext = self._suite.open(key, nonce, aad, sealed)
        except ValueError:
            raise Refused(CHANNEL_BROKEN) from None
        named, signature = _fields(plaintext, (MAP, 64))
        peer = verify_peer(named)
        self._verify(_MAC_3, b"", peer, signature)
        self._finish(plaintext, peer.cred)


def _fields(raw: bytes, fields: "tuple[int, ...]") -> "list[Any]":
    items = split(raw, len(fields))
    expect_fields(items, fields)
    return items


def _check_connection(identifier: object) -> None:
    """Check a connection identifier (3.3.2): a byte string, or a number of one byte in CBOR."""
    if type(identifier) is int and -24 <= identifier <= 23:
        return
    if type(identifier) is not bytes:
        raise Refused(MALFORMED)
