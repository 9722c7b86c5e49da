"""CONFIRM: the host authenticates itself; the commands that follow are encrypted."""

from jiaozi.wire.channel import ANSWERS, COMMANDS, Channel
from jiaozi.wire.errors import CHANNEL_NEEDED, Refused
from wallet.channel import peer_verifier
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Take EDHOC's message_3; the first encrypted response confirms it (RFC 9528, 5.5)."""
    session = device.session
    handshake = session.handshake
    session.close()
    if handshake is None:
        raise Refused(CHANNEL_NEEDED)
    handshake.finish(data, peer_verifier(device))
    session.channel = Channel(handshake, ANSWERS, COMMANDS)
    session.installer = handshake.peer.certificate
    session.operator = device.provisioned and session.installer is not None
    return b""
