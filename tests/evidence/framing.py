"""Attempts to frame honest wallets: false proofs made of objects that were really signed."""

from __future__ import annotations

from collections.abc import Iterator

from jiaozi.operator import evidence
from jiaozi.operator.audit import CREDIT_WITHOUT_DEBIT, FALSE_ENTRY, OVER_LIMITS, OVERDRAFT
from jiaozi.operator.search import Journal
from jiaozi.wire.cose import decode
from jiaozi.wire.errors import Refused
from jiaozi.wire.journal import CREDITED, KIND, OUTCOME_RAW, PAID, PAYMENT_RAW, VOIDED
from tests.evidence.economy import AUTHORITY, NETWORK, OPERATORS, Economy, policies

_RAWS = [operator.raw for operator in OPERATORS]
_OF_JOURNALS = (
    OVERDRAFT,
    CREDIT_WITHOUT_DEBIT,
    FALSE_ENTRY,
    evidence.FALSE_BALANCE,
    OVER_LIMITS,
)


def succeeds(proof: bytes) -> bool:
    """True if a false proof is accepted."""
    try:
        evidence.verify(proof, AUTHORITY, NETWORK)
    except (Refused, evidence.NotProven):
        return False
    return True


def attempts(economy: Economy, collected: list[Journal], cheaters: set[bytes]) -> Iterator[bytes]:
    """Yield false proofs against wallets that never cheated.

    cheaters: hashes of the certificates of all others.
    """
    rng = economy.rng
    honest = [journal for journal in collected if journal.wallet.hash not in cheaters]
    for journal in rng.sample(honest, min(1, len(honest))):
        same = [one for one in honest if one.wallet.hash == journal.wallet.hash]
        longest = max(same, key=lambda one: len(one.entries))
        yield from _against(economy, longest, rng.choice(collected), journal)


def _against(economy: Economy, journal: Journal, other: Journal, own: Journal) -> Iterator[bytes]:
    rng, me = economy.rng, journal.wallet
    payments, outcomes = _signed(journal)
    strange_payments, strange_outcomes = _signed(other)
    payments.append(rng.choice(payments or [b""]))
    for kind, objects in (
        (evidence.FORKED_SEQUENCE, payments + strange_payments),
        (evidence.FORKED_POSITION, outcomes + strange_outcomes),
        (evidence.RECEIPT_AND_VOID, outcomes + strange_outcomes),
    ):
        if objects:
            first, second = rng.choice(objects), rng.choice(objects)
            altered = first[:-1] + bytes([first[-1] ^ 1]) if first else b"\x00"
            yield evidence.proof(kind, _RAWS, me, first, first)
            yield evidence.proof(kind, _RAWS, me, first, second)
            yield evidence.proof(kind, _RAWS, me, first, altered)
    yield from _with_statements(economy, journal, other)
    yield from _with_statements(economy, own, journal)
    statement, entries = journal.statement.raw, journal.entries
    cut = rng.randint(0, len(entries))
    false = [*entries[:-1], b"\x80"]
    for shown in (entries, entries[:cut], entries[cut:], entries[::-1], other.entries, false):
        for kind in _OF_JOURNALS:
            rules = [one.raw for one in policies() if one.signer == me.issuer]
            yield evidence.proof(kind, _RAWS, me, statement, shown, [], rules)
    # A payment after an earlier statement is not in that statement's journal.
    for raw in payments[-3:]:
        for salt, digests in ((own.salt, own.digests), (bytes(16), [evidence.digest(raw)])):
            parts = (own.statement.raw, own.entries, raw, salt, digests)
            yield evidence.proof(evidence.DEBIT_MISSING, _RAWS, me, *parts)


def _with_statements(economy: Economy, journal: Journal, other: Journal) -> Iterator[bytes]:
    me, statement = journal.wallet, journal.statement.raw
    for one in (journal, other):
        position = economy.rng.randint(0, len(one.entries))
        before, rest = one.heads[position], one.entries[position:]
        parts = (one.statement.raw, before, rest)
        yield evidence.proof(evidence.FORKED_JOURNAL, _RAWS, me, statement, *parts)
        yield evidence.proof(evidence.FORKED_JOURNAL, _RAWS, me, one.statement.raw, *parts)
        for outcome in _signed(journal)[1]:
            yield evidence.proof(evidence.OUTCOME_MISSING, _RAWS, me, *parts, outcome)
    # The right number of entries, but not the signed ones.
    for position in economy.rng.sample(range(len(journal.entries)), min(2, len(journal.entries))):
        rest = journal.entries[position:]
        false = [b"\x80", *rest[1:]]
        before = journal.heads[position]
        for head, shown in ((before, false), (bytes(32), rest), (bytes(32), false)):
            parts = (statement, head, shown)
            yield evidence.proof(evidence.FORKED_JOURNAL, _RAWS, me, statement, *parts)
            for outcome in _signed(journal)[1][:2]:
                yield evidence.proof(evidence.OUTCOME_MISSING, _RAWS, me, *parts, outcome)


def _signed(journal: Journal) -> tuple[list[bytes], list[bytes]]:
    """Return the payments and outcomes that a journal's wallet has signed."""
    entries = [decode(raw) for raw in journal.entries]
    payments = [entry[PAYMENT_RAW] for entry in entries if entry[KIND] == PAID]
    outcomes = [entry[OUTCOME_RAW] for entry in entries if entry[KIND] in (CREDITED, VOIDED)]
    return payments, outcomes
