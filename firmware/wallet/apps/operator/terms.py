"""TERMS: set what the money of a purse may be spent on, before the purse is funded."""

from jiaozi.wallet.purposes import adopt
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Take the signed terms of a purse; the same terms again change nothing."""
    step = adopt(device.book, data)
    return b"" if step is None else device.book.apply(step)
