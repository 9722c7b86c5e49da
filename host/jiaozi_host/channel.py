"""The host's side of an encrypted channel with a wallet (protocol/spec/11-channel.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from _jzcrypto import random
from jiaozi.wire import channel
from jiaozi.wire.certificates import Certificate
from jiaozi.wire.channel import Channel, Party
from jiaozi.wire.cose import SigningKey
from jiaozi.wire.edhoc import SUITE_4, Initiator
from jiaozi.wire.errors import Refused
from jiaozi_host.errors import BadAnswer

_SECRET_LENGTH = 32


@dataclass(frozen=True)
class ChannelIdentity:
    """The host's identity in a channel, and the private key that proves it."""

    party: Party
    key: SigningKey

    def accepted_by(self, wallet: Certificate | None) -> bool:
        """True if the wallet accepts this identity; None, a blank device, accepts any."""
        certificate = self.party.certificate
        return certificate is None or wallet is None or certificate.issuer == wallet.issuer


def anonymous() -> ChannelIdentity:
    """Return the identity of a host without an operator: a fresh key for one channel."""
    key = SigningKey(random(_SECRET_LENGTH))
    return ChannelIdentity(channel.bare(key.public), key)


def certified(
    expiry: int, operator_key: SigningKey, operator: Certificate, network: int
) -> ChannelIdentity:
    """Return an operator's identity: a fresh key that it certifies until the epoch `expiry`."""
    key = SigningKey(random(_SECRET_LENGTH))
    certificate = channel.certify(key.public, expiry, operator_key, operator, network)
    return ChannelIdentity(channel.certified(certificate), key)


def agree(
    identity: ChannelIdentity,
    wallet: Certificate | None,
    network: int,
    exchange: Callable[[bytes], bytes],
    confirm: Callable[[bytes], object],
) -> Channel:
    """Run the EDHOC handshake as initiator and return the channel.

    wallet: the expected wallet's verified certificate, None for a blank device, which is not
    authenticated. exchange: sends message_1 and returns message_2; confirm: sends message_3.
    Raises BadAnswer when the peer fails to authenticate, and what the two functions raise.
    """

    def verify_peer(named: Any) -> Party:
        return channel.read_wallet(named, wallet, network)

    host = Initiator(SUITE_4, random(_SECRET_LENGTH), channel.HOST)
    answer = exchange(host.message_1)
    try:
        message_3 = host.finish(answer, verify_peer, identity.party, identity.key)
    except Refused as refusal:
        raise BadAnswer(f"the wallet does not prove its identity ({refusal})") from refusal
    confirm(message_3)
    return Channel(host, channel.COMMANDS, channel.ANSWERS)
