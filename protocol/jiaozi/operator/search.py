"""Search for proofs of fraud in the journals that an operator collected, in any order.

Each proof found can be verified on its own with `jiaozi.operator.evidence.verify`.
"""

from jiaozi.operator.audit import Audit, chain
from jiaozi.operator.evidence import (
    DEBIT_MISSING,
    FORKED_JOURNAL,
    FORKED_POSITION,
    FORKED_SEQUENCE,
    OUTCOME_MISSING,
    RECEIPT_AND_VOID,
    answer_of,
    digest,
    fault,
    proof,
)
from jiaozi.wire.certificates import Certificate
from jiaozi.wire.cose import decode
from jiaozi.wire.errors import MALFORMED, Refused
from jiaozi.wire.journal import (
    CREDITED,
    KIND,
    OUTCOME_RAW,
    PAID,
    PAYMENT_HASH,
    PAYMENT_RAW,
    PEER_RAW,
    REFUNDED,
    RESOLVED,
    VOIDED,
)
from jiaozi.wire.messages import Payment, Receipt, Void, read_outcome, read_payment
from jiaozi.wire.settlements import is_settlement
from jiaozi.wire.statements import read_statement
from jiaozi.wire.suites import HASH_LENGTH
from jiaozi.wire.trust import Trust

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from jiaozi.wire.epochs import Epoch
    from jiaozi.wire.policies import Policy

_START = bytes(HASH_LENGTH)
_RESOLUTION = 3


class Journal:
    """A collected journal: complete from its first entry to a signed statement.

    wallet: certificate; salt, digests: the parts of the statement's nonce, if a question made it
    (`jiaozi.operator.evidence.question`). Raises Refused if the wallet did not sign the statement,
    or the entries do not match it.
    """

    def __init__(
        self,
        wallet: Certificate,
        statement: bytes,
        entries: "Sequence[bytes]",
        network: int,
        salt: bytes = b"",
        digests: "Sequence[bytes]" = (),
    ) -> None:
        self.wallet = wallet
        self.statement = read_statement(statement, network)
        self.statement.verify(wallet.public, wallet.hash)
        self.entries = list(entries)
        self.heads = [_START]
        for entry in self.entries:
            self.heads.append(chain([entry], self.heads[-1]))
        if len(entries) != self.statement.position or self.heads[-1] != self.statement.head:
            raise Refused(MALFORMED)
        self.salt = salt
        self.digests = list(digests)


