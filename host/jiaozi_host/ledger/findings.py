"""Findings: the ways in which a wallet's signed word can fail to add up.

Those in PROVEN hold one thing as evidence: a proof that anybody can verify
(`jiaozi.operator.evidence`).
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from _jzcbor import dumps
from jiaozi.operator import audit, evidence
from jiaozi_host.ledger import tables

ROLLED_BACK = "rolled back"
FORKED = "forked journal"
CHAIN_BROKEN = "broken chain"
ENTRY_INVALID = "invalid entry"
BALANCE_MISMATCH = "balance mismatch"
OVERDRAFT = "overdraft"
OUTSIDE_TERMS = "outside terms"
SEQUENCE_BROKEN = "sequence broken"
DOUBLE_SPEND = "double spend"
DOUBLE_CREDIT = "double credit"
CREDIT_AND_REFUND = "credit and refund"
RECEIPT_AND_VOID = "receipt and void"
DEBIT_MISSING = "debit missing"
CREDIT_MISSING = "credit missing"
UNKNOWN_WALLET = "unknown wallet"
OLD_KEY_USED = "old key used"

# Kinds of findings by the kinds of proofs.
PROVEN = {
    evidence.FORKED_SEQUENCE: "proven forked sequence",
    evidence.FORKED_POSITION: "proven forked position",
    evidence.RECEIPT_AND_VOID: "proven receipt and void",
    evidence.FORKED_JOURNAL: "proven forked journal",
    evidence.OUTCOME_MISSING: "proven missing outcome",
    evidence.DEBIT_MISSING: "proven missing debit",
    audit.OVERDRAFT: "proven overdraft",
    audit.CREDIT_WITHOUT_DEBIT: "proven credit without debit",
    audit.FALSE_ENTRY: "proven false entry",
    evidence.FALSE_BALANCE: "proven false balance",
    audit.OUTSIDE_TERMS: "proven use outside terms",
}

MEANING = {
    ROLLED_BACK: "its memory was put back: it has signed a longer journal or a later epoch before",
    FORKED: "two journals of this wallet, both signed, differ",
    CHAIN_BROKEN: "the entries read do not chain to the head it signed; nothing was posted",
    ENTRY_INVALID: "an entry of the journal is not authentic",
    BALANCE_MISMATCH: "the balance stated is not the sum of the journal",
    OVERDRAFT: "the journal spends more than it has received",
    OUTSIDE_TERMS: "a purse was used in a way that its terms do not permit",
    SEQUENCE_BROKEN: "the numbers of its payments do not follow each other",
    DOUBLE_SPEND: "two payments with one sequence number",
    DOUBLE_CREDIT: "one payment was credited twice",
    CREDIT_AND_REFUND: "one payment was credited and refunded",
    RECEIPT_AND_VOID: "one payment has a receipt and a void",
    DEBIT_MISSING: "its complete journal lacks a payment that it has signed",
    CREDIT_MISSING: "its complete journal lacks a payment that it has given a receipt for",
    PROVEN[evidence.FORKED_SEQUENCE]: "it has signed two payments with one number",
    PROVEN[evidence.FORKED_POSITION]: "it has signed two answers for one place in its journal",
    PROVEN[evidence.RECEIPT_AND_VOID]: "it has signed a receipt and a void for one payment",
    PROVEN[evidence.FORKED_JOURNAL]: "it has signed two journals that differ",
    PROVEN[evidence.OUTCOME_MISSING]: "its journal has something else in the place of an answer",
    PROVEN[evidence.DEBIT_MISSING]: "its journal lacks a payment that it had signed before",
    PROVEN[audit.OVERDRAFT]: "its own journal spends more than it has",
    PROVEN[audit.CREDIT_WITHOUT_DEBIT]: "its own journal adds value that nobody gave",
    PROVEN[audit.FALSE_ENTRY]: "its own journal holds an entry that no wallet writes",
    PROVEN[evidence.FALSE_BALANCE]: "it has signed another balance than its journal's",
    PROVEN[audit.OUTSIDE_TERMS]: "its own journal uses a purse outside its terms",
    OLD_KEY_USED: "its key was used after it had been given up for another",
    UNKNOWN_WALLET: "it has a certificate of this operator that is not in the register",
}

# What the next reading may put right; everything else keeps a wallet from being settled.
_PASSING = (CHAIN_BROKEN,)


def find(
    session: Session,
    wallet: bytes,
    kind: str,
    subject: bytes,
    proof: Iterable[bytes],
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
        wallet=wallet, kind=kind, subject=subject, detail=text, evidence=dumps(list(proof))
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
