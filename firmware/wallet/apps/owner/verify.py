"""VERIFY: the owner gives the PIN."""

from wallet.device import Device
from wallet.gesture import allow_try


def run(device: Device, data: bytes) -> bytes:
    """Take the PIN's digits; owner's commands are allowed until the channel closes."""
    device.session.owner = False
    allow_try(device)
    try:
        device.pin.verify(data)
    finally:
        device.home()
    device.session.owner = True
    return b""
