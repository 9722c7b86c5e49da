"""Findings: the ways in which a wallet's signed word can fail to add up."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from _jzcbor import dumps
from jiaozi_host.ledger import tables

ROLLED_BACK = "rolled back"
FORKED = "forked journal"
CHAIN_BROKEN = "broken chain"
ENTRY_INVALID = "invalid entry"
BALANCE_MISMATCH = "balance mismatch"
OVERDRAFT = "overdraft"
SEQUENCE_BROKEN = "sequence broken"
DOUBLE_SPEND = "double spend"
DOUBLE_CREDIT = "double credit"
CREDIT_AND_REFUND = "credit and refund"
RECEIPT_AND_VOID = "receipt and void"
DEBIT_MISSING = "debit missing"
CREDIT_MISSING = "credit missing"
UNKNOWN_WALLET = "unknown wallet"

MEANING = {
    ROLLED_BACK: "its memory was put back: it has signed a longer journal before",
    FORKED: "two journals of this wallet, both signed, differ",
    CHAIN_BROKEN: "the entries read do not chain to the head it signed; nothing was posted",
    ENTRY_INVALID: "an entry of the journal is not authentic",
    BALANCE_MISMATCH: "the balance stated is not the sum of the journal",
    OVERDRAFT: "the journal spends more than it has received",
    SEQUENCE_BROKEN: "the numbers of its payments do not follow each other",
    DOUBLE_SPEND: "two payments with one sequence number",
    DOUBLE_CREDIT: "one payment was credited twice",
    CREDIT_AND_REFUND: "one payment was credited and refunded",
    RECEIPT_AND_VOID: "one payment has a receipt and a void",
    DEBIT_MISSING: "its complete journal lacks a payment that it has signed",
    CREDIT_MISSING: "its complete journal lacks a payment that it has given a receipt for",
    UNKNOWN_WALLET: "it has a certificate of this operator that is not in the register",
}

# What the next reading may put right; everything else keeps a wallet from being settled.
_PASSING = (CHAIN_BROKEN,)


def find(
    session: Session,
    wallet: bytes,
    kind: str,
    subject: bytes,
    evidence: Iterable[bytes],
    detail: str = "",
) -> tables.Finding:
    """Store a finding, once; return it."""
    known = session.scalar(
        select(tables.Finding).where(
            tables.Finding.wallet == wallet,
            tables.Finding.kind == kind,
            tables.Finding.subject == subject,
        )
    )
    if known is not None:
        return known
    text = f"{MEANING[kind]} ({detail})" if detail else MEANING[kind]
    finding = tables.Finding(
        wallet=wallet, kind=kind, subject=subject, detail=text, evidence=dumps(list(evidence))
    )
    session.add(finding)
    session.flush()
    return finding


def lasting(session: Session, wallet: bytes) -> list[tables.Finding]:
    """Findings against a wallet that keep it from being settled."""
    return list(
        session.scalars(
            select(tables.Finding).where(
                tables.Finding.wallet == wallet, tables.Finding.kind.not_in(_PASSING)
            )
        )
    )
