"""Random histories of wallets and their operator: money stays whole, and nobody is left stuck.

Messages are kept for ever and delivered any number of times, to anyone, in any order; power fails,
epochs pass, policies change, wallets sync. Hypothesis prints the steps that break a rule.
"""

from __future__ import annotations

from typing import Any
from unittest import mock

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from _jzcbor import dumps
from jiaozi import book, cose, errors, install, messages, payee, payer, sync
from jiaozi.errors import Refused
from tests.unit.wallets import Bank

BANK = Bank()
NONCE = bytes(16)
NAMES = ("alice", "bob", "carol", "account")
HOLDERS = st.sampled_from(NAMES[:3])
ANYONE = st.sampled_from(NAMES)
ISSUED = 50_000
CAP = 30_000
# So small that journals fill in a short history.
JOURNAL = 12

Requests: Bundle = Bundle("requests")
Payments: Bundle = Bundle("payments")
Outcomes: Bundle = Bundle("outcomes")


class Archive:
    """What the operator knows from the journals and statements it has been given."""

    def __init__(self) -> None:
        self.outcomes: dict[bytes, bytes] = {}
        self.floors: dict[bytes, int] = {}

    def read(self, wallet: book.Book) -> None:
        """Take a wallet's journal and statement."""
        for _, entry in wallet.entries():
            if entry[book.KIND] in (book.CREDITED, book.VOIDED):
                self.outcomes[entry[book.PAYMENT_HASH]] = entry[book.OUTCOME_RAW]
        self.floors[wallet.me.hash] = wallet.state.floor

    def closed(self, wallet: book.Book) -> list[bytes]:
        """Pending payments of a wallet that their payees never saw and can no longer answer."""
        found = []
        for entry in wallet.pending():
            request = messages.read_request(entry[book.REQUEST_RAW], BANK.network)
            passed = request.number < self.floors.get(request.signer, 0)
            if passed and entry[book.PAYMENT_HASH] not in self.outcomes:
                found.append(entry[book.PAYMENT_HASH])
        return found


