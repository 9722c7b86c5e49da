"""SELECT: who this wallet is and what it asks for. A hint, until signatures are checked."""

from _jzcbor import dumps
from jiaozi.wire.cose import VERSION
from wallet.device import Device, Session


def run(device: Device, data: bytes) -> bytes:
    """Begin a session; answer `[version, status, epoch number, certificate, request]`."""
    device.session = Session()
    device.session.selected = True
    if not device.provisioned:
        return dumps([VERSION, device.status, 0, None, None])
    book = device.book
    request = device.request()
    return dumps(
        [
            VERSION,
            device.status,
            book.epoch.number,
            book.me.raw,
            None if request is None else request.raw,
        ]
    )
