"""Limits of a policy, recomputed from the PAID and REFUNDED entries of one journal.

An entry says what its payment counted, where the counters last started anew, and the hash of the
policy. A policy that is not at hand is not asked; the wallet is right then. That an operator has
settled at that position is for the operator to check: it could withhold the settlement.
"""

from jiaozi.wallet.state import State
from jiaozi.wire.certificates import ACCOUNT, Certificate
from jiaozi.wire.errors import MALFORMED, Refused
from jiaozi.wire.journal import (
    CONFIRMED,
    COUNTED,
    OFFLINE,
    POLICY_HASH,
    SETTLED_AT,
    UNCONFIRMED,
)
from jiaozi.wire.messages import Payment
from jiaozi.wire.policies import Policy
from jiaozi.wire.terms import Terms
from jiaozi.wire.trust import Trust

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class OverLimits(Exception):
    """A payment exceeds a limit of the policy that its entry names."""


class Limits:
    """Counters of one wallet since its last settlement, by its own entries.

    wallet: its certificate; trust: with the operators known; policies: by hash; counters: as they
    stand after the last payment.
    """

    def __init__(self, wallet: Certificate, trust: Trust, policies: "dict[bytes, Policy]") -> None:
        self._wallet = wallet
        self._trust = trust
        self.policies = policies
        self.counters = State()
        self._last = -1  # position of the last payment

    def pay(
        self,
        position: int,
        entry: "list[Any]",
        payment: Payment,
        payee: Certificate,
        terms: "Terms | None",
    ) -> None:
        """Check and count a PAID entry.

        terms: of the purse it pays from. Raises Refused(MALFORMED) if the entry contradicts itself
        or an earlier one, OverLimits.
        """
        if self._wallet.form == ACCOUNT:
            return  # its limits are between it and its own operator
        counted, counters = entry[COUNTED], self.counters
        funder = terms is not None and terms.is_funder(payee)
        returned = terms is not None and funder and terms.expiry < payment.epoch
        exempt = True if funder else self._is_home(payee)
        offline = counted & OFFLINE if exempt is None else 0 if exempt else OFFLINE
        unasked = offline if returned else offline | UNCONFIRMED
        _require(counted in (offline | CONFIRMED, unasked))
        if entry[SETTLED_AT] != counters.settled_at:
            _require(self._last < entry[SETTLED_AT] <= position)
            counters.restart_counters(entry[SETTLED_AT])
        policy = self.policies.get(entry[POLICY_HASH])
        if policy is not None:
            _require((policy.version, policy.tier) == (payment.policy_version, self._wallet.tier))
            self._check(policy, payment.amount, counted, returned)
        counters.count(payment.amount, counted)
        self._last = position

    def _is_home(self, payee: Certificate) -> "bool | None":
        """True if a payee is the account of the wallet's own operator; None if unknown."""
        if payee.form != ACCOUNT:
            return False
        operators = self._trust.operators
        own, theirs = operators.get(self._wallet.issuer), operators.get(payee.issuer)
        return None if own is None or theirs is None else own.id == theirs.id

    def _check(self, policy: Policy, amount: int, counted: int, returned: bool) -> None:
        state = self.counters
        over = amount > policy.single and not returned
        if counted & OFFLINE:
            over = over or state.offline_count >= policy.offline_count
            over = over or state.offline_total + amount > policy.offline_total
        if counted & UNCONFIRMED:
            over = over or amount > policy.unconfirmed_single
            over = over or state.unconfirmed_count >= policy.unconfirmed_count
            over = over or state.unconfirmed_total + amount > policy.unconfirmed_total
        if over:
            raise OverLimits()

    def refund(self, entry: "list[Any]", amount: int) -> None:
        """Give back what a payment counted, after a void. entry: the PAID entry."""
        if self._wallet.form != ACCOUNT and entry[SETTLED_AT] == self.counters.settled_at:
            self.counters.uncount(amount, entry[COUNTED])


def _require(holds: bool) -> None:
    if not holds:
        raise Refused(MALFORMED)
