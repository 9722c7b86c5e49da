"""Access to one of the operator's own wallets: select and verify it, set its PIN."""

from __future__ import annotations

from jiaozi.wire.certificates import Certificate
from jiaozi.wire.commands import FROZEN, READY
from jiaozi.wire.errors import Refused
from jiaozi_host.errors import BadAnswer, HostError, WalletRefused
from jiaozi_host.links import Link
from jiaozi_host.vault import Operator
from jiaozi_host.wallet import WalletClient
from jiaozi_host.wallet_answers import Selected


def select(client: WalletClient, operator: Operator) -> Selected:
    """Select a wallet and return its answer.

    If it has heard of a newer epoch than this host, the host takes the epoch first, so that neither
    the rules it hands over nor its channel key are behind the wallet. Raises BadAnswer for an epoch
    that is not the authority's.
    """
    hello = client.select()
    if hello.epoch > operator.published.epoch.number:
        try:
            operator.take_epoch(client.epoch())
        except Refused as refusal:
            raise BadAnswer(f"the wallet's epoch does not verify ({refusal})") from refusal
        client.identify(operator.channel_identity())
    return hello


def select_own(client: WalletClient, operator: Operator) -> Certificate:
    """Select a wallet and return its certificate, issued by this operator.

    Raises WalletRefused for a device that is no working wallet, BadAnswer when the
    certificate does not verify, HostError for another operator's wallet.
    """
    hello = select(client, operator)
    if hello.status not in (READY, FROZEN) or hello.certificate is None:
        raise WalletRefused(hello.obstacle)
    try:
        wallet = operator.published.trust.wallet(hello.certificate)
    except Refused as refusal:
        raise BadAnswer(f"the wallet's certificate does not verify ({refusal})") from refusal
    if wallet.issuer != operator.certificate.hash:
        raise HostError(
            "another operator issued this wallet; nothing was changed",
            "take it to that operator, or check --home",
        )
    return wallet


def set_pin(link: Link, operator: Operator, pin: str) -> bytes:
    """Set a new PIN, also on a wallet whose PIN is blocked; return the wallet's id."""
    client = WalletClient(link, operator.published.trust, operator.channel_identity())
    wallet = select_own(client, operator)
    client.unblock(pin)
    return bytes(wallet.id)
