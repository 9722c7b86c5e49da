"""The firmware's number, and the memory of the highest that has run in this wallet."""

from jiaozi.wallet.store_keys import NETWORK_KEY
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from jiaozi.wallet.book import Store

# Rises with every release that mends what a wallet must not go back behind.
FIRMWARE = const(1)

_FIRMWARE_KEY = const(0x22)
_LENGTH = const(4)


def note() -> "dict[int, bytes | None]":
    """The store changes that note that this firmware keeps a wallet."""
    return {_FIRMWARE_KEY: FIRMWARE.to_bytes(_LENGTH, "little")}


def is_outdated(store: "Store") -> bool:
    """Whether a newer firmware than this has kept the wallet; else note that this one does."""
    kept = store.get(_FIRMWARE_KEY)
    newest = 0 if kept is None else int.from_bytes(kept, "little")
    if newest < FIRMWARE and store.get(NETWORK_KEY) is not None:
        store.commit(note())
    return newest > FIRMWARE
