"""What somebody finds in a memory chip who knows the wallet's code and has no other secret."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from _jzcrypto import ed25519_public
from jiaozi.wire.errors import Refused
from tests.sweep.flows.oracle import ImageNvm, Store
from wallet.pin import Pin

SALT_LENGTH = 16
KEY_LENGTH = 32


def pieces(image: bytes, length: int) -> Iterator[bytes]:
    """Yield every run of so many bytes that was programmed, at whatever offset, once."""
    found = {image[at : at + length] for at in range(len(image) - length)}
    yield from (piece for piece in found if len(set(piece)) > length // 4)


def has_verifier(image: bytes, pin: bytes) -> bool:
    """True if a salted hash of the PIN lies anywhere in the image."""
    return any(hashlib.sha256(salt + pin).digest() in image for salt in pieces(image, SALT_LENGTH))


def pins_that_open(image: bytes, digits: int = 4) -> list[bytes]:
    """Try every PIN of so many digits on a copy of the store."""
    store = Store.mount(ImageNvm(image))
    copy = {key: store.get(key) for key in store.keys()}  # noqa: SIM118  (not a dict)
    return [
        pin
        for pin in (b"%0*d" % (digits, number) for number in range(10**digits))
        if _opens(dict(copy), pin)
    ]


class _Copy:
    def __init__(self, values: dict[int, bytes]) -> None:
        self.get = values.get
        self.commit = values.update


def _opens(values: dict[int, bytes], pin: bytes) -> bool:
    guess = Pin(_Copy(values))
    values.update({key: tries for key, tries in guess.changes(pin).items() if len(tries) == 1})
    try:
        guess.verify(pin)
    except Refused:
        return False
    return True


def signing_keys(image: bytes) -> list[bytes]:
    """Return the runs of 32 bytes whose public keys lie in the image too."""
    return [seed for seed in pieces(image, KEY_LENGTH) if ed25519_public(seed) in image]
