"""What the ledger shows: balances, value in flight, and whether all of it adds up."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from jiaozi_host.ledger import Ledger, posting, tables


@dataclass(frozen=True)
class Line:
    """A wallet. balance: as it stated last; journal: as its posted journal says.

    purses: those with terms that are not empty, part of both figures: number, stated, journal.
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
    """The whole ledger at one moment.

    in_flight: payments whose value is in one journal only (negative amounts: credited by a payee
    that synced before its payer); issued: what the authority issued less what it took back;
    held: of payments whose payees never came back, on accounts in their names (part of in_flight's
    list, but not of its sum);
    cleared: what other operators owe to this one for payments that were cleared, less what it owes.
    """

    lines: list[Line]
    in_flight: list[tables.Payment]
    issued: int
    findings: list[tables.Finding]
    cleared: int = 0

    @property
    def balances(self) -> int:
        """Sum of the balances stated."""
        return sum(line.balance for line in self.lines)

    @property
    def flying(self) -> int:
        """Sum of the value in flight."""
        return sum(payment.in_flight for payment in self.in_flight if not payment.held)

    @property
    def held(self) -> int:
        """Sum of the value held for payees. Nothing but their own journals takes it from there."""
        return sum(payment.in_flight for payment in self.in_flight if payment.held)

    @property
    def holds(self) -> bool:
        """Balances + in flight + held = issued - redeemed + cleared; each balance its journal's,
        purse by purse.
        """
        each = all(line.balance == line.journal for line in self.lines)
        each &= all(stated == held for line in self.lines for _, stated, held in line.purses)
        there = self.balances + self.flying + self.held
        return each and there == self.issued + self.cleared


def report(ledger: Ledger) -> Report:
    """Read the ledger in one transaction."""
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
                posting.journal_balance(session, wallet),
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
        return Report(lines, list(in_flight), posting.issued(session), list(found), cleared)
