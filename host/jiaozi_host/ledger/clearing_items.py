"""Payments of an imported clearing file: checked against this ledger, posted and netted."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from jiaozi.operator import clearing, evidence
from jiaozi.operator.clearing import CREDITED, FORWARDED, Item
from jiaozi.wire.certificates import Certificate
from jiaozi.wire.trust import Trust
from jiaozi_host.ledger import findings, payments, proofs, tables


class ItemPoster:
    """Checks and posts the items of one file, within a database transaction.

    ours: hash of this operator's certificate.
    """

    def __init__(self, session: Session, ours: bytes, trust: Trust) -> None:
        self._session = session
        self._ours = ours
        self._trust = trust

    def dispute(self, item: Item) -> str:
        """Return how an item contradicts this ledger, "" if it does not."""
        row = self._session.get(tables.Payment, item.payment.hash)
        if row is None or item.kind == FORWARDED:
            return ""
        name = item.payment.hash.hex()[:16]
        if item.outcome is None:
            return f"payment {name} has an outcome and cannot be closed" if row.outcome else ""
        if row.outcome is not None and row.received != item.outcome.credited:
            kind = evidence.RECEIPT_AND_VOID
            pair = [row.outcome, item.outcome.raw]
            receipt, void = pair if row.received else pair[::-1]
            self._prove(kind, item.payee, receipt, void)
            return f"payment {name} has a receipt and a void"
        if item.kind == CREDITED and (row.closed or row.refunds):
            return f"payment {name} was closed and refunded here"
        return ""

    def post(self, item: Item) -> int:
        """Post one item; return the amount it clears, negative if we owe it."""
        row = self._session.get(tables.Payment, item.payment.hash)
        if row is None:
            parts = (item.payment, item.request, item.payer, item.payee)
            row = payments.payment_row(*parts, self._ours)
            self._session.add(row)
            self._session.flush()
            self._check_double_spend(row, item)
            self._check_registered(item)
        if item.kind == FORWARDED:
            row.forwarded = True
            if row.outcome is None:
                row.closed = payments.is_closed(
                    self._session, item.payee, item.request, item.payment
                )
        elif item.outcome is None:
            row.closed = True
        elif row.outcome is None:
            row.outcome, row.received = item.outcome.raw, item.outcome.credited
            row.outcome_position = item.outcome.position
        if item.kind != CREDITED or row.netted:
            return 0
        row.netted = -row.amount
        return int(row.netted)

    def _check_registered(self, item: Item) -> None:
        """Check that our wallet in an item is registered; if not, the fault is our own."""
        ours = item.payee if item.kind == FORWARDED else item.payer
        if payments.registered(self._session, ours) is None:
            accused = findings.operator_of(ours, self._trust)
            kind, detail = findings.UNREGISTERED, f"wallet {ours.id.hex()}"
            findings.store(self._session, accused, kind, ours.hash, [ours.raw], detail)

    def _check_double_spend(self, row: tables.Payment, item: Item) -> None:
        other = payments.conflicting_payment(self._session, row)
        if other is None:
            return
        pair = [other.raw, row.raw]
        kind, detail = findings.DOUBLE_SPEND, f"number {row.sequence}"
        accused = findings.wallet_of(item.payer, self._trust)
        findings.store(self._session, accused, kind, row.hash, pair, detail)
        self._prove(evidence.FORKED_SEQUENCE, item.payer, *pair)

    def _prove(self, kind: int, wallet: Certificate, *parts: bytes) -> None:
        operators = [operator.raw for operator in self._trust.operators.values()]
        proofs.store(self._session, self._trust, [evidence.proof(kind, operators, wallet, *parts)])

    def net_confirmed(self, file: clearing.File) -> int:
        """Net the payments in our files that the sender has imported; return the amount."""
        row = tables.Payment
        wanted = select(row).where(
            row.operator == file.sender.hash,
            row.outgoing.is_(False),
            row.credits > 0,
            row.closed.is_(False),
            row.netted == 0,
            row.sent > 0,
            row.sent <= file.seen,
        )
        netted = 0
        for payment in self._session.scalars(wanted):
            payment.netted = payment.amount
            netted += payment.amount
        return netted
