"""What the ledger shows: balances, value in flight, and whether all of it adds up."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from jiaozi_host.ledger import Ledger, posting, tables


@dataclass(frozen=True)
class Line:
    """A wallet. balance: as it stated last; journal: as its posted journal says."""

    id: bytes
    form: int
    tier: int
    status: str
    balance: int
    journal: int
    position: int
    epoch: int
    synced_at: str | None


@dataclass(frozen=True)
class Report:
    """The whole ledger at one moment.

    in_flight: payments whose value is in one journal only (negative amounts: credited by a payee
    that synced before its payer); issued: what the authority issued less what it took back.
    """

    lines: list[Line]
    in_flight: list[tables.Payment]
    issued: int
    findings: list[tables.Finding]

    @property
    def balances(self) -> int:
        """Sum of the balances stated."""
        return sum(line.balance for line in self.lines)

    @property
    def flying(self) -> int:
        """Sum of the value in flight."""
        return sum(payment.in_flight for payment in self.in_flight)

    @property
    def holds(self) -> bool:
        """The invariant: balances + in flight = issued - redeemed; each balance its journal's."""
        each = all(line.balance == line.journal for line in self.lines)
        return each and self.balances + self.flying == self.issued


def report(ledger: Ledger) -> Report:
    """Read the ledger in one transaction."""
    with ledger.transaction() as session:
        rows = session.scalars(select(tables.Wallet).order_by(tables.Wallet.issued_at)).all()
        lines = [
            Line(
                row.id,
                row.form,
                row.tier,
                row.status,
                row.balance,
                posting.journal_balance(session, row),
                row.position,
                row.epoch,
                row.synced_at,
            )
            for row in rows
        ]
        one_sided = tables.Payment.debits != tables.Payment.credits + tables.Payment.refunds
        in_flight = session.scalars(select(tables.Payment).where(one_sided)).all()
        found = session.scalars(select(tables.Finding).order_by(tables.Finding.id)).all()
        return Report(lines, list(in_flight), posting.issued(session), list(found))
