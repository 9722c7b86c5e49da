"""Tables of the ledger. Amounts are in minor units, times in ISO 8601 (UTC)."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import BigInteger, ForeignKey, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from jiaozi.wire.cose import ID_LENGTH
from jiaozi.wire.suites import EDDSA, HASH_LENGTH

ISSUED = "issued"
INSTALLED = "installed"
ROTATED = "rotated"


def now() -> str:
    """Return the current time for a new row."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Base(DeclarativeBase):
    """Base of the ledger's tables."""


class Wallet(Base):
    """A wallet certified by this operator, and the end of its posted journal.

    hash: of its certificate, by which journals are matched to it: another operator may give its id
    to a wallet of its own.
    status: ISSUED, then INSTALLED once the device is known to hold its certificate, then ROTATED
    once it has changed to its next key and id.
    predecessor: its previous id; moved: balance that went to its next id.
    holder: the sealed reference to its holder (`jiaozi_host.vault.escrow`).
    position, head: end of the posted journal.
    balance, epoch, floor: by its last statement; the account's balance includes value issued since.
    """

    __tablename__ = "wallets"

    id: Mapped[bytes] = mapped_column(LargeBinary(ID_LENGTH), primary_key=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_LENGTH), unique=True)
    public: Mapped[bytes] = mapped_column(LargeBinary(EDDSA.key_length), unique=True)
    certificate: Mapped[bytes] = mapped_column(LargeBinary)
    form: Mapped[int] = mapped_column(Integer)
    tier: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(String(16))
    holder: Mapped[bytes | None] = mapped_column(LargeBinary)
    position: Mapped[int] = mapped_column(Integer, default=0)
    head: Mapped[bytes] = mapped_column(LargeBinary(HASH_LENGTH), default=bytes(HASH_LENGTH))
    balance: Mapped[int] = mapped_column(BigInteger, default=0)
    epoch: Mapped[int] = mapped_column(Integer, default=0)
    floor: Mapped[int] = mapped_column(Integer, default=0)
    predecessor: Mapped[bytes | None] = mapped_column(LargeBinary(ID_LENGTH), index=True)
    moved: Mapped[int] = mapped_column(BigInteger, default=0)
    issued_at: Mapped[str] = mapped_column(String(32), default=now)
    synced_at: Mapped[str | None] = mapped_column(String(32))


class Entry(Base):
    """A posted journal entry, encoded. delta: its change of the wallet's balance."""

    __tablename__ = "entries"

    wallet: Mapped[bytes] = mapped_column(ForeignKey(Wallet.id), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[int] = mapped_column(Integer)
    payment_hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_LENGTH), index=True)
    delta: Mapped[int] = mapped_column(BigInteger)
    raw: Mapped[bytes] = mapped_column(LargeBinary)


class Purse(Base):
    """A wallet's purse with terms.

    terms: encoded, b"" if its journal has none; held: balance by the posted journal; stated:
    balance by the last statement.
    """

    __tablename__ = "purses"

    wallet: Mapped[bytes] = mapped_column(ForeignKey(Wallet.id), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    terms: Mapped[bytes] = mapped_column(LargeBinary)
    held: Mapped[int] = mapped_column(BigInteger, default=0)
    stated: Mapped[int] = mapped_column(BigInteger, default=0)


class Payment(Base):
    """A payment, from the journal of its payer, its payee or both.

    payer, payee: hashes of their certificates, by which they are matched to wallets; payer_id,
    payee_id: their ids, for people.
    debits, credits, refunds: number of posted entries of each kind; at most one of each if all
    parties are honest.
    outcome: the payee's receipt or void, encoded; received: True for a receipt.
    refused: the payer's wallet refuses the outcome.
    closed: the payee's complete journal lacks the payment, and its request is below the floor, or
    that journal answers the payment with a void that does not verify.
    held: on hold, as the payee's certificate ended long ago.
    Between operators: operator: hash of the other's certificate, else None; outgoing: our wallet
    pays; forwarded: the payer's operator has posted the debit; sent: number of the clearing file
    with our part (0: none); netted: amount cleared between the operators, negative if we owe it.
    """

    __tablename__ = "payments"

    hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_LENGTH), primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_LENGTH), index=True)
    payer: Mapped[bytes] = mapped_column(LargeBinary(HASH_LENGTH), index=True)
    payee: Mapped[bytes] = mapped_column(LargeBinary(HASH_LENGTH), index=True)
    payer_id: Mapped[bytes] = mapped_column(LargeBinary(ID_LENGTH))
    payee_id: Mapped[bytes] = mapped_column(LargeBinary(ID_LENGTH))
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
    refused: Mapped[bool] = mapped_column(default=False)
    closed: Mapped[bool] = mapped_column(default=False)
    debits: Mapped[int] = mapped_column(Integer, default=0)
    credits: Mapped[int] = mapped_column(Integer, default=0)
    refunds: Mapped[int] = mapped_column(Integer, default=0)
    operator: Mapped[bytes | None] = mapped_column(LargeBinary(HASH_LENGTH), index=True)
    outgoing: Mapped[bool] = mapped_column(default=False)
    forwarded: Mapped[bool] = mapped_column(default=False)
    sent: Mapped[int] = mapped_column(Integer, default=0)
    netted: Mapped[int] = mapped_column(BigInteger, default=0)
    held: Mapped[bool] = mapped_column(default=False)

    @property
    def in_flight(self) -> int:
        """Value debited and not yet credited, refunded or cleared, by the posted journals.

        Negative while the payee has synced and the payer has not.
        """
        return self.amount * (self.debits - self.credits - self.refunds) + self.netted

    @property
    def state(self) -> str:
        """State of the payment, for people."""
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
    """A wallet's signed statement. accepted: True if the journal was posted up to it."""

    __tablename__ = "statements"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    wallet: Mapped[bytes] = mapped_column(ForeignKey(Wallet.id), index=True)
    position: Mapped[int] = mapped_column(Integer)
    balance: Mapped[int] = mapped_column(BigInteger)
    accepted: Mapped[bool] = mapped_column()
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[str] = mapped_column(String(32), default=now)


