"""The ledger: what wallets have signed, posted and judged, and the operator's own account."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event, or_, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from _jzcrypto import sha256
from jiaozi.operator import evidence
from jiaozi.wire import certificates, statements
from jiaozi.wire.certificates import Certificate
from jiaozi.wire.cose import WALLET
from jiaozi.wire.errors import Refused
from jiaozi.wire.journal import REFUNDED, RESOLVED
from jiaozi.wire.statements import Statement
from jiaozi.wire.trust import Trust
from jiaozi_host.errors import BadAnswer, LedgerError
from jiaozi_host.ledger import findings, posting, proofs, tables
from jiaozi_host.ledger.posting import Posting, Question

FILE = "ledger.sqlite"

GRACE = 30
"""Epochs after the end of a payee's certificate before a payment to it is held for it."""

_RESOLUTIONS = (RESOLVED, REFUNDED)


class Ledger:
    """The ledger of one operator in one database.

    place: a SQLite file, or an SQLAlchemy URL.
    """

    def __init__(self, place: Path | str) -> None:
        url = place if isinstance(place, str) else f"sqlite:///{place}"
        if isinstance(place, Path):
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(place, os.O_CREAT | os.O_RDWR, 0o600))
        self.engine = create_engine(url)
        if self.engine.dialect.name == "sqlite":
            _make_sqlite_strict(self.engine)
        tables.Base.metadata.create_all(self.engine)

    @classmethod
    def open(cls, home: Path) -> Ledger:
        """The ledger kept in a home."""
        return cls(home / FILE)

    def close(self) -> None:
        """Give the database back."""
        self.engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A database transaction: everything done in it is committed, or nothing."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    # Wallets ------------------------------------------------------------------------------------

    def register(self, certificate: Certificate, status: str = tables.ISSUED) -> None:
        """Note a certificate this operator has issued, before anybody else sees it."""
        with self.transaction() as session:
            session.add(
                tables.Wallet(
                    id=certificate.id,
                    public=certificate.public,
                    certificate=certificate.raw,
                    form=certificate.form,
                    tier=certificate.tier,
                    status=status,
                )
            )

    def succeed(self, wallet: bytes, certificate: Certificate) -> None:
        """Note the certificate that a wallet is to change over to, before the device sees it."""
        with self.transaction() as session:
            row = self._row(session, wallet)
            session.add(
                tables.Wallet(
                    id=certificate.id,
                    public=certificate.public,
                    certificate=certificate.raw,
                    form=certificate.form,
                    tier=certificate.tier,
                    status=tables.ISSUED,
                    holder=row.holder,
                    predecessor=row.id,
                )
            )

    def chain(self, wallet: bytes) -> list[bytes]:
        """All ids that a wallet has had and is to have, the oldest first. Raises LedgerError."""
        with self.transaction() as session:
            ids, row = [wallet], self._row(session, wallet)
            while row.predecessor is not None:
                ids.insert(0, row.predecessor)
                row = self._row(session, row.predecessor)
            table = tables.Wallet
            while (
                after := session.scalar(select(table.id).where(table.predecessor == ids[-1]))
            ) is not None:
                ids.append(after)
            return ids

    def installed(self, wallet: bytes) -> None:
        """Note that the device has taken its certificate."""
        with self.transaction() as session:
            self._row(session, wallet).status = tables.INSTALLED

    def set_holder(self, wallet: bytes, sealed: bytes) -> None:
        """Keep who holds a wallet, sealed; later ids of the wallet keep it too."""
        with self.transaction() as session:
            self._row(session, wallet).holder = sealed

    def wallet(self, wallet: bytes) -> tables.Wallet:
        """The row of a wallet. Raises LedgerError for one that is not registered."""
        with self.transaction() as session:
            return self._row(session, wallet)

    def wallet_of_key(self, public: bytes) -> tables.Wallet | None:
        """The wallet certified for a public key, if any."""
        with self.transaction() as session:
            return session.scalar(select(tables.Wallet).where(tables.Wallet.public == public))

    @staticmethod
    def _row(session: Session, wallet: bytes) -> tables.Wallet:
        row = session.get(tables.Wallet, wallet, with_for_update=True)
        if row is None:
            raise LedgerError(
                f"wallet {wallet.hex()} is not registered here", "sync it with its own operator"
            )
        return row

    # Journals -----------------------------------------------------------------------------------

    def ask(self, wallet: bytes) -> Question:
        """What to ask a wallet for; call it before the wallet makes its statement."""
        with self.transaction() as session:
            row = self._row(session, wallet)
            payments = session.scalars(
                select(tables.Payment).where(
                    tables.Payment.payer == wallet, tables.Payment.debits == 0
                )
            ).all()
            owed = frozenset(payment.hash for payment in payments)
            given = session.scalars(
                select(tables.Payment.hash).where(
                    tables.Payment.payee == wallet, tables.Payment.outcome_position >= row.position
                )
            )
            digests = tuple(evidence.digest(payment.raw) for payment in payments)
            salt = os.urandom(evidence.SALT_LENGTH)
            nonce = evidence.question(salt, digests)
            return Question(
                wallet, nonce, row.position, owed, salt, digests, frozenset(given.all())
            )

    def read_statement(self, question: Question, raw: bytes, trust: Trust) -> Statement:
        """Check a statement's signature and nonce. Raises BadAnswer."""
        certificate = self.certificate(question.wallet, trust)
        try:
            statement = statements.read_statement(raw, trust.network)
            statement.verify(certificate.public, certificate.hash)
        except Refused as refusal:
            raise BadAnswer(f"the wallet's statement does not verify ({refusal})") from refusal
        if statement.nonce != question.nonce:
            raise BadAnswer("the wallet's statement answers another question")
        return statement

    def post(
        self, question: Question, statement: Statement, entries: list[bytes], trust: Trust
    ) -> Posting:
        """Post what a wallet answered, as read by `read_statement`; safe to repeat.

        entries: its journal from the question's position to the statement's. Findings are stored
        and returned; nothing is posted when the entries do not chain to the statement.
        Raises LedgerError when the journal was posted further meanwhile.
        """
        with self.transaction() as session:
            row = self._row(session, question.wallet)
            if row.position != question.position:
                raise LedgerError("the wallet is being synced elsewhere", "run the command again")
            wallet = certificates.read(WALLET, row.certificate, trust.network)
            poster = posting.Poster(session, row, wallet, trust)
            return poster.post(question, statement, entries)

    def entry(self, wallet: bytes, position: int) -> bytes | None:
        """An entry of a posted journal, None where it has none."""
        with self.transaction() as session:
            row = session.get(tables.Entry, (wallet, position))
            return None if row is None else row.raw

    def forked(
        self,
        question: Question,
        statement: Statement,
        read: list[bytes],
        entries: list[bytes],
        trust: Trust,
    ) -> list[tables.Finding]:
        """Keep the proof that a journal is not the one posted; none if it does not prove that.

        read: its entries from where it leaves the posted one, up to the question's position;
        entries: from there to its statement.
        """
        with self.transaction() as session:
            row = self._row(session, question.wallet)
            table = tables.Entry
            common = select(table.raw).where(
                table.wallet == row.id, table.position < row.position - len(read)
            )
            head = bytes(32)
            for raw in [*session.scalars(common.order_by(table.position)), *read]:
                head = sha256(head + raw)
            wallet = certificates.read(WALLET, row.certificate, trust.network)
            return proofs.forked(session, trust, wallet, head, statement.raw, entries)

    def certificate(self, wallet: bytes, trust: Trust) -> Certificate:
        """The certificate of a registered wallet."""
        return certificates.read(WALLET, self.wallet(wallet).certificate, trust.network)

    def settled(self, wallet: bytes, position: int, raw: bytes) -> None:
        """Keep a settlement before the wallet gets it."""
        with self.transaction() as session:
            session.add(tables.Settlement(wallet=wallet, position=position, raw=raw))

    def lasting_findings(self, wallet: bytes) -> list[tables.Finding]:
        """Findings that keep a wallet from being settled, under any of its ids."""
        ids = self.chain(wallet)
        with self.transaction() as session:
            return [found for one in ids for found in findings.lasting(session, one)]

    def purses(self, wallet: bytes) -> list[tables.Purse]:
        """The purses with terms that a wallet says it has money in."""
        with self.transaction() as session:
            table = tables.Purse
            wanted = select(table).where(table.wallet == wallet, table.stated > 0)
            return list(session.scalars(wanted.order_by(table.number)))

    # Deliveries ---------------------------------------------------------------------------------

    def outcomes_due(self, wallet: bytes) -> list[tables.Payment]:
        """Payments this wallet made whose outcome is known here, but not in its journal."""
        resolved = select(tables.Entry.payment_hash).where(
            tables.Entry.wallet == wallet, tables.Entry.kind.in_(_RESOLUTIONS)
        )
        return self._payments(
            tables.Payment.payer == wallet,
            tables.Payment.debits > 0,
            tables.Payment.outcome.is_not(None),
            tables.Payment.hash.not_in(resolved),
        )

    def payments_due(self, wallet: bytes) -> list[tables.Payment]:
        """Payments made to this wallet that it has not answered yet, as far as is known."""
        return self._payments(
            tables.Payment.payee == wallet,
            or_(tables.Payment.debits > 0, tables.Payment.forwarded),
            tables.Payment.outcome.is_(None),
            tables.Payment.closed.is_(False),
        )

    def refunds_due(self, wallet: bytes) -> list[tables.Payment]:
        """Payments this wallet made whose payee's complete journal lacks them and always will."""
        return self._payments(
            tables.Payment.payer == wallet,
            tables.Payment.debits > 0,
            tables.Payment.refunds == 0,
            tables.Payment.outcome.is_(None),
            tables.Payment.closed.is_(True),
        )

    def hold(self, epoch: int, network: int) -> None:
        """Put payments on hold whose payees' certificates ended more than GRACE epochs ago.

        A wallet that is lost cannot be told from one that is late, and by its own old epoch a late
        one may still credit or void: so what is held is paid out to nobody, and goes where the
        payee's own journal says once that is seen.
        """
        row, wallet = tables.Payment, tables.Wallet
        ours = select(row, wallet.certificate).join(wallet, wallet.id == row.payee)
        waiting = ours.where(
            row.held.is_(False), row.debits > 0, row.credits == 0, row.refunds == 0
        )
        with self.transaction() as session:
            for payment, certificate in session.execute(waiting):
                payee = certificates.read(WALLET, certificate, network)
                payment.held = payee.expiry + GRACE < epoch

    def _payments(self, *conditions: Any) -> list[tables.Payment]:
        with self.transaction() as session:
            wanted = select(tables.Payment).where(*conditions)
            return list(session.scalars(wanted.order_by(tables.Payment.sequence)))


def _make_sqlite_strict(engine: Engine) -> None:
    """Durable commits, foreign keys, and transactions that take their lock when they begin."""

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for setting in ("foreign_keys = ON", "journal_mode = WAL", "synchronous = FULL"):
            cursor.execute(f"PRAGMA {setting}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
