"""Policies: the limits of a wallet tier, signed by an operator."""

from jiaozi.wire.cose import POLICY, TEXT, UINT, Signed, expect, parse
from jiaozi.wire.errors import MALFORMED, Refused

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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
    """The limits of a wallet tier; a wallet accepts only a higher `version`.

    Amounts are in minor units. `single`, `unconfirmed_*` and `offline_*` bound payments until the
    next settlement; `hops` is the highest level of value that may be paid; `request_lifetime` and
    `epochs_since_sync` count epochs. `firmware`: the lowest number that may pay; 0 if absent.
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