class Histories(RuleBasedStateMachine):
    """Wallets, the messages between them, and what may never be signed twice."""

    def __init__(self) -> None:
        super().__init__()
        self.limit = mock.patch.object(book, "JOURNAL_LIMIT", JOURNAL)
        self.limit.start()
        self.archive = Archive()
        self.epoch = self.version = 1
        self.credited: set[bytes] = set()
        self.refunded: set[bytes] = set()
        self.signed: dict[tuple, bytes] = {}
        self.wallets = {
            name: BANK.wallet(name, balance_cap=CAP, offline_count=1000, hops=3, single=10_000)
            for name in NAMES[:3]
        }
        self.wallets["account"] = BANK.account("account", ISSUED)

    def teardown(self) -> None:
        try:
            self.finish_everything()
        finally:
            self.limit.stop()

    # Steps ----------------------------------------------------------------------------------------

    @initialize()
    def top_up(self) -> None:
        for name in NAMES[:3]:
            self.whole_transfer("account", name, 5_000)

    @rule(target=Requests, name=ANYONE, amount=st.integers(1, 6_000), is_open=st.booleans())
    def request(self, name: str, amount: int, is_open: bool) -> Any:
        wallet = self.wallets[name]
        try:
            step = payee.request(wallet, *((0, amount) if is_open else (amount, 0)))
        except Refused:
            return multiple()
        raw = wallet.apply(step)
        request = messages.read_request(raw, BANK.network)
        self.once("request", name, request.number, content=raw)
        return wallet.me.raw, raw

    @rule(target=Payments, name=ANYONE, request=Requests, entered=st.integers(1, 6_000))
    def pay(self, name: str, request: tuple[bytes, bytes], entered: int) -> Any:
        wallet = self.wallets[name]
        order = payer.read_order(wallet, *request)
        try:
            reply = payer.recall(wallet, order)
            unfinished = payer.unfinished(wallet, order.payee)
            if reply is None and unfinished is not None:
                reply = payer.resend(unfinished)
            if reply is None:
                amount = order.request.amount or entered
                payer.check(wallet, order, amount)
                confirmed = payer.needs_consent(wallet, amount)
                reply = wallet.apply(payer.pay(wallet, order, amount, confirmed))
        except Refused:
            return multiple()
        answer = cose.decode(reply)
        payment = messages.read_payment(answer[0], BANK.network)
        self.once("payment", name, payment.sequence, content=answer[0])
        return wallet.me.raw, answer[0], answer[1] if len(answer) == 2 else request[1]

    @rule(target=Outcomes, name=ANYONE, payment=Payments, attached=st.booleans())
    def deliver(self, name: str, payment: tuple[bytes, bytes, bytes], attached: bool) -> Any:
        return self.hand_over(name, *payment[:2], payment[2] if attached else None) or multiple()

    @rule(name=ANYONE, outcome=Outcomes)
    def resolve(self, name: str, outcome: bytes) -> None:
        wallet = self.wallets[name]
        try:
            step = payer.resolve(wallet, outcome)
        except Refused as refused:
            if refused.sw != errors.UNKNOWN_PAYMENT:
                raise
            return
        if step is not None:
            wallet.apply(step)
            if step.entry is not None and step.entry[book.KIND] == book.REFUNDED:
                self.refunded.add(step.entry[book.PAYMENT_HASH])

    @rule(giver=ANYONE, taker=ANYONE, amount=st.integers(1, 6_000))
    def whole_transfer(self, giver: str, taker: str, amount: int) -> None:
        request = self.request(taker, amount, False)
        if not isinstance(request, tuple):
            return
        payment = self.pay(giver, request, amount)
        if isinstance(payment, tuple):
            outcome = self.hand_over(taker, *payment)
            if outcome is not None:
                self.resolve(giver, outcome)

    @rule(name=ANYONE)
    def cancel(self, name: str) -> None:
        wallet = self.wallets[name]
        for request_hash in list(wallet.open)[:1]:
            wallet.apply(payee.cancel(wallet, request_hash))

    @rule(name=ANYONE)
    def power_cut(self, name: str) -> None:
        self.wallets[name] = book.Book(self.wallets[name].store)

    @rule(steps=st.integers(1, 3))
    def time_passes(self, steps: int) -> None:
        self.epoch += steps

    @rule(name=HOLDERS, lifetime=st.integers(0, 3))
    def new_policy(self, name: str, lifetime: int) -> None:
        self.version += 1
        policy = BANK.policy(
            version=self.version,
            request_lifetime=lifetime,
            balance_cap=CAP,
            offline_count=1000,
            hops=3,
            single=10_000,
        )
        self.update(name, policy)

    @rule(name=ANYONE)
    def update(self, name: str, policy: bytes | None = None) -> None:
        wallet = self.wallets[name]
        rules = [[BANK.operator.raw], policy or wallet.policy.raw, BANK.epoch(self.epoch)]
        wallet.store.commit(install.update(wallet, dumps(rules)))
        self.wallets[name] = book.Book(wallet.store)

    @rule(name=ANYONE, newest=st.booleans())
    def sync(self, name: str, newest: bool = True) -> None:
        """Update, report, take what others left behind, settle."""
        if newest:
            self.update(name)
        wallet = self.wallets[name]
        self.archive.read(wallet)
        for entry in wallet.pending():
            outcome = self.archive.outcomes.get(entry[book.PAYMENT_HASH])
            if outcome is not None:
                self.resolve(name, outcome)
        closed = self.archive.closed(wallet)
        raw = sync.make_settlement(
            wallet.me.hash,
            NONCE,
            wallet.state.position,
            wallet.state.head,
            BANK.operator_key,
            BANK.operator,
            BANK.network,
            closed,
        )
        wallet.store.commit(sync.settle(wallet, raw, NONCE))
        self.refunded.update(closed)
        self.wallets[name] = wallet = book.Book(wallet.store)
        self.archive.floors[wallet.me.hash] = wallet.state.floor

    # What must hold after each --------------------------------------------------------------------

    @invariant()
    def money_is_whole(self) -> None:
        held = flying = 0
        for wallet in self.wallets.values():
            held += wallet.state.balance
            for entry in wallet.pending():
                if entry[book.PAYMENT_HASH] not in self.credited:
                    flying += sum(entry[book.TAKEN])
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
    def memory_is_what_the_store_says(self) -> None:
        for wallet in self.wallets.values():
            again = book.Book(wallet.store)
            assert again.state.encode() == wallet.state.encode()
            assert sorted(again.open) == sorted(wallet.open)
            assert again.slots() == wallet.slots()

    # ----------------------------------------------------------------------------------------------

    def once(self, *number: Any, content: bytes) -> None:
        """A number of a signer stands for one content, or there is a fraud proof against it."""
        assert self.signed.setdefault(number, content) == content

    def hand_over(
        self, name: str, payer_raw: bytes, payment_raw: bytes, request: bytes | None
    ) -> bytes | None:
        """Give a payment to a wallet; its receipt or void, or None when it refuses."""
        wallet = self.wallets[name]
        try:
            reply, step = payee.receive(wallet, payer_raw, payment_raw, request)
        except Refused:
            return None
        if step is not None:
            reply = wallet.apply(step)
        payment = messages.read_payment(payment_raw, BANK.network)
        outcome = messages.read_outcome(reply or b"", BANK.network)
        self.once("outcome", name, payment.hash, content=outcome.raw)
        self.once("position", name, outcome.position, content=outcome.raw)
        if outcome.credited:
            self.credited.add(payment.hash)
        return outcome.raw

    def finish_everything(self) -> None:
        """Every payment that is still pending ends: by another tap, or at the operator's."""
        for name, wallet in self.wallets.items():
            for entry in wallet.pending():
                target = next(
                    other
                    for other, candidate in self.wallets.items()
                    if candidate.me.raw == entry[book.PEER_RAW]
                )
                outcome = self.hand_over(
                    target, wallet.me.raw, entry[book.PAYMENT_RAW], entry[book.REQUEST_RAW]
                )
                if outcome is not None:
                    self.resolve(name, outcome)
        # Who found a full journal or a closed request has its turn after all have synced.
        for _ in range(2):
            self.epoch += 20
            for name in NAMES:
                self.sync(name)
        for name in NAMES:
            self.sync(name)
        assert [wallet.unresolved() for wallet in self.wallets.values()] == [0] * len(NAMES)
        assert sum(wallet.state.balance for wallet in self.wallets.values()) == ISSUED


Histories.TestCase.settings = settings(max_examples=30, stateful_step_count=40)
TestHistories = Histories.TestCase
