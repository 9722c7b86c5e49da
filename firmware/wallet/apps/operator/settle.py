"""SETTLE: the operator acknowledges the journal; offline counters are reset."""

from jiaozi.wallet.settle import forget, settle
from jiaozi.wire.errors import SESSION_NEEDED, Refused
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Take a settlement for the last nonce drawn, which is valid once."""
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
