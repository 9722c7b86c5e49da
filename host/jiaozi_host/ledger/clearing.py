"""Clearing between operators: export, import and net the payments between their wallets.

Each operator posts the journals of its own wallets. For a payment across operators, the payee's
operator exports the payee's receipt. The import debits the payer's operator, once for each payment
hash, even if the payer has not synced; the payee's operator is credited when it learns that its
file was imported. Files are numbered and imported whole and in order; importing one again changes
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jiaozi.operator import clearing
from jiaozi.operator.clearing import CLOSED, CREDITED, FORWARDED, VOIDED
from jiaozi.wire.certificates import Certificate
from jiaozi.wire.errors import Refused
from jiaozi_host.error_texts import explain
from jiaozi_host.errors import ClearingRefused
from jiaozi_host.ledger import deliveries, proofs, tables
from jiaozi_host.ledger.account import open_account
from jiaozi_host.ledger.clearing_items import ItemPoster
from jiaozi_host.ledger.ledger import Ledger
from jiaozi_host.vault import Operator

_DISPUTED = "settle it with that operator or the authority; findings: jiaozi ledger show"


@dataclass(frozen=True)
class Imported:
    """Result of importing a clearing file.

    sender: hash of its operator's certificate; number: of the file; new: False if it was imported
    before; items: number of payments in it; netted: amount cleared by it, negative if we owe it.
    """

    sender: bytes
    number: int
    new: bool
    items: int
    netted: int


@dataclass(frozen=True)
class Position:
    """Clearing with one other operator.

    operator: its id; netted: what it owes us, negative if we owe it; waiting: payments not cleared.
    """

    operator: bytes
    netted: int
    waiting: int


class Clearing:
    """One operator's side of clearing with all others."""

    def __init__(self, ledger: Ledger, operator: Operator) -> None:
        self._ledger = ledger
        self._operator = operator
        self._trust = operator.published.trust

    def partner(self, identity: bytes) -> Certificate:
        """Return the certificate of another operator by its id. Raises ClearingRefused."""
        for known in self._operator.published.operators:
            if known.id == identity and known.hash != self._operator.certificate.hash:
                return known
        raise ClearingRefused(
            f"no other operator {identity.hex()} is known here", "run: jiaozi operator refresh"
        )

    # Export -------------------------------------------------------------------------------------

    def export(self, to: Certificate) -> list[tuple[int, bytes]]:
        """Return number and bytes of each unconfirmed file to an operator, a new one included."""
        open_account(self._ledger, self._operator)
        files = tables.ClearingFile
        with self._ledger.transaction() as session:
            imported = _last(session, to.hash, False, files.items > 0)
            acknowledged = session.scalar(
                select(func.max(files.seen)).where(files.operator == to.hash, files.outgoing)
            )
            number = _last(session, to.hash, True) + 1
            items = self._new_items(session, to.hash, number)
            if items or imported > (acknowledged or 0):
                seen = _last(session, to.hash, False)
                raw = self._operator.clearing(to.hash, number, seen, items)
                session.add(
                    files(
                        operator=to.hash,
                        outgoing=True,
                        number=number,
                        seen=seen,
                        items=len(items),
                        raw=raw,
                    )
                )
                session.flush()
            confirmed = session.scalar(
                select(func.max(files.seen)).where(files.operator == to.hash, ~files.outgoing)
            )
            wanted = select(files).where(
                files.operator == to.hash, files.outgoing, files.number > (confirmed or 0)
            )
            rows = session.scalars(wanted.order_by(files.number)).all()
            return [(row.number, row.raw) for row in rows]

    def _new_items(self, session: Session, to: bytes, number: int) -> list[list[object]]:
        """Return the items not yet sent to that operator; mark them as sent in file `number`."""
        row = tables.Payment
        unsent = select(row).where(row.operator == to, row.sent == 0, row.netted == 0)
        items = []
        for payment in session.scalars(unsent.order_by(row.hash)):
            kind, proof = self._evidence(session, payment)
            if kind:
                parts = (payment.payer_certificate, payment.payee_certificate, proof)
                items.append([kind, payment.raw, payment.request, *parts])
                payment.sent = number
        return items

    @staticmethod
    def _evidence(session: Session, payment: tables.Payment) -> tuple[int, bytes]:
        """Return item kind and proof of our wallet's part of a payment, (0, b"") for none."""
        if payment.outgoing:
            known = payment.debits and not payment.refunds
            return (FORWARDED, b"") if known else (0, b"")
        if payment.closed:
            return _closing(session, payment)
        if payment.credits:
            return CREDITED, payment.outcome or b""
        return (0, b"") if payment.outcome is None else (VOIDED, payment.outcome)

    # Import -------------------------------------------------------------------------------------

    def import_file(self, raw: bytes) -> Imported:
        """Import another operator's file, whole or not at all; safe to repeat.

        Raises ClearingRefused for a file that is forged, for another operator or network, out of
        order, or in contradiction to this ledger (its findings name the contradiction).
        """
        try:
            file = clearing.read(raw, self._operator.certificate, self._trust)
        except Refused as refusal:
            known = explain(refusal.sw)
            raise ClearingRefused(
                f"the file was not imported: {known.text}", known.remedy
            ) from None
        if file.sender.hash not in self._operator.published.epoch.operators:
            raise ClearingRefused(
                f"operator {file.sender.id.hex()} is no longer valid; nothing was imported",
                "run jiaozi operator refresh; if it persists, ask the authority",
            )
        disputes: list[str] = []
        with self._ledger.transaction() as session:
            if not self._is_next(session, file, raw):
                return Imported(file.sender.hash, file.number, False, len(file.items), 0)
            poster = ItemPoster(session, self._operator.certificate.hash, self._trust)
            disputes = [text for item in file.items if (text := poster.dispute(item))]
            if not disputes:
                netted = sum(poster.post(item) for item in file.items)
                netted += poster.net_confirmed(file)
                self._store(session, file, raw)
        if disputes:
            raise ClearingRefused(f"nothing was imported: {disputes[0]}", _DISPUTED)
        self._answer_as_account()
        return Imported(file.sender.hash, file.number, True, len(file.items), netted)

    @staticmethod
    def _is_next(session: Session, file: clearing.File, raw: bytes) -> bool:
        last = _last(session, file.sender.hash, False)
        if file.number > last + 1:
            raise ClearingRefused(
                f"file {last + 1} is missing before file {file.number}",
                "import it first; the sender can export it again",
            )
        if file.seen > _last(session, file.sender.hash, True):
            raise ClearingRefused(
                "the sender confirms a file that this ledger never exported",
                "check --home; this ledger may be an old backup",
            )
        if file.number == last + 1:
            return True
        known = session.get_one(tables.ClearingFile, (file.sender.hash, False, file.number))
        if known.raw != raw:
            raise ClearingRefused(
                f"a different file {file.number} was imported before",
                "ask its sender which one is right",
            )
        return False

    @staticmethod
    def _store(session: Session, file: clearing.File, raw: bytes) -> None:
        row = tables.ClearingFile(
            operator=file.sender.hash,
            outgoing=False,
            number=file.number,
            seen=file.seen,
            items=len(file.items),
            raw=raw,
        )
        session.add(row)

    def _answer_as_account(self) -> None:
        """Credit or void imported payments to the operator's account, which never syncs."""
        account = open_account(self._ledger, self._operator)
        for payment in deliveries.payments_due(self._ledger, account.me):
            if payment.operator is not None:
                account.receive(payment.payer_certificate, payment.raw, payment.request)
        account.post()

    # Positions ----------------------------------------------------------------------------------

    def positions(self) -> list[Position]:
        """Return the clearing position with each other operator."""
        row = tables.Payment
        found = []
        with self._ledger.transaction() as session:
            for operator in self._operator.published.operators:
                if operator.hash == self._operator.certificate.hash:
                    continue
                mine = session.scalars(select(row).where(row.operator == operator.hash)).all()
                netted = sum(payment.netted for payment in mine)
                waiting = sum(1 for payment in mine if payment.in_flight)
                found.append(Position(operator.id, netted, waiting))
        return found


def _closing(session: Session, payment: tables.Payment) -> tuple[int, bytes]:
    """Return the item that closes a payment to our wallet, once a floor proves it to others."""
    table = tables.Wallet
    payee = session.scalar(select(table).where(table.hash == payment.payee))
    if payee is None or payment.outcome is not None or payment.request_number >= payee.floor:
        return 0, b""
    statement = proofs.last_statement(session, payee.id)
    return (0, b"") if statement is None else (CLOSED, statement)


def _last(session: Session, operator: bytes, outgoing: bool, *conditions: object) -> int:
    """Return the number of the last file exported to an operator or imported from it, or 0."""
    files = tables.ClearingFile
    wanted: Iterable[object] = (files.operator == operator, files.outgoing == outgoing, *conditions)
    return int(session.scalar(select(func.max(files.number)).where(*wanted)) or 0)  # type: ignore[arg-type]
