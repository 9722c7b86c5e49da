"""What is ruled by signature: policies (limits of a tier), epochs (freshness), terms of purses."""

from jiaozi.certificates import ACCOUNT, Certificate
from jiaozi.cose import (
    EPOCH,
    LIST,
    POLICY,
    TERMS,
    TEXT,
    UINT,
    Signed,
    SigningKey,
    expect,
    parse,
    sign,
)
from jiaozi.errors import MALFORMED, Refused
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Purses by number: general money; in a request, whatever purse with terms that permit it. Purses
# with terms have the numbers above, which their funders give out: a number stands for one purpose.
GENERAL = const(0)
ANY_PURPOSE = const(1)

_MOST_CATEGORIES = const(16)

POLICY_FIELDS = (
    "version",
    "tier",
    "currency",
    "balance_cap",
    "single",
    "unconfirmed_single",
    "unconfirmed_count",
    "unconfirmed_total",
    "offline_count",
    "offline_total",
    "hops",
    "request_lifetime",
    "epochs_since_sync",
)


class Policy(Signed):
    """The limits of a wallet tier, signed by an operator; `version` only ever rises.

    Amounts are in minor units. `single`, `unconfirmed_*` and `offline_*` bound payments until the
    next settlement; `hops` is the highest level of value that may be paid; `request_lifetime` and
    `epochs_since_sync` count epochs. `firmware`: the least that may pay; not there when it is 0.
    """

    version: int
    tier: int
    currency: str
    balance_cap: int
    single: int
    unconfirmed_single: int
    unconfirmed_count: int
    unconfirmed_total: int
    offline_count: int
    offline_total: int
    hops: int
    request_lifetime: int
    epochs_since_sync: int
    firmware: int

    def __init__(self, *parts: "Any") -> None:
        super().__init__(*parts)
        body = self.body
        if type(body) is list and len(body) == len(POLICY_FIELDS):
            body = body + [0]
        elif type(body) is list and body and body[-1] == 0:
            raise Refused(MALFORMED)
        expect(body, (UINT, UINT, TEXT) + (UINT,) * 11)
        (
            self.version,
            self.tier,
            self.currency,
            self.balance_cap,
            self.single,
            self.unconfirmed_single,
            self.unconfirmed_count,
            self.unconfirmed_total,
            self.offline_count,
            self.offline_total,
            self.hops,
            self.request_lifetime,
            self.epochs_since_sync,
            self.firmware,
        ) = body


def read_policy(raw: bytes, network: int) -> Policy:
    """Parse a policy; its signature is checked by `verify`. Raises Refused(MALFORMED)."""
    return parse(POLICY, raw, network, Policy)


def make_policy(
    limits: "dict[str, Any]", key: SigningKey, operator: Certificate, network: int
) -> bytes:
    """Sign a policy; `limits` has a value for each of POLICY_FIELDS, and for `firmware` or not."""
    body = [limits[name] for name in POLICY_FIELDS]
    if limits.get("firmware"):
        body.append(limits["firmware"])
    return sign(POLICY, body, key, operator.hash, network).raw


class Epoch(Signed):
    """An epoch, signed by the authority.

    number: rises by one; revoked: 8-byte wallet ids; operators: hashes of the valid operators'
    certificates.
    """

    number: int
    revoked: "list[bytes]"
    operators: "list[bytes]"

    def __init__(self, *parts: "Any") -> None:
        super().__init__(*parts)
        expect(self.body, (UINT, LIST, LIST))
        self.number, self.revoked, self.operators = self.body
        _each_bytes(self.revoked, 8)
        _each_bytes(self.operators, 32)


def _each_bytes(items: "list[Any]", length: int) -> None:
    for item in items:
        if type(item) is not bytes or len(item) != length:
            raise Refused(MALFORMED)


def read_epoch(raw: bytes, network: int) -> Epoch:
    """Parse an epoch; its signature is checked by `verify`. Raises Refused(MALFORMED)."""
    return parse(EPOCH, raw, network, Epoch)


def make_epoch(
    number: int,
    revoked: "list[bytes]",
    operators: "list[bytes]",
    key: SigningKey,
    authority: Certificate,
    network: int,
) -> bytes:
    """Sign an epoch."""
    return sign(EPOCH, [number, revoked, operators], key, authority.hash, network).raw


class Terms(Signed):
    """What the money of a purse may be spent on, signed by the operator that funds the purse.

    number: of the purse; categories: merchant category codes of payees; expiry: last epoch in which
    it may be spent, afterwards it goes back; cap: the most of one payment, in minor units.
    """

    number: int
    categories: "list[int]"
    expiry: int
    cap: int

    def __init__(self, *parts: "Any") -> None:
        super().__init__(*parts)
        expect(self.body, (UINT, LIST, UINT, UINT))
        self.number, self.categories, self.expiry, self.cap = self.body
        expect(self.categories, (UINT,) * len(self.categories))
        if self.number <= ANY_PURPOSE or self.cap == 0 or 0 in self.categories:
            raise Refused(MALFORMED)
        if not 0 < len(self.categories) <= _MOST_CATEGORIES:
            raise Refused(MALFORMED)

    def is_funder(self, wallet: Certificate) -> bool:
        """Whether a wallet is an account of the operator that funds the purse."""
        return wallet.form == ACCOUNT and wallet.issuer == self.signer

    def permit(self, payee: Certificate, amount: int, epoch: int) -> bool:
        """Whether `amount` may go to `payee` in `epoch`: to its funder it may always go back."""
        if self.is_funder(payee):
            return True
        return payee.category in self.categories and amount <= self.cap and epoch <= self.expiry


def read_terms(raw: bytes, network: int) -> Terms:
    """Parse terms; their signature is checked by `verify`. Raises Refused(MALFORMED)."""
    return parse(TERMS, raw, network, Terms)


def make_terms(
    number: int,
    categories: "list[int]",
    expiry: int,
    cap: int,
    key: SigningKey,
    funder: Certificate,
    network: int,
) -> bytes:
    """Sign the terms of a purse. Raises Refused(MALFORMED) for terms that nobody takes."""
    return sign(TERMS, [number, categories, expiry, cap], key, funder.hash, network, Terms).raw
