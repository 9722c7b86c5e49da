"""Whole payments between honest wallets: what a lost answer, a repeat or an altered byte leaves."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jiaozi.wallet import book, payee, payer
from jiaozi.wire import cose, messages
from jiaozi.wire.errors import Refused
from jiaozi.wire.journal import PAYMENT_HASH, TAKEN
from jiaozi.wire.suites import EDDSA
from tests.fixtures.wallets import Bank, answer, ask, finish, take, transfer

BANK = Bank()
ISSUED = 100_000


class World:
    """Two wallets; alice holds what was issued."""

    def __init__(self, **limits: Any) -> None:
        self.alice, self.bob = BANK.wallet("alice", **limits), BANK.wallet("bob", **limits)
        transfer(BANK.account(), self.alice, ISSUED)

    @property
    def balances(self) -> tuple[int, int]:
        return self.alice.state.balance, self.bob.state.balance

    @property
    def whole(self) -> bool:
        """Whether nothing is lost or made. What is in flight has not been credited yet."""
        flying = sum(
            sum(entry[TAKEN])
            for entry in self.alice.pending()
            if not credited(self.bob, entry[PAYMENT_HASH])
        )
        return sum(self.balances) + flying == ISSUED

    def power_cut(self) -> None:
        self.alice, self.bob = book.Book(self.alice.store), book.Book(self.bob.store)


def credited(wallet: book.Book, payment_hash: bytes) -> bool:
    outcome = wallet.outcome(payment_hash)
    return outcome is not None and messages.read_outcome(outcome, BANK.network).credited


def test_there_and_back() -> None:
    world = World()
    transfer(world.alice, world.bob, 60_000)
    transfer(world.bob, world.alice, 10_000)
    assert world.balances == (50_000, 50_000)
    assert world.alice.state.levels == [0, 40_000, 0, 10_000]
    assert world.whole


@pytest.mark.parametrize("lost", range(4))
def test_a_tap_torn_after_any_message_is_finished_by_the_next(lost: int) -> None:
    """lost: how many of request, payment, receipt arrive before the power fails on both sides."""
    world = World()
    request = ask(world.bob, 500)
    outcome = b""
    for arrive in (lost, 3):
        if arrive >= 1:
            payment = answer(world.alice, world.bob.me.raw, request)
        if arrive >= 2:
            outcome = take(world.bob, world.alice.me.raw, payment, request)
        if arrive >= 3:
            finish(world.alice, outcome)
        assert world.whole
        world.power_cut()
        assert world.whole
    assert world.balances == (ISSUED - 500, 500)
    assert world.alice.unresolved() == 0


def test_any_order_of_repeats_gives_one_credit() -> None:
    for order in itertools.permutations(range(3)):
        world = World()
        request = ask(world.bob, 500)
        payment = answer(world.alice, world.bob.me.raw, request)
        receipts = set()
        for step in (*order, *order):
            if step == 0:
                assert answer(world.alice, world.bob.me.raw, request) == payment
            elif step == 1:
                receipts.add(take(world.bob, world.alice.me.raw, payment, request))
            else:
                for receipt in receipts:
                    finish(world.alice, receipt)
            assert world.whole
        assert len(receipts) == 1
        assert world.balances == (ISSUED - 500, 500)


def test_altered_messages_change_nothing() -> None:
    world = World()
    request = ask(world.bob, 500)
    for position in range(len(request)):
        altered = flip(request, position)
        with pytest.raises(Refused):
            answer(world.alice, world.bob.me.raw, altered)
    payment = answer(world.alice, world.bob.me.raw, request)
    for position in range(len(payment)):
        with pytest.raises(Refused):
            take(world.bob, world.alice.me.raw, flip(payment, position), request)
    receipt = take(world.bob, world.alice.me.raw, payment)
    for position in range(len(receipt)):
        with pytest.raises(Refused):
            finish(world.alice, flip(receipt, position))
    assert world.balances == (ISSUED - 500, 500)
    finish(world.alice, receipt)
    assert world.alice.unresolved() == 0


def flip(raw: bytes, position: int) -> bytes:
    return raw[:position] + bytes([raw[position] ^ 0x10]) + raw[position + 1 :]


def test_a_payment_for_another_s_request() -> None:
    world = World()
    carol = BANK.wallet("carol")
    payment = answer(world.alice, carol.me.raw, ask(carol, 500))
    ask(world.bob, 500)
    with pytest.raises(Refused):
        take(world.bob, world.alice.me.raw, payment)
    finish(world.alice, take(carol, world.alice.me.raw, payment))
    assert (world.balances, carol.state.balance) == ((ISSUED - 500, 0), 500)


def test_value_of_two_networks_never_mixes() -> None:
    live = Bank(cose.LIVE)
    stranger, world = live.wallet("bob"), World()
    with pytest.raises(Refused):
        answer(world.alice, stranger.me.raw, ask(stranger, 500))


def test_a_payer_that_committed_can_always_be_told_the_outcome() -> None:
    """A journal filled to the brim by pending payments, then all resolved by many payees."""
    world = World(offline_count=1000, balance_cap=2_000_000)
    before, made = world.alice.state.balance, []
    while world.alice.slots() >= 2:
        payee_ = BANK.wallet(f"payee {len(made)}")
        request = ask(payee_, 1)
        made.append((payee_, answer(world.alice, payee_.me.raw, request), request))
        if len(made) % 2:
            payee_.apply(payee.cancel(payee_, next(iter(payee_.open))))
    world.power_cut()
    for payee_, payment, request in made:
        finish(world.alice, take(payee_, world.alice.me.raw, payment, request))
    assert world.alice.unresolved() == 0
    assert world.alice.slots() in (0, 1)
    assert world.alice.state.balance == before - len(made) // 2


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc"), st.integers(1, 400))))
def test_value_is_whole_along_any_chain(steps: list[tuple[str, str, int]]) -> None:
    wallets = {name: BANK.wallet(name, hops=4) for name in "abc"}
    transfer(BANK.account(), wallets["a"], 1_000)
    for source, target, amount in steps:
        try:
            transfer(wallets[source], wallets[target], amount)
        except Refused:
            for request_hash in list(wallets[target].open):
                wallets[target].apply(payee.cancel(wallets[target], request_hash))
        assert sum(wallet.state.balance for wallet in wallets.values()) == 1_000
        assert all(wallet.unresolved() == 0 for wallet in wallets.values())


def test_signatures_and_checks_of_a_tap(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the specification says a tap costs."""
    counts = {"sign": 0, "verify": 0}
    sign, verify = EDDSA.sign, EDDSA.verify

    def counted_sign(*parts: bytes) -> bytes:
        counts["sign"] += 1
        return sign(*parts)

    def counted_verify(*parts: bytes) -> bool:
        counts["verify"] += 1
        return verify(*parts)

    world = World()
    monkeypatch.setattr(EDDSA, "sign", counted_sign)
    monkeypatch.setattr(EDDSA, "verify", counted_verify)
    request = ask(world.bob, 5)
    assert counts == {"sign": 1, "verify": 0}
    order = payer.read_order(world.alice, world.bob.me.raw, request)
    payer.check(world.alice, order, 5)
    payment = cose.decode(world.alice.apply(payer.pay(world.alice, order, 5, True)))[0]
    assert counts == {"sign": 2, "verify": 2}  # the payee's certificate and its request
    receipt = take(world.bob, world.alice.me.raw, payment)
    assert counts == {"sign": 3, "verify": 4}  # the payer's certificate and its payment
    finish(world.alice, receipt)
    assert counts == {"sign": 3, "verify": 5}
    # Wallets that met before do not check each other's certificates again.
    transfer(world.alice, world.bob, 5)
    assert counts == {"sign": 6, "verify": 8}
