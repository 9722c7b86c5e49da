"""Provisioning: the device makes a key; the operator installs certificate, rules and first PIN."""

from __future__ import annotations

from dataclasses import dataclass

from jiaozi.wire import certificates
from jiaozi.wire.commands import FROZEN, READY
from jiaozi.wire.cose import WALLET
from jiaozi.wire.errors import ALREADY_PROVISIONED, Refused
from jiaozi.wire.policies import read_policy
from jiaozi_host.errors import BadAnswer, HostError, WalletRefused
from jiaozi_host.ledger import tables
from jiaozi_host.ledger.ledger import Ledger
from jiaozi_host.links import Link
from jiaozi_host.vault import Operator
from jiaozi_host.wallet import WalletClient


@dataclass(frozen=True)
class Provisioned:
    """A provisioned wallet. resumed: True if an earlier attempt, broken off, was finished."""

    id: bytes
    form: int
    tier: int
    resumed: bool


def provision(
    link: Link,
    operator: Operator,
    ledger: Ledger,
    pin: str,
    form: int = certificates.CARD,
    tier: int = 3,
    category: int = 0,
) -> Provisioned:
    """Make the blank device on the reader a wallet. Safe to break off and repeat.

    pin: 4 to 12 digits; form: as in `jiaozi.wire.certificates`; tier: of the policy; category:
    merchant category (ISO 18245), 0 for none. The certificate is in the ledger before the device
    gets it, and a repeated call sends the same one.
    Raises WalletRefused(ALREADY_PROVISIONED) for a wallet, BadAnswer when its answers contradict
    each other, HostError for firmware older than the policy requires, and what links raise.
    """
    client = WalletClient(link, operator.published.trust, operator.channel_identity())
    hello = client.select()
    if hello.status in (READY, FROZEN):
        return _finish(hello.certificate or b"", operator, ledger)
    client.open_channel()
    _check_firmware(client, operator, tier)
    public = client.create()
    known = ledger.wallet_of_key(public)
    if known is not None:
        certificate = certificates.read(WALLET, known.certificate, operator.network)
    else:
        certificate = operator.certify(public, form, tier, category)
        ledger.register(certificate)
    ledger.add_policy(read_policy(operator.policy(tier), operator.network))
    client.install(operator.package(certificate), pin)
    if client.select().certificate != certificate.raw:
        raise BadAnswer("the wallet shows a certificate other than the one installed")
    ledger.mark_installed(certificate.id)
    return Provisioned(certificate.id, certificate.form, certificate.tier, known is not None)


def _check_firmware(client: WalletClient, operator: Operator, tier: int) -> None:
    """Refuse a device whose firmware is too old for its own policy."""
    firmware = client.info().firmware
    required = read_policy(operator.policy(tier), operator.network).firmware
    if firmware < required:
        raise HostError(
            f"the device has firmware {firmware}, its policy requires {required}; it is unchanged",
            "update the firmware, then run the command again",
        )


def _finish(raw: bytes, operator: Operator, ledger: Ledger) -> Provisioned:
    """Finish an attempt whose last answer was lost: the device has its certificate."""
    try:
        certificate = certificates.read(WALLET, raw, operator.network)
    except Refused:
        raise BadAnswer("the wallet shows a malformed certificate") from None
    known = ledger.wallet_of_key(certificate.public)
    if known is None or known.certificate != raw or known.status != tables.ISSUED:
        raise WalletRefused(ALREADY_PROVISIONED)
    ledger.mark_installed(known.id)
    return Provisioned(certificate.id, certificate.form, certificate.tier, True)
