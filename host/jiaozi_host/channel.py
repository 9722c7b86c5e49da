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
class Speaker:
    """Who a host is in a channel, and the key that proves it."""

    party: Party
    key: SigningKey

    def known_to(self, wallet: Certificate | None) -> bool:
        """Whether the wallet (None: a blank device) lets this speaker in."""
        certificate = self.party.certificate
        return certificate is None or wallet is None or certificate.issuer == wallet.issuer


def nobody() -> Speaker:
    """A host that speaks for no operator: a key made for one channel."""
    key = SigningKey(random(_SECRET_LENGTH))
    return Speaker(channel.bare(key.public), key)


def certified(
    expiry: int, operator_key: SigningKey, operator: Certificate, network: int
) -> Speaker:
    """A host of the operator, by a key made for it and certified until the epoch `expiry`."""
    key = SigningKey(random(_SECRET_LENGTH))
    certificate = channel.certify(key.public, expiry, operator_key, operator, network)
    return Speaker(channel.certified(certificate), key)


def agree(
    speaker: Speaker,
    wallet: Certificate | None,
    network: int,
    exchange: Callable[[bytes], bytes],
    confirm: Callable[[bytes], object],
) -> Channel:
    """Agree on a channel: `exchange` carries message_1 and returns message_2, `confirm` message_3.

    wallet: the verified certificate of the wallet there, or None where a blank device is expected,
    of which nothing can be verified. Raises BadAnswer when the other side is not it, and what the
    functions raise.
    """

    def believe(named: Any) -> Party:
        return channel.read_wallet(named, wallet, network)

    host = Initiator(SUITE_4, random(_SECRET_LENGTH), channel.HOST)
    answer = exchange(host.message_1)
    try:
        message_3 = host.finish(answer, believe, speaker.party, speaker.key)
    except Refused as refusal:
        raise BadAnswer(f"the wallet does not prove who it is ({refusal})") from refusal
    confirm(message_3)
    return Channel(host, channel.COMMANDS, channel.ANSWERS)
