"""RESOLVE: a receipt or a void for a payment this wallet made."""

from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Take the payee's answer; nothing is answered."""
    device.resolve(data)
    return b""
