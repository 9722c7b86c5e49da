"""Key files: PKCS#8 (RFC 5958) in PEM, encrypted with a passphrase, mode 0600."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from nacl.bindings import crypto_core_ed25519_is_valid_point

from jiaozi.wire.cose import SigningKey
from jiaozi.wire.suites import EDDSA
from jiaozi_host.errors import VaultError
from jiaozi_host.vault import files

SHORTEST_PASSPHRASE = 12
"""In characters. PKCS#8 as written here runs only 2,048 rounds of PBKDF2 over a passphrase."""

PrivateKey = Ed25519PrivateKey | X25519PrivateKey

_HEADER = b"ENCRYPTED PRIVATE KEY"


def create(path: Path, passphrase: str | None) -> tuple[bytes, SigningKey]:
    """Create a signing key and write it to a new file; return seed and key.

    passphrase: None leaves the file unencrypted, only for tests and demos.
    Raises VaultError when the file exists or the passphrase is too short.
    """
    seed = os.urandom(32)
    write(path, Ed25519PrivateKey.from_private_bytes(seed), passphrase)
    return seed, SigningKey(seed)


def write(path: Path, key: PrivateKey, passphrase: str | None) -> None:
    """Write a key to a file that must not exist yet. Raises VaultError."""
    check_passphrase(passphrase)
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        encryption = serialization.BestAvailableEncryption(passphrase.encode())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
    files.write_new(path, pem, secret=True)


def check_public(public: bytes) -> None:
    """Raise VaultError unless a public key is a point of the prime-order group of Ed25519.

    Call it before certifying a key: under a point of small order anybody can sign.
    """
    if len(public) != EDDSA.key_length or not crypto_core_ed25519_is_valid_point(public):
        raise VaultError(
            f"{public.hex() or 'an empty string'} is not a valid Ed25519 public key;"
            " nothing was certified",
            "use a key that its owner's device or host has made",
        )


def check_passphrase(passphrase: str | None) -> None:
    """Raise VaultError if a passphrase is too short."""
    if passphrase is not None and len(passphrase) < SHORTEST_PASSPHRASE:
        raise VaultError(
            f"the passphrase is shorter than {SHORTEST_PASSPHRASE} characters; no key was written",
            "choose a longer one",
        )


def is_encrypted(path: Path) -> bool:
    """True if the key file exists and is encrypted."""
    return path.exists() and _HEADER in path.read_bytes()


def load(path: Path, passphrase: str | None, remedy: str) -> tuple[bytes, SigningKey]:
    """Read a signing key; return seed and key. Raises VaultError; remedy: for a missing file."""
    key = read(path, passphrase, remedy)
    if not isinstance(key, Ed25519PrivateKey):
        raise VaultError(f"{path} is not an Ed25519 key", "restore the file from its backup")
    seed = key.private_bytes_raw()
    return seed, SigningKey(seed)


def read(path: Path, passphrase: str | None, remedy: str) -> object:
    """Read a private key of any kind. Raises VaultError; remedy: for a missing file."""
    pem = files.read(path, f"key {path.name}", remedy)
    encrypted = _HEADER in pem
    if encrypted and passphrase is None:
        raise VaultError(f"{path} needs a passphrase", "enter it, or set JIAOZI_PASSPHRASE")
    secret = passphrase.encode() if encrypted and passphrase is not None else None
    try:
        return serialization.load_pem_private_key(pem, secret)
    except ValueError:
        raise VaultError(f"{path} cannot be decrypted", "check the passphrase") from None
