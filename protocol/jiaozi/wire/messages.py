"""The four messages of a tap: request, payment, receipt and void (bodies are CBOR arrays).

request:  [number, amount, ceiling, currency, purses, expiry]       signed by the payee
payment:  [sequence, request hash, amount, purse, hop, epoch, policy version]   signed by the payer
receipt:  [payment hash, position, epoch]                           signed by the payee
void:     [request hash, payment hash, position, epoch]             signed by the payee

Amounts are in minor units. In a request with amount 0 the payer enters an amount up to `ceiling`.
`purses` are the numbers of the purses that may pay it, `expiry` is the last epoch in which it may
be paid, `hop` the highest level of value that the payment used, `position` the payee's journal
position.
"""

from jiaozi.wire.certificates import ACCOUNT, Certificate
from jiaozi.wire.cose import (
    LIST,
    PAYMENT,
    RECEIPT,
    REQUEST,
    TEXT,
    UINT,
    VOID,
    Signed,
    body_of,
    expect,
    parse,
)
from jiaozi.wire.errors import MALFORMED, Refused
from jiaozi.wire.suites import HASH_LENGTH
from jiaozi.wire.terms import ANY_PURPOSE, GENERAL
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MOST_PURSES = const(8)

# The highest level of value. Value paid out by an operator has level 1; each payment between
# wallets raises the level by one.
TOP_LEVEL = const(15)

_REQUEST = (UINT, UINT, UINT, TEXT, LIST, UINT)
_PAYMENT = (UINT, HASH_LENGTH, UINT, UINT, UINT, UINT, UINT)
_RECEIPT = (HASH_LENGTH, UINT, UINT)
_VOID = (HASH_LENGTH, HASH_LENGTH, UINT, UINT)


class Request(Signed):
    """A request whose body has been read; its signature is checked by `verify`."""

    number: int
    amount: int
    ceiling: int
    currency: str
    purses: "list[int]"
    expiry: int

    def __init__(self, *parts: "Any") -> None:
        super().__init__(*parts)
        expect(self.body, _REQUEST)
        self.number, self.amount, self.ceiling, self.currency, self.purses, self.expiry = self.body
        expect(self.purses, (UINT,) * len(self.purses))
        if not 0 < len(self.purses) <= _MOST_PURSES or (self.amount > 0) == (self.ceiling > 0):
            raise Refused(MALFORMED)

    def accepts(self, amount: int) -> bool:
        """True if a payment of `amount` meets this request."""
        return amount == self.amount if self.amount else 0 < amount <= self.ceiling

    def takes(self, purse: int) -> bool:
        """True if the purse of that number may pay it."""
        if purse in self.purses:
            return purse != ANY_PURPOSE
        return purse > ANY_PURPOSE and ANY_PURPOSE in self.purses


class Payment(Signed):
    """A payment whose body has been read; its signature is checked by `verify`."""

    sequence: int
    request_hash: bytes
    amount: int
    purse: int
    hop: int
    epoch: int
    policy_version: int

    def __init__(self, *parts: "Any") -> None:
        super().__init__(*parts)
        expect(self.body, _PAYMENT)
        (
            self.sequence,
            self.request_hash,
            self.amount,
            self.purse,
            self.hop,
            self.epoch,
            self.policy_version,
        ) = self.body
        if self.hop > TOP_LEVEL:
            raise Refused(MALFORMED)

    def credited_purse(self, payer: Certificate, payee: Certificate) -> int:
        """Number of the payee's purse to credit: 0 unless an operator's account funds a purse."""
        if payer.form == ACCOUNT and payee.form != ACCOUNT:
            return self.purse
        return GENERAL


class Receipt(Signed):
    """A payee's promise that it credited a payment."""

    credited = True
    payment_hash: bytes
    position: int
    epoch: int

    def __init__(self, *parts: "Any") -> None:
        super().__init__(*parts)
        expect(self.body, _RECEIPT)
        self.payment_hash, self.position, self.epoch = self.body


class Void(Signed):
    """A payee's promise that a payment was not credited and never will be."""

    credited = False
    request_hash: bytes
    payment_hash: bytes
    position: int
    epoch: int

    def __init__(self, *parts: "Any") -> None:
        super().__init__(*parts)
        expect(self.body, _VOID)
        self.request_hash, self.payment_hash, self.position, self.epoch = self.body


def read_request(raw: bytes, network: int) -> Request:
    """Parse a request. Raises Refused(MALFORMED)."""
    return parse(REQUEST, raw, network, Request)


def read_payment(raw: bytes, network: int) -> Payment:
    """Parse a payment. Raises Refused(MALFORMED)."""
    return parse(PAYMENT, raw, network, Payment)


def read_outcome(raw: bytes, network: int) -> "Receipt | Void":
    """Parse a receipt or a void; the body's length tells which.

    Raises Refused(MALFORMED).
    The kind is part of the signed data, so an object parsed as the wrong kind never verifies.
    """
    body = body_of(raw)
    if type(body) is list and len(body) == len(_VOID):
        return parse(VOID, raw, network, Void)
    return parse(RECEIPT, raw, network, Receipt)
