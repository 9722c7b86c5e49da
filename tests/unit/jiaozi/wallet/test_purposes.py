"""Purses with terms: adopted, funded, spent where they permit it, brought back when they expire."""

from __future__ import annotations

import pytest

from _jzcbor import dumps
from jiaozi.operator import issue
from jiaozi.wallet import book, payee, payer, purposes, settle
from jiaozi.wallet.store_keys import EPOCH_KEY, OPERATORS_KEY
from jiaozi.wire import cose, errors, messages
from jiaozi.wire.errors import Refused
from tests.fixtures.purses import (
    BANK,
    NONCE,
    NUMBER,
    SEEDS,
    SHOP,
    later,
    pay,
    refusal,
    rich,
    shop,
    take_back,
)
from tests.fixtures.wallets import Bank, answer, ask, finish, fund, key_of, take

# Adopting terms ---------------------------------------------------------------------------------


def test_terms_are_kept_and_journalled() -> None:
    alice = BANK.wallet("alice")
    step = purposes.adopt(alice, BANK.terms())
    assert step is not None
    alice.apply(step)
    again = book.Book(alice.store)
    assert again.terms[NUMBER].raw == BANK.terms()
    assert again.slots() == book.JOURNAL_LIMIT - 1
    assert purposes.adopt(again, BANK.terms()) is None


OTHER = Bank(name="other")
FOREIGN = Bank(name="foreign", currency="USD")


@pytest.mark.parametrize(
    ("raw", "sw"),
    [
        (BANK.terms(key=key_of("thief")), errors.BAD_SIGNATURE),
        (OTHER.terms(), errors.UNKNOWN_OPERATOR),
        (BANK.terms(expiry=0), errors.EXPIRED),
        (BANK.terms()[:-1], errors.MALFORMED),
        (BANK.epoch(), errors.MALFORMED),
    ],
)
def test_terms_refused(raw: bytes, sw: int) -> None:
    alice = BANK.wallet("alice")
    assert refusal(lambda: purposes.adopt(alice, raw)) == sw


@pytest.mark.parametrize(
    "body",
    [
        [1, [SHOP], 5, 100],
        [NUMBER, [], 5, 100],
        [NUMBER, [0], 5, 100],
        [NUMBER, [SHOP] * 17, 5, 100],
        [NUMBER, [SHOP], 5, 0],
        [NUMBER, [SHOP], 5],
        [NUMBER, ["5411"], 5, 100],
    ],
)
def test_what_are_no_terms(body: list) -> None:
    raw = cose.sign(cose.TERMS, body, BANK.operator_key, BANK.operator.hash, BANK.network).raw
    alice = BANK.wallet("alice")
    assert refusal(lambda: purposes.adopt(alice, raw)) == errors.MALFORMED


def test_other_terms_of_one_number_are_refused() -> None:
    alice = rich()
    assert refusal(lambda: purposes.adopt(alice, BANK.terms(cap=9))) == errors.TERMS_REFUSED


def test_a_wallet_has_so_many_purses() -> None:
    alice = BANK.wallet("alice")
    for number in range(10, 10 + purposes.MOST_PURPOSES):
        alice.apply(purposes.adopt(alice, BANK.terms(number)))
    assert refusal(lambda: purposes.adopt(alice, BANK.terms(9))) == errors.TOO_MANY_PURSES


@pytest.mark.parametrize(
    ("epoch", "sw"),
    [
        (BANK.epoch(1, operators=[BANK.operator.hash]), errors.REVOKED),
        (BANK.epoch(1001, operators=[BANK.operator.hash, OTHER.operator.hash]), errors.EXPIRED),
    ],
)
def test_a_funder_must_be_valid(epoch: bytes, sw: int) -> None:
    alice = BANK.wallet("alice")
    operators = dumps([BANK.operator.raw, OTHER.operator.raw])
    alice.store.commit({OPERATORS_KEY: operators, EPOCH_KEY: epoch})
    alice = book.Book(alice.store)
    raw = OTHER.terms(expiry=2_000)
    assert refusal(lambda: purposes.adopt(alice, raw)) == sw


def test_a_funder_must_have_the_currency() -> None:
    alice = BANK.wallet("alice")
    epoch = BANK.epoch(1, operators=[BANK.operator.hash, FOREIGN.operator.hash])
    operators = dumps([BANK.operator.raw, FOREIGN.operator.raw])
    alice.store.commit({OPERATORS_KEY: operators, EPOCH_KEY: epoch})
    alice = book.Book(alice.store)
    assert refusal(lambda: purposes.adopt(alice, FOREIGN.terms())) == errors.WRONG_CURRENCY


def test_no_terms_without_a_slot() -> None:
    alice = BANK.wallet("alice")
    for number in range(book.JOURNAL_LIMIT):
        alice._paid[number.to_bytes(32, "big")] = number
    assert refusal(lambda: purposes.adopt(alice, BANK.terms())) == errors.JOURNAL_FULL


