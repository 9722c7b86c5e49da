"""Wallets with purses: helpers of the tests about them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from _jzcbor import dumps
from jiaozi.wallet import book, install, payee, payer
from jiaozi.wire import cose, messages
from jiaozi.wire.errors import Refused
from tests.unit.wallets import Bank, answer, ask, finish, fund, take, transfer

BANK = Bank()
SHOP, SEEDS = 5411, 5261
NUMBER = 7
NONCE = bytes(16)


def shop(name: str = "shop", category: int = SHOP) -> book.Book:
    return BANK.wallet(name, category=category)


def rich(general: int = 1_000, bound: int = 3_000, **terms: object) -> book.Book:
    """A wallet with general money, and money for the shop."""
    alice, account = BANK.wallet("alice"), BANK.account()
    if general:
        transfer(account, alice, general)
    if bound:
        fund(account, alice, BANK.terms(**terms), bound)
    return alice


def pay(giver: book.Book, taker: book.Book, amount: int) -> messages.Payment:
    """A payment, credited and receipted."""
    payment = answer(giver, taker.me.raw, ask(taker, amount))
    finish(giver, take(taker, giver.me.raw, payment))
    return messages.read_payment(payment, BANK.network)


def refusal(call: Callable[[], object]) -> int:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value.sw


def later(wallet: book.Book, number: int) -> book.Book:
    raw = dumps([[BANK.operator.raw], wallet.policy.raw, BANK.epoch(number)])
    wallet.store.commit(install.update(wallet, raw))
    return book.Book(wallet.store)


def take_back(alice: book.Book, account: book.Book, amount: int) -> messages.Payment:
    request = account.apply(payee.request(account, amount, purse=NUMBER))
    order = payer.read_order(alice, account.me.raw, request)
    payer.check(alice, order, amount)
    if alice.policy.unconfirmed_single == 0:
        assert payer.needs_consent(alice, order, amount) is (alice.epoch.number <= 5)
    raw = cose.decode(alice.apply(payer.pay(alice, order, amount, False)))[0]
    finish(alice, take(account, alice.me.raw, raw))
    return messages.read_payment(raw, BANK.network)
