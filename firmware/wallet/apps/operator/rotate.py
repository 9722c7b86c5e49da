"""ROTATE: switch to the next key and the id that the operator issued for it."""

from jiaozi.wallet.rotate import rotate
from jiaozi.wallet.store_keys import NEXT_SEED_KEY
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Take the rotation; the last record committed makes the switch."""
    done = False
    while not done:
        changes, done = rotate(device.book, data, device.store.get(NEXT_SEED_KEY))
        device.store.commit(changes)
        device.reload()
    device.intent = None
    device.home()
    return b""
