"""Purses with terms in the ledger: what journals do to them, and whether their terms permit it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from jiaozi.wire.certificates import ACCOUNT, Certificate
from jiaozi.wire.journal import CREDITED, PAID
from jiaozi.wire.messages import Payment, read_payment
from jiaozi.wire.statements import Statement
from jiaozi.wire.terms import GENERAL, Terms, read_terms
from jiaozi_host.ledger import tables
from jiaozi_host.ledger.journal import Fact


class Purses:
    """The purses with terms of one wallet, within a database transaction."""

    def __init__(self, session: Session, wallet: Certificate, network: int) -> None:
        self._session = session
        self._wallet = wallet
        self._network = network
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
        """Note terms; return whether the purse was free to take them: without any, or empty."""
        row = self._row(terms.number)
        good = not row.held or not row.terms
        row.terms = terms.raw
        return good

    def move(self, fact: Fact, payment: tables.Payment, delta: int) -> bool:
        """Note what an entry does to a purse; return whether its terms permit it."""
        signed = read_payment(payment.raw, self._network)
        if fact.kind == CREDITED and fact.peer is not None:
            number = signed.credited_purse(fact.peer, self._wallet)
        else:
            number = GENERAL if self._wallet.form == ACCOUNT else signed.purse
        if number == GENERAL:
            return True
        row = self._row(number)
        row.held += delta
        return self._permits(row, fact, signed)

    def _permits(self, row: tables.Purse, fact: Fact, payment: Payment) -> bool:
        if not row.terms:
            return False
        terms = read_terms(row.terms, self._network)
        if fact.kind == PAID and fact.peer is not None:
            return terms.permit(fact.peer, payment.amount, payment.epoch)
        if fact.kind == CREDITED and fact.peer is not None and fact.outcome is not None:
            return terms.is_funder(fact.peer) and fact.outcome.epoch <= terms.expiry
        return True

    def overdrawn(self, balance: int) -> bool:
        """Whether any purse is below nothing, of a wallet that holds `balance` in all."""
        held = [row.held for row in self._rows.values()]
        return min([balance - sum(held), *held]) < 0

    def state(self, statement: Statement) -> list[int]:
        """Note what a statement says; return the purses of which the journal says otherwise."""
        stated = statement.held
        for number in stated.keys() - {GENERAL}:
            self._row(number)
        for number, row in self._rows.items():
            row.stated = stated.get(number, 0)
        return [number for number, row in self._rows.items() if row.stated != row.held]
