"""Cryptography on CPython, over the `cryptography` package; on a device the C module of the same
name (libsodium) takes its place. All lengths are in bytes; a wrong length raises ValueError.
"""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hmac import HMAC


def ed25519_public(seed: bytes) -> bytes:
    """The 32-byte public key of a 32-byte seed (RFC 8032)."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def ed25519_sign(seed: bytes, public: bytes, message: bytes) -> bytes:
    """The 64-byte signature of `message`; `public` belongs to `seed`."""
    if len(public) != 32:
        raise ValueError("a public key has 32 bytes")
    return Ed25519PrivateKey.from_private_bytes(seed).sign(bytes(message))


def ed25519_verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes) is that of `message` by `public`."""
    if len(public) != 32 or len(signature) != 64:
        raise ValueError("a public key has 32 bytes, a signature 64")
    try:
        Ed25519PublicKey.from_public_bytes(bytes(public)).verify(bytes(signature), bytes(message))
    except (InvalidSignature, ValueError):
        return False
    return True


def x25519_public(secret: bytes) -> bytes:
    """The 32-byte public key of a 32-byte secret (RFC 7748)."""
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def x25519(secret: bytes, public: bytes) -> bytes:
    """The 32-byte shared secret. Raises ValueError when it is all zero."""
    key = X25519PrivateKey.from_private_bytes(secret)
    return key.exchange(X25519PublicKey.from_public_bytes(bytes(public)))


def sha256(data: bytes) -> bytes:
    """SHA-256 (32 bytes)."""
    return hashlib.sha256(data).digest()


def sha512(data: bytes) -> bytes:
    """SHA-512 (64 bytes)."""
    return hashlib.sha512(data).digest()


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """HMAC with SHA-256 (RFC 2104; 32 bytes); a key of any length."""
    code = HMAC(key, hashes.SHA256())
    code.update(data)
    return code.finalize()


def aead_seal(key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
    """ChaCha20-Poly1305 (RFC 8439): ciphertext and 16-byte tag; key 32, nonce 12 bytes."""
    return ChaCha20Poly1305(key).encrypt(nonce, plaintext, aad)


def aead_open(key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> bytes:
    """Undo `aead_seal`. Raises ValueError for a forgery."""
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, sealed, aad)
    except InvalidTag:
        raise ValueError("forged") from None


def equal(a: bytes, b: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(a, b)


def random(length: int) -> bytes:
    """Bytes from the operating system's generator."""
    return os.urandom(length)
