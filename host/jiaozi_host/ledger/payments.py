"""Rows of payments, and the sums that the ledger makes of journals."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jiaozi.wire.certificates import ACCOUNT, Certificate
from jiaozi.wire.journal import VOIDED
from jiaozi.wire.messages import Payment, Request
from jiaozi_host.ledger import tables


def payment_row(
    payment: Payment, request: Request, payer: Certificate, payee: Certificate, ours: bytes
) -> tables.Payment:
    """Make the row of a payment nothing has been posted for.

    ours: hash of this operator's certificate.
    """
    outgoing = payer.issuer == ours
    other = payee.issuer if outgoing else payer.issuer
    return tables.Payment(
        hash=payment.hash,
        request_hash=request.hash,
        payer=payer.hash,
        payee=payee.hash,
        payer_id=payer.id,
        payee_id=payee.id,
        payer_certificate=payer.raw,
        payee_certificate=payee.raw,
        sequence=payment.sequence,
        amount=payment.amount,
        request_number=request.number,
        raw=payment.raw,
        request=request.raw,
        closed=False,
        refused=False,
        debits=0,
        credits=0,
        refunds=0,
        operator=None if other == ours else other,
        outgoing=outgoing,
        forwarded=False,
        sent=0,
        netted=0,
    )


def registered(session: Session, certificate: Certificate) -> tables.Wallet | None:
    """Return the row of the wallet with this very certificate, or None."""
    table = tables.Wallet
    return session.scalar(select(table).where(table.hash == certificate.hash))


def is_closed(session: Session, payee: Certificate, request: Request, payment: Payment) -> bool:
    """True if the payee's posted journal shows that the payment is never credited.

    It has passed the request, or it answers the payment with a void that does not verify.
    """
    row, table = registered(session, payee), tables.Entry
    if row is None:
        return False
    voided = select(table.position).where(
        table.wallet == row.id, table.kind == VOIDED, table.payment_hash == payment.hash
    )
    return request.number < row.floor or session.scalar(voided.limit(1)) is not None


def conflicting_payment(session: Session, payment: tables.Payment) -> tables.Payment | None:
    """Return another payment with the same payer and sequence number: a double spend."""
    return session.scalar(
        select(tables.Payment).where(
            tables.Payment.payer == payment.payer,
            tables.Payment.sequence == payment.sequence,
            tables.Payment.hash != payment.hash,
        )
    )


def journal_balance(session: Session, row: tables.Wallet) -> int:
    """Return a wallet's balance by its posted journal, without what moved to its next id.

    The balance of the operator's account includes what the authority issued to it.
    """
    total = select(func.coalesce(func.sum(tables.Entry.delta), 0))
    balance = int(session.scalar(total.where(tables.Entry.wallet == row.id)) or 0) - row.moved
    if row.form == ACCOUNT:
        balance += issued(session)
    return balance


def issued(session: Session) -> int:
    """Return the value issued by the authority, without what it redeemed."""
    return int(session.scalar(select(func.coalesce(func.sum(tables.Issuance.amount), 0))) or 0)
