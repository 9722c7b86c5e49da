"""CREATE: make this device's key. Repeated before INSTALL, it returns the same key."""

from _jzcrypto import random
from jiaozi.wallet.store_keys import SEED_KEY
from jiaozi.wire.commands import BLANK, READY
from jiaozi.wire.errors import ALREADY_PROVISIONED, Refused
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Return the public key; the seed never leaves the store."""
    if device.status >= READY:
        raise Refused(ALREADY_PROVISIONED)
    if device.status == BLANK:
        device.store.commit({SEED_KEY: random(32)})
    return device.public
