"""INSTALL: turn a device that has a key into a wallet: certificate, rules and PIN."""

from jiaozi.wallet.install import install
from jiaozi.wire.commands import READY
from jiaozi.wire.cose import BYTES, decode, expect
from jiaozi.wire.errors import ALREADY_PROVISIONED, SESSION_NEEDED, Refused
from wallet.device import Device
from wallet.version import note


def run(device: Device, data: bytes) -> bytes:
    """Take `[package, PIN]` from the issuer of the certificate in it; commit all in one record."""
    if device.status >= READY:
        raise Refused(ALREADY_PROVISIONED)
    installer = device.session.installer
    if installer is None:
        raise Refused(SESSION_NEEDED)
    body = decode(data)
    expect(body, (BYTES, BYTES))
    changes = install(body[0], device.public, installer.raw)
    changes.update(device.pin.changes(body[1]))
    changes.update(note())
    device.store.commit(changes)
    device.reload()
    device.home()
    return b""
