"""CHANGE: the owner replaces the PIN."""

from jiaozi.wire.cose import BYTES, decode, expect
from wallet.device import Device
from wallet.gesture import allow_try


def run(device: Device, data: bytes) -> bytes:
    """Take `[old PIN, new PIN]`."""
    body = decode(data)
    expect(body, (BYTES, BYTES))
    changes = device.pin.changes(body[1])
    allow_try(device)
    try:
        device.pin.verify(body[0])
        device.store.commit(changes)
    finally:
        device.home()
    return b""
