"""The audit of a journal that is complete from its first entry: does it add up by itself?

What is asked of an entry is what every honest wallet makes sure of before it commits one. Where the
auditor lacks what it takes to judge (an operator's certificate, an entry's kind that came later),
the wallet is right.
"""

from _jzcrypto import sha256
from jiaozi.operator.limits import Limits, OverLimits
from jiaozi.wire.certificates import ACCOUNT, Certificate, read
from jiaozi.wire.cose import BYTES, LIST, UINT, WALLET, decode, expect
from jiaozi.wire.errors import MALFORMED, Refused
from jiaozi.wire.journal import (
    ADOPTED,
    CREDITED,
    FUNDER_HASH,
    KIND,
    MOST_VOIDS_A_PAYER,
    OPENED,
    OUTCOME_RAW,
    PAID,
    PAYMENT_HASH,
    PAYMENT_RAW,
    PEER_RAW,
    REFUNDED,
    REQUEST_HASH,
    REQUEST_RAW,
    RESOLVED,
    TAKEN,
    TERMS_HASH,
    TERMS_RAW,
    VOIDED,
)
from jiaozi.wire.messages import Payment, Receipt, Void, read_outcome, read_payment, read_request
from jiaozi.wire.rotations import read_rotation
from jiaozi.wire.settlements import is_settlement, read_settlement
from jiaozi.wire.suites import HASH_LENGTH
from jiaozi.wire.terms import GENERAL, Terms, read_terms
from jiaozi.wire.trust import Trust
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from jiaozi.wire.epochs import Epoch
    from jiaozi.wire.policies import Policy

# What an audit finds; the numbers are those of the proofs (`jiaozi.operator.evidence`).
OVERDRAFT = const(7)
CREDIT_WITHOUT_DEBIT = const(8)
FALSE_ENTRY = const(9)
OUTSIDE_TERMS = const(11)
OVER_LIMITS = const(12)

_START = bytes(HASH_LENGTH)
_RESOLUTION = const(3)  # where a RESOLVED or REFUNDED entry has what resolves the payment
_ANSWERED = (UINT, HASH_LENGTH, HASH_LENGTH, BYTES, BYTES, BYTES)
ENTRY_FIELDS = {
    PAID: _ANSWERED + (LIST, UINT, UINT, HASH_LENGTH),
    CREDITED: _ANSWERED + (BYTES,),
    VOIDED: _ANSWERED + (BYTES,),
    RESOLVED: (UINT, HASH_LENGTH, HASH_LENGTH, BYTES),
    REFUNDED: (UINT, HASH_LENGTH, HASH_LENGTH, BYTES),
    ADOPTED: (UINT, HASH_LENGTH, HASH_LENGTH, BYTES),
    OPENED: (UINT, HASH_LENGTH, HASH_LENGTH, BYTES),
}


def chain(entries: "Sequence[bytes]", head: bytes = _START) -> bytes:
    """The head of a journal in which `entries` follow upon `head`."""
    for entry in entries:
        head = sha256(head + entry)
    return head


class _OutsideTerms(Exception):
    """A purse is used in another way than its terms permit."""


