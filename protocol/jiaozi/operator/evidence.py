"""Evidence: proofs that a wallet signed something that no honest wallet signs.

A proof is a CBOR array `[kind, operators, wallet, ...]` that can be verified offline with the
authority's certificate alone: `operators` are the operator certificates it needs, `wallet` is the
certificate of the accused wallet.

1 FORKED_SEQUENCE       payment, payment: one sequence number, different content
2 FORKED_POSITION       outcome, outcome: one journal position, different content
3 RECEIPT_AND_VOID      receipt, void: of one payment
4 FORKED_JOURNAL        statement, statement, before, entries: two journals differ at a position
5 OUTCOME_MISSING       statement, before, entries, outcome: another entry stands at its position
6 DEBIT_MISSING         statement, journal, payment, salt, digests: the journal lacks what was paid
7 OVERDRAFT             statement, journal, epochs, policies: spends more than it has
8 CREDIT_WITHOUT_DEBIT  the same: an entry adds value that nobody gave
9 FALSE_ENTRY           the same: an entry is not what it says
10 FALSE_BALANCE        the same: states another balance than its journal's
11 OUTSIDE_TERMS        the same: uses a purse in a way its terms do not permit
12 OVER_LIMITS          the same: pays more than the policy permits that the entry names

A journal is all entries from the first on; `entries` are those from some position to the
statement's, `before` is the chain's head at the first of them. The hash chain makes them unique.
"""

from _jzcbor import dumps
from _jzcrypto import sha256
from jiaozi.operator.audit import (
    CREDIT_WITHOUT_DEBIT,
    FALSE_ENTRY,
    OUTSIDE_TERMS,
    OVER_LIMITS,
    OVERDRAFT,
    Audit,
    chain,
)
from jiaozi.wire.certificates import ACCOUNT, Certificate, read
from jiaozi.wire.cose import BYTES, LIST, OPERATOR, UINT, decode, expect
from jiaozi.wire.epochs import Epoch, read_epoch
from jiaozi.wire.errors import MALFORMED, Refused
from jiaozi.wire.journal import CREDITED, OUTCOME_RAW, VOIDED
from jiaozi.wire.messages import Payment, Receipt, Void, read_outcome, read_payment
from jiaozi.wire.policies import Policy, read_policy
from jiaozi.wire.statements import NONCE_LENGTH, Statement, read_statement
from jiaozi.wire.suites import HASH_LENGTH
from jiaozi.wire.trust import Trust
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

FORKED_SEQUENCE = const(1)
FORKED_POSITION = const(2)
RECEIPT_AND_VOID = const(3)
FORKED_JOURNAL = const(4)
OUTCOME_MISSING = const(5)
DEBIT_MISSING = const(6)
FALSE_BALANCE = const(10)

SALT_LENGTH = const(16)

_TWO = (BYTES, BYTES)
_JOURNAL = (BYTES, LIST, LIST, LIST)
_FIELDS = {
    FORKED_SEQUENCE: _TWO,
    FORKED_POSITION: _TWO,
    RECEIPT_AND_VOID: _TWO,
    FORKED_JOURNAL: (BYTES, BYTES, HASH_LENGTH, LIST),
    OUTCOME_MISSING: (BYTES, HASH_LENGTH, LIST, BYTES),
    DEBIT_MISSING: (BYTES, LIST, BYTES, SALT_LENGTH, LIST),
    OVERDRAFT: _JOURNAL,
    CREDIT_WITHOUT_DEBIT: _JOURNAL,
    FALSE_ENTRY: _JOURNAL,
    FALSE_BALANCE: _JOURNAL,
    OUTSIDE_TERMS: _JOURNAL,
    OVER_LIMITS: _JOURNAL,
}


class NotProven(Exception):
    """The objects are authentic, but an honest wallet may have signed all of them."""


class Verdict:
    """Result of a valid proof: its kind and the certificate of the accused wallet."""

    def __init__(self, kind: int, wallet: Certificate) -> None:
        self.kind = kind
        self.wallet = wallet


def proof(kind: int, operators: "Sequence[bytes]", wallet: Certificate, *evidence: object) -> bytes:
    """Encode a proof. `verify` checks it."""
    return dumps([kind, list(operators), wallet.raw] + list(evidence))


def digest(payment: bytes) -> bytes:
    """Hash of a payment with its signature, which names the payment in a question.

    The object hash is unsuitable: it leaves the signature out, so a payee could compute it before
    the wallet signs and put it into a question asked too early.
    """
    return sha256(payment)


def question(salt: bytes, digests: "Sequence[bytes]") -> bytes:
    """Nonce for a statement, which proves that these payments were signed before it."""
    expect([salt], (SALT_LENGTH,))
    expect(list(digests), (HASH_LENGTH,) * len(digests))
    return sha256(salt + b"".join(digests))[:NONCE_LENGTH]


def verify(raw: bytes, authority: Certificate, network: int) -> Verdict:
    """Verify a proof with the authority's certificate, which the caller has pinned.

    Raises NotProven, or Refused (MALFORMED, UNKNOWN_OPERATOR, BAD_SIGNATURE, WRONG_SIGNER) for what
    is not authentic.
    """
    body = decode(raw)
    if type(body) is not list or not body or type(body[0]) is not int or body[0] not in _FIELDS:
        raise Refused(MALFORMED)
    kind = body[0]
    expect(body, (UINT, LIST, BYTES) + _FIELDS[kind])
    operators = []
    for one in _all_bytes(body[1]):
        operator = read(OPERATOR, one, network)
        operator.signed.verify(authority.public, authority.hash)
        operators.append(operator)
    trust = Trust(authority, operators, network)
    wallet = trust.wallet(body[2])
    parts = body[3:]
    if kind == FORKED_SEQUENCE:
        _forked_sequence(parts, wallet, network)
    elif kind in (FORKED_POSITION, RECEIPT_AND_VOID):
        _forked_outcome(kind, parts, wallet, network)
    elif kind == FORKED_JOURNAL:
        _forked_journal(parts, wallet, network)
    elif kind == OUTCOME_MISSING:
        _outcome_missing(parts, wallet, network)
    elif kind == DEBIT_MISSING:
        _debit_missing(parts, wallet, trust)
    else:
        _false_journal(kind, parts, wallet, trust)
    return Verdict(kind, wallet)


