"""Deliveries due: payments, receipts and refunds that a wallet gets at its next sync."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, or_, select

from jiaozi.wire import certificates
from jiaozi.wire.certificates import Certificate
from jiaozi.wire.cose import WALLET
from jiaozi.wire.journal import REFUNDED, RESOLVED
from jiaozi_host.ledger import tables
from jiaozi_host.ledger.ledger import Ledger

GRACE = 30
"""Epochs after the end of a payee's certificate before a payment to it is put on hold."""

_RESOLUTIONS = (RESOLVED, REFUNDED)


def outcomes_due(ledger: Ledger, wallet: Certificate) -> list[tables.Payment]:
    """Return payments by this wallet with an outcome that its journal does not show yet."""
    resolved = select(tables.Entry.payment_hash).where(
        tables.Entry.wallet == wallet.id, tables.Entry.kind.in_(_RESOLUTIONS)
    )
    return _payments(
        ledger,
        tables.Payment.payer == wallet.hash,
        tables.Payment.debits > 0,
        tables.Payment.outcome.is_not(None),
        tables.Payment.hash.not_in(resolved),
    )


def payments_due(ledger: Ledger, wallet: Certificate) -> list[tables.Payment]:
    """Return payments to this wallet that have no known outcome."""
    return _payments(
        ledger,
        tables.Payment.payee == wallet.hash,
        or_(tables.Payment.debits > 0, tables.Payment.forwarded),
        tables.Payment.outcome.is_(None),
        tables.Payment.closed.is_(False),
    )


def refunds_due(ledger: Ledger, wallet: Certificate) -> list[tables.Payment]:
    """Return payments by this wallet that are never credited, and that it has no void for.

    The payee's complete journal lacks the payment for good, or the wallet refuses the payee's void.
    """
    return _payments(
        ledger,
        tables.Payment.payer == wallet.hash,
        tables.Payment.debits > 0,
        tables.Payment.refunds == 0,
        or_(
            and_(tables.Payment.outcome.is_(None), tables.Payment.closed.is_(True)),
            and_(tables.Payment.refused.is_(True), tables.Payment.received.is_(False)),
        ),
    )


def hold_overdue(ledger: Ledger, epoch: int, network: int) -> None:
    """Put payments on hold whose payees' certificates ended more than GRACE epochs ago.

    A lost wallet cannot be told from a late one, and a late one may still credit or void by its
    own old epoch. So money on hold is paid to nobody until the payee's journal shows where it
    went.
    """
    row, wallet = tables.Payment, tables.Wallet
    ours = select(row, wallet.certificate).join(wallet, wallet.hash == row.payee)
    waiting = ours.where(row.held.is_(False), row.debits > 0, row.credits == 0, row.refunds == 0)
    with ledger.transaction() as session:
        for payment, certificate in session.execute(waiting):
            payee = certificates.read(WALLET, certificate, network)
            payment.held = payee.expiry + GRACE < epoch


def _payments(ledger: Ledger, *conditions: Any) -> list[tables.Payment]:
    with ledger.transaction() as session:
        wanted = select(tables.Payment).where(*conditions)
        return list(session.scalars(wanted.order_by(tables.Payment.sequence)))
