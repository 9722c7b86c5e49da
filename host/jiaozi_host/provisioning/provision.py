"""Provisioning: a key made on the device, a certificate for it, rules and a first PIN."""

from __future__ import annotations

from dataclasses import dataclass

from jiaozi.wire import certificates
from jiaozi.wire.commands import READY
from jiaozi.wire.cose import WALLET
from jiaozi.wire.errors import ALREADY_PROVISIONED, Refused
from jiaozi.wire.policies import read_policy
from jiaozi_host.errors import BadAnswer, HostError, WalletRefused
from jiaozi_host.ledger import Ledger, tables
from jiaozi_host.links import Link
from jiaozi_host.vault import Operator
from jiaozi_host.wallet import WalletClient


@dataclass(frozen=True)
class Provisioned:
    """A wallet that is ready. resumed: whether an earlier, torn attempt was only finished."""

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
    """Make a wallet of the device on the reader.

    pin: 4 to 12 digits; form, tier and category (ISO 18245, 0 for none) go into its certificate,
    which is in the ledger before the device sees it. A device that was given a certificate before,
    and may or may not have taken it, gets the same again.
    Raises WalletRefused(ALREADY_PROVISIONED) for what is a wallet already, BadAnswer when its
    answers contradict each other, HostError for firmware older than the policy's, and what links
    raise.
    """
    client = WalletClient(link, operator.published.trust, operator.speaker())
    hello = client.select()
    if hello.status >= READY:
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
    client.install(operator.package(certificate), pin)
    if client.select().certificate != certificate.raw:
        raise BadAnswer("the wallet shows another certificate than it was given")
    ledger.installed(certificate.id)
    return Provisioned(certificate.id, certificate.form, certificate.tier, known is not None)


def _check_firmware(client: WalletClient, operator: Operator, tier: int) -> None:
    """Make no wallet of a device that its own policy would keep from paying."""
    told = client.info().firmware
    least = read_policy(operator.policy(tier), operator.network).firmware
    if told < least:
        raise HostError(
            f"the device's firmware is number {told}, the policy wants {least}",
            "bring the device's firmware up to date first",
        )


def _finish(raw: bytes, operator: Operator, ledger: Ledger) -> Provisioned:
    """A device that took its certificate when the host could not hear it say so."""
    try:
        certificate = certificates.read(WALLET, raw, operator.network)
    except Refused:
        raise BadAnswer("the wallet shows a certificate that cannot be read") from None
    known = ledger.wallet_of_key(certificate.public)
    if known is None or known.certificate != raw or known.status != tables.ISSUED:
        raise WalletRefused(ALREADY_PROVISIONED)
    ledger.installed(known.id)
    return Provisioned(certificate.id, certificate.form, certificate.tier, True)
