"""The ledger's report: balances, value in flight, and whether the totals match."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from jiaozi_host.ledger import payments, tables
from jiaozi_host.ledger.ledger import Ledger


@dataclass(frozen=True)
class Line:
    """One wallet of a report.

    balance: stated last; journal: sum of its posted journal; both in minor units.
    purses: its purses with terms as (number, stated, journal), amounts included in the totals.
    """

    id: bytes
    form: int
    tier: int
    status: str
    balance: int
    journal: int
    position: int
    epoch: int
    synced_at: str | None
    purses: list[tuple[int, int, int]]


@dataclass(frozen=True)
class Report:
    """The whole ledger at one moment; amounts in minor units.

    in_flight: payments posted from one side only, those on hold included; an amount is negative
    when the payee synced before the payer.
    issued: issued by the authority, less redeemed.
    cleared: owed to this operator by others for cleared payments, less what it owes them.
    """

    lines: list[Line]
    in_flight: list[tables.Payment]
    issued: int
    findings: list[tables.Finding]
    cleared: int = 0

    @property
    def balances(self) -> int:
        """Sum of the stated balances."""
        return sum(line.balance for line in self.lines)

    @property
    def value_in_flight(self) -> int:
        """Value in flight, without payments on hold."""
        return sum(payment.in_flight for payment in self.in_flight if not payment.held)

    @property
    def held(self) -> int:
        """Value on hold for payees whose certificates ended long ago."""
        return sum(payment.in_flight for payment in self.in_flight if payment.held)

    @property
    def holds(self) -> bool:
        """True if balances + in flight + held = issued - redeemed + cleared.

        Each stated balance must also equal its journal's, purse by purse.
        """
        each = all(line.balance == line.journal for line in self.lines)
        each &= all(stated == held for line in self.lines for _, stated, held in line.purses)
        total = self.balances + self.value_in_flight + self.held
        return each and total == self.issued + self.cleared


def report(ledger: Ledger) -> Report:
    """Make the report, in one transaction."""
    with ledger.transaction() as session:
        rows = session.scalars(select(tables.Wallet).order_by(tables.Wallet.issued_at)).all()
        purses: dict[bytes, list[tuple[int, int, int]]] = {}
        for purse in session.scalars(select(tables.Purse).order_by(tables.Purse.number)):
            if purse.stated or purse.held:
                shown = (purse.number, purse.stated, purse.held)
                purses.setdefault(purse.wallet, []).append(shown)
        lines = [
            Line(
                wallet.id,
                wallet.form,
                wallet.tier,
                wallet.status,
                wallet.balance,
                payments.journal_balance(session, wallet),
                wallet.position,
                wallet.epoch,
                wallet.synced_at,
                purses.get(wallet.id, []),
            )
            for wallet in rows
        ]
        row = tables.Payment
        one_sided = row.amount * (row.debits - row.credits - row.refunds) + row.netted != 0
        in_flight = session.scalars(select(row).where(one_sided)).all()
        cleared = int(session.scalar(select(func.coalesce(func.sum(row.netted), 0))) or 0)
        found = session.scalars(select(tables.Finding).order_by(tables.Finding.id)).all()
        return Report(lines, list(in_flight), payments.issued(session), list(found), cleared)
