"""Clearing files: one operator's signed report to another of payments between their wallets.

clearing: [to, number, seen, items]     signed by the operator that sends it

`to` is the hash of the receiving operator's certificate; `number` counts the files of this sender
to that receiver from 1; `seen` is the number of the last file accepted from the receiver. An item
is `[kind, payment, request, payer's certificate, payee's certificate, proof]`:

FORWARDED  by the payer's operator: the payer's journal holds the debit; proof is empty
CREDITED   by the payee's operator: the payee's journal holds the credit; proof is the receipt
VOIDED     by the payee's operator: proof is the payee's void
CLOSED     by the payee's operator: proof is a statement of the payee, whose floor is above the
           request's number and whose journal, complete to the statement, lacks the payment

A file is accepted whole or refused; accepting it again changes nothing.
"""

from jiaozi.wire.certificates import Certificate
from jiaozi.wire.cose import BYTES, CLEARING, LIST, UINT, Signed, SigningKey, expect, parse, sign
from jiaozi.wire.errors import CLEARING_MISMATCH, MALFORMED, UNKNOWN_OPERATOR, Refused
from jiaozi.wire.messages import (
    Payment,
    Request,
    Void,
    read_outcome,
    read_payment,
    read_request,
)
from jiaozi.wire.statements import Statement, read_statement
from jiaozi.wire.suites import HASH_LENGTH
from jiaozi.wire.trust import Trust
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from jiaozi.wire.messages import Receipt

FORWARDED = const(1)
CREDITED = const(2)
VOIDED = const(3)
CLOSED = const(4)

_BODY = (HASH_LENGTH, UINT, UINT, LIST)
_ITEM = (UINT, BYTES, BYTES, BYTES, BYTES, BYTES)


class Item:
    """One payment of a clearing file, with all signatures checked.

    outcome: the payee's receipt (CREDITED) or void (VOIDED); statement: the payee's (CLOSED).
    """

    def __init__(
        self,
        kind: int,
        payment: Payment,
        request: Request,
        payer: Certificate,
        payee: Certificate,
        outcome: "Receipt | Void | None",
        statement: "Statement | None",
    ) -> None:
        self.kind = kind
        self.payment = payment
        self.request = request
        self.payer = payer
        self.payee = payee
        self.outcome = outcome
        self.statement = statement


class File:
    """A verified clearing file: its sender, numbers and items."""

    def __init__(self, sender: Certificate, number: int, seen: int, items: "list[Item]") -> None:
        self.sender = sender
        self.number = number
        self.seen = seen
        self.items = items


def make(
    to: bytes,
    number: int,
    seen: int,
    items: "Sequence[Sequence[Any]]",
    key: SigningKey,
    operator: Certificate,
    network: int,
) -> bytes:
    """Sign a clearing file for the operator whose certificate has the hash `to`."""
    body = [to, number, seen, [list(item) for item in items]]
    return sign(CLEARING, body, key, operator.hash, network).raw


def read(raw: bytes, me: Certificate, trust: Trust) -> File:
    """Parse a clearing file for the operator `me` and check every signature in it.

    Raises Refused (MALFORMED, UNKNOWN_OPERATOR, CLEARING_MISMATCH, BAD_SIGNATURE, WRONG_SIGNER).
    """
    signed: Signed = parse(CLEARING, raw, trust.network)
    expect(signed.body, _BODY)
    to, number, seen, items = signed.body
    sender = trust.operators.get(signed.signer)
    if sender is None:
        raise Refused(UNKNOWN_OPERATOR)
    signed.verify(sender.public, sender.hash)
    if to != me.hash or sender.hash == me.hash or number < 1:
        raise Refused(CLEARING_MISMATCH)
    return File(sender, number, seen, [_item(item, sender, me, trust) for item in items])


def _item(body: "Any", sender: Certificate, me: Certificate, trust: Trust) -> Item:
    expect(body, _ITEM)
    kind, payment_raw, request_raw, payer_raw, payee_raw, proof = body
    if not FORWARDED <= kind <= CLOSED:
        raise Refused(MALFORMED)
    payer, payee = trust.wallet(payer_raw), trust.wallet(payee_raw)
    # An operator may report only on its own wallets, and only payments with the receiver's wallets.
    ours, theirs = (payee, payer) if kind == FORWARDED else (payer, payee)
    _require(ours.issuer == me.hash and theirs.issuer == sender.hash)
    payment = read_payment(payment_raw, trust.network)
    request = read_request(request_raw, trust.network)
    payment.verify(payer.public, payer.hash)
    request.verify(payee.public, payee.hash)
    _require(payment.request_hash == request.hash)
    outcome = statement = None
    if kind == CLOSED:
        statement = read_statement(proof, trust.network)
        statement.verify(payee.public, payee.hash)
        _require(request.number < statement.floor)
    elif kind == FORWARDED:
        _require(not proof)
    else:
        outcome = read_outcome(proof, trust.network)
        outcome.verify(payee.public, payee.hash)
        _require(outcome.payment_hash == payment.hash and outcome.credited == (kind == CREDITED))
        if isinstance(outcome, Void):
            _require(outcome.request_hash == request.hash)
    if kind == CREDITED:
        _require(request.accepts(payment.amount))
    return Item(kind, payment, request, payer, payee, outcome, statement)


def _require(holds: bool) -> None:
    if not holds:
        raise Refused(CLEARING_MISMATCH)
