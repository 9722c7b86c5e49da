"""DISARM: the next tap does nothing by itself any more."""

from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Forget what was armed and cancel every open request."""
    device.disarm()
    return b""
