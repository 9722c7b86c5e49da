"""Posting of journals: what each entry changes in payments, purses and balances.

A journal is posted whole, from the end of the posted one to the head of a signed statement, in one
database transaction. Wallets may sync in any order.
"""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from _jzcrypto import sha256
from jiaozi.wire.certificates import ACCOUNT, Certificate, read
from jiaozi.wire.cose import WALLET
from jiaozi.wire.errors import ROTATION_MISMATCH, UNKNOWN_OPERATOR, UNKNOWN_PAYMENT, Refused
from jiaozi.wire.journal import CREDITED, PAID, REFUNDED, VOIDED
from jiaozi.wire.messages import Receipt, Void
from jiaozi.wire.rotations import Rotation
from jiaozi.wire.statements import Statement
from jiaozi.wire.suites import HASH_LENGTH
from jiaozi.wire.trust import Trust
from jiaozi_host.errors import LedgerError
from jiaozi_host.ledger import findings, proofs, tables
from jiaozi_host.ledger.checks import Checks, Posting, Question
from jiaozi_host.ledger.journal import CheckedEntry, read_entry, voided_payment
from jiaozi_host.ledger.limits import LimitChecks
from jiaozi_host.ledger.payments import is_closed, journal_balance, payment_row
from jiaozi_host.ledger.purses import Purses


