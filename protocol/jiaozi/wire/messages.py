"""The four messages of a tap: request, payment, receipt and void (bodies are CBOR arrays).

request:  [number, amount, ceiling, currency, purses, expiry]       signed by the payee
payment:  [sequence, request hash, amount, purse, hop, epoch, policy version]   signed by the payer
receipt:  [payment hash, position, epoch]                           signed by the payee
void:     [request hash, payment hash, position, epoch]             signed by the payee

Amounts are minor units. A request with amount 0 is open: the payer enters up to `ceiling`.
`purses` are the numbers of those it may be paid from, `expiry` is the last epoch in which it may be
paid, `hop` the highest level of value the payment used, `position` the payee's journal position.
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

# Value that an operator pays out has level 1; each payment between wallets raises it by one, up to
# this.
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
        """Whether a payment of `amount` is what was asked for."""
        return amount == self.amount if self.amount else 0 < amount <= self.ceiling

    def takes(self, purse: int) -> bool:
        """Whether it may be paid from the purse of that number."""
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
        """The purse of the payee that it goes to: general money, unless an account funds one."""
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
    """Parse what a payee answers a payment with; the body's length tells which.

    Raises Refused(MALFORMED).
    The object type is part of what is signed, so an object read as the wrong one never verifies.
    """
    body = body_of(raw)
    if type(body) is list and len(body) == len(_VOID):
        return parse(VOID, raw, network, Void)
    return parse(RECEIPT, raw, network, Receipt)