# Funding ----------------------------------------------------------------------------------------


def test_funding() -> None:
    alice = rich(1_000, 3_000)
    assert (alice.state.held(0), alice.state.held(NUMBER)) == (1_000, 3_000)
    assert alice.state.balance == 4_000
    assert book.Book(alice.store).state.purses == {NUMBER: [0, 3_000]}


def test_no_request_for_a_purse_without_terms() -> None:
    alice = BANK.wallet("alice")
    assert refusal(lambda: payee.request(alice, 5, purse=NUMBER)) == errors.PURSE_REFUSED
    assert refusal(lambda: payee.request(alice, 5, purse=1)) == errors.PURSE_REFUSED


def test_no_request_for_an_expired_purse() -> None:
    alice = later(rich(), 6)
    assert refusal(lambda: payee.request(alice, 5, purse=NUMBER)) == errors.PURSE_REFUSED


def test_only_its_funder_funds_a_purse() -> None:
    """Another operator's account gets its payment back."""
    alice, account = rich(), OTHER.account()
    both = [BANK.operator.raw, OTHER.operator.raw]
    epoch = BANK.epoch(1, operators=[BANK.operator.hash, OTHER.operator.hash])
    for wallet in (alice, account):
        wallet.store.commit({OPERATORS_KEY: dumps(both), EPOCH_KEY: epoch})
    alice, account = book.Book(alice.store), book.Book(account.store)
    request = alice.apply(payee.request(alice, 50, purse=NUMBER))
    before = account.state.balance
    void = take(alice, account.me.raw, answer(account, alice.me.raw, request))
    assert not messages.read_outcome(void, BANK.network).credited
    finish(account, void)
    assert account.state.balance == before
    assert account.state.purses == {}


def test_a_payment_from_a_purse_is_general_money_for_the_payee() -> None:
    """Even for a payee that has the same purse, and asks for money for it."""
    alice = rich(0)
    dealer = BANK.wallet("dealer", category=SHOP)
    dealer.apply(purposes.adopt(dealer, BANK.terms()))
    request = dealer.apply(payee.request(dealer, 50, purse=NUMBER))
    payment = answer(alice, dealer.me.raw, request)
    finish(alice, take(dealer, alice.me.raw, payment))
    assert (dealer.state.held(0), dealer.state.held(NUMBER)) == (50, 0)


# Paying -----------------------------------------------------------------------------------------


def test_a_purse_that_fits_pays_first() -> None:
    alice = rich()
    assert pay(alice, shop(), 400).purse == NUMBER
    assert (alice.state.held(0), alice.state.held(NUMBER)) == (1_000, 2_600)


@pytest.mark.parametrize(
    ("category", "amount", "epoch"),
    [(SEEDS, 400, 1), (0, 400, 1), (SHOP, 2_001, 1), (SHOP, 400, 6)],
    ids=["another category", "no category", "above the cap", "expired"],
)
def test_general_money_pays_what_terms_do_not_permit(
    category: int, amount: int, epoch: int
) -> None:
    alice, merchant = rich(4_000), shop(category=category)
    if epoch > 1:
        alice, merchant = later(alice, epoch), later(merchant, epoch)
    assert pay(alice, merchant, amount).purse == 0
    assert alice.state.held(NUMBER) == 3_000


@pytest.mark.parametrize("amount", [2_000, 400])
def test_terms_permit_up_to_cap_and_expiry(amount: int) -> None:
    alice, merchant = later(rich(0), 5), later(shop(), 5)
    assert pay(alice, merchant, amount).purse == NUMBER


def test_a_payment_takes_one_purse_only() -> None:
    alice = rich(1_000, 1_500)
    assert refusal(lambda: pay(alice, shop(), 2_000)) == errors.OVER_BALANCE
    assert alice.state.balance == 2_500


@pytest.mark.parametrize("category", [SEEDS, 0])
def test_bound_money_alone_does_not_pay_elsewhere(category: int) -> None:
    alice = rich(0)
    assert refusal(lambda: pay(alice, shop(category=category), 5)) == errors.OVER_BALANCE


def test_of_two_purses_the_first_to_expire_pays() -> None:
    alice, account = rich(0), BANK.account("second")
    fund(account, alice, BANK.terms(3, expiry=4), 100)
    fund(account, alice, BANK.terms(4, expiry=4), 100)
    merchant = shop()
    assert [pay(alice, merchant, 60).purse for _ in range(3)] == [3, 4, NUMBER]


def request_for(purses: list[int], taker: book.Book, expiry: int = 2) -> bytes:
    body = [1, 50, 0, "CNY", purses, expiry]
    return cose.sign(cose.REQUEST, body, taker.key, taker.me.hash, BANK.network).raw


