"""Check of payments against the limits of their policy, from posted journals.

An operator knows the policies it has signed and where it has settled, so it checks both; a proof
for third parties takes the signed policy, and leaves settlements to the operator.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from jiaozi.operator.limits import Limits, OverLimits
from jiaozi.wire.certificates import Certificate, read
from jiaozi.wire.cose import WALLET, decode
from jiaozi.wire.errors import Refused
from jiaozi.wire.journal import (
    PAID,
    PAYMENT_HASH,
    PAYMENT_RAW,
    PEER_RAW,
    POLICY_HASH,
    REFUNDED,
    SETTLED_AT,
    TAKEN,
)
from jiaozi.wire.messages import read_payment
from jiaozi.wire.policies import Policy, read_policy
from jiaozi.wire.settlements import is_settlement
from jiaozi.wire.trust import Trust
from jiaozi_host.ledger import tables
from jiaozi_host.ledger.purses import Purses

_RESOLUTION = 3


def signed_policies(session: Session, network: int) -> dict[bytes, Policy]:
    """Return the policies that went to wallets, by hash."""
    read_all = (read_policy(raw, network) for raw in session.scalars(select(tables.Policy.raw)))
    return {policy.hash: policy for policy in read_all}


class LimitChecks:
    """The limits of one wallet, within a database transaction. Entries are given in order."""

    def __init__(self, session: Session, wallet: Certificate, purses: Purses, trust: Trust) -> None:
        self._session = session
        self._wallet = wallet
        self._purses = purses
        self._trust = trust
        self._policies = signed_policies(session, trust.network)
        self._limits: Limits | None = None
        self._paid: dict[bytes, list] = {}

    def pay(self, position: int, raw: bytes) -> str:
        """Check the PAID entry at a position; return what is wrong with it, "" for nothing.

        Raises Refused(MALFORMED) for an entry that contradicts itself or an earlier one.
        """
        entry = decode(raw)
        if self._limits is None:
            self._limits = self._begin(position, entry[SETTLED_AT])
        try:
            self._count(self._limits, position, entry)
        except OverLimits:
            return f"at position {position}"
        if entry[POLICY_HASH] not in self._policies:
            return f"at position {position}, by a policy that this operator has not signed"
        if not self._has_settled(entry[SETTLED_AT]):
            return f"at position {position}, after a settlement that was not made"
        return ""

    def refund(self, raw: bytes) -> None:
        """Give back what a payment counted, if the REFUNDED entry holds a void."""
        entry = decode(raw)
        paid = self._paid.get(entry[PAYMENT_HASH])
        if self._limits is not None and paid is not None and not is_settlement(entry[_RESOLUTION]):
            self._limits.refund(paid, sum(paid[TAKEN]))

    def _begin(self, position: int, settled_at: int) -> Limits:
        """Count the payments that were posted before, from the last settlement on."""
        self._limits = limits = Limits(self._wallet, self._trust, {})
        table = tables.Entry
        rows = self._session.scalars(
            select(table)
            .where(
                table.wallet == self._wallet.id,
                table.position >= settled_at,
                table.position < position,
                table.kind.in_((PAID, REFUNDED)),
            )
            .order_by(table.position)
        )
        for row in rows:
            if row.kind == REFUNDED:
                self.refund(row.raw)
                continue
            try:
                self._count(limits, row.position, decode(row.raw))
            except Refused:
                continue  # found when it was posted
        limits.policies.update(self._policies)
        return limits

    def _count(self, limits: Limits, position: int, entry: list) -> None:
        payment = read_payment(entry[PAYMENT_RAW], self._trust.network)
        payee = read(WALLET, entry[PEER_RAW], self._trust.network)
        self._paid[payment.hash] = entry
        limits.pay(position, entry, payment, payee, self._purses.terms(payment.purse))

    def _has_settled(self, position: int) -> bool:
        table = tables.Settlement
        made = select(table.id).where(table.wallet == self._wallet.id, table.position == position)
        return position == 0 or self._session.scalar(made.limit(1)) is not None
