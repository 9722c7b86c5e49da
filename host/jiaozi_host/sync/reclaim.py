"""Reclaim of expired purses: the operator that funded a purse takes its money back at sync."""

from __future__ import annotations

from jiaozi.wallet import payee
from jiaozi.wire.certificates import Certificate
from jiaozi.wire.errors import Refused
from jiaozi.wire.messages import read_request
from jiaozi.wire.terms import read_terms
from jiaozi_host.errors import WalletRefused
from jiaozi_host.ledger import tables
from jiaozi_host.ledger.account import Account
from jiaozi_host.wallet import WalletClient

# The wallet returns payments pending to the account before the one requested.
_MOST_PENDING = 32


def expired(account: Account, purses: list[tables.Purse]) -> list[tables.Purse]:
    """Return the purses funded by this account's operator whose terms have expired."""
    found = []
    for purse in purses:
        terms = read_terms(purse.terms, account.network)
        if terms.is_funder(account.me) and terms.expiry < account.epoch.number:
            found.append(purse)
    return found


def reclaim(
    client: WalletClient, account: Account, wallet: Certificate, number: int, amount: int
) -> bool:
    """Request a purse's money from a wallet; return True once it is paid to the account.

    number, amount: of the purse. A payment broken off is in the wallet's journal, and the next sync
    finishes or refunds it. Raises WalletRefused and Refused.
    """
    raw = account.apply(payee.request(account, amount, purse=number))
    request = read_request(raw, account.network)
    try:
        for _ in range(_MOST_PENDING):
            payment, other = client.pay(account.me.raw, request.raw)
            client.resolve(account.receive(wallet.raw, payment, other))
            if other is None:
                return True
    finally:
        if request.hash in account.open:
            account.apply(payee.cancel(account, request.hash))
        account.post()
    return False


def reclaim_all(
    client: WalletClient, account: Account, wallet: Certificate, purses: list[tables.Purse]
) -> tuple[int, list[str]]:
    """Reclaim every expired purse; return the amount, and a line for each the wallet refused."""
    total, refused = 0, []
    for purse in expired(account, purses):
        try:
            if reclaim(client, account, wallet, purse.number, purse.stated):
                total += purse.stated
        except (WalletRefused, Refused) as refusal:
            refused.append(f"purse {purse.number}: {refusal}")
    return total, refused