class Search:
    """Collects journals and returns proofs: at most one of each kind against each wallet.

    trust: with every operator known; epochs: those of the past, for journals that hold payments of
    operators that never were; policies: those that wallets' operators have signed.
    """

    def __init__(
        self, trust: Trust, epochs: "Iterable[Epoch]" = (), policies: "Iterable[Policy]" = ()
    ) -> None:
        self._trust = trust
        self._epochs = {epoch.number: epoch for epoch in epochs}
        self._policies = {policy.hash: policy for policy in policies}
        self._found: dict[tuple[bytes, int], bytes] = {}
        self._journals: dict[bytes, list[Journal]] = {}
        self._payments: dict[tuple[bytes, int], Payment] = {}
        self._signed: dict[bytes, Payment] = {}  # by digest
        self._places: dict[tuple[bytes, int], Receipt | Void] = {}
        self._answers: dict[tuple[bytes, bytes], Receipt | Void] = {}
        self._seen: set[bytes] = set()  # objects whose signature was checked

    def take(self, journal: Journal) -> None:
        """Add a journal and every signed object in it."""
        wallet = journal.wallet
        self._journals.setdefault(wallet.hash, []).append(journal)
        peers: dict[bytes, bytes] = {}
        for raw in journal.entries:
            try:
                entry = decode(raw)
                if type(entry) is list and entry and type(entry[KIND]) is int:
                    self._entry(entry, wallet, peers)
            except (Refused, IndexError, TypeError):
                continue  # the audit reports a bad entry

    def _entry(self, entry: "list[Any]", wallet: Certificate, peers: "dict[bytes, bytes]") -> None:
        kind = entry[KIND]
        if kind == PAID:
            peers[entry[PAYMENT_HASH]] = entry[PEER_RAW]
            self._payment(entry[PAYMENT_RAW], wallet)
        elif kind in (CREDITED, VOIDED):
            try:
                self._outcome(entry[OUTCOME_RAW], wallet)
            except Refused:
                pass  # the payment may still be genuine
            self._payment(entry[PAYMENT_RAW], self._trust.wallet(entry[PEER_RAW]))
        elif kind == RESOLVED or (kind == REFUNDED and not is_settlement(entry[_RESOLUTION])):
            payee = peers.get(entry[PAYMENT_HASH])
            if payee is not None:
                self._outcome(entry[_RESOLUTION], self._trust.wallet(payee))

    def _payment(self, raw: bytes, signer: Certificate) -> None:
        if raw in self._seen:
            return
        payment = read_payment(raw, self._trust.network)
        payment.verify(signer.public, signer.hash)
        self._seen.add(raw)
        self._signed[digest(raw)] = payment
        other = self._payments.setdefault((signer.hash, payment.sequence), payment)
        if other.hash != payment.hash:
            self._add_proof(FORKED_SEQUENCE, signer, other.raw, raw)

    def _outcome(self, raw: bytes, signer: Certificate) -> None:
        if raw in self._seen:
            return
        outcome = read_outcome(raw, self._trust.network)
        outcome.verify(signer.public, signer.hash)
        self._seen.add(raw)
        other = self._places.setdefault((signer.hash, outcome.position), outcome)
        if other.hash != outcome.hash:
            self._add_proof(FORKED_POSITION, signer, other.raw, raw)
        other = self._answers.setdefault((signer.hash, outcome.payment_hash), outcome)
        if type(other) is not type(outcome):
            receipt, void = (other, outcome) if type(other) is Receipt else (outcome, other)
            self._add_proof(RECEIPT_AND_VOID, signer, receipt.raw, void.raw)

    def proofs(self) -> "list[bytes]":
        """Return all proofs that follow from the journals added."""
        for journals in self._journals.values():
            left = sorted(journals, key=_length)
            while left:
                longest = left[-1]
                branch = [one for one in left if _is_prefix(one, longest)]
                left = [one for one in left if not _is_prefix(one, longest)]
                self._audit(branch)
                for one in left:
                    self._compare(one, longest)
        for (signer, position), outcome in self._places.items():
            for journal in self._journals.get(signer, ()):
                self._check_outcome(journal, position, outcome)
        return list(self._found.values())

    def _compare(self, journal: Journal, longest: Journal) -> None:
        position = len(journal.entries)
        first, second = journal.statement.raw, longest.statement.raw
        before, rest = longest.heads[position], longest.entries[position:]
        self._add_proof(FORKED_JOURNAL, journal.wallet, first, second, before, rest)

    def _audit(self, branch: "list[Journal]") -> None:
        """Audit journals each of which begins as the next one does, the shortest first."""
        audit = Audit(branch[0].wallet, self._trust, self._epochs, self._own_policies(branch[0]))
        for journal in branch:
            if audit.complete:
                audit.read(journal.entries[audit.position :])
            self._check_statement(journal, audit)

    def _check_statement(self, journal: Journal, audit: Audit) -> None:
        statement, wallet = journal.statement, journal.wallet
        kind = fault(statement, audit, wallet)
        if kind:
            epochs = [epoch.raw for epoch in self._epochs.values()]
            policies = [policy.raw for policy in self._own_policies(journal).values()]
            self._add_proof(kind, wallet, statement.raw, journal.entries, epochs, policies)
        if not audit.complete:
            return
        for one in journal.digests:
            payment = self._signed.get(one)
            if payment is None or payment.signer != wallet.hash or audit.has_paid(payment.hash):
                continue
            parts = [statement.raw, journal.entries, payment.raw, journal.salt, journal.digests]
            self._add_proof(DEBIT_MISSING, wallet, *parts)

    def _own_policies(self, journal: Journal) -> "dict[bytes, Policy]":
        issuer = journal.wallet.issuer
        return {name: one for name, one in self._policies.items() if one.signer == issuer}

    def _check_outcome(self, journal: Journal, position: int, outcome: "Receipt | Void") -> None:
        if position >= len(journal.entries):
            return
        if answer_of(journal.entries[position], self._trust.network) == outcome.hash:
            return
        before, rest = journal.heads[position], journal.entries[position:]
        self._add_proof(
            OUTCOME_MISSING, journal.wallet, journal.statement.raw, before, rest, outcome.raw
        )

    def _add_proof(self, kind: int, wallet: Certificate, *parts: object) -> None:
        if (wallet.hash, kind) not in self._found:
            operators = [operator.raw for operator in self._trust.operators.values()]
            self._found[(wallet.hash, kind)] = proof(kind, operators, wallet, *parts)


def _length(journal: Journal) -> int:
    return len(journal.entries)


def _is_prefix(journal: Journal, longer: Journal) -> bool:
    """True if a journal is a prefix of a longer one."""
    return longer.heads[len(journal.entries)] == journal.statement.head


def find(
    journals: "Iterable[Journal]",
    trust: Trust,
    epochs: "Iterable[Epoch]" = (),
    policies: "Iterable[Policy]" = (),
) -> "list[bytes]":
    """The proofs in a collection of journals."""
    search = Search(trust, epochs, policies)
    for journal in journals:
        search.take(journal)
    return search.proofs()
