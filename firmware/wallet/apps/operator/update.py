"""UPDATE: adopt newer operators, policy and epoch."""

from jiaozi.wallet.install import update
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Take `[[operator], policy, epoch]`; leave an epoch older than the one in force."""
    book = device.book
    book.update(update(book, data))
    return b""
