"""EPOCH: freshness passes from wallet to wallet, after the outcome of a tap."""

from jiaozi.wire.errors import BUSY, Refused
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Without data answer the epoch in force; else adopt a newer one, between transactions."""
    if not data:
        return device.book.epoch.raw
    if device.session.paying or device.consent.asking:
        raise Refused(BUSY)
    device.adopt_epoch(data)
    return b""
