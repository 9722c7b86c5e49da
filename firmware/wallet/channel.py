"""The wallet's side of an encrypted channel: its key, and which peers it accepts."""

from _jzcrypto import random
from jiaozi.wallet.store_keys import CHANNEL_KEY
from jiaozi.wire.certificates import read
from jiaozi.wire.channel import bare, certified, certify, check, read_party
from jiaozi.wire.cose import CHANNEL, TEST, SigningKey
from jiaozi.wire.errors import EXPIRED, Refused
from micropython import const
from wallet.device import Device

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from jiaozi.wire.channel import Party

_SEED_LENGTH = const(32)


def identity(device: Device) -> "tuple[Party, SigningKey]":
    """Return the wallet's party in a channel and the key that proves it.

    A device without a wallet takes a fresh key each time. A wallet makes a key once and certifies
    it; it makes a new one when the wallet's own certificate has changed.
    """
    if not device.provisioned:
        key = SigningKey(random(_SEED_LENGTH))
        return bare(key.public), key
    book = device.book
    kept = device.store.get(CHANNEL_KEY)
    if kept is not None:
        certificate = read(CHANNEL, kept[_SEED_LENGTH:], book.network)
        if certificate.issuer == book.me.hash:
            return certified(certificate), SigningKey(kept[:_SEED_LENGTH], certificate.public)
    seed = random(_SEED_LENGTH)
    key = SigningKey(seed)
    certificate = certify(key.public, book.me.expiry, book.key, book.me, book.network)
    device.store.commit({CHANNEL_KEY: seed + certificate.raw})
    return certified(certificate), key


def peer_verifier(device: Device) -> "Callable[[Any], Party]":
    """Return the function that authenticates the channel's peer: a bare key, or the operator.

    A device without a wallet knows no operator: it accepts any certificate, and INSTALL then must
    match it. The function raises Refused (MALFORMED, WRONG_SIGNER, BAD_SIGNATURE, EXPIRED).
    """

    def verify(named: "Any") -> "Party":
        if not device.provisioned:
            return read_party(named, TEST)
        party = read_party(named, device.book.network)
        if party.certificate is not None:
            check(party.certificate, device.book.operator)
            if party.certificate.expiry < device.book.epoch.number:
                raise Refused(EXPIRED)
        return party

    return verify
