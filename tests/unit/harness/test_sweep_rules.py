"""The sweep's rules about signed objects, on wallets that keep them and on wallets that do not."""

from __future__ import annotations

import pytest

from jiaozi.wallet import payer
from jiaozi.wallet.book import Book
from jiaozi.wire import cose
from jiaozi.wire.messages import read_payment
from tests.fixtures.wallets import Bank, answer, ask, finish, key_of, take, transfer
from tests.sweep.flows.oracle import Broken
from tests.sweep.flows.signing_rules import check_answers, check_numbers

AMOUNT = 500


@pytest.fixture
def pair() -> tuple[Book, Book]:
    """Return a wallet with money and one without."""
    bank = Bank()
    alice, bob = bank.wallet("alice"), bank.wallet("bob")
    transfer(bank.account(), alice, 4 * AMOUNT)
    return alice, bob


def test_honest_wallets_keep_the_rules_at_every_step(pair: tuple[Book, Book]) -> None:
    alice, bob = pair
    for _ in range(2):
        request = ask(bob, AMOUNT)
        payment = answer(alice, bob.me.raw, request)
        receipt = take(bob, alice.me.raw, payment)
        for book in pair:
            check_numbers(book)
        finish(alice, receipt)
        check_answers(pair)


def test_a_payment_number_that_is_not_used_up_is_seen(pair: tuple[Book, Book]) -> None:
    alice, bob = pair
    transfer(alice, bob, AMOUNT)
    alice.state.sequence -= 1
    with pytest.raises(Broken, match="payment"):
        check_numbers(alice)


@pytest.mark.parametrize("credited", [False, True])
def test_a_request_number_that_is_not_used_up_is_seen(
    pair: tuple[Book, Book], credited: bool
) -> None:
    alice, bob = pair
    if credited:
        transfer(alice, bob, AMOUNT)
    else:
        ask(bob, AMOUNT)
    bob.state.next_request -= 1
    with pytest.raises(Broken, match="request"):
        check_numbers(bob)


def test_a_second_answer_that_differs_is_seen(pair: tuple[Book, Book]) -> None:
    alice, bob = pair
    payment = answer(alice, bob.me.raw, ask(bob, AMOUNT))
    take(bob, alice.me.raw, payment)
    body = [read_payment(payment, alice.network).hash, bob.state.position, bob.epoch.number]
    other = cose.sign(cose.RECEIPT, body, key_of("bob"), bob.me.hash, bob.network).raw
    step = payer.resolve(alice, other)
    assert step is not None
    alice.apply(step)
    with pytest.raises(Broken, match="two different answers"):
        check_answers(pair)
