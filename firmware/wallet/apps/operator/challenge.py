"""CHALLENGE: draw the nonce for a settlement."""

from _jzcrypto import random
from jiaozi.wire.statements import NONCE_LENGTH
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Return a fresh nonce; it replaces an earlier one."""
    device.session.nonce = random(NONCE_LENGTH)
    return device.session.nonce
