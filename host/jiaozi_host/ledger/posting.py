"""Posting journals: what each entry does to payments and balances, in whatever order wallets sync.

A journal is posted whole, from where the last one ended to the head of a signed statement, in one
database transaction. Judgement rests on a wallet's own signed and complete journal, never on the
order of arrival: a payee may be posted before its payer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from _jzcrypto import sha256
from jiaozi.wire.certificates import ACCOUNT, Certificate, read
from jiaozi.wire.cose import WALLET
from jiaozi.wire.errors import ROTATION_MISMATCH, UNKNOWN_PAYMENT, Refused
from jiaozi.wire.journal import CREDITED, PAID, REFUNDED
from jiaozi.wire.messages import Payment, Receipt, Request, Void
from jiaozi.wire.rotations import Rotation
from jiaozi.wire.statements import Statement
from jiaozi.wire.trust import Trust
from jiaozi_host.ledger import findings, proofs, tables
from jiaozi_host.ledger.journal import Fact, read_entry
from jiaozi_host.ledger.purses import Purses


@dataclass(frozen=True)
class Question:
    """What is asked of a wallet before its journal is posted.

    nonce: binds its statement to this question; position: where the posted journal ends; owed:
    hashes of payments it has signed that its journal has not shown yet. As they were known before
    the statement was made, the journal behind it must show them; given: hashes of payments that it
    has given a receipt or void for, likewise; salt, digests: what the nonce is
    made of, so that it proves this order to others.
    """

    wallet: bytes
    nonce: bytes
    position: int
    owed: frozenset[bytes]
    salt: bytes
    digests: tuple[bytes, ...]
    given: frozenset[bytes]


@dataclass
class Posting:
    """What came of posting a journal: entries that were new, and findings."""

    entries: int = 0
    findings: list[tables.Finding] = field(default_factory=list)


class Poster:
    """Posts one wallet's journal within a database transaction."""

    def __init__(
        self, session: Session, row: tables.Wallet, wallet: Certificate, trust: Trust
    ) -> None:
        self._session = session
        self._row = row
        self._wallet = wallet
        self._trust = trust
        self._purses = Purses(session, wallet, trust.network)
        self._evidence: bytes = b""
        self.posting = Posting()

    def post(self, question: Question, statement: Statement, entries: list[bytes]) -> Posting:
        """Post entries that begin at the row's position, up to the statement's head."""
        row = self._row
        self._evidence = statement.raw
        accepted = self._chains(statement, entries)
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
            return self.posting
        if row.status == tables.ROTATED:
            self._find(findings.OLD_KEY_USED, statement.hash, self._last_statement())
        start, balance = row.position, journal_balance(self._session, row)
        for offset, raw in enumerate(entries):
            balance += self._post_entry(start + offset, raw)
            if self._purses.overdrawn(balance):
                self._find(findings.OVERDRAFT, sha256(raw), [raw], f"at position {start + offset}")
        row.position, row.head = statement.position, statement.head
        row.balance, row.epoch, row.floor = statement.balance, statement.epoch, statement.floor
        row.synced_at = tables.now()
        self._session.flush()
        self._judge(question, statement, balance)
        self._close(statement)
        if self.posting.findings:
            asked = (question.salt, list(question.digests))
            found = proofs.search(self._session, self._trust, row.id, *asked)
            self.posting.findings.extend(found)
        self.posting.entries = len(entries)
        return self.posting

    def _chains(self, statement: Statement, entries: list[bytes]) -> bool:
        row = self._row
        if statement.position < row.position:
            detail = f"position {statement.position} after {row.position}"
            self._find(findings.ROLLED_BACK, statement.hash, self._last_statement(), detail)
            return False
        head = row.head
        for raw in entries:
            head = sha256(head + raw)
        if len(entries) != statement.position - row.position or head != statement.head:
            kind = findings.CHAIN_BROKEN if entries else findings.FORKED
            self._find(kind, statement.hash, self._last_statement())
            if statement.position == row.position:
                proofs.forked(
                    self._session, self._trust, self._wallet, statement.head, statement.raw
                )
            return False
        return True

    def _last_statement(self) -> list[bytes]:
        last = proofs.last_statement(self._session, self._row.id)
        return [] if last is None else [last]

    # Entries ------------------------------------------------------------------------------------

    def _post_entry(self, position: int, raw: bytes) -> int:
        """Post an entry; return what it does to the balance."""
        kind, payment_hash, delta = 0, bytes(32), 0
        try:
            fact = read_entry(raw, position, self._wallet, self._trust)
            kind, payment_hash = fact.kind, fact.payment_hash
            if fact.is_before(self._row.epoch):
                detail = f"at position {position}, made before epoch {self._row.epoch}"
                proof = [*self._last_statement(), raw]
                self._find(findings.ROLLED_BACK, sha256(raw), proof, detail)
            delta = self._apply(fact)
        except Refused as refusal:
            detail = f"at position {position}, {refusal}"
            self._find(findings.ENTRY_INVALID, sha256(raw), [raw], detail)
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

    def _apply(self, fact: Fact) -> int:
        if fact.terms is not None:
            self._within_terms(self._purses.adopt(fact.terms), fact.terms.hash, fact.terms.raw)
            return 0
        if fact.rotation is not None:
            return self._bring_over(fact.rotation)
        payment = self._payment(fact)
        if fact.outcome is not None:
            if fact.peer is None:
                payee = payment.payee_certificate
                certificate = self._trust.wallet(payee)
                fact.outcome.verify(certificate.public, certificate.hash)
            self._outcome(payment, fact.outcome)
        delta = 0
        if fact.kind == PAID:
            payment.debits += 1
            self._check_sequence(payment)
            delta = -payment.amount
        elif fact.kind == CREDITED:
            payment.credits += 1
            delta = payment.amount
        elif fact.kind == REFUNDED:
            payment.refunds += 1
            delta = payment.amount
        self._check_counts(payment)
        if delta:
            good = self._purses.move(fact, payment, delta)
            self._within_terms(good, payment.hash, payment.raw)
        self._session.flush()
        return delta

    def _bring_over(self, rotation: Rotation) -> int:
        """The value of the id before, from the journal's end that the operator acknowledged."""
        statement, before = rotation.statement, self._row.predecessor
        old = None if before is None else self._session.get(tables.Wallet, before)
        if old is None or old.moved or statement.signer != self._certificate(old).hash:
            raise Refused(ROTATION_MISMATCH)
        if (old.position, old.head) != (statement.position, statement.head):
            proof = [rotation.raw, *self._last_statement()]
            self._find(findings.OLD_KEY_USED, rotation.hash, proof, against=old.id)
        old.moved, old.status = statement.balance, tables.ROTATED
        old.balance -= statement.balance
        self._session.flush()
        return statement.balance

    def _certificate(self, row: tables.Wallet) -> Certificate:
        return read(WALLET, row.certificate, self._trust.network)

    def _within_terms(self, good: bool, subject: bytes, raw: bytes) -> None:
        if not good:
            self._find(findings.OUTSIDE_TERMS, subject, [raw])

    def _payment(self, fact: Fact) -> tables.Payment:
        """The row of the payment an entry is about, made if it is new."""
        known = self._session.get(tables.Payment, fact.payment_hash)
        if known is not None:
            own = known.payer if fact.kind in (PAID, REFUNDED) or fact.peer is None else known.payee
            if own != self._row.id or known.request_hash != fact.request_hash:
                raise Refused(UNKNOWN_PAYMENT)
            return known
        if fact.payment is None or fact.request is None or fact.peer is None:
            raise Refused(UNKNOWN_PAYMENT)
        payer, payee = self._wallet, fact.peer
        if fact.kind != PAID:
            payer, payee = payee, payer
        payment = payment_row(fact.payment, fact.request, payer, payee, self._wallet.issuer)
        payment.closed = fact.kind == PAID and is_closed(self._session, payee, fact.request)
        self._check_double_spend(payment)
        self._check_registered(fact.peer, fact.kind, payment)
        self._session.add(payment)
        return payment

    def _outcome(self, payment: tables.Payment, outcome: Receipt | Void) -> None:
        if payment.outcome is None:
            payment.outcome = outcome.raw
            payment.received = outcome.credited
            payment.outcome_position = outcome.position
        elif payment.received != outcome.credited:
            evidence = [payment.raw, payment.outcome, outcome.raw]
            self._find(findings.RECEIPT_AND_VOID, payment.hash, evidence, against=payment.payee)

    # Judgement ----------------------------------------------------------------------------------

    def _check_counts(self, payment: tables.Payment) -> None:
        evidence = [payment.raw, payment.request]
        if payment.credits > 1:
            self._find(findings.DOUBLE_CREDIT, payment.hash, evidence, against=payment.payee)
        # Where another operator was told that the request is closed, it refunds.
        told = payment.closed and payment.sent
        if payment.credits and (payment.refunds or told):
            self._find(findings.CREDIT_AND_REFUND, payment.hash, evidence, against=payment.payee)

    def _check_sequence(self, payment: tables.Payment) -> None:
        """A payer's journal holds its payments 1, 2, 3, ... in this order."""
        before = self._session.scalar(
            select(func.count())
            .select_from(tables.Entry)
            .where(tables.Entry.wallet == self._row.id, tables.Entry.kind == PAID)
        )
        if payment.sequence != (before or 0) + 1:
            detail = f"number {payment.sequence} as payment {(before or 0) + 1}"
            self._find(findings.SEQUENCE_BROKEN, payment.hash, [payment.raw], detail)

    def _check_double_spend(self, payment: tables.Payment) -> None:
        other = twin(self._session, payment)
        if other is not None:
            evidence = [other.raw, payment.raw]
            detail = f"number {payment.sequence}"
            self._find(findings.DOUBLE_SPEND, payment.hash, evidence, detail, payment.payer)

    def _check_registered(self, peer: Certificate, kind: int, payment: tables.Payment) -> None:
        # Wallets of other operators are theirs to register.
        if peer.issuer != self._wallet.issuer:
            return
        row = self._session.get(tables.Wallet, peer.id)
        if row is None:
            self._find(findings.UNKNOWN_WALLET, peer.hash, [peer.raw], against=peer.id)
        elif row.status == tables.ROTATED and kind != PAID:
            # All that it had paid was in its journal when its last statement was acknowledged.
            self._find(findings.OLD_KEY_USED, payment.hash, [payment.raw], against=peer.id)

    def _judge(self, question: Question, statement: Statement, balance: int) -> None:
        wrong = self._purses.state(statement)
        if balance != statement.balance or wrong:
            detail = f"stated {statement.balance}, journal {balance}"
            detail += f", purse {wrong[0]}" if wrong else ""
            self._find(findings.BALANCE_MISMATCH, statement.hash, [], detail)
        for payment_hash in question.owed:
            payment = self._session.get(tables.Payment, payment_hash)
            if payment is not None and not payment.debits:
                self._find(findings.DEBIT_MISSING, payment_hash, [payment.raw])
        for payment_hash in question.given:
            payment = self._session.get(tables.Payment, payment_hash)
            if payment is None or payment.outcome is None or payment.outcome_position is None:
                continue
            if payment.outcome_position >= statement.position:
                detail = f"position {statement.position} after an answer"
                detail += f" at {payment.outcome_position}"
                evidence = [payment.raw, payment.outcome]
                self._find(findings.ROLLED_BACK, payment_hash, evidence, detail)
        promised = self._session.scalars(
            select(tables.Payment).where(
                tables.Payment.payee == self._row.id,
                tables.Payment.received.is_(True),
                tables.Payment.credits == 0,
                tables.Payment.outcome_position < statement.position,
            )
        )
        for payment in promised:
            evidence = [payment.raw, payment.outcome or b""]
            self._find(findings.CREDIT_MISSING, payment.hash, evidence)

    def _close(self, statement: Statement) -> None:
        """A request below the floor that this complete journal has not answered never will be."""
        self._session.execute(
            update(tables.Payment)
            .where(
                tables.Payment.payee == self._row.id,
                tables.Payment.outcome.is_(None),
                tables.Payment.request_number < statement.floor,
            )
            .values(closed=True)
        )

    def _find(
        self,
        kind: str,
        subject: bytes,
        evidence: Iterable[bytes],
        detail: str = "",
        against: bytes | None = None,
    ) -> None:
        wallet = self._row.id if against is None else against
        proof = [self._evidence, *evidence]
        found = findings.find(self._session, wallet, kind, subject, proof, detail)
        self.posting.findings.append(found)


