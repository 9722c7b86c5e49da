"""Every key of the store of a wallet, in one table (`wallet.storage` on a device)."""

from micropython import const

# Keys in the store.
SEED_KEY = const(0x10)
AUTHORITY_KEY = const(0x11)
OPERATORS_KEY = const(0x12)
CERTIFICATE_KEY = const(0x13)
POLICY_KEY = const(0x14)
EPOCH_KEY = const(0x15)
STATE_KEY = const(0x16)
NETWORK_KEY = const(0x17)
CHANNEL_KEY = const(0x18)
FROZEN_KEY = const(0x19)
NEXT_SEED_KEY = const(0x1A)
OPEN_KEY = const(0x100)
JOURNAL_KEY = const(0x10000)


def open_key(number: int) -> int:
    """Where the open request of a number is kept."""
    return OPEN_KEY + number % 256
