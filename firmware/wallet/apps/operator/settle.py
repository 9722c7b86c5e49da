"""SETTLE: the operator acknowledges the journal; offline counters start anew."""

from jiaozi.wallet.settle import forget, settle
from jiaozi.wire.errors import SESSION_NEEDED, Refused
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Take a settlement for the nonce drawn last, which serves once."""
    nonce = device.session.nonce
    if nonce is None:
        raise Refused(SESSION_NEEDED)
    acknowledged = device.book.state.position
    changes = settle(device.book, data, nonce)
    device.session.nonce = None
    while changes:
        device.store.commit(changes)
        device.reload()
        changes = forget(device.book, acknowledged)
    device.home()
    return b""
