"""Purses with terms in the ledger: their balances by the journal, checked against their terms."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from jiaozi.wire.certificates import ACCOUNT, Certificate
from jiaozi.wire.journal import CREDITED, PAID
from jiaozi.wire.messages import Payment, read_payment
from jiaozi.wire.statements import Statement
from jiaozi.wire.terms import GENERAL, Terms, read_terms
from jiaozi.wire.trust import Trust
from jiaozi_host.ledger import tables
from jiaozi_host.ledger.journal import CheckedEntry


class Purses:
    """The purses with terms of one wallet, within a database transaction."""

    def __init__(self, session: Session, wallet: Certificate, trust: Trust) -> None:
        self._session = session
        self._wallet = wallet
        self._trust = trust
        table = tables.Purse
        rows = session.scalars(select(table).where(table.wallet == wallet.id)).all()
        self._rows = {row.number: row for row in rows}

    def _row(self, number: int) -> tables.Purse:
        row = self._rows.get(number)
        if row is None:
            row = tables.Purse(wallet=self._wallet.id, number=number, terms=b"", held=0, stated=0)
            self._session.add(row)
            self._rows[number] = row
        return row

    def adopt(self, terms: Terms) -> bool:
        """Store terms; return True if the purse could take them: it had none, or no money."""
        row = self._row(terms.number)
        free = not row.held or not row.terms
        row.terms = terms.raw
        return free

    def move(self, entry: CheckedEntry, payment: tables.Payment, delta: int) -> bool:
        """Move money into or out of the entry's purse; return True if its terms permit it."""
        signed = read_payment(payment.raw, self._trust.network)
        if entry.kind == CREDITED and entry.peer is not None:
            number = signed.credited_purse(entry.peer, self._wallet)
        else:
            number = GENERAL if self._wallet.form == ACCOUNT else signed.purse
        if number == GENERAL:
            return True
        row = self._row(number)
        row.held += delta
        return self._permits(row, entry, signed)

    def terms(self, number: int) -> Terms | None:
        """Return the terms that a purse of the wallet has, None for general money."""
        row = self._rows.get(number)
        if row is None or not row.terms or self._wallet.form == ACCOUNT:
            return None
        return read_terms(row.terms, self._trust.network)

    def _permits(self, row: tables.Purse, entry: CheckedEntry, payment: Payment) -> bool:
        if not row.terms:
            return False
        terms = read_terms(row.terms, self._trust.network)
        if entry.kind == PAID and entry.peer is not None:
            operator = self._trust.operators.get(entry.peer.issuer)
            return terms.permit(entry.peer, operator, payment.amount, payment.epoch)
        if entry.kind == CREDITED and entry.peer is not None and entry.outcome is not None:
            return terms.is_funder(entry.peer) and entry.outcome.epoch <= terms.expiry
        return True

    def overdrawn(self, balance: int) -> bool:
        """True if any purse is negative. balance: of all purses, the general one included."""
        held = [row.held for row in self._rows.values()]
        return min([balance - sum(held), *held]) < 0

    def record_stated(self, statement: Statement) -> list[int]:
        """Store the balances a statement names; return the purses whose journal differs."""
        stated = statement.held
        for number in stated.keys() - {GENERAL}:
            self._row(number)
        for number, row in self._rows.items():
            row.stated = stated.get(number, 0)
        return [number for number, row in self._rows.items() if row.stated != row.held]
