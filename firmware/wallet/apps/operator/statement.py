"""STATEMENT: what this wallet holds and how far its journal goes, signed."""

from jiaozi.wallet.settle import statement
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Take the asker's nonce; answer the statement."""
    return statement(device.book, data)
