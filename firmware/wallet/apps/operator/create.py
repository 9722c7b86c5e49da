"""CREATE: make this device's key. Asked again before INSTALL, it answers the same key."""

from _jzcrypto import random
from jiaozi.book import SEED_KEY
from jiaozi.commands import BLANK, READY
from jiaozi.errors import ALREADY_PROVISIONED, Refused
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Answer the public key; the seed never leaves the store."""
    if device.status >= READY:
        raise Refused(ALREADY_PROVISIONED)
    if device.status == BLANK:
        device.store.commit({SEED_KEY: random(32)})
    return device.public
