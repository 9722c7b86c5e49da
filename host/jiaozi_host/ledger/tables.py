"""Tables of the ledger: amounts in minor units, hashes and ids as bytes, times in ISO 8601."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import BigInteger, ForeignKey, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ISSUED = "issued"
INSTALLED = "installed"
ROTATED = "rotated"


def now() -> str:
    """The time that stands beside a new row."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Base(DeclarativeBase):
    """Base of the ledger's tables."""


class Wallet(Base):
    """A wallet this operator has certified, and how far its journal has been posted.

    status: ISSUED until the device is known to have taken its certificate, then INSTALLED, and
    ROTATED once it has changed to another key and id; predecessor: the id it had before; moved:
    what went over to the id after it; holder: who holds it, sealed to the authority's key
    (`jiaozi_host.vault.holders`); position, head: where the posted journal ends;
    balance, epoch, floor: as its last statement said (for the account, with what was issued since).
    """

    __tablename__ = "wallets"

    id: Mapped[bytes] = mapped_column(LargeBinary(8), primary_key=True)
    public: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    certificate: Mapped[bytes] = mapped_column(LargeBinary)
    form: Mapped[int] = mapped_column(Integer)
    tier: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(String(16))
    holder: Mapped[bytes | None] = mapped_column(LargeBinary)
    position: Mapped[int] = mapped_column(Integer, default=0)
    head: Mapped[bytes] = mapped_column(LargeBinary(32), default=bytes(32))
    balance: Mapped[int] = mapped_column(BigInteger, default=0)
    epoch: Mapped[int] = mapped_column(Integer, default=0)
    floor: Mapped[int] = mapped_column(Integer, default=0)
    predecessor: Mapped[bytes | None] = mapped_column(LargeBinary(8), index=True)
    moved: Mapped[int] = mapped_column(BigInteger, default=0)
    issued_at: Mapped[str] = mapped_column(String(32), default=now)
    synced_at: Mapped[str | None] = mapped_column(String(32))