@pytest.mark.parametrize(
    ("purses", "category", "expected"),
    [
        ([0], SHOP, 0),
        ([NUMBER], SHOP, NUMBER),
        ([0, 1], SHOP, NUMBER),
        ([1], SHOP, NUMBER),
        ([NUMBER], SEEDS, errors.TERMS_REFUSED),
        ([1], SEEDS, errors.TERMS_REFUSED),
        ([9], SHOP, errors.PURSE_REFUSED),
    ],
)
def test_the_request_says_which_purses_it_takes(
    purses: list[int], category: int, expected: int
) -> None:
    alice, merchant = rich(), shop(category=category)
    order = payer.read_order(alice, merchant.me.raw, request_for(purses, merchant))
    try:
        payer.check(alice, order, 50)
        found = order.purse
    except Refused as refused:
        found = refused.sw
    assert found == expected


def test_merchants_ask_for_bound_money_and_people_do_not() -> None:
    for wallet, purses in ((shop(), [0, 1]), (BANK.wallet("bob"), [0])):
        assert messages.read_request(ask(wallet, 5), BANK.network).purses == purses


@pytest.mark.parametrize(("category", "purse"), [(SHOP, 1), (0, 9)])
def test_a_payee_refuses_what_is_from_no_purse_it_takes(category: int, purse: int) -> None:
    alice, merchant = rich(), shop(category=category)
    request = messages.read_request(ask(merchant, 50), BANK.network)
    body = [1, request.hash, 50, purse, 1, 1, 1]
    payment = cose.sign(cose.PAYMENT, body, alice.key, alice.me.hash, BANK.network).raw
    position = merchant.state.position
    with pytest.raises(Refused) as caught:
        take(merchant, alice.me.raw, payment)
    assert (caught.value.sw, merchant.state.position) == (errors.PURSE_REFUSED, position)


def test_a_void_goes_back_to_its_purse() -> None:
    alice, merchant = rich(), shop()
    request = ask(merchant, 400)
    payment = answer(alice, merchant.me.raw, request)
    merchant.apply(payee.cancel(merchant, next(iter(merchant.open))))
    finish(alice, take(merchant, alice.me.raw, payment, request))
    assert (alice.state.held(0), alice.state.held(NUMBER)) == (1_000, 3_000)


# Going back ---------------------------------------------------------------------------------------


def settled(wallet: book.Book, closed: tuple[bytes, ...] = ()) -> book.Book:
    place = (wallet.me.hash, NONCE, wallet.state.position, wallet.state.head)
    raw = issue.make_settlement(*place, BANK.operator_key, BANK.operator, BANK.network, closed)
    acknowledged = wallet.state.position
    changes = settle.settle(wallet, raw, NONCE)
    while changes:
        wallet.store.commit(changes)
        wallet = book.Book(wallet.store)
        changes = settle.forget(wallet, acknowledged)
    return wallet


def test_expired_money_goes_back_without_consent_and_above_every_limit() -> None:
    alice = BANK.wallet("alice", single=100, unconfirmed_single=0)
    account = BANK.account()
    fund(account, alice, BANK.terms(), 3_000)
    alice, account = later(alice, 6), later(account, 6)
    before = account.state.balance
    assert take_back(alice, account, 3_000).purse == NUMBER
    assert (alice.state.balance, account.state.balance) == (0, before + 3_000)
    assert alice.state.unconfirmed_count == 0
    assert account.state.purses == {}


def test_money_that_has_not_expired_goes_back_with_consent() -> None:
    alice = BANK.wallet("alice", unconfirmed_single=0)
    account = BANK.account()
    fund(account, alice, BANK.terms(), 3_000)
    take_back(alice, account, 100)


@pytest.mark.parametrize(
    ("purses", "sw"),
    [([NUMBER], errors.TERMS_REFUSED), ([0, 1], errors.OVER_BALANCE)],
)
def test_it_goes_back_to_nobody_else(purses: list[int], sw: int) -> None:
    alice, other = later(rich(0), 6), shop()
    order = payer.read_order(alice, other.me.raw, request_for(purses, other, expiry=7))
    assert refusal(lambda: payer.check(alice, order, 50)) == sw


def test_terms_go_when_they_have_expired_and_the_purse_is_empty() -> None:
    alice, account = rich(0), BANK.account("second")
    assert NUMBER in settled(alice).terms
    alice, account = later(alice, 6), later(account, 6)
    alice = settled(alice)
    assert NUMBER in alice.terms  # there is money in it
    take_back(alice, account, 3_000)
    alice = settled(alice)
    assert (alice.terms, alice.state.purses) == ({}, {})
    assert alice.slots() >= book.JOURNAL_LIMIT - 2


def test_terms_stay_while_a_void_may_bring_money_back() -> None:
    alice, merchant = rich(0, 400), shop()
    payment = answer(alice, merchant.me.raw, ask(merchant, 400))
    alice = settled(later(alice, 6))
    assert NUMBER in alice.terms
    closed = (messages.read_payment(payment, BANK.network).hash,)
    alice = settled(alice, closed)
    assert alice.state.held(NUMBER) == 400
