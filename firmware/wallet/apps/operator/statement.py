"""STATEMENT: sign the wallet's balance and the head of its journal."""

from jiaozi.wallet.settle import statement
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Take the operator's nonce; return the statement."""
    return statement(device.book, data)
