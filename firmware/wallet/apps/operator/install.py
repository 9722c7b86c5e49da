"""INSTALL: certificate, rules and PIN make a wallet of a device that has a key."""

from jiaozi.commands import READY
from jiaozi.cose import BYTES, decode, expect
from jiaozi.errors import ALREADY_PROVISIONED, Refused
from jiaozi.install import install
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Take `[package, PIN]`; everything is committed in one record."""
    if device.status == READY:
        raise Refused(ALREADY_PROVISIONED)
    body = decode(data)
    expect(body, (BYTES, BYTES))
    changes = install(body[0], device.public)
    changes.update(device.pin.changes(body[1]))
    device.store.commit(changes)
    device.reload()
    device.home()
    return b""
