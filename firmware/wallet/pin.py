"""The owner's PIN: tries are counted down before a constant-time comparison.

Two keys in the store: a salted hash, which is one of the secrets that a device seals, and the
number of tries left. A power cut between the two commits of `verify` costs a try and never gains
one.
"""

from _jzcrypto import equal, random, sha256
from jiaozi.wallet.store_keys import PIN_KEY, PIN_TRIES_KEY
from jiaozi.wire.commands import PIN_TRIES
from jiaozi.wire.errors import MALFORMED, PIN_BLOCKED, PIN_WRONG, Refused
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from jiaozi.wallet.book import Store

_SALT_LENGTH = const(16)
_SHORTEST = const(4)
_LONGEST = const(12)


class Pin:
    """The PIN in `store`."""

    def __init__(self, store: "Store") -> None:
        self._store = store

    def changes(self, pin: bytes) -> dict:
        """Return the store changes that set a PIN of 4 to 12 digits. Raises Refused(MALFORMED)."""
        if type(pin) is not bytes or not _SHORTEST <= len(pin) <= _LONGEST or not pin.isdigit():
            raise Refused(MALFORMED)
        salt = random(_SALT_LENGTH)
        return {PIN_KEY: salt + sha256(salt + pin), PIN_TRIES_KEY: bytes([PIN_TRIES])}

    def tries(self) -> int:
        """Return the number of tries left."""
        stored = self._store.get(PIN_TRIES_KEY)
        return PIN_TRIES if stored is None else stored[0]

    def verify(self, pin: bytes) -> None:
        """Compare `pin`.

        Raises Refused: PIN_BLOCKED, or PIN_WRONG with the tries left in the last digit.
        """
        left = self.tries()
        if left == 0:
            raise Refused(PIN_BLOCKED)
        left -= 1
        self._store.commit({PIN_TRIES_KEY: bytes([left])})
        stored = self._store.get(PIN_KEY) or b""
        salt = stored[:_SALT_LENGTH]
        if not equal(sha256(salt + pin), stored[_SALT_LENGTH:]):
            raise Refused(PIN_WRONG + left)
        self._store.commit({PIN_TRIES_KEY: bytes([PIN_TRIES])})
