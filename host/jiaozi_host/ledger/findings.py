"""Findings: contradictions in what wallets and operators signed, by kind.

A finding names one certificate, and rests on what its key has signed or on what this operator has
seen, never on another operator's word. It holds up the settlement of the wallet it names, and no
other's.
Findings of the kinds in PROVEN hold a proof as evidence, which third parties can verify
(`jiaozi.operator.evidence`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from _jzcbor import dumps
from jiaozi.operator import audit, evidence
from jiaozi.wire.certificates import Certificate
from jiaozi.wire.trust import Trust
from jiaozi_host.ledger import tables

ROLLED_BACK = "rolled back"
FORKED = "forked journal"
CHAIN_BROKEN = "broken chain"
ENTRY_INVALID = "invalid entry"
BALANCE_MISMATCH = "balance mismatch"
OVERDRAFT = "overdraft"
OUTSIDE_TERMS = "outside terms"
OVER_LIMITS = "over limits"
SEQUENCE_BROKEN = "sequence broken"
DOUBLE_SPEND = "double spend"
DOUBLE_CREDIT = "double credit"
CREDIT_AND_REFUND = "credit and refund"
RECEIPT_AND_VOID = "receipt and void"
DEBIT_MISSING = "debit missing"
CREDIT_MISSING = "credit missing"
OUTCOME_REFUSED = "outcome refused"
UNREGISTERED = "unregistered certificate"
OLD_KEY_USED = "old key used"

# Kind of finding for each kind of proof.
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
    audit.OVER_LIMITS: "proven payment over limits",
}

MEANING = {
    ROLLED_BACK: "its memory was rolled back: it had signed a longer journal or a later epoch",
    FORKED: "it signed two journals that differ",
    CHAIN_BROKEN: "the entries read do not lead to the journal head it signed; none was posted",
    ENTRY_INVALID: "a journal entry is malformed or has a wrong signature",
    BALANCE_MISMATCH: "the stated balance differs from the sum of its journal",
    OVERDRAFT: "its journal spends more than it received",
    OUTSIDE_TERMS: "a purse was used against its terms",
    OVER_LIMITS: "it paid more than its policy permits",
    SEQUENCE_BROKEN: "its payments are not numbered 1, 2, 3, ...",
    DOUBLE_SPEND: "it signed two payments with the same number",
    DOUBLE_CREDIT: "one payment was credited twice",
    CREDIT_AND_REFUND: "one payment was credited and refunded",
    RECEIPT_AND_VOID: "one payment has a receipt and a void",
    DEBIT_MISSING: "its complete journal lacks a payment that it signed",
    CREDIT_MISSING: "its complete journal lacks a payment that it signed a receipt for",
    PROVEN[evidence.FORKED_SEQUENCE]: "it signed two payments with the same number (proven)",
    PROVEN[evidence.FORKED_POSITION]: "it signed two outcomes for one position in its journal",
    PROVEN[evidence.RECEIPT_AND_VOID]: "it signed a receipt and a void for one payment",
    PROVEN[evidence.FORKED_JOURNAL]: "it signed two journals that differ (proven)",
    PROVEN[evidence.OUTCOME_MISSING]: "its journal has another entry in the place of an outcome",
    PROVEN[evidence.DEBIT_MISSING]: "its journal lacks a payment that it signed earlier",
    PROVEN[audit.OVERDRAFT]: "its own journal spends more than it holds",
    PROVEN[audit.CREDIT_WITHOUT_DEBIT]: "its own journal credits value that no payer debited",
    PROVEN[audit.FALSE_ENTRY]: "its own journal holds an entry that no honest wallet writes",
    PROVEN[evidence.FALSE_BALANCE]: "it signed a balance that its journal contradicts",
    PROVEN[audit.OUTSIDE_TERMS]: "its own journal uses a purse against its terms",
    PROVEN[audit.OVER_LIMITS]: "its own journal pays more than its policy permits",
    OLD_KEY_USED: "a key was used after the wallet had rotated to the next one",
    OUTCOME_REFUSED: "it refuses the outcome of its payment, which verifies here",
    UNREGISTERED: "it signed a wallet's certificate that its ledger does not list",
}

# May be corrected by the next reading: blocks only the settlement of the sync that found it.
_TRANSIENT = (CHAIN_BROKEN,)

# For people to look into: who is at fault is not known, so it blocks nothing.
_REMARKS = (OUTCOME_REFUSED,)


@dataclass(frozen=True)
class Accused:
    """Who a finding names, as in `tables.Finding`."""

    certificate: bytes
    operator: bytes
    wallet: bytes = b""


def wallet_of(certificate: Certificate, trust: Trust) -> Accused:
    """Name the wallet that holds a verified certificate."""
    return Accused(certificate.hash, trust.operator(certificate).id, certificate.id)


def operator_of(certificate: Certificate, trust: Trust) -> Accused:
    """Name the operator that signed a wallet's verified certificate."""
    operator = trust.operator(certificate)
    return Accused(operator.hash, operator.id)


def store(
    session: Session,
    accused: Accused,
    kind: str,
    subject: bytes,
    parts: Iterable[bytes],
    detail: str = "",
) -> tables.Finding:
    """Store a finding, unless the same one is stored already; return it.

    subject: hash of the payment or statement; parts: encoded signed objects, the evidence.
    """
    table = tables.Finding
    same = select(table).where(
        table.certificate == accused.certificate, table.kind == kind, table.subject == subject
    )
    known = session.scalar(same)
    if known is not None:
        return known
    finding = table(
        certificate=accused.certificate,
        operator=accused.operator,
        wallet=accused.wallet,
        kind=kind,
        subject=subject,
        detail=f"{MEANING[kind]} ({detail})" if detail else MEANING[kind],
        evidence=dumps(list(parts)),
    )
    session.add(finding)
    session.flush()
    return finding


def is_remark(finding: tables.Finding) -> bool:
    """True if a finding blocks no settlement."""
    return finding.kind in _REMARKS


def blocking(session: Session, certificates: Iterable[bytes]) -> list[tables.Finding]:
    """Return the findings that block settlement of the wallet with these certificates' hashes."""
    table = tables.Finding
    wanted = table.certificate.in_(list(certificates)), table.kind.not_in(_TRANSIENT + _REMARKS)
    return list(session.scalars(select(table).where(*wanted).order_by(table.id)))
