"""Random payments among wallets that sync in random order, or in part: the ledger adds up.

The expected totals are computed from whole journals, which the wallets' stores keep.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jiaozi.wallet import payee
from jiaozi.wallet.book import Book
from jiaozi.wire.errors import Refused
from jiaozi_host.errors import CardGone, WalletRefused
from jiaozi_host.ledger.report import report
from jiaozi_host.sync.session import sync_wallet
from tests.fixtures import wallets
from tests.fixtures.journal_recorder import Recorder, in_flight
from tests.fixtures.operator_counter import OperatorCounter, Reader

ISSUED = 1_000_000
WALLETS = 3
wallet_numbers = st.integers(0, WALLETS - 1)
amounts = st.integers(1, 20_000)


class Economy(RuleBasedStateMachine):
    """Wallets that pay each other and sync at their operator now and then."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.counter = OperatorCounter(Path(self.folder.name), ISSUED)
        self.wallets = [self.counter.wallet(100_000, Recorder()) for _ in range(WALLETS)]
        self.sent: list[tuple[int, int, bytes, bytes]] = []

    def book(self, number: int) -> Book:
        return self.wallets[number].device.book

    @rule(source=wallet_numbers, sink=wallet_numbers, amount=amounts, heard=st.booleans())
    def pay(self, source: int, sink: int, amount: int, heard: bool) -> None:
        """Tap, whole or torn after the payer's commit."""
        if source == sink:
            return
        try:
            request = wallets.ask(self.book(sink), amount)
        except Refused:
            return
        try:
            payment = wallets.answer(self.book(source), self.book(sink).me.raw, request)
        except Refused:
            self._cancel(self.book(sink), request)
            return
        if heard:
            receipt = wallets.take(self.book(sink), self.book(source).me.raw, payment)
            wallets.finish(self.book(source), receipt)
        else:
            self.sent.append((source, sink, payment, request))

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), resolves=st.booleans())
    def arrive_late(self, data: st.DataObject, resolves: bool) -> None:
        """Deliver a torn payment to its payee, and perhaps the outcome to its payer."""
        index = data.draw(st.integers(0, len(self.sent) - 1))
        source, target, payment, request = self.sent[index]
        try:
            answer = wallets.take(self.book(target), self.book(source).me.raw, payment, request)
            if resolves:
                wallets.finish(self.book(source), answer)
        except Refused:
            return

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """Cancel a request: a later payment for it is voided."""
        _, target, _, request = data.draw(st.sampled_from(self.sent))
        self._cancel(self.book(target), request)

    @staticmethod
    def _cancel(book: Book, request: bytes) -> None:
        for known in list(book.open.values()):
            if known.raw == request:
                book.apply(payee.cancel(book, known.hash))

    @rule(number=wallet_numbers, lost=st.none() | st.integers(0, 12), delivers=st.booleans())
    def sync(self, number: int, lost: int | None, delivers: bool) -> None:
        """Sync, wholly or in part."""
        reader = Reader(self.wallets[number])
        reader.lose, reader.delivers = lost, delivers
        try:
            done = sync_wallet(reader, self.counter.operator, self.counter.ledger)
        except CardGone:
            return
        assert done.settled
        assert done.balance == self.book(number).state.balance

    @rule(number=wallet_numbers, amount=amounts, back=st.booleans())
    def counter_transfer(self, number: int, amount: int, back: bool) -> None:
        """Top up or cash out."""
        if back and amount > self.book(number).state.balance:
            return
        act = self.counter.cash_out if back else self.counter.top_up
        with suppress(WalletRefused):  # a full journal, a wallet that was not synced for long
            act(self.wallets[number], amount)

    @rule()
    def age(self) -> None:
        """Advance the epoch, so that requests expire."""
        self.counter.advance()

    @invariant()
    def it_adds_up(self) -> None:
        if not hasattr(self, "counter"):
            return
        account = self.counter.account()
        shown = report(self.counter.ledger)
        assert shown.findings == []
        assert shown.holds
        assert shown.issued == ISSUED
        journals = {wallet.device.book.me.id: wallet.store.journal for wallet in self.wallets}
        journals[account.me.id] = [account.entry(at) for at in account.positions()]
        posted = [journals[line.id][: line.position] for line in shown.lines]
        assert shown.value_in_flight == in_flight(posted)
        held = account.state.balance + sum(wallet.balance for wallet in self.wallets)
        assert held + in_flight(journals.values()) == ISSUED

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.counter.ledger.close()
            self.folder.cleanup()


TestEconomy = Economy.TestCase
TestEconomy.settings = settings(max_examples=8, stateful_step_count=20, phases=[Phase.generate])