# Two objects ----------------------------------------------------------------------------------


def _forked_sequence(parts: "list[Any]", wallet: Certificate, network: int) -> None:
    first, second = _payment(parts[0], wallet, network), _payment(parts[1], wallet, network)
    _unless(first.sequence == second.sequence and first.hash != second.hash)


def _forked_outcome(kind: int, parts: "list[Any]", wallet: Certificate, network: int) -> None:
    first, second = _outcome(parts[0], wallet, network), _outcome(parts[1], wallet, network)
    if kind == FORKED_POSITION:
        _unless(first.position == second.position and first.hash != second.hash)
    else:
        _unless(type(first) is Receipt and type(second) is Void)
        _unless(first.payment_hash == second.payment_hash)


# A statement and something else -----------------------------------------------------------------


def _forked_journal(parts: "list[Any]", wallet: Certificate, network: int) -> None:
    first = _statement(parts[0], wallet, network)
    second = _statement(parts[1], wallet, network)
    _follows(second, parts[2], parts[3])
    _unless(first.position == second.position - len(parts[3]) and first.head != parts[2])


def _outcome_missing(parts: "list[Any]", wallet: Certificate, network: int) -> None:
    statement = _statement(parts[0], wallet, network)
    outcome = _outcome(parts[3], wallet, network)
    _follows(statement, parts[1], parts[2])
    _unless(len(parts[2]) > 0 and outcome.position == statement.position - len(parts[2]))
    _unless(answer_of(parts[2][0], network) != outcome.hash)


def answer_of(entry: bytes, network: int) -> "bytes | None":
    """Hash of the receipt or void in a journal entry that the journal's own wallet signed."""
    try:
        body = decode(entry)
        if type(body) is list and len(body) > OUTCOME_RAW and body[0] in (CREDITED, VOIDED):
            expect([body[OUTCOME_RAW]], (BYTES,))
            return read_outcome(body[OUTCOME_RAW], network).hash
    except Refused:
        pass
    return None


def _debit_missing(parts: "list[Any]", wallet: Certificate, trust: Trust) -> None:
    statement = _statement(parts[0], wallet, trust.network)
    payment = _payment(parts[2], wallet, trust.network)
    _complete(statement, parts[1])
    expect(parts[4], (HASH_LENGTH,) * len(parts[4]))
    _unless(digest(parts[2]) in parts[4])
    _unless(statement.nonce == question(parts[3], parts[4]))
    audit = Audit(wallet, trust).read(parts[1])
    _unless(audit.complete and not audit.has_paid(payment.hash))


def _false_journal(kind: int, parts: "list[Any]", wallet: Certificate, trust: Trust) -> None:
    statement = _statement(parts[0], wallet, trust.network)
    _complete(statement, parts[1])
    epochs: dict[int, Epoch] = {}
    for raw in _all_bytes(parts[2]):
        epoch = read_epoch(raw, trust.network)
        epoch.verify(trust.authority.public, trust.authority.hash)
        epochs[epoch.number] = epoch
    policies: dict[bytes, Policy] = {}
    operator = trust.operator(wallet)
    for raw in _all_bytes(parts[3]):
        policy = read_policy(raw, trust.network)
        policy.verify(operator.public, operator.hash)
        policies[policy.hash] = policy
    audit = Audit(wallet, trust, epochs, policies).read(parts[1])
    _unless(fault(statement, audit, wallet) == kind)


def fault(statement: Statement, audit: Audit, wallet: Certificate) -> int:
    """Kind of the fault that a complete journal proves by itself, 0 for none."""
    if audit.fault or not audit.complete or wallet.form == ACCOUNT:
        return audit.fault
    return 0 if statement.held == audit.held else FALSE_BALANCE


# Parts of proofs ----------------------------------------------------------------------------------


def _payment(raw: bytes, wallet: Certificate, network: int) -> Payment:
    payment = read_payment(raw, network)
    payment.verify(wallet.public, wallet.hash)
    return payment


def _outcome(raw: bytes, wallet: Certificate, network: int) -> "Receipt | Void":
    outcome = read_outcome(raw, network)
    outcome.verify(wallet.public, wallet.hash)
    return outcome


def _statement(raw: bytes, wallet: Certificate, network: int) -> Statement:
    statement = read_statement(raw, network)
    statement.verify(wallet.public, wallet.hash)
    return statement


def _follows(statement: Statement, before: bytes, entries: "list[Any]") -> None:
    _unless(chain(_all_bytes(entries), before) == statement.head)


def _complete(statement: Statement, journal: "list[Any]") -> None:
    _unless(len(journal) == statement.position)
    _unless(chain(_all_bytes(journal)) == statement.head)


def _all_bytes(items: "list[Any]") -> "list[bytes]":
    expect(items, (BYTES,) * len(items))
    return items


def _unless(proven: bool) -> None:
    if not proven:
        raise NotProven()
