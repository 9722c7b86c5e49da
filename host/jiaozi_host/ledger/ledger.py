"""The ledger of one operator: its wallets, their posted journals and what does not add up."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from _jzcrypto import sha256
from jiaozi.operator import evidence
from jiaozi.wire import certificates, statements
from jiaozi.wire.certificates import Certificate
from jiaozi.wire.cose import WALLET
from jiaozi.wire.errors import Refused
from jiaozi.wire.policies import Policy
from jiaozi.wire.statements import Statement
from jiaozi.wire.suites import HASH_LENGTH
from jiaozi.wire.trust import Trust
from jiaozi_host.errors import BadAnswer, LedgerError
from jiaozi_host.ledger import findings, proofs, tables
from jiaozi_host.ledger.checks import Posting, Question
from jiaozi_host.ledger.database import FILE, open_database
from jiaozi_host.ledger.payments import registered
from jiaozi_host.ledger.posting import Poster


class Ledger:
    """The ledger of one operator in one database; every method is one transaction.

    place: a SQLite file, or an SQLAlchemy URL.
    """

    def __init__(self, place: Path | str) -> None:
        self.engine = open_database(place)

    @classmethod
    def open(cls, home: Path) -> Ledger:
        """Open the ledger of a home, the folder of keys and ledger."""
        return cls(home / FILE)

    def close(self) -> None:
        """Close the connections to the database."""
        self.engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Begin a database transaction: commit at the end, roll back on an exception."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    # Wallets ------------------------------------------------------------------------------------

    def register(self, certificate: Certificate, status: str = tables.ISSUED) -> None:
        """Add a wallet by its certificate; call it before the device gets the certificate."""
        with self.transaction() as session:
            session.add(
                tables.Wallet(
                    id=certificate.id,
                    hash=certificate.hash,
                    public=certificate.public,
                    certificate=certificate.raw,
                    form=certificate.form,
                    tier=certificate.tier,
                    status=status,
                )
            )

    def register_successor(self, wallet: bytes, certificate: Certificate) -> None:
        """Add the certificate for a wallet's next key; call it before the device gets it.

        Raises LedgerError when the wallet is not registered.
        """
        with self.transaction() as session:
            row = self._row(session, wallet)
            session.add(
                tables.Wallet(
                    id=certificate.id,
                    hash=certificate.hash,
                    public=certificate.public,
                    certificate=certificate.raw,
                    form=certificate.form,
                    tier=certificate.tier,
                    status=tables.ISSUED,
                    holder=row.holder,
                    predecessor=row.id,
                )
            )

    def ids_of(self, wallet: bytes) -> list[bytes]:
        """Return all ids of a wallet, past and next ones too, the oldest first.

        Raises LedgerError when the wallet is not registered.
        """
        with self.transaction() as session:
            return [row.id for row in self._chain(session, wallet)]

    def hashes_of(self, certificate: Certificate) -> list[bytes]:
        """Return the hashes of all certificates of a wallet, or of this one if not registered."""
        with self.transaction() as session:
            row = registered(session, certificate)
            if row is None:
                return [certificate.hash]
            return [one.hash for one in self._chain(session, row.id)]

    def mark_installed(self, wallet: bytes) -> None:
        """Set a wallet's status to INSTALLED: the device holds its certificate."""
        with self.transaction() as session:
            self._row(session, wallet).status = tables.INSTALLED

    def set_holder(self, wallet: bytes, sealed: bytes) -> None:
        """Store the sealed reference to a wallet's holder; its later ids inherit it."""
        with self.transaction() as session:
            self._row(session, wallet).holder = sealed

    def wallet(self, wallet: bytes) -> tables.Wallet:
        """Return the row of a wallet. Raises LedgerError when it is not registered."""
        with self.transaction() as session:
            return self._row(session, wallet)

    def wallet_of_key(self, public: bytes) -> tables.Wallet | None:
        """Return the wallet certified for a public key, or None."""
        with self.transaction() as session:
            return session.scalar(select(tables.Wallet).where(tables.Wallet.public == public))

    @classmethod
    def _chain(cls, session: Session, wallet: bytes) -> list[tables.Wallet]:
        """Return the rows of all ids of a wallet, the oldest first."""
        rows, table = [cls._row(session, wallet)], tables.Wallet
        while (before := rows[0].predecessor) is not None:
            rows.insert(0, cls._row(session, before))
        while after := session.scalar(select(table).where(table.predecessor == rows[-1].id)):
            rows.append(after)
        return rows

    @staticmethod
    def _row(session: Session, wallet: bytes) -> tables.Wallet:
        row = session.get(tables.Wallet, wallet, with_for_update=True)
        if row is None:
            raise LedgerError(
                f"wallet {wallet.hex()} is not in this ledger; nothing was changed",
                "take it to the operator that issued it, or check --home",
            )
        return row

    # Journals -----------------------------------------------------------------------------------

    def make_question(self, wallet: bytes) -> Question:
        """Make the question for a wallet's next statement; call it before the statement is made."""
        with self.transaction() as session:
            row = self._row(session, wallet)
            payments = session.scalars(
                select(tables.Payment).where(
                    tables.Payment.payer == row.hash, tables.Payment.debits == 0
                )
            ).all()
            expected = frozenset(payment.hash for payment in payments)
            answered = session.scalars(
                select(tables.Payment.hash).where(
                    tables.Payment.payee == row.hash,
                    tables.Payment.outcome_position >= row.position,
                )
            )
            digests = tuple(evidence.digest(payment.raw) for payment in payments)
            salt = os.urandom(evidence.SALT_LENGTH)
            nonce = evidence.question(salt, digests)
            return Question(
                wallet, nonce, row.position, expected, salt, digests, frozenset(answered.all())
            )

    def read_statement(self, question: Question, raw: bytes, trust: Trust) -> Statement:
        """Decode a wallet's statement and verify its signature and nonce.

        Raises BadAnswer when it is malformed, forged or answers another question.
        """
        certificate = self.certificate(question.wallet, trust)
        try:
            statement = statements.read_statement(raw, trust.network)
            statement.verify(certificate.public, certificate.hash)
        except Refused as refusal:
            raise BadAnswer(f"the wallet's statement does not verify ({refusal})") from refusal
        if statement.nonce != question.nonce:
            raise BadAnswer("the wallet's statement answers another request (its nonce differs)")
        return statement

    def post(
        self,
        question: Question,
        statement: Statement,
        entries: list[bytes],
        trust: Trust,
        missing: frozenset[bytes] = frozenset(),
    ) -> Posting:
        """Post a wallet's journal up to its statement; safe to repeat.

        statement: as returned by `read_statement`; entries: encoded journal entries from the
        question's position to the statement's; missing: hashes of certificates of valid operators
        that this host lacks. Findings are stored and returned; no entry is
        posted when they do not chain to the statement's head.
        Raises LedgerError when another process has posted entries since the question was made, or
        an entry cannot be judged before this host has the operators it lacks.
        """
        with self.transaction() as session:
            row = self._row(session, question.wallet)
            if row.position != question.position:
                raise LedgerError(
                    "another process synced this wallet meanwhile; nothing was posted here",
                    "run the command again",
                )
            wallet = certificates.read(WALLET, row.certificate, trust.network)
            return Poster(session, row, wallet, trust, statement, missing).post(question, entries)

    def entry(self, wallet: bytes, position: int) -> bytes | None:
        """Return an encoded entry of a posted journal, or None past its end."""
        with self.transaction() as session:
            row = session.get(tables.Entry, (wallet, position))
            return None if row is None else row.raw

    def prove_fork(
        self,
        question: Question,
        statement: Statement,
        branch: list[bytes],
        entries: list[bytes],
        trust: Trust,
    ) -> list[tables.Finding]:
        """Store the proof that a wallet signed a journal other than the posted one.

        branch: encoded entries from where it leaves the posted journal up to the question's
        position; entries: from there to its statement. Return the new findings, none if these
        entries prove nothing.
        """
        with self.transaction() as session:
            row = self._row(session, question.wallet)
            table = tables.Entry
            common = select(table.raw).where(
                table.wallet == row.id, table.position < row.position - len(branch)
            )
            head = bytes(HASH_LENGTH)
            for raw in [*session.scalars(common.order_by(table.position)), *branch]:
                head = sha256(head + raw)
            wallet = certificates.read(WALLET, row.certificate, trust.network)
            return proofs.prove_fork(session, trust, wallet, head, statement.raw, entries)

    def certificate(self, wallet: bytes, trust: Trust) -> Certificate:
        """Return the certificate of a wallet. Raises LedgerError when it is not registered."""
        return certificates.read(WALLET, self.wallet(wallet).certificate, trust.network)

    def add_settlement(self, wallet: bytes, position: int, raw: bytes) -> None:
        """Store a signed settlement or rotation; call it before the wallet gets it."""
        with self.transaction() as session:
            session.add(tables.Settlement(wallet=wallet, position=position, raw=raw))

    def add_policy(self, policy: Policy) -> None:
        """Store a signed policy; call it before a wallet gets it."""
        with self.transaction() as session:
            session.merge(tables.Policy(hash=policy.hash, raw=policy.raw))

    def blocking_findings(self, wallet: bytes) -> list[tables.Finding]:
        """Return findings, under any of a wallet's certificates, that block its settlement."""
        with self.transaction() as session:
            hashes = [row.hash for row in self._chain(session, wallet)]
            return findings.blocking(session, hashes)

    def unsettling(self, wallet: bytes, found: Iterable[tables.Finding]) -> list[tables.Finding]:
        """Return those of one sync's findings that forbid it to settle a wallet.

        They name this wallet, under any of its certificates, and are not mere remarks.
        """
        with self.transaction() as session:
            hashes = {row.hash for row in self._chain(session, wallet)}
        about = [finding for finding in found if finding.certificate in hashes]
        return [finding for finding in about if not findings.is_remark(finding)]

    def note_refused(self, payment: tables.Payment, trust: Trust, reason: str) -> tables.Finding:
        """Note that the payer's wallet refuses an outcome; a void is then refunded by settlement.

        reason: the wallet's refusal. Return the finding, which names the wallet that refuses.
        """
        payer = trust.wallet(payment.payer_certificate)
        payee = findings.wallet_of(trust.wallet(payment.payee_certificate), trust)
        signer = f"wallet {payee.wallet.hex()} of operator {payee.operator.hex()}"
        parts = [payment.raw, payment.outcome or b"", payment.payee_certificate]
        with self.transaction() as session:
            session.get_one(tables.Payment, payment.hash).refused = True
            return findings.store(
                session,
                findings.wallet_of(payer, trust),
                findings.OUTCOME_REFUSED,
                payment.hash,
                parts,
                f"signed by {signer}; {reason}",
            )

    def purses(self, wallet: bytes) -> list[tables.Purse]:
        """Return the purses with terms in which a wallet states to hold money."""
        with self.transaction() as session:
            table = tables.Purse
            wanted = select(table).where(table.wallet == wallet, table.stated > 0)
            return list(session.scalars(wanted.order_by(table.number)))
