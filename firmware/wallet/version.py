"""The firmware's number, and the highest number that has run in this wallet."""

from jiaozi.wallet.store_keys import FIRMWARE_KEY, NETWORK_KEY
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from jiaozi.wallet.book import Store

# Raised by every release that a wallet must not be downgraded below.
FIRMWARE = const(1)

_LENGTH = const(4)


def note() -> "dict[int, bytes | None]":
    """Return the store changes that record this firmware's number."""
    return {FIRMWARE_KEY: FIRMWARE.to_bytes(_LENGTH, "little")}


def is_outdated(store: "Store") -> bool:
    """True if newer firmware has run in this wallet; else record this firmware's number."""
    kept = store.get(FIRMWARE_KEY)
    newest = 0 if kept is None else int.from_bytes(kept, "little")
    if newest < FIRMWARE and store.get(NETWORK_KEY) is not None:
        store.commit(note())
    return newest > FIRMWARE
