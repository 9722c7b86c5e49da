"""UNBLOCK: the operator sets a new PIN."""

from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Take the new PIN's digits; reset the number of tries."""
    device.store.commit(device.pin.changes(data))
    device.home()
    return b""
