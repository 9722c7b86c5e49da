"""Purses with terms: funding, spending, posting, reclaim, and violations of terms."""

from __future__ import annotations

from pathlib import Path

import pytest

from jiaozi.wallet import payer
from jiaozi.wallet.store_keys import STATE_KEY
from jiaozi.wire import commands
from jiaozi.wire.terms import read_terms
from jiaozi_host import provisioning
from jiaozi_host.errors import CardGone, VaultError, WalletRefused
from jiaozi_host.ledger import findings
from jiaozi_host.sync.session import sync_wallet
from tests.fixtures import devices
from tests.fixtures.operator_counter import PIN, OperatorCounter, Reader
from wallet.roles.reader import read_tap

SHOP, NUMBER, EXPIRY = 5411, 7, 3


@pytest.fixture
def counter(tmp_path: Path) -> OperatorCounter:
    made = OperatorCounter(tmp_path / "home")
    made.operator.make_terms(NUMBER, [SHOP], EXPIRY, 2_000)
    return made


def shop(counter: OperatorCounter, category: int = SHOP) -> devices.Wallet:
    wallet = devices.Wallet()
    provisioning.provision(Reader(wallet), counter.operator, counter.ledger, PIN, category=category)
    return wallet


def fund(counter: OperatorCounter, wallet: devices.Wallet, amount: int) -> None:
    place = (Reader(wallet), counter.operator, counter.ledger, PIN)
    assert provisioning.top_up(*place, amount, NUMBER).amount == amount


def pay(giver: devices.Wallet, taker: devices.Wallet, amount: int) -> None:
    taker.arm(commands.RECEIVE, amount)
    giver.arm(commands.PAY_OUT, amount)
    read_tap(taker.device, giver.exchange, taker.port.wait)


def purses(counter: OperatorCounter) -> list[tuple[int, int, int]]:
    shown = counter.report()
    assert shown.holds
    assert shown.findings == []
    return [purse for line in shown.lines for purse in line.purses]


def test_a_purse_is_funded_spent_and_posted(counter: OperatorCounter) -> None:
    alice, merchant = counter.wallet(500), shop(counter)
    fund(counter, alice, 3_000)
    assert alice.device.book.state.held(NUMBER) == 3_000
    pay(alice, merchant, 1_200)
    for wallet in (alice, merchant):
        assert counter.sync(wallet).settled
    assert purses(counter) == [(NUMBER, 1_800, 1_800)]
    assert merchant.device.book.state.held(0) == 1_200


def test_a_purse_is_topped_up_again(counter: OperatorCounter) -> None:
    alice = counter.wallet()
    fund(counter, alice, 300)
    fund(counter, alice, 400)
    counter.sync(alice)
    assert purses(counter) == [(NUMBER, 700, 700)]


def test_terms_of_a_number_stay(counter: OperatorCounter) -> None:
    with pytest.raises(VaultError):
        counter.operator.make_terms(NUMBER, [SHOP], EXPIRY, 2_001)
    with pytest.raises(VaultError):
        counter.operator.make_terms(1, [SHOP], EXPIRY, 2_000)
    with pytest.raises(VaultError):
        counter.operator.terms(8)


def test_bound_money_is_not_cashed_out(counter: OperatorCounter) -> None:
    alice = counter.wallet(100)
    fund(counter, alice, 3_000)
    with pytest.raises(WalletRefused):
        counter.cash_out(alice, 200)
    assert counter.cash_out(alice, 100).amount == 100


def run_out(counter: OperatorCounter) -> None:
    while counter.authority.published.epoch.number <= EXPIRY:
        counter.advance()


def test_an_expired_purse_goes_back_at_sync(counter: OperatorCounter) -> None:
    alice = counter.wallet(100)
    fund(counter, alice, 3_000)
    counter.sync(alice)
    before = counter.account().state.balance
    run_out(counter)
    done = counter.sync(alice)
    assert (done.reclaimed, done.settled, done.undelivered) == (3_000, True, [])
    assert counter.account().state.balance == before + 3_000
    assert (alice.balance, alice.device.book.terms) == (100, {})
    assert purses(counter) == []


@pytest.mark.parametrize("delivers", [True, False])
def test_a_sync_torn_anywhere_loses_nothing(counter: OperatorCounter, delivers: bool) -> None:
    alice = counter.wallet(100)
    fund(counter, alice, 3_000)
    counter.sync(alice)
    run_out(counter)
    for lost in range(60):
        reader = Reader(alice)
        reader.lose, reader.delivers, reader.restarts = lost, delivers, lost % 2 == 0
        try:
            sync_wallet(reader, counter.operator, counter.ledger)
        except CardGone:
            continue
        break
    assert reader.exchanges <= lost
    assert counter.sync(alice).settled
    assert counter.sync(alice).settled
    assert alice.balance == 100
    assert purses(counter) == []


def outside(alice: devices.Wallet, taker: devices.Wallet, amount: int) -> None:
    """Make a payment against the terms, as an opened device can."""
    wallet = alice.device.book
    request = taker.arm(commands.RECEIVE, amount)
    order = payer.read_order(wallet, taker.device.book.me.raw, request)
    order.purse = NUMBER
    wallet.apply(payer.pay(wallet, order, amount, True))


@pytest.mark.parametrize(("category", "amount"), [(5812, 50), (SHOP, 2_001)])
def test_a_payment_outside_its_terms_is_found_and_proven(
    counter: OperatorCounter, category: int, amount: int
) -> None:
    alice, merchant = counter.wallet(100), shop(counter, category)
    fund(counter, alice, 3_000)
    outside(alice, merchant, amount)
    done = counter.sync(alice)
    kinds = {found.kind for found in done.findings}
    assert {findings.OUTSIDE_TERMS, "proven use outside terms"} <= kinds
    assert not done.settled
    assert {found.wallet for found in done.findings} == {alice.device.book.me.id}


@pytest.mark.parametrize("bound", [0, 4_000])
def test_value_that_changes_its_purse_is_found(counter: OperatorCounter, bound: int) -> None:
    alice = counter.wallet(2_000)
    fund(counter, alice, 3_000)
    counter.sync(alice)
    state = alice.device.book.state.copy()
    state.levels, state.purses = [0, 5_000 - bound], {NUMBER: [0, bound]} if bound else {}
    alice.store.commit({STATE_KEY: state.encode()})
    alice.device.reload()
    assert findings.BALANCE_MISMATCH in {found.kind for found in counter.sync(alice).findings}


def test_one_purse_overdrawn_while_another_is_full(counter: OperatorCounter) -> None:
    alice, merchant = counter.wallet(5_000), shop(counter)
    fund(counter, alice, 100)
    counter.sync(alice)
    alice.device.book.state.purses[NUMBER] = [0, 1_100]
    outside(alice, merchant, 1_000)
    kinds = {found.kind for found in counter.sync(alice).findings}
    assert {findings.OVERDRAFT, "proven overdraft"} <= kinds


def test_terms_are_what_the_operator_signed(counter: OperatorCounter) -> None:
    terms = read_terms(counter.operator.terms(NUMBER), counter.operator.network)
    assert (terms.number, terms.categories, terms.expiry, terms.cap) == (7, [SHOP], 3, 2_000)
