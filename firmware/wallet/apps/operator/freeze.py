"""FREEZE: the operator freezes a wallet whose signed records do not add up."""

from jiaozi.wallet.store_keys import FROZEN_KEY
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Refuse new payments and requests; pending ones may complete."""
    device.store.commit({FROZEN_KEY: b"\1"})
    device.reload()
    device.intent = None
    device.home()
    return b""
