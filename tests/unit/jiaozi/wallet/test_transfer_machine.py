"""Random histories of wallets and their operator: money stays whole, and nobody is left stuck.

Messages are kept for ever and delivered any number of times, to anyone, in any order; power fails,
epochs pass, policies change, wallets sync. Hypothesis prints the steps that break a rule.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple, TypeVar
from unittest import mock

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from _jzcbor import dumps
from jiaozi.operator import issue
from jiaozi.wallet import book, install, payee, payer, purposes, settle
from jiaozi.wire import certificates, cose, errors, messages
from jiaozi.wire.errors import Refused
from jiaozi.wire.journal import (
    CREDITED,
    KIND,
    OUTCOME_RAW,
    PAID,
    PAYMENT_HASH,
    PAYMENT_RAW,
    PEER_RAW,
    REFUNDED,
    REQUEST_RAW,
    TAKEN,
    VOIDED,
)
from jiaozi.wire.trust import Trust
from tests.fixtures.wallets import Bank

BANK = Bank()
NONCE = bytes(16)
T = TypeVar("T")
NAMES = ("alice", "bob", "carol", "account")
ANYONE = st.sampled_from(NAMES)
# Mostly the one a message is meant for, and mostly a recent message.
STRAY = st.none() | st.none() | st.none() | st.none() | ANYONE
PICK = st.integers(0, 3) | st.integers(0, 200)
AMOUNTS = st.integers(1, 6_000)
TEAR = st.integers(0, 3)
ISSUED = 50_000
CAP = 12_000
# So small that journals fill in a short history.
JOURNAL = 16
# Bound money, for one of the two merchants there are.
NUMBER, SHOP, CAP_OF_TERMS = 7, 5411, 4_000
CATEGORIES = {"bob": SHOP, "carol": 5812}
LIMITS: dict[str, Any] = {"balance_cap": CAP, "offline_count": 1000, "hops": 3, "single": 10_000}


def latest(kept: list[T], pick: int) -> T:
    """A message by its age."""
    return kept[-1 - pick % len(kept)]


@cache
def wallets_trust() -> Trust:
    """Whom these wallets believe, with what was verified once."""
    return Trust(BANK.authority, [BANK.operator], BANK.network)


class Paid(NamedTuple):
    """A payment on its way."""

    payer: str
    payee: str
    raw: bytes
    request: bytes


class Archive:
    """What the operator knows from the journals and statements it has been given."""

    def __init__(self) -> None:
        self.outcomes: dict[bytes, bytes] = {}
        self.floors: dict[bytes, int] = {}

    def read(self, wallet: book.Book) -> None:
        """Take a wallet's journal and statement."""
        for _, entry in wallet.entries():
            if entry[KIND] in (CREDITED, VOIDED):
                self.outcomes[entry[PAYMENT_HASH]] = entry[OUTCOME_RAW]
        self.floors[wallet.me.hash] = wallet.state.floor

    def closed(self, wallet: book.Book) -> list[bytes]:
        """Pending payments of a wallet that their payees never saw and can no longer answer."""
        found = []
        for entry in wallet.pending():
            request = messages.read_request(entry[REQUEST_RAW], BANK.network)
            passed = request.number < self.floors.get(request.signer, 0)
            if passed and entry[PAYMENT_HASH] not in self.outcomes:
                found.append(entry[PAYMENT_HASH])
        return found