class Audit:
    """What came of an audit.

    epochs: by number; policies: by hash, those of the wallet's operator.
    fault: OVERDRAFT, CREDIT_WITHOUT_DEBIT, FALSE_ENTRY, OUTSIDE_TERMS or OVER_LIMITS, 0 for none;
    position: of the first entry at fault, or not understood, else where the journal ends; complete:
    whether every entry was understood and without fault; limits: what was counted.
    """

    def __init__(
        self,
        wallet: Certificate,
        trust: Trust,
        epochs: "dict[int, Epoch] | None" = None,
        policies: "dict[bytes, Policy] | None" = None,
    ) -> None:
        self.fault = 0
        self.position = 0
        self.complete = True
        self._held: dict[int, int] = {}
        self._terms: dict[int, Terms] = {}
        self._purses: dict[bytes, int] = {}  # that payments were made from, by payment
        self._wallet = wallet
        self._trust = trust
        self._epochs = epochs or {}
        self._payments: dict[bytes, list[Any]] = {}
        self._resolved: set[bytes] = set()
        self._credited: set[bytes] = set()
        self._voids: list[bytes] = []  # request and payer's certificate of each
        self.limits = Limits(wallet, trust, policies or {})

    @property
    def balance(self) -> int:
        """What the entries come to, in minor units."""
        return sum(self._held.values())

    @property
    def held(self) -> "dict[int, int]":
        """The same by purse, without those that are empty."""
        return {number: amount for number, amount in self._held.items() if amount}

    def _add(self, purse: int, amount: int) -> None:
        self._held[purse] = self._held.get(purse, 0) + amount

    def has_paid(self, payment_hash: bytes) -> bool:
        """Whether the journal has a debit for the payment of this hash."""
        return payment_hash in self._payments

    def read(self, entries: "Sequence[bytes]") -> "Audit":
        """Audit the entries that come next; stops at the first fault."""
        for raw in entries:
            if not self._read(raw):
                self.complete = False
                break
            self.position += 1
        return self

    def _read(self, raw: bytes) -> bool:
        kind = 0
        try:
            entry = decode(raw)
            if type(entry) is not list or not entry or type(entry[KIND]) is not int:
                raise Refused(MALFORMED)
            kind = entry[KIND]
            if kind not in ENTRY_FIELDS:
                return False
            expect(entry, ENTRY_FIELDS[kind])
            self._check(kind, entry)
        except Refused:
            false_credit = kind in (CREDITED, REFUNDED, OPENED)
            self.fault = CREDIT_WITHOUT_DEBIT if false_credit else FALSE_ENTRY
            return False
        except _OutsideTerms:
            self.fault = OUTSIDE_TERMS
            return False
        except OverLimits:
            self.fault = OVER_LIMITS
            return False
        if min(self._held.values(), default=0) < 0 and self._wallet.form != ACCOUNT:
            # What an account holds is issued to it beside its journal.
            self.fault = OVERDRAFT
            return False
        return True

    def _check(self, kind: int, entry: "list[Any]") -> None:
        if kind == PAID:
            self._check_paid(entry)
        elif kind == CREDITED:
            self._check_credited(entry)
        elif kind == VOIDED:
            self._check_voided(entry)
        elif kind == ADOPTED:
            self._check_terms(entry)
        elif kind == OPENED:
            self._check_opened(entry)
        else:
            self._check_resolution(kind, entry)

    def _check_paid(self, entry: "list[Any]") -> None:
        """One's own payments 1, 2, 3, ..., each debited in full.

        Nothing here depends on whether the payee is genuine: a debit is a debit.
        """
        payment = read_payment(entry[PAYMENT_RAW], self._trust.network)
        payment.verify(self._wallet.public, self._wallet.hash)
        payee = self._peer(entry)
        request = read_request(entry[REQUEST_RAW], self._trust.network)
        _require(_hashes(entry) == [payment.request_hash, payment.hash])
        _require(request.hash == payment.request_hash and request.signer == payee.hash)
        taken = entry[TAKEN]
        expect(taken, (UINT,) * len(taken))
        _require(payment.amount == sum(taken))
        _require(request.accepts(payment.amount) and request.takes(payment.purse))
        _require(payment.sequence == len(self._payments) + 1)
        purse = GENERAL if self._wallet.form == ACCOUNT else payment.purse
        if purse != GENERAL:
            self._check_purpose(purse, payment, payee)
        self.limits.pay(self.position, entry, payment, payee, self._terms.get(purse))
        self._payments[payment.hash] = entry
        self._purses[payment.hash] = purse
        self._add(purse, -payment.amount)

    def _check_purpose(self, purse: int, payment: Payment, payee: Certificate) -> None:
        """What pays from a purse with terms: to whom they permit, and he is who he says."""
        terms = self._terms.get(purse)
        try:
            self._check_issued(payee, payment.epoch)
        except Refused:
            terms = None
        operator = self._trust.operators.get(payee.issuer)
        if terms is None or not terms.permit(payee, operator, payment.amount, payment.epoch):
            raise _OutsideTerms()

    def _check_opened(self, entry: "list[Any]") -> None:
        """What the operator has brought over from the key before, first of all."""
        rotation = read_rotation(entry[_RESOLUTION], self._trust.network)
        statement, certificate = rotation.statement, rotation.certificate
        _require(self.position == 0 and certificate.hash == self._wallet.hash)
        _require(entry[1:3] == [statement.signer, certificate.hash])
        operator = self._trust.operators.get(self._wallet.issuer)
        if operator is not None:
            rotation.verify(operator.public, operator.hash)
        self._add(GENERAL, statement.balance)

    def _check_terms(self, entry: "list[Any]") -> None:
        """Terms of a funder, of a purse that has none or is done with."""
        terms = read_terms(entry[TERMS_RAW], self._trust.network)
        _require([entry[TERMS_HASH], entry[FUNDER_HASH]] == [terms.hash, terms.signer])
        funder = self._trust.operators.get(terms.signer)
        if funder is not None:
            terms.verify(funder.public, funder.hash)
        if terms.number in self._terms:
            unresolved = [self._purses[one] for one in self._payments if one not in self._resolved]
            if self._held.get(terms.number) or terms.number in unresolved:
                raise _OutsideTerms()
        self._terms[terms.number] = terms

    def _check_credited(self, entry: "list[Any]") -> None:
        """A payment by a certified payer for one's own request, which credits once."""
        receipt, payment, payer = self._answered(entry, Receipt)
        request_hash = payment.request_hash
        _require(request_hash not in self._credited and payer.hash != self._wallet.hash)
        purse = payment.credited_purse(payer, self._wallet)
        if purse != GENERAL:
            terms = self._terms.get(purse)
            if terms is None or not terms.is_funder(payer) or receipt.epoch > terms.expiry:
                raise _OutsideTerms()
        self._credited.add(request_hash)
        self._add(purse, payment.amount)

    def _check_voided(self, entry: "list[Any]") -> None:
        """A payment by a certified payer for one's own request, within the bound on voids."""
        void, payment, payer = self._answered(entry, Void)
        _require(isinstance(void, Void) and void.request_hash == payment.request_hash)
        self._voids.append(payment.request_hash + payer.hash)
        _require(self._voids.count(self._voids[-1]) <= MOST_VOIDS_A_PAYER)

    def _answered(
        self, entry: "list[Any]", shape: type
    ) -> "tuple[Receipt | Void, Payment, Certificate]":
        """Outcome, payment and payer of an entry that answers what was asked for as it was."""
        outcome = self._own_outcome(entry, shape)
        payment = read_payment(entry[PAYMENT_RAW], self._trust.network)
        request = read_request(entry[REQUEST_RAW], self._trust.network)
        payer = self._peer(entry)
        _require(_hashes(entry) == [payment.request_hash, payment.hash])
        _require(request.hash == payment.request_hash and request.signer == self._wallet.hash)
        _require(request.accepts(payment.amount) and request.takes(payment.purse))
        self._check_payer(payer, payment, outcome.epoch)
        return outcome, payment, payer

    def _check_payer(self, payer: Certificate, payment: Payment, epoch_number: int) -> None:
        payment.verify(payer.public, payer.hash)
        self._check_issued(payer, epoch_number)

    def _check_issued(self, peer: Certificate, epoch_number: int) -> None:
        operator = self._trust.operators.get(peer.issuer)
        if operator is not None:
            peer.signed.verify(operator.public, operator.hash)
            return
        # Of an operator not known here. The epoch at the wallet's commit knows them all.
        epoch = self._epochs.get(epoch_number)
        _require(epoch is None or peer.issuer in epoch.operators)

    def _own_outcome(self, entry: "list[Any]", shape: type) -> "Receipt | Void":
        outcome = read_outcome(entry[OUTCOME_RAW], self._trust.network)
        outcome.verify(self._wallet.public, self._wallet.hash)
        _require(type(outcome) is shape and outcome.payment_hash == entry[PAYMENT_HASH])
        _require(outcome.position == self.position)
        if isinstance(outcome, Void):
            _require(outcome.request_hash == entry[REQUEST_HASH])
        return outcome

    def _check_resolution(self, kind: int, entry: "list[Any]") -> None:
        """Once for each payment: the payee's receipt or void, or the operator's settlement."""
        payment_hash = entry[PAYMENT_HASH]
        paid = self._payments.get(payment_hash)
        _require(paid is not None and payment_hash not in self._resolved)
        if paid is None:
            return
        _require(paid[REQUEST_HASH] == entry[REQUEST_HASH])
        raw = entry[_RESOLUTION]
        if kind == REFUNDED and is_settlement(raw):
            self._check_settlement(raw, payment_hash)
        else:
            payee = self._peer(paid)
            outcome = read_outcome(raw, self._trust.network)
            outcome.verify(payee.public, payee.hash)
            _require(outcome.payment_hash == payment_hash)
            _require(isinstance(outcome, Receipt) == (kind == RESOLVED))
            if isinstance(outcome, Void):
                _require(outcome.request_hash == paid[REQUEST_HASH])
                self.limits.refund(paid, sum(paid[TAKEN]))
        self._resolved.add(payment_hash)
        if kind == REFUNDED:
            self._add(self._purses[payment_hash], sum(paid[TAKEN]))

    def _check_settlement(self, raw: bytes, payment_hash: bytes) -> None:
        operator = self._trust.operator(self._wallet)
        settlement = read_settlement(raw, self._trust.network)
        settlement.verify(operator.public, operator.hash)
        _require(settlement.wallet == self._wallet.hash and payment_hash in settlement.closed)

    def _peer(self, entry: "list[Any]") -> Certificate:
        return read(WALLET, entry[PEER_RAW], self._trust.network)


def _hashes(entry: "list[Any]") -> "list[Any]":
    return [entry[REQUEST_HASH], entry[PAYMENT_HASH]]


def _require(holds: bool) -> None:
    if not holds:
        raise Refused(MALFORMED)
