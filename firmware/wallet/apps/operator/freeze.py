"""FREEZE: the operator has found that what this wallet has signed does not add up."""

from jiaozi.wallet.store_keys import FROZEN_KEY
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Begin nothing new any more; what is under way is still finished, told and read."""
    device.store.commit({FROZEN_KEY: b"\1"})
    device.reload()
    device.intent = None
    device.home()
    return b""
