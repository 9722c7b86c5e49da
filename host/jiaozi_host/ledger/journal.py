"""Decoding of journal entries; every signature in them is verified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jiaozi.operator.audit import ENTRY_FIELDS
from jiaozi.wire.certificates import Certificate
from jiaozi.wire.cose import UINT, decode, expect
from jiaozi.wire.errors import MALFORMED, UNKNOWN_OPERATOR, Refused
from jiaozi.wire.journal import ADOPTED, CREDITED, OPENED, PAID, REFUNDED, RESOLVED, VOIDED
from jiaozi.wire.messages import (
    Payment,
    Receipt,
    Request,
    Void,
    read_outcome,
    read_payment,
    read_request,
)
from jiaozi.wire.rotations import Rotation, read_rotation
from jiaozi.wire.settlements import is_settlement, read_settlement
from jiaozi.wire.terms import Terms, read_terms
from jiaozi.wire.trust import Trust


@dataclass(frozen=True)
class CheckedEntry:
    """A decoded journal entry whose signatures verify.

    kind: as in `jiaozi.wire.journal`; peer: certificate of the other party.
    payment, request, peer: None in RESOLVED and REFUNDED entries; the caller has to verify their
    outcome with the payee's certificate.
    outcome: None in PAID entries, and in a REFUNDED one by the operator's settlement.
    terms: of an ADOPTED entry; rotation: of an OPENED entry. These have no payment; their hash
    fields hold the hash and signer of the terms, or the previous and new certificates' hashes.
    """

    kind: int
    request_hash: bytes
    payment_hash: bytes
    payment: Payment | None
    request: Request | None
    peer: Certificate | None
    outcome: Receipt | Void | None
    terms: Terms | None = None
    rotation: Rotation | None = None

    def is_before(self, epoch: int) -> bool:
        """True if the wallet signed this entry's payment or outcome in an epoch before `epoch`.

        A wallet's epoch never falls. Once it has stated an epoch, an entry from an older one shows
        that its memory was rolled back, even if only the last sync is missing.
        """
        if self.kind == PAID and self.payment is not None:
            return self.payment.epoch < epoch
        if self.kind in (CREDITED, VOIDED) and self.outcome is not None:
            return self.outcome.epoch < epoch
        return False


def read_entry(raw: bytes, position: int, wallet: Certificate, trust: Trust) -> CheckedEntry:
    """Decode an entry of a wallet's journal and verify all signatures in it.

    Raises Refused: MALFORMED for a wrong structure or contradicting fields, else what verification
    of a signature or certificate raises.
    """
    body = decode(raw)
    if not isinstance(body, list) or not body or type(body[0]) is not int:
        raise Refused(MALFORMED)
    if body[0] not in ENTRY_FIELDS:
        raise Refused(MALFORMED)
    kind = body[0]
    expect(body, ENTRY_FIELDS[kind])
    if kind == ADOPTED:
        return CheckedEntry(kind, body[1], body[2], None, None, None, None, _terms(body, trust))
    if kind == OPENED:
        rotation = _rotation(body, position, wallet, trust)
        return CheckedEntry(kind, body[1], body[2], None, None, None, None, rotation=rotation)
    if kind == REFUNDED and is_settlement(body[3]):
        _check_closed(body[3], body[2], wallet, trust)
        return CheckedEntry(kind, body[1], body[2], None, None, None, None)
    if kind in (RESOLVED, REFUNDED):
        outcome = read_outcome(body[3], trust.network)
        _require(outcome.payment_hash == body[2] and outcome.credited == (kind == RESOLVED))
        return CheckedEntry(kind, body[1], body[2], None, None, None, outcome)
    payment = read_payment(body[3], trust.network)
    request = read_request(body[4], trust.network)
    peer = trust.wallet(body[5])
    payer, payee = (wallet, peer) if kind == PAID else (peer, wallet)
    payment.verify(payer.public, payer.hash)
    request.verify(payee.public, payee.hash)
    _require(payment.hash == body[2] and request.hash == body[1] == payment.request_hash)
    _require(request.accepts(payment.amount) and request.takes(payment.purse))
    if kind == PAID:
        expect(body[6], (UINT,) * len(body[6]))
        _require(payment.amount == sum(body[6]))
        return CheckedEntry(kind, body[1], body[2], payment, request, peer, None)
    outcome = read_outcome(body[6], trust.network)
    outcome.verify(wallet.public, wallet.hash)
    _require(outcome.payment_hash == payment.hash and outcome.position == position)
    _require(outcome.credited == (kind == CREDITED))
    _require(not isinstance(outcome, Void) or outcome.request_hash == request.hash)
    return CheckedEntry(kind, body[1], body[2], payment, request, peer, outcome)


def voided_payment(raw: bytes) -> bytes:
    """Return the hash of the payment that a VOIDED entry names, b"" for any other entry.

    No signature is verified: use it where the wallet is held to what its journal says.
    """
    try:
        body = decode(raw)
        if type(body) is list and body and body[0] == VOIDED:
            expect(body, ENTRY_FIELDS[VOIDED])
            return bytes(body[2])
    except Refused:
        pass
    return b""


def _terms(body: list[Any], trust: Trust) -> Terms:
    terms = read_terms(body[3], trust.network)
    funder = trust.operators.get(terms.signer)
    if funder is None:
        raise Refused(UNKNOWN_OPERATOR)
    terms.verify(funder.public, funder.hash)
    _require(body[1:3] == [terms.hash, terms.signer])
    return terms


def _rotation(body: list[Any], position: int, wallet: Certificate, trust: Trust) -> Rotation:
    rotation = read_rotation(body[3], trust.network)
    operator = trust.operator(wallet)
    rotation.verify(operator.public, operator.hash)
    _require(position == 0 and rotation.certificate.hash == wallet.hash)
    _require(body[1:3] == [rotation.statement.signer, wallet.hash])
    return rotation


def _check_closed(raw: bytes, payment: bytes, wallet: Certificate, trust: Trust) -> None:
    """Check that the settlement is by the wallet's operator and closes the payment."""
    operator = trust.operator(wallet)
    settlement = read_settlement(raw, trust.network)
    settlement.verify(operator.public, operator.hash)
    _require(settlement.wallet == wallet.hash and payment in settlement.closed)


def _require(holds: bool) -> None:
    if not holds:
        raise Refused(MALFORMED)
