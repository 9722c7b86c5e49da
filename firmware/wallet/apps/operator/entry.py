"""ENTRY: read one entry of the journal, as it was chained."""

from jiaozi.wire.cose import UINT, decode, expect
from jiaozi.wire.errors import NOT_FOUND, Refused
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Take a position; return the entry."""
    position = decode(data)
    expect([position], (UINT,))
    entry = device.book.entry(position)
    if entry is None:
        raise Refused(NOT_FOUND)
    return entry
