"""DISARM: clear the armed operation."""

from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Clear the armed operation and cancel every open request."""
    device.disarm()
    return b""
