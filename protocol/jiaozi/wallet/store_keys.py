"""Every key of the store of a wallet, in one table (`wallet.storage` on a device)."""

from micropython import const

# Keys in the store.
PIN_TRIES_KEY = const(0x10)
AUTHORITY_KEY = const(0x11)
OPERATORS_KEY = const(0x12)
CERTIFICATE_KEY = const(0x13)
POLICY_KEY = const(0x14)
EPOCH_KEY = const(0x15)
STATE_KEY = const(0x16)
NETWORK_KEY = const(0x17)
FIRMWARE_KEY = const(0x18)
FROZEN_KEY = const(0x19)

# Secrets: keys from FIRST_SECRET to below SECRETS_END, whose values a device seals
# (`wallet.storage.sealed`). No other value may lie there, and no secret elsewhere.
FIRST_SECRET = const(0x20)
SEED_KEY = const(0x20)
NEXT_SEED_KEY = const(0x21)
CHANNEL_KEY = const(0x22)
PIN_KEY = const(0x23)
SECRETS_END = const(0x24)

OPEN_KEY = const(0x100)
JOURNAL_KEY = const(0x10000)


def open_key(number: int) -> int:
    """Where the open request of a number is kept."""
    return OPEN_KEY + number % 256
