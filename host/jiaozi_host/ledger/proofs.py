"""Proofs of fraud from the posted journals, which third parties can verify offline.

The search runs only after a posting with findings, and covers all journals: what one wallet signed
may be in the journal of another.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from _jzcrypto import sha256
from jiaozi.operator import evidence
from jiaozi.operator.search import Journal, find
from jiaozi.wire.certificates import Certificate, read
from jiaozi.wire.cose import WALLET
from jiaozi.wire.errors import Refused
from jiaozi.wire.trust import Trust
from jiaozi_host.ledger import findings, tables
from jiaozi_host.ledger.limits import signed_policies


def search(
    session: Session, trust: Trust, wallet: bytes, salt: bytes, digests: list[bytes]
) -> list[tables.Finding]:
    """Search all posted journals for proofs; store and return the new findings.

    wallet: id of the one just posted; salt, digests: of the question its statement answers.
    """
    rows = session.scalars(select(tables.Wallet).where(tables.Wallet.position > 0)).all()
    journals = []
    for row in rows:
        asked = (salt, digests) if row.id == wallet else (b"", [])
        journal = _journal(session, row, trust.network, *asked)
        if journal is not None:
            journals.append(journal)
    policies = signed_policies(session, trust.network).values()
    return store(session, trust, find(journals, trust, policies=policies))


def _journal(
    session: Session, row: tables.Wallet, network: int, salt: bytes, digests: list[bytes]
) -> Journal | None:
    statement = last_statement(session, row.id)
    if statement is None:
        return None
    entries = session.scalars(
        select(tables.Entry.raw)
        .where(tables.Entry.wallet == row.id)
        .order_by(tables.Entry.position)
    )
    certificate = read(WALLET, row.certificate, network)
    return Journal(certificate, statement, list(entries), network, salt, digests)


def last_statement(session: Session, wallet: bytes) -> bytes | None:
    """Return the encoded statement that a wallet's posted journal ends with, or None."""
    return session.scalar(
        select(tables.Statement.raw)
        .where(tables.Statement.wallet == wallet, tables.Statement.accepted)
        .order_by(tables.Statement.id.desc())
        .limit(1)
    )


def prove_fork(
    session: Session,
    trust: Trust,
    wallet: Certificate,
    head: bytes,
    statement: bytes,
    entries: Iterable[bytes] = (),
) -> list[tables.Finding]:
    """Store the proof that the wallet signed a journal other than the posted one.

    head: of the other journal at the end of the posted one; statement: of the other journal;
    entries: encoded, from there to that statement. Return the new findings.
    """
    last = last_statement(session, wallet.id)
    if last is None:
        return []
    operators = [operator.raw for operator in trust.operators.values()]
    kind = evidence.FORKED_JOURNAL
    proof = evidence.proof(kind, operators, wallet, last, statement, head, list(entries))
    return store(session, trust, [proof])


def store(session: Session, trust: Trust, proofs: Iterable[bytes]) -> list[tables.Finding]:
    """Verify proofs and store those that hold, one of each kind for each wallet."""
    stored = []
    for proof in proofs:
        try:
            verdict = evidence.verify(proof, trust.authority, trust.network)
        except (Refused, evidence.NotProven):
            continue
        kind = findings.PROVEN[verdict.kind]
        accused, table = findings.wallet_of(verdict.wallet, trust), tables.Finding
        wanted = select(table).where(table.certificate == accused.certificate, table.kind == kind)
        if session.scalar(wanted) is None:
            stored.append(findings.store(session, accused, kind, sha256(proof), [proof]))
    return stored