class Poster:
    """Posting of one wallet's journal, within a database transaction.

    row, wallet: the wallet's row and certificate; statement: what the journal is posted up to;
    missing: hashes of certificates of valid operators that this host lacks.
    """

    def __init__(
        self,
        session: Session,
        row: tables.Wallet,
        wallet: Certificate,
        trust: Trust,
        statement: Statement,
        missing: frozenset[bytes] = frozenset(),
    ) -> None:
        self._session = session
        self._row = row
        self._wallet = wallet
        self._trust = trust
        self._statement = statement
        self._missing = missing
        self._purses = Purses(session, wallet, trust)
        self._limits = LimitChecks(session, wallet, self._purses, trust)
        self._checks = Checks(session, row, wallet, trust, statement.raw)

    def post(self, question: Question, entries: list[bytes]) -> Posting:
        """Post encoded entries, from the row's position up to the statement's head."""
        row, statement, posting = self._row, self._statement, self._checks.posting
        accepted = self._check_chain(entries)
        self._session.add(
            tables.Statement(
                wallet=row.id,
                position=statement.position,
                balance=statement.balance,
                accepted=accepted,
                raw=statement.raw,
            )
        )
        if not accepted:
            return posting
        if row.status == tables.ROTATED:
            evidence = self._checks.last_statement()
            self._checks.fail(findings.OLD_KEY_USED, statement.hash, evidence)
        start, balance = row.position, journal_balance(self._session, row)
        for position, raw in enumerate(entries, start):
            balance += self._post_entry(position, raw)
            if self._purses.overdrawn(balance):
                detail = f"at position {position}"
                self._checks.fail(findings.OVERDRAFT, sha256(raw), [raw], detail)
        row.position, row.head = statement.position, statement.head
        row.balance, row.epoch, row.floor = statement.balance, statement.epoch, statement.floor
        row.synced_at = tables.now()
        self._session.flush()
        self._checks.balance(statement, balance, self._purses.record_stated(statement))
        self._checks.completeness(question, statement)
        self._close_requests()
        if posting.findings:
            asked = (question.salt, list(question.digests))
            posting.findings.extend(proofs.search(self._session, self._trust, row.id, *asked))
        posting.entries = len(entries)
        return posting

    def _check_chain(self, entries: list[bytes]) -> bool:
        """Check that the entries lead from the posted head to the statement's head."""
        row, statement = self._row, self._statement
        if statement.position < row.position:
            detail = f"position {statement.position} after {row.position}"
            evidence = self._checks.last_statement()
            self._checks.fail(findings.ROLLED_BACK, statement.hash, evidence, detail)
            return False
        head = row.head
        for raw in entries:
            head = sha256(head + raw)
        if len(entries) == statement.position - row.position and head == statement.head:
            return True
        kind = findings.CHAIN_BROKEN if entries else findings.FORKED
        self._checks.fail(kind, statement.hash, self._checks.last_statement())
        if statement.position == row.position:
            proofs.prove_fork(
                self._session, self._trust, self._wallet, statement.head, statement.raw
            )
        return False

    def _post_entry(self, position: int, raw: bytes) -> int:
        """Post an entry; return the change of the balance, 0 for an entry that is invalid."""
        kind, payment_hash, delta = 0, bytes(HASH_LENGTH), 0
        try:
            entry = read_entry(raw, position, self._wallet, self._trust)
            kind, payment_hash = entry.kind, entry.payment_hash
            if entry.is_before(self._row.epoch):
                detail = f"at position {position}, made before epoch {self._row.epoch}"
                evidence = [*self._checks.last_statement(), raw]
                self._checks.fail(findings.ROLLED_BACK, sha256(raw), evidence, detail)
            delta = self._apply(entry)
            self._check_limits(position, entry, raw)
        except Refused as refusal:
            if refusal.sw == UNKNOWN_OPERATOR and self._missing:
                raise LedgerError(
                    "the wallet dealt with an operator that this host does not know yet;"
                    " nothing was posted",
                    "run: jiaozi operator refresh, then sync again",
                ) from refusal
            detail = f"at position {position}, {refusal}"
            self._checks.fail(findings.ENTRY_INVALID, sha256(raw), [raw], detail)
            kind, payment_hash = self._void_without_outcome(raw)
        self._session.add(
            tables.Entry(
                wallet=self._row.id,
                position=position,
                kind=kind,
                payment_hash=payment_hash,
                delta=delta,
                raw=raw,
            )
        )
        return delta

    def _void_without_outcome(self, raw: bytes) -> tuple[int, bytes]:
        """Close the payment of a VOIDED entry whose void no payer's wallet takes.

        Its payee has signed a journal in which the payment is answered and not credited. Return
        kind and payment of the entry, zeros if it is not VOIDED.
        """
        payment_hash = voided_payment(raw)
        if not payment_hash:
            return 0, bytes(HASH_LENGTH)
        payment = self._session.get(tables.Payment, payment_hash)
        if payment is not None and payment.payee == self._wallet.hash and payment.outcome is None:
            payment.closed = True
        return VOIDED, payment_hash

    def _check_limits(self, position: int, entry: CheckedEntry, raw: bytes) -> None:
        if entry.kind == REFUNDED:
            self._limits.refund(raw)
        if entry.kind == PAID and self._wallet.form != ACCOUNT:
            wrong = self._limits.pay(position, raw)
            if wrong:
                self._checks.fail(findings.OVER_LIMITS, entry.payment_hash, [raw], wrong)

    def _apply(self, entry: CheckedEntry) -> int:
        if entry.terms is not None:
            permitted = self._purses.adopt(entry.terms)
            self._check_terms(permitted, entry.terms.hash, entry.terms.raw)
            return 0
        if entry.rotation is not None:
            return self._take_over(entry.rotation)
        payment = self._payment(entry)
        if entry.outcome is not None:
            if entry.peer is None:
                payee = payment.payee_certificate
                certificate = self._trust.wallet(payee)
                entry.outcome.verify(certificate.public, certificate.hash)
                if (
                    isinstance(entry.outcome, Void)
                    and entry.outcome.request_hash != entry.request_hash
                ):
                    raise Refused(UNKNOWN_PAYMENT)
            self._record_outcome(payment, entry.outcome)
        delta = 0
        if entry.kind == PAID:
            payment.debits += 1
            self._checks.sequence(payment)
            delta = -payment.amount
        elif entry.kind == CREDITED:
            payment.credits += 1
            delta = payment.amount
        elif entry.kind == REFUNDED:
            payment.refunds += 1
            delta = payment.amount
        self._checks.counts(payment)
        if delta:
            permitted = self._purses.move(entry, payment, delta)
            self._check_terms(permitted, payment.hash, payment.raw)
        self._session.flush()
        return delta

    def _take_over(self, rotation: Rotation) -> int:
        """Move the balance of the previous id here, as the operator acknowledged it."""
        statement, before = rotation.statement, self._row.predecessor
        old = None if before is None else self._session.get(tables.Wallet, before)
        if old is None or old.moved or statement.signer != self._certificate(old).hash:
            raise Refused(ROTATION_MISMATCH)
        if (old.position, old.head) != (statement.position, statement.head):
            evidence = [rotation.raw, *self._checks.last_statement()]
            self._checks.fail(
                findings.OLD_KEY_USED, rotation.hash, evidence, against=old.certificate
            )
        old.moved, old.status = statement.balance, tables.ROTATED
        old.balance -= statement.balance
        self._session.flush()
        return statement.balance

    def _certificate(self, row: tables.Wallet) -> Certificate:
        return read(WALLET, row.certificate, self._trust.network)

    def _check_terms(self, permitted: bool, subject: bytes, raw: bytes) -> None:
        if not permitted:
            self._checks.fail(findings.OUTSIDE_TERMS, subject, [raw])

    def _payment(self, entry: CheckedEntry) -> tables.Payment:
        """Return the row of an entry's payment, a new one for the first entry about it.

        Raises Refused(UNKNOWN_PAYMENT) when the payment is not this wallet's, or an outcome names
        one that was never posted.
        """
        known = self._session.get(tables.Payment, entry.payment_hash)
        if known is not None:
            paid = entry.kind in (PAID, REFUNDED) or entry.peer is None
            party = known.payer if paid else known.payee
            if party != self._wallet.hash or known.request_hash != entry.request_hash:
                raise Refused(UNKNOWN_PAYMENT)
            return known
        if entry.payment is None or entry.request is None or entry.peer is None:
            raise Refused(UNKNOWN_PAYMENT)
        payer, payee = self._wallet, entry.peer
        if entry.kind != PAID:
            payer, payee = payee, payer
        payment = payment_row(entry.payment, entry.request, payer, payee, self._wallet.issuer)
        payment.closed = entry.kind == PAID and is_closed(
            self._session, payee, entry.request, entry.payment
        )
        self._checks.double_spend(payment)
        self._checks.counterpart(entry.peer, entry.kind, payment)
        self._session.add(payment)
        return payment

    def _record_outcome(self, payment: tables.Payment, outcome: Receipt | Void) -> None:
        if payment.outcome is None:
            payment.outcome = outcome.raw
            payment.received = outcome.credited
            payment.outcome_position = outcome.position
        elif payment.received != outcome.credited:
            evidence = [payment.raw, payment.outcome, outcome.raw]
            kind, payee = findings.RECEIPT_AND_VOID, payment.payee_certificate
            self._checks.fail(kind, payment.hash, evidence, against=payee)

    def _close_requests(self) -> None:
        """Close payments for requests below the floor that this complete journal left open.

        A wallet answers no request below its floor, so these are never answered.
        """
        self._session.execute(
            update(tables.Payment)
            .where(
                tables.Payment.payee == self._wallet.hash,
                tables.Payment.outcome.is_(None),
                tables.Payment.request_number < self._statement.floor,
            )
            .values(closed=True)
        )