class Histories(RuleBasedStateMachine):
    """Wallets, the messages between them, and what may never be signed twice."""

    def __init__(self) -> None:
        super().__init__()
        self.limit = mock.patch.object(book, "JOURNAL_LIMIT", JOURNAL)
        self.limit.start()
        self.archive = Archive()
        self.epoch = self.version = 1
        self.requests: list[tuple[str, bytes]] = []
        self.payments: list[Paid] = []
        self.outcomes: list[tuple[str, bytes]] = []
        self.credited: set[bytes] = set()
        self.refunded: set[bytes] = set()
        self.signed: dict[tuple, bytes] = {}
        self.wallets = {
            name: BANK.wallet(name, category=CATEGORIES.get(name, 0), **LIMITS)
            for name in NAMES[:3]
        }
        self.wallets["account"] = BANK.account("account", ISSUED)

    def teardown(self) -> None:
        try:
            self.finish_everything()
        finally:
            self.limit.stop()

    @initialize()
    def top_up(self) -> None:
        for name in NAMES[:3]:
            self.transfer("account", name, 5_000, False, 3)

    # Messages -------------------------------------------------------------------------------------

    @rule(name=ANYONE, amount=AMOUNTS, is_open=st.booleans())
    def request(self, name: str, amount: int, is_open: bool) -> None:
        self.try_request(name, amount, is_open)

    def try_request(self, name: str, amount: int, is_open: bool, purse: int = 0) -> bool:
        wallet = self.wallets[name]
        try:
            step = payee.request(wallet, *((0, amount) if is_open else (amount, 0)), purse)
        except Refused:
            return False
        raw = wallet.apply(step)
        number = messages.read_request(raw, BANK.network).number
        self.once("request", name, number, content=raw)
        self.requests.append((name, raw))
        return True

    @precondition(lambda self: self.requests)
    @rule(name=ANYONE, pick=PICK, entered=AMOUNTS)
    def pay(self, name: str, pick: int, entered: int) -> None:
        self.try_pay(name, pick, entered)

    def try_pay(self, name: str, pick: int, entered: int) -> bool:
        """Answer a request as the firmware does; unfinished payments come first."""
        wallet = self.wallets[name]
        taker, request = latest(self.requests, pick)
        order = payer.read_order(wallet, self.wallets[taker].me.raw, request)
        try:
            reply = payer.recall(wallet, order)
            unfinished = payer.unfinished(wallet, order.payee)
            if reply is None and unfinished is not None:
                reply = payer.resend(unfinished)
            if reply is None:
                amount = order.request.amount or entered
                payer.check(wallet, order, amount)
                confirmed = payer.needs_consent(wallet, order, amount)
                reply = wallet.apply(payer.pay(wallet, order, amount, confirmed))
        except Refused:
            return False
        raw, *attached = cose.decode(reply)
        payment = messages.read_payment(raw, BANK.network)
        self.once("payment", name, payment.sequence, content=raw)
        self.payments.append(Paid(name, taker, raw, attached[0] if attached else request))
        return True

    @precondition(lambda self: self.payments)
    @rule(pick=PICK, attached=st.booleans(), stray=STRAY)
    def deliver(self, pick: int, attached: bool, stray: str | None) -> None:
        self.try_deliver(pick, attached, stray)

    def try_deliver(self, pick: int, attached: bool, stray: str | None) -> bool:
        """Give a payment to its payee or another; keep the receipt or void."""
        payment = latest(self.payments, pick)
        name = stray or payment.payee
        payer_raw = self.wallets[payment.payer].me.raw
        request = payment.request if attached else None
        try:
            reply, step = payee.receive(self.wallets[name], payer_raw, payment.raw, request)
        except Refused:
            return False
        if step is not None:
            reply = self.wallets[name].apply(step)
        outcome = messages.read_outcome(reply or b"", BANK.network)
        self.once("outcome", name, outcome.payment_hash, content=outcome.raw)
        self.once("position", name, outcome.position, content=outcome.raw)
        if type(outcome) is messages.Receipt:
            self.credited.add(outcome.payment_hash)
            wanted = messages.read_payment(payment.raw, BANK.network).request_hash
            self.once("credit", wanted, content=outcome.payment_hash)
        self.outcomes.append((payment.payer, outcome.raw))
        return True

    @precondition(lambda self: self.outcomes)
    @rule(pick=PICK, stray=STRAY)
    def resolve(self, pick: int, stray: str | None) -> None:
        name, raw = latest(self.outcomes, pick)
        wallet = self.wallets[stray or name]
        try:
            step = payer.resolve(wallet, raw)
        except Refused as refused:
            if refused.sw != errors.UNKNOWN_PAYMENT:
                raise
            return
        if step is not None:
            wallet.apply(step)
            if step.entry is not None and step.entry[KIND] == REFUNDED:
                self.refunded.add(step.entry[PAYMENT_HASH])

    @rule(giver=ANYONE, taker=ANYONE, amount=AMOUNTS, is_open=st.booleans(), steps=TEAR)
    def transfer(self, giver: str, taker: str, amount: int, is_open: bool, steps: int) -> None:
        """A tap that breaks off after some of its messages."""
        if not self.try_request(taker, amount, is_open) or steps == 0:
            return
        if not self.try_pay(giver, 0, amount) or steps == 1:
            return
        if self.try_deliver(0, True, None) and steps == 3:
            self.resolve(0, None)

    @rule(name=st.sampled_from(NAMES[:3]), amount=AMOUNTS, last=st.integers(0, 12), steps=TEAR)
    def fund(self, name: str, amount: int, last: int, steps: int) -> None:
        """Terms come into a wallet, and money for them."""
        wallet = self.wallets[name]
        known = wallet.terms.get(NUMBER)
        terms = BANK.terms(NUMBER, [SHOP], self.epoch + last, CAP_OF_TERMS)
        try:
            step = purposes.adopt(wallet, known.raw if known else terms)
        except Refused:
            return
        if step is not None:
            wallet.apply(step)
        if not self.try_request(name, amount, False, NUMBER) or steps == 0:
            return
        if self.try_pay("account", 0, amount) and steps > 1 and self.try_deliver(0, True, None):
            self.resolve(0, None)
            self.transfer(name, "carol" if steps == 2 else "bob", amount // 2 + 1, False, steps)

    @rule(one=ANYONE, other=ANYONE)
    def meet(self, one: str, other: str) -> None:
        """The epoch of who is ahead passes to the other."""
        ahead, behind = self.wallets[one], self.wallets[other]
        if ahead.epoch.number < behind.epoch.number:
            ahead, behind = behind, ahead
        epoch = install.newer_epoch(behind, ahead.epoch.raw)
        assert (epoch is None) == (ahead.epoch.number == behind.epoch.number)
        if epoch is not None:
            behind.adopt(epoch)

    @rule(name=ANYONE)
    def cancel(self, name: str) -> None:
        wallet = self.wallets[name]
        for request_hash in list(wallet.open)[:1]:
            wallet.apply(payee.cancel(wallet, request_hash))

    # Time, power and the operator -----------------------------------------------------------------

    @rule(name=ANYONE)
    def power_cut(self, name: str) -> None:
        before = self.wallets[name]
        self.wallets[name] = after = book.Book(before.store)
        assert after.state.encode() == before.state.encode()
        assert sorted(after.open) == sorted(before.open)
        assert after.slots() == before.slots()

    @rule(steps=st.integers(1, 2))
    def time_passes(self, steps: int) -> None:
        self.epoch += steps

    @rule(name=ANYONE, lifetime=st.none() | st.integers(0, 3))
    def update(self, name: str, lifetime: int | None = None) -> None:
        """Bring a wallet to the newest epoch, and to a policy of another request lifetime."""
        wallet = self.wallets[name]
        policy = wallet.policy.raw
        if lifetime is not None and name != "account":
            self.version += 1
            changes = {"version": self.version, "request_lifetime": lifetime}
            policy = BANK.policy(**LIMITS | changes)
        raw = dumps([[BANK.operator.raw], policy, BANK.epoch(self.epoch)])
        wallet.store.commit(install.update(wallet, raw))
        self.wallets[name] = book.Book(wallet.store)

    @rule(name=ANYONE, newest=st.booleans())
    def sync(self, name: str, newest: bool = True) -> None:
        """Update, report, take what others left behind, settle."""
        if newest:
            self.update(name)
        wallet = self.wallets[name]
        self.archive.read(wallet)
        for entry in wallet.pending():
            outcome = self.archive.outcomes.get(entry[PAYMENT_HASH])
            if outcome is not None:
                self.outcomes.append((name, outcome))
                self.resolve(0, None)
        self.reclaim(name)
        closed = self.archive.closed(wallet)
        raw = issue.make_settlement(
            wallet.me.hash,
            NONCE,
            wallet.state.position,
            wallet.state.head,
            BANK.operator_key,
            BANK.operator,
            BANK.network,
            closed,
        )
        wallet.store.commit(settle.settle(wallet, raw, NONCE))
        self.refunded.update(closed)
        self.wallets[name] = wallet = book.Book(wallet.store)
        self.archive.floors[wallet.me.hash] = wallet.state.floor

    def reclaim(self, name: str) -> None:
        """Money of an expired purse goes back, if the account will have it."""
        wallet = self.wallets[name]
        terms, held = wallet.terms.get(NUMBER), wallet.state.held(NUMBER)
        if terms is None or terms.expiry >= wallet.epoch.number or held == 0:
            return
        self.update("account")
        if self.try_request("account", held, False, NUMBER):
            if self.try_pay(name, 0, held) and self.try_deliver(0, True, None):
                self.resolve(0, None)
            self.cancel("account")

    # What must hold after each --------------------------------------------------------------------

    @invariant()
    def money_is_whole(self) -> None:
        held = flying = 0
        for wallet in self.wallets.values():
            held += wallet.state.balance
            for entry in wallet.pending():
                if entry[PAYMENT_HASH] not in self.credited:
                    flying += sum(entry[TAKEN])
        assert held + flying == ISSUED

    @invariant()
    def nothing_is_credited_and_refunded(self) -> None:
        assert not self.credited & self.refunded

    @invariant()
    def promises_are_kept(self) -> None:
        for wallet in self.wallets.values():
            assert wallet.slots() >= 0
            room = wallet.state.balance + wallet.reserved + wallet.in_flight
            assert room <= wallet.policy.balance_cap
            assert all(request.number >= wallet.state.floor for request in wallet.open.values())

    @invariant()
    def bound_money_goes_where_it_may(self) -> None:
        account = self.wallets["account"]
        assert account.state.purses == {}
        trust = wallets_trust()
        for wallet in self.wallets.values():
            for _, entry in wallet.entries():
                if entry[KIND] != PAID or wallet is account:
                    continue
                payment = messages.read_payment(entry[PAYMENT_RAW], BANK.network)
                payee_of = trust.wallet(entry[PEER_RAW])
                if payment.purse and payee_of.form != certificates.ACCOUNT:
                    assert (payment.purse, payee_of.category) == (NUMBER, SHOP)
                    assert payment.amount <= CAP_OF_TERMS

    # ----------------------------------------------------------------------------------------------

    def once(self, *number: Any, content: bytes) -> None:
        """A number of a signer stands for one content, or there is a fraud proof against it."""
        assert self.signed.setdefault(number, content) == content

    def finish_everything(self) -> None:
        """Every payment that is still pending ends: by another tap, or at the operator's."""
        names = {wallet.me.raw: name for name, wallet in self.wallets.items()}
        # Who found a full journal or a closed request has its turn after all have synced; what then
        # comes back from a purse is a payment, too.
        for _ in range(3):
            for name, wallet in self.wallets.items():
                for entry in wallet.pending():
                    raw, request = entry[PAYMENT_RAW], entry[REQUEST_RAW]
                    self.payments.append(Paid(name, names[entry[PEER_RAW]], raw, request))
                    if self.try_deliver(0, True, None):
                        self.resolve(0, None)
            self.epoch += 20
            for name in NAMES:
                self.sync(name)
        for name in NAMES:
            self.sync(name)
        assert [wallet.unresolved() for wallet in self.wallets.values()] == [0] * len(NAMES)
        # Whatever is said again now changes nothing.
        for age in range(len(self.payments)):
            self.try_deliver(age, True, None)
        for age in range(len(self.outcomes)):
            self.resolve(age, None)
        self.money_is_whole()
        assert sum(wallet.state.balance for wallet in self.wallets.values()) == ISSUED


Histories.TestCase.settings = settings(max_examples=60, stateful_step_count=50)
TestHistories = Histories.TestCase
