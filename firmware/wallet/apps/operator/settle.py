"""SETTLE: the operator acknowledges the journal; offline counters start anew."""

from jiaozi.errors import SESSION_NEEDED, Refused
from jiaozi.sync import settle
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Take a settlement for the nonce drawn last, which serves once."""
    nonce = device.session.nonce
    if nonce is None:
        raise Refused(SESSION_NEEDED)
    changes = settle(device.book, data, nonce)
    device.session.nonce = None
    device.store.commit(changes)
    device.reload()
    device.home()
    return b""
