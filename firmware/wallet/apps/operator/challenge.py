"""CHALLENGE: draw the nonce that a settlement must name."""

from _jzcrypto import random
from jiaozi.wire.statements import NONCE_LENGTH
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Answer a fresh nonce; the one drawn before counts no more."""
    device.session.nonce = random(NONCE_LENGTH)
    return device.session.nonce
