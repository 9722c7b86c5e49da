"""CONFIRM: the host proves who it is; what comes next is encrypted."""

from jiaozi.wire.channel import ANSWERS, COMMANDS, Channel
from jiaozi.wire.errors import CHANNEL_NEEDED, Refused
from wallet.channel import believer
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Take EDHOC's message_3; the first protected answer confirms to the host (RFC 9528, 5.5)."""
    session = device.session
    handshake = session.handshake
    session.close()
    if handshake is None:
        raise Refused(CHANNEL_NEEDED)
    handshake.finish(data, believer(device))
    session.channel = Channel(handshake, ANSWERS, COMMANDS)
    session.installer = handshake.peer.certificate
    session.operator = device.provisioned and session.installer is not None
    return b""
