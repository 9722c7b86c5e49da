"""Checks of a posting: each check that fails becomes a finding.

They rest on a wallet's own signed and complete journal, never on the order of arrival: a payee may
be posted before its payer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jiaozi.wire.certificates import Certificate, read
from jiaozi.wire.cose import WALLET
from jiaozi.wire.journal import PAID
from jiaozi.wire.statements import Statement
from jiaozi.wire.trust import Trust
from jiaozi_host.ledger import findings, payments, proofs, tables


@dataclass(frozen=True)
class Question:
    """A request for a wallet's statement, made before its journal is read and posted.

    nonce: binds the statement to this question; position: end of the posted journal;
    expected_debits: hashes of payments the wallet signed whose debit is not posted; answered:
    hashes of payments it gave a receipt or void for that are not posted. Both were known before the
    statement was made, so the journal up to it must show them.
    salt, digests: what the nonce is the hash of; they prove this order to third parties.
    """

    wallet: bytes
    nonce: bytes
    position: int
    expected_debits: frozenset[bytes]
    salt: bytes
    digests: tuple[bytes, ...]
    answered: frozenset[bytes]


@dataclass
class Posting:
    """Result of posting a journal.

    entries: number of new entries; findings: failed checks, also those about other wallets.
    """

    entries: int = 0
    findings: list[tables.Finding] = field(default_factory=list)


class Checks:
    """The checks of one wallet's posting, within a database transaction.

    row, wallet: the wallet's row and certificate; statement: encoded, evidence of each finding.
    """

    def __init__(
        self,
        session: Session,
        row: tables.Wallet,
        wallet: Certificate,
        trust: Trust,
        statement: bytes,
    ) -> None:
        self._session = session
        self._row = row
        self._wallet = wallet
        self._trust = trust
        self._statement = statement
        self.posting = Posting()

    def fail(
        self,
        kind: str,
        subject: bytes,
        evidence: Iterable[bytes],
        detail: str = "",
        against: bytes | None = None,
    ) -> None:
        """Store a finding about a wallet.

        against: certificate of the wallet at fault, None for the one being posted.
        """
        wallet = self._wallet
        if against is not None:
            wallet = read(WALLET, against, self._trust.network)
        self._store(findings.wallet_of(wallet, self._trust), kind, subject, evidence, detail)

    def _store(
        self,
        accused: findings.Accused,
        kind: str,
        subject: bytes,
        evidence: Iterable[bytes],
        detail: str,
    ) -> None:
        parts = [self._statement, *evidence]
        found = findings.store(self._session, accused, kind, subject, parts, detail)
        self.posting.findings.append(found)

    def last_statement(self) -> list[bytes]:
        """Return the statement that the posted journal ends with, in a list; empty if none."""
        last = proofs.last_statement(self._session, self._row.id)
        return [] if last is None else [last]

    # One payment --------------------------------------------------------------------------------

    def counts(self, payment: tables.Payment) -> None:
        """Check that a payment is credited at most once, and not refunded too."""
        evidence, payee = [payment.raw, payment.request], payment.payee_certificate
        if payment.credits > 1:
            self.fail(findings.DOUBLE_CREDIT, payment.hash, evidence, against=payee)
        # Another operator that was sent the closing of the request refunds its payer.
        refunded_elsewhere = payment.closed and payment.sent
        if payment.credits and (payment.refunds or refunded_elsewhere):
            self.fail(findings.CREDIT_AND_REFUND, payment.hash, evidence, against=payee)

    def sequence(self, payment: tables.Payment) -> None:
        """Check that the payer's journal holds its payments 1, 2, 3, ... in this order."""
        before = self._session.scalar(
            select(func.count())
            .select_from(tables.Entry)
            .where(tables.Entry.wallet == self._row.id, tables.Entry.kind == PAID)
        )
        if payment.sequence != (before or 0) + 1:
            detail = f"number {payment.sequence} as payment {(before or 0) + 1}"
            self.fail(findings.SEQUENCE_BROKEN, payment.hash, [payment.raw], detail)

    def double_spend(self, payment: tables.Payment) -> None:
        """Check that the payer signed no other payment with the same number."""
        other = payments.conflicting_payment(self._session, payment)
        if other is not None:
            evidence = [other.raw, payment.raw]
            detail, payer = f"number {payment.sequence}", payment.payer_certificate
            self.fail(findings.DOUBLE_SPEND, payment.hash, evidence, detail, payer)

    def counterpart(self, peer: Certificate, kind: int, payment: tables.Payment) -> None:
        """Check that the other party is registered and has not rotated its key before.

        kind: of the journal entry, from the posted wallet's side. Wallets of other operators are
        registered there, so they are not looked up. A genuine certificate that is not registered is
        the fault of the operator that signed it: both wallets could only verify it.
        """
        if peer.issuer != self._wallet.issuer:
            return
        row = payments.registered(self._session, peer)
        if row is None:
            accused = findings.operator_of(peer, self._trust)
            detail = f"wallet {peer.id.hex()}"
            self._store(accused, findings.UNREGISTERED, peer.hash, [peer.raw], detail)
        elif row.status == tables.ROTATED and kind != PAID:
            # Its journal was complete when its last statement was acknowledged.
            self.fail(findings.OLD_KEY_USED, payment.hash, [payment.raw], against=peer.raw)

    # The whole journal --------------------------------------------------------------------------

    def balance(self, statement: Statement, balance: int, purses: list[int]) -> None:
        """Check the stated balance. balance: by the journal; purses: numbers that differ."""
        if balance != statement.balance or purses:
            detail = f"stated {statement.balance}, journal {balance}"
            detail += f", purse {purses[0]}" if purses else ""
            self.fail(findings.BALANCE_MISMATCH, statement.hash, [], detail)

    def completeness(self, question: Question, statement: Statement) -> None:
        """Check that the journal shows all the wallet signed before, and each credit promised."""
        for payment_hash in question.expected_debits:
            payment = self._session.get(tables.Payment, payment_hash)
            if payment is not None and not payment.debits:
                self.fail(findings.DEBIT_MISSING, payment_hash, [payment.raw])
        for payment_hash in question.answered:
            payment = self._session.get(tables.Payment, payment_hash)
            if payment is None or payment.outcome is None or payment.outcome_position is None:
                continue
            if payment.outcome_position >= statement.position:
                detail = f"position {statement.position} after an answer"
                detail += f" at {payment.outcome_position}"
                evidence = [payment.raw, payment.outcome]
                self.fail(findings.ROLLED_BACK, payment_hash, evidence, detail)
        promised = self._session.scalars(
            select(tables.Payment).where(
                tables.Payment.payee == self._row.hash,
                tables.Payment.received.is_(True),
                tables.Payment.credits == 0,
                tables.Payment.outcome_position < statement.position,
            )
        )
        for payment in promised:
            evidence = [payment.raw, payment.outcome or b""]
            self.fail(findings.CREDIT_MISSING, payment.hash, evidence)
