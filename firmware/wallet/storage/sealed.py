"""Secrets at rest: a store whose secret values are sealed under the device key.

A secret (a key of `jiaozi.wallet.store_keys` from FIRST_SECRET to below SECRETS_END) is stored as

    nonce (12 bytes), ciphertext, tag (16 bytes)        ChaCha20-Poly1305 (RFC 8439)

with a label and the store's key as associated data: a value that is moved to another key, or to
another device, does not open. All other values are stored as they are.

The nonce is random. A counter would have to be kept in the store, and whoever puts an older image
of the store back would make the wallet use a nonce twice. Random nonces stay distinct whatever the
store holds: a device seals a few values a year, and among 2**32 of them two nonces are equal with
a probability of 2**-33.

An older value of the same key opens: an older store is found at the next sync, not here.
"""

from _jzcrypto import aead_open, aead_seal, random
from jiaozi.wallet.store_keys import FIRST_SECRET, SECRETS_END
from micropython import const
from wallet.storage.errors import SecretDamaged

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from jiaozi.wallet.book import Store

_NONCE_LENGTH = const(12)
_LABEL = b"jiaozi secret "


class Sealed:
    """A store (`jiaozi.wallet.book.Store`) over `store`; `key`: the device key, 32 bytes."""

    def __init__(self, store: "Store", key: bytes) -> None:
        self._store = store
        self._key = key
        self._get = store.get
        self.keys = store.keys
        self.holds = store.holds

    def get(self, key: int) -> "bytes | None":
        """Return the value of a key, None if there is none. Raises SecretDamaged."""
        value = self._get(key)
        if value is None or not FIRST_SECRET <= key < SECRETS_END:
            return value
        nonce, sealed = value[:_NONCE_LENGTH], value[_NONCE_LENGTH:]
        try:
            return aead_open(self._key, nonce, _bound_to(key), sealed)
        except ValueError:
            raise SecretDamaged(key) from None

    def commit(self, changes: "dict[int, bytes | None]") -> None:
        """Write all changes in one record or none, secrets sealed; None deletes."""
        sealed = changes
        for key, value in changes.items():
            if value is not None and FIRST_SECRET <= key < SECRETS_END:
                if sealed is changes:
                    sealed = changes.copy()
                sealed[key] = self._seal(key, value)
        self._store.commit(sealed)

    def _seal(self, key: int, value: bytes) -> bytes:
        nonce = random(_NONCE_LENGTH)
        return nonce + aead_seal(self._key, nonce, _bound_to(key), value)


def _bound_to(key: int) -> bytes:
    """Return the associated data of a secret."""
    return _LABEL + bytes([key])
