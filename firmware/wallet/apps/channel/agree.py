"""AGREE: a host asks for an encrypted channel; the wallet authenticates itself."""

from _jzcrypto import random
from jiaozi.wire.channel import WALLET
from jiaozi.wire.edhoc import SUITE_4, Responder
from wallet.channel import identity
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Take EDHOC's message_1; return message_2. An open channel is closed."""
    device.session.close()
    me, key = identity(device)
    device.session.handshake = Responder(SUITE_4, random(32), WALLET, data, me, key)
    return device.session.handshake.message_2
