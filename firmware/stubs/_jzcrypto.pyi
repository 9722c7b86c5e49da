"""Cryptography of the device: libsodium's Ed25519, X25519, ChaCha20-Poly1305, SHA-2 and HMAC.

Arguments may be any buffer. Lengths are in bytes; a wrong one raises ValueError.
"""

def ed25519_public(seed: bytes) -> bytes:
    """The 32-byte public key of a 32-byte seed (RFC 8032, 5.1.5)."""

def ed25519_sign(seed: bytes, public: bytes, message: bytes) -> bytes:
    """The 64-byte signature of `message` (RFC 8032, 5.1.6).

    public: must be the key of `seed`; a signature made with another one reveals the seed.
    """

def ed25519_verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """True if `signature` (64 bytes) of `message` is valid under `public` (RFC 8032, 5.1.7).

    Keys of small order and non-canonical encodings are refused.
    """

def x25519_public(secret: bytes) -> bytes:
    """The 32-byte public key of a 32-byte secret (RFC 7748, 6.1)."""

def x25519(secret: bytes, public: bytes) -> bytes:
    """The 32-byte shared secret. Raises ValueError if it is all zero (RFC 7748, 6.1)."""

def sha256(data: bytes) -> bytes:
    """SHA-256 (32 bytes)."""

def sha512(data: bytes) -> bytes:
    """SHA-512 (64 bytes)."""

def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """HMAC with SHA-256 (RFC 2104; 32 bytes); a key of any length."""

def aead_seal(key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
    """Ciphertext and 16-byte tag of ChaCha20-Poly1305 (RFC 8439, 2.8); key 32, nonce 12 bytes."""

def aead_open(key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> bytes:
    """Decrypt the result of `aead_seal`. Raises ValueError if the tag is wrong."""

def equal(a: bytes, b: bytes) -> bool:
    """True if two buffers are equal; the time depends on their lengths only."""

def random(length: int) -> bytes:
    """Return at most 1024 bytes of the hardware generator. Does not return if it is exhausted."""