class Settlement(Base):
    """A settlement or rotation signed by the operator for a wallet."""

    __tablename__ = "settlements"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    wallet: Mapped[bytes] = mapped_column(ForeignKey(Wallet.id), index=True)
    position: Mapped[int] = mapped_column(Integer)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[str] = mapped_column(String(32), default=now)


class Policy(Base):
    """A policy that went to wallets, encoded; hash: as their payments' entries name it."""

    __tablename__ = "policies"

    hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    raw: Mapped[bytes] = mapped_column(LargeBinary)


class Issuance(Base):
    """Value issued to the operator's account (positive) or redeemed from it (negative)."""

    __tablename__ = "issuances"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[str] = mapped_column(String(32), default=now)


class CounterTransfer(Base):
    """A cash-out (a request of the operator's account) or a top-up (a payment of the account).

    wallet: hash of the certificate of the wallet it was begun with.
    acknowledged: True once the counter has been shown its outcome. Until then the counter owes it:
    the person is paid, or has paid, in cash. A sync in between settles the wallet, not the counter.
    """

    __tablename__ = "counter_transfers"

    request_hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_LENGTH), primary_key=True)
    wallet: Mapped[bytes] = mapped_column(LargeBinary(HASH_LENGTH), index=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    acknowledged: Mapped[bool] = mapped_column(default=False)


class ClearingFile(Base):
    """A clearing file (`jiaozi.operator.clearing`) exported to another operator or imported.

    operator: hash of the other's certificate; seen: number of the last file that the sender had
    imported from the receiver; items: number of payments in it.
    """

    __tablename__ = "clearing_files"

    operator: Mapped[bytes] = mapped_column(LargeBinary(HASH_LENGTH), primary_key=True)
    outgoing: Mapped[bool] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    seen: Mapped[int] = mapped_column(Integer)
    items: Mapped[int] = mapped_column(Integer)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[str] = mapped_column(String(32), default=now)


class AccountRecord(Base):
    """A record of the account's store (`jiaozi.wallet.book`); the account's key is in the vault."""

    __tablename__ = "account"

    key: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    value: Mapped[bytes] = mapped_column(LargeBinary)


class Finding(Base):
    """A failed check (`jiaozi_host.ledger.findings`). Rows are added, never changed.

    certificate: hash of the certificate of who is at fault, a wallet or an operator.
    operator, wallet: ids, for people; wallet is empty if the operator itself is at fault.
    subject: hash of the payment, statement or entry; evidence: signed objects, a CBOR list.
    """

    __tablename__ = "findings"
    __table_args__ = (UniqueConstraint("certificate", "kind", "subject"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    certificate: Mapped[bytes] = mapped_column(LargeBinary(HASH_LENGTH), index=True)
    operator: Mapped[bytes] = mapped_column(LargeBinary(ID_LENGTH))
    wallet: Mapped[bytes] = mapped_column(LargeBinary(ID_LENGTH))
    kind: Mapped[str] = mapped_column(String(32))
    subject: Mapped[bytes] = mapped_column(LargeBinary(HASH_LENGTH))
    detail: Mapped[str] = mapped_column(String(400))
    evidence: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[str] = mapped_column(String(32), default=now)

    @property
    def name(self) -> str:
        """Who is at fault, for people."""
        if self.wallet:
            return f"wallet {self.wallet.hex()} of operator {self.operator.hex()}"
        return f"operator {self.operator.hex()}"