class Entry(Base):
    """A journal entry as received, and what it does to the wallet's balance."""

    __tablename__ = "entries"

    wallet: Mapped[bytes] = mapped_column(ForeignKey(Wallet.id), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[int] = mapped_column(Integer)
    payment_hash: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    delta: Mapped[int] = mapped_column(BigInteger)
    raw: Mapped[bytes] = mapped_column(LargeBinary)


class Purse(Base):
    """A purse with terms of a wallet.

    terms: those in force, b"" if its journal has shown none; held: what its posted journal comes
    to; stated: what its last statement said.
    """

    __tablename__ = "purses"

    wallet: Mapped[bytes] = mapped_column(ForeignKey(Wallet.id), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    terms: Mapped[bytes] = mapped_column(LargeBinary)
    held: Mapped[int] = mapped_column(BigInteger, default=0)
    stated: Mapped[int] = mapped_column(BigInteger, default=0)


class Payment(Base):
    """A payment, known from either party's journal.

    debits, credits, refunds: how many entries of payer, payee and payer say so; an honest payment
    has at most one of each. outcome: the payee's receipt or void once known; received: which.
    closed: the payee's journal is complete without it and its request can be answered no more.
    Between operators: operator is the other one (hash of its certificate, else null); outgoing:
    ours pays; forwarded: the payer's operator says that its journal holds the debit; sent: number
    of the clearing file that told the other our half (0: none); netted: what moved between the
    operators for it, once: negative to the other, positive from it. held: its payee's certificate
    ended long ago, and what is in flight is kept on an account in the payee's name.
    """

    __tablename__ = "payments"

    hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    payer: Mapped[bytes] = mapped_column(LargeBinary(8), index=True)
    payee: Mapped[bytes] = mapped_column(LargeBinary(8), index=True)
    payer_certificate: Mapped[bytes] = mapped_column(LargeBinary)
    payee_certificate: Mapped[bytes] = mapped_column(LargeBinary)
    sequence: Mapped[int] = mapped_column(Integer)
    amount: Mapped[int] = mapped_column(BigInteger)
    request_number: Mapped[int] = mapped_column(Integer)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    request: Mapped[bytes] = mapped_column(LargeBinary)
    outcome: Mapped[bytes | None] = mapped_column(LargeBinary)
    received: Mapped[bool | None] = mapped_column()
    outcome_position: Mapped[int | None] = mapped_column(Integer)
    closed: Mapped[bool] = mapped_column(default=False)
    debits: Mapped[int] = mapped_column(Integer, default=0)
    credits: Mapped[int] = mapped_column(Integer, default=0)
    refunds: Mapped[int] = mapped_column(Integer, default=0)
    operator: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    outgoing: Mapped[bool] = mapped_column(default=False)
    forwarded: Mapped[bool] = mapped_column(default=False)
    sent: Mapped[int] = mapped_column(Integer, default=0)
    netted: Mapped[int] = mapped_column(BigInteger, default=0)
    held: Mapped[bool] = mapped_column(default=False)

    @property
    def in_flight(self) -> int:
        """Value that has left one balance and not reached another, as far as journals are known.

        Negative while the payee has synced and the payer has not.
        """
        return self.amount * (self.debits - self.credits - self.refunds) + self.netted

    @property
    def state(self) -> str:
        """What is known of it, in a word."""
        if self.refunds:
            return "refunded"
        if self.in_flight == 0:
            return "settled"
        if self.held:
            return "held for its payee"
        if self.credits:
            return "credited, not cleared" if self.operator else "credited, payer not synced"
        if self.netted:
            return "cleared, payer not synced"
        if self.outcome is None:
            return "closed, refund due" if self.closed else "in flight"
        return "received, payee not synced" if self.received else "voided, refund due"


class Statement(Base):
    """A wallet's signed statement; accepted: whether the journal was posted up to it."""

    __tablename__ = "statements"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    wallet: Mapped[bytes] = mapped_column(ForeignKey(Wallet.id), index=True)
    position: Mapped[int] = mapped_column(Integer)
    balance: Mapped[int] = mapped_column(BigInteger)
    accepted: Mapped[bool] = mapped_column()
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[str] = mapped_column(String(32), default=now)


class Settlement(Base):
    """A settlement the operator has signed."""

    __tablename__ = "settlements"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    wallet: Mapped[bytes] = mapped_column(ForeignKey(Wallet.id), index=True)
    position: Mapped[int] = mapped_column(Integer)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[str] = mapped_column(String(32), default=now)


class Issuance(Base):
    """Value the authority issued to the operator's account (positive) or took back (negative)."""

    __tablename__ = "issuances"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[str] = mapped_column(String(32), default=now)


class CashOut(Base):
    """A request of the operator's account, and the wallet it was raised for.

    told: whether the wallet is known to have got the outcome, and so the person at the counter.
    """

    __tablename__ = "cash_outs"

    request_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    wallet: Mapped[bytes] = mapped_column(LargeBinary(8), index=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    told: Mapped[bool] = mapped_column(default=False)


class ClearingFile(Base):
    """A clearing file sent to another operator or taken from it (`jiaozi.operator.clearing`).

    operator: hash of the other's certificate; seen: the last file of its receiver the sender had
    taken by then; items: how many it holds.
    """

    __tablename__ = "clearing_files"

    operator: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    outgoing: Mapped[bool] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    seen: Mapped[int] = mapped_column(Integer)
    items: Mapped[int] = mapped_column(Integer)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[str] = mapped_column(String(32), default=now)


class AccountRecord(Base):
    """The store of the operator's account (see `jiaozi.wallet.book`), but for its key."""

    __tablename__ = "account"

    key: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    value: Mapped[bytes] = mapped_column(LargeBinary)


class Finding(Base):
    """Something that does not add up. Rows are added, never changed.

    subject: hash of the payment or statement it is about; evidence: the signed objects, in CBOR.
    """

    __tablename__ = "findings"
    __table_args__ = (UniqueConstraint("wallet", "kind", "subject"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    wallet: Mapped[bytes] = mapped_column(LargeBinary(8), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    subject: Mapped[bytes] = mapped_column(LargeBinary(32))
    detail: Mapped[str] = mapped_column(String(400))
    evidence: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[str] = mapped_column(String(32), default=now)
