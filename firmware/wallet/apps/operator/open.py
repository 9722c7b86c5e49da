"""OPEN: the operator proves that it is there, now."""

from jiaozi.errors import SESSION_NEEDED, Refused
from jiaozi.sync import check_session
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Take the operator's signature over the nonce drawn last."""
    nonce = device.session.nonce
    if nonce is None:
        raise Refused(SESSION_NEEDED)
    check_session(device.book, data, nonce)
    device.session.operator = True
    return b""
