"""Cryptography on CPython; a device has a C module of the same name.

Both are libsodium, so that host and device give the same verdict on every signature. All lengths
are in bytes; a wrong length raises ValueError.
"""

import hashlib
import hmac
import os

from nacl import bindings
from nacl.exceptions import BadSignatureError, CryptoError

_KEY_LENGTH = 32
_NONCE_LENGTH = 12
_SIGNATURE_LENGTH = 64


def _exactly(data: bytes, length: int) -> bytes:
    if len(data) != length:
        raise ValueError(f"wrong length: {len(data)}, not {length}")
    return bytes(data)


def ed25519_public(seed: bytes) -> bytes:
    """The 32-byte public key of a 32-byte seed (RFC 8032)."""
    return bindings.crypto_sign_seed_keypair(_exactly(seed, _KEY_LENGTH))[0]


def ed25519_sign(seed: bytes, public: bytes, message: bytes) -> bytes:
    """The 64-byte signature of `message`; `public` belongs to `seed`."""
    secret = _exactly(seed, _KEY_LENGTH) + _exactly(public, _KEY_LENGTH)
    return bindings.crypto_sign(bytes(message), secret)[:_SIGNATURE_LENGTH]


def ed25519_verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """True if `signature` (64 bytes) of `message` is valid under `public` (32 bytes)."""
    signed = _exactly(signature, _SIGNATURE_LENGTH) + bytes(message)
    try:
        bindings.crypto_sign_open(signed, _exactly(public, _KEY_LENGTH))
    except BadSignatureError:
        return False
    return True


def x25519_public(secret: bytes) -> bytes:
    """The 32-byte public key of a 32-byte secret (RFC 7748)."""
    return bindings.crypto_scalarmult_base(_exactly(secret, _KEY_LENGTH))


def x25519(secret: bytes, public: bytes) -> bytes:
    """The 32-byte shared secret. Raises ValueError if it is all zero."""
    try:
        return bindings.crypto_scalarmult(
            _exactly(secret, _KEY_LENGTH), _exactly(public, _KEY_LENGTH)
        )
    except (CryptoError, RuntimeError):
        raise ValueError("shared secret is zero") from None


def sha256(data: bytes) -> bytes:
    """SHA-256 (32 bytes)."""
    return hashlib.sha256(data).digest()


def sha512(data: bytes) -> bytes:
    """SHA-512 (64 bytes)."""
    return hashlib.sha512(data).digest()


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """HMAC with SHA-256 (RFC 2104; 32 bytes); a key of any length."""
    return hmac.digest(key, data, "sha256")


def aead_seal(key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
    """ChaCha20-Poly1305 (RFC 8439): ciphertext and 16-byte tag; key 32, nonce 12 bytes."""
    return bindings.crypto_aead_chacha20poly1305_ietf_encrypt(
        bytes(plaintext), bytes(aad), _exactly(nonce, _NONCE_LENGTH), _exactly(key, _KEY_LENGTH)
    )


def aead_open(key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> bytes:
    """Decrypt the result of `aead_seal`. Raises ValueError if the tag is wrong."""
    key, nonce = _exactly(key, _KEY_LENGTH), _exactly(nonce, _NONCE_LENGTH)
    try:
        return bindings.crypto_aead_chacha20poly1305_ietf_decrypt(
            bytes(sealed), bytes(aad), nonce, key
        )
    except CryptoError:
        raise ValueError("forged") from None


def equal(a: bytes, b: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(a, b)


def random(length: int) -> bytes:
    """Bytes from the operating system's generator."""
    return os.urandom(length)
