"""UPDATE: newer operators, policy and epoch."""

from jiaozi.install import update
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Take `[[operator], policy, epoch]`, none of them older than what is in force."""
    device.store.commit(update(device.book, data))
    device.reload()
    return b""
