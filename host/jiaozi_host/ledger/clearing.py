"""Clearing with other operators: what each tells the other, and what moves between them.

Each operator posts the journals of its own wallets. A payment from a wallet here to one elsewhere
is known to both: the payee's operator presents it with the payee's receipt, and it nets here, once
by its hash, whether or not the payer has synced; there it nets once this operator has taken the
file. Files are numbered, taken whole and in order; one that was taken before changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jiaozi.operator import clearing, evidence
from jiaozi.operator.clearing import CLOSED, CREDITED, FORWARDED, VOIDED, Item
from jiaozi.wire.certificates import Certificate
from jiaozi.wire.errors import Refused
from jiaozi_host.error_texts import explain
from jiaozi_host.errors import ClearingRefused
from jiaozi_host.ledger import Ledger, findings, posting, proofs, tables
from jiaozi_host.ledger.account import open_account
from jiaozi_host.vault import Operator

_DISPUTED = "have the authority look at the findings: jiaozi ledger show"


@dataclass(frozen=True)
class Taken:
    """What a clearing file did.

    sender: hash of its operator's certificate; number: of the file; new: whether it was taken now;
    items: how many it holds; netted: what moved by it, negative to the sender.
    """

    sender: bytes
    number: int
    new: bool
    items: int
    netted: int


@dataclass(frozen=True)
class Position:
    """How one other operator stands. netted: it owes us this much; waiting: payments not cleared"""

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
        """The certificate of another operator by its id. Raises ClearingRefused."""
        for known in self._operator.published.operators:
            if known.id == identity and known.hash != self._operator.certificate.hash:
                return known
        raise ClearingRefused(
            f"no other operator {identity.hex()} is known", "run: jiaozi operator refresh"
        )

    # Out ----------------------------------------------------------------------------------------

    def export(self, to: Certificate) -> list[tuple[int, bytes]]:
        """Number and bytes of each file that operator has not confirmed yet, news included."""
        open_account(self._ledger, self._operator)
        files = tables.ClearingFile
        with self._ledger.transaction() as session:
            heard = _last(session, to.hash, False, files.items > 0)
            told = session.scalar(
                select(func.max(files.seen)).where(files.operator == to.hash, files.outgoing)
            )
            number = _last(session, to.hash, True) + 1
            items = self._news(session, to.hash, number)
            if items or heard > (told or 0):
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

    def _news(self, session: Session, to: bytes, number: int) -> list[list[object]]:
        """Items that operator has not been told; they are marked as told by file `number`."""
        row = tables.Payment
        untold = select(row).where(row.operator == to, row.sent == 0, row.netted == 0)
        items = []
        for payment in session.scalars(untold.order_by(row.hash)):
            kind, proof = self._half(session, payment)
            if kind:
                parts = (payment.payer_certificate, payment.payee_certificate, proof)
                items.append([kind, payment.raw, payment.request, *parts])
                payment.sent = number
        return items

    @staticmethod
    def _half(session: Session, payment: tables.Payment) -> tuple[int, bytes]:
        """What this operator knows of a payment by its own wallet's journal."""
        if payment.outgoing:
            known = payment.debits and not payment.refunds
            return (FORWARDED, b"") if known else (0, b"")
        if payment.closed:
            statement = proofs.last_statement(session, payment.payee)
            return (CLOSED, statement) if statement and payment.outcome is None else (0, b"")
        if payment.credits:
            return CREDITED, payment.outcome or b""
        return (0, b"") if payment.outcome is None else (VOIDED, payment.outcome)

    # In -----------------------------------------------------------------------------------------

    def take(self, raw: bytes) -> Taken:
        """Take another operator's file, whole or not at all; safe to repeat.

        Raises ClearingRefused for one that is forged, for somebody else or another network, out of
        order, or at odds with what is known here (findings say how).
        """
        try:
            file = clearing.read(raw, self._operator.certificate, self._trust)
        except Refused as refusal:
            known = explain(refusal.sw)
            raise ClearingRefused(f"the file does not hold: {known.text}", known.remedy) from None
        if file.sender.hash not in self._operator.published.epoch.operators:
            raise ClearingRefused(
                f"operator {file.sender.id.hex()} is not valid any more", "ask the authority"
            )
        disputes: list[str] = []
        with self._ledger.transaction() as session:
            if not self._is_next(session, file, raw):
                return Taken(file.sender.hash, file.number, False, len(file.items), 0)
            disputes = [text for item in file.items if (text := self._dispute(session, item))]
            if not disputes:
                netted = sum(self._book(session, item) for item in file.items)
                netted += self._confirmed(session, file)
                self._keep(session, file, raw)
        if disputes:
            raise ClearingRefused(f"nothing is taken: {disputes[0]}", _DISPUTED)
        self._answer_for_account()
        return Taken(file.sender.hash, file.number, True, len(file.items), netted)

    @staticmethod
    def _is_next(session: Session, file: clearing.File, raw: bytes) -> bool:
        last = _last(session, file.sender.hash, False)
        if file.number > last + 1:
            raise ClearingRefused(
                f"file {file.number} comes before file {last + 1}", "import the files in order"
            )
        if file.seen > _last(session, file.sender.hash, True):
            raise ClearingRefused(
                "the sender has seen a file that was never sent", "restore the ledger's backup"
            )
        if file.number == last + 1:
            return True
        known = session.get_one(tables.ClearingFile, (file.sender.hash, False, file.number))
        if known.raw != raw:
            raise ClearingRefused(
                f"another file {file.number} was taken before", "ask its sender which one is right"
            )
        return False

    @staticmethod
    def _keep(session: Session, file: clearing.File, raw: bytes) -> None:
        row = tables.ClearingFile(
            operator=file.sender.hash,
            outgoing=False,
            number=file.number,
            seen=file.seen,
            items=len(file.items),
            raw=raw,
        )
        session.add(row)

    def _dispute(self, session: Session, item: Item) -> str:
        """Why an item contradicts what is known here; "" when it does not."""
        ours = item.payee if item.kind == FORWARDED else item.payer
        if session.get(tables.Wallet, ours.id) is None:
            return f"wallet {ours.id.hex()} is not registered here"
        row = session.get(tables.Payment, item.payment.hash)
        if row is None or item.kind == FORWARDED:
            return ""
        name = item.payment.hash.hex()[:16]
        if item.outcome is None:
            return f"payment {name} was answered, not closed" if row.outcome else ""
        if row.outcome is not None and row.received != item.outcome.credited:
            kind = evidence.RECEIPT_AND_VOID
            pair = [row.outcome, item.outcome.raw]
            receipt, void = pair if row.received else pair[::-1]
            self._prove(session, kind, item.payee, receipt, void)
            return f"payment {name} has a receipt and a void"
        if item.kind == CREDITED and (row.closed or row.refunds):
            return f"payment {name} was closed, and is refunded"
        return ""

    def _book(self, session: Session, item: Item) -> int:
        """Post one item; return what moves by it."""
        row = session.get(tables.Payment, item.payment.hash)
        if row is None:
            ours = self._operator.certificate.hash
            row = posting.payment_row(item.payment, item.request, item.payer, item.payee, ours)
            session.add(row)
            session.flush()
            self._see_twin(session, row, item)
        if item.kind == FORWARDED:
            row.forwarded = True
            if row.outcome is None:
                row.closed = posting.is_closed(session, item.payee, item.request)
        elif item.outcome is None:
            row.closed = True
        elif row.outcome is None:
            row.outcome, row.received = item.outcome.raw, item.outcome.credited
            row.outcome_position = item.outcome.position
        if item.kind != CREDITED or row.netted:
            return 0
        row.netted = -row.amount
        return int(row.netted)

    def _see_twin(self, session: Session, row: tables.Payment, item: Item) -> None:
        other = posting.twin(session, row)
        if other is None:
            return
        pair = [other.raw, row.raw]
        kind, detail = findings.DOUBLE_SPEND, f"number {row.sequence}"
        findings.find(session, row.payer, kind, row.hash, pair, detail)
        self._prove(session, evidence.FORKED_SEQUENCE, item.payer, *pair)

    def _prove(self, session: Session, kind: int, wallet: Certificate, *parts: bytes) -> None:
        operators = [operator.raw for operator in self._trust.operators.values()]
        proofs.keep(session, self._trust, [evidence.proof(kind, operators, wallet, *parts)])

    @staticmethod
    def _confirmed(session: Session, file: clearing.File) -> int:
        """Net what the sender has taken of our own files."""
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
        moved = 0
        for payment in session.scalars(wanted):
            payment.netted = payment.amount
            moved += payment.amount
        return moved

    def _answer_for_account(self) -> None:
        """Payments to the account itself need no sync to be answered."""
        account = open_account(self._ledger, self._operator)
        for payment in self._ledger.payments_due(account.me.id):
            if payment.operator is not None:
                account.receive(payment.payer_certificate, payment.raw, payment.request)
        account.post()

    # ----------------------------------------------------------------------------------------------

    def positions(self) -> list[Position]:
        """How each other operator stands."""
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


def _last(session: Session, operator: bytes, outgoing: bool, *conditions: object) -> int:
    """Number of the last file sent to an operator or taken from it, 0 without."""
    files = tables.ClearingFile
    wanted: Iterable[object] = (files.operator == operator, files.outgoing == outgoing, *conditions)
    return int(session.scalar(select(func.max(files.number)).where(*wanted)) or 0)  # type: ignore[arg-type]
