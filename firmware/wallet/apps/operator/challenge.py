"""CHALLENGE: draw the nonce that opens a session and that a settlement must name."""

from _jzcrypto import random
from jiaozi.sync import NONCE_LENGTH
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Answer a fresh nonce; a session that was open is closed."""
    device.session.operator = False
    device.session.nonce = random(NONCE_LENGTH)
    return device.session.nonce