def payment_row(
    payment: Payment, request: Request, payer: Certificate, payee: Certificate, ours: bytes
) -> tables.Payment:
    """A new row; `ours` is the hash of this operator's certificate."""
    outgoing = payer.issuer == ours
    other = payee.issuer if outgoing else payer.issuer
    return tables.Payment(
        hash=payment.hash,
        request_hash=request.hash,
        payer=payer.id,
        payee=payee.id,
        payer_certificate=payer.raw,
        payee_certificate=payee.raw,
        sequence=payment.sequence,
        amount=payment.amount,
        request_number=request.number,
        raw=payment.raw,
        request=request.raw,
        closed=False,
        debits=0,
        credits=0,
        refunds=0,
        operator=None if other == ours else other,
        outgoing=outgoing,
        forwarded=False,
        sent=0,
        netted=0,
    )


def is_closed(session: Session, payee: Certificate, request: Request) -> bool:
    """Whether the payee's posted journal is complete beyond a request that it has not answered."""
    row = session.get(tables.Wallet, payee.id)
    return row is not None and request.number < row.floor


def twin(session: Session, payment: tables.Payment) -> tables.Payment | None:
    """Another payment of the same payer with the same number: what no honest wallet signs."""
    return session.scalar(
        select(tables.Payment).where(
            tables.Payment.payer_certificate == payment.payer_certificate,
            tables.Payment.sequence == payment.sequence,
            tables.Payment.hash != payment.hash,
        )
    )


def journal_balance(session: Session, row: tables.Wallet) -> int:
    """A wallet's balance by its posted journal, less what its next id took over.

    The account's begins with what was issued to it.
    """
    total = select(func.coalesce(func.sum(tables.Entry.delta), 0))
    balance = int(session.scalar(total.where(tables.Entry.wallet == row.id)) or 0) - row.moved
    if row.form == ACCOUNT:
        balance += issued(session)
    return balance


def issued(session: Session) -> int:
    """What the authority has issued less what it took back."""
    return int(session.scalar(select(func.coalesce(func.sum(tables.Issuance.amount), 0))) or 0)
