"""What vectors about purposes share: wallets with purses, shops, accounts of two operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import taps
import vector_world as world

from _jzcbor import dumps
from jiaozi.operator import issue
from jiaozi.wallet import book, payee, purposes, settle
from jiaozi.wallet.store_keys import EPOCH_KEY, OPERATORS_KEY
from jiaozi.wire import certificates, cose

SHOP, SEEDS = 5411, 5261  # categories
NUMBER, OTHER = 7, 9  # purses
EPOCH, EXPIRY, CAP = 5, 6, 2000
SECOND = world.new_operator("second", "CNY")  # has the same currency, and funds nothing here
ACCOUNT = world.certificate("account", certificates.ACCOUNT)
STORE = world.certificate("shop", category=SHOP)


def account_of_second() -> certificates.Certificate:
    """An account of the operator that is not the funder."""
    body = (cose.WALLET, b"SECONDAC", world.key_of("other account").public)
    claims = [certificates.ACCOUNT, 3, 0, 100]
    return certificates.issue(*body, claims, world.key_of("second"), SECOND, world.NETWORK)


RIVAL = account_of_second()


def epoch(number: int) -> bytes:
    """An epoch in which all three operators are valid."""
    return world.epoch(number, operators=[one.hash for one in [*world.OPERATORS, SECOND]])


def shop_of_second() -> certificates.Certificate:
    """A shop of the right category, certified by another operator."""
    body = (cose.WALLET, b"SECONDSH", world.key_of("other shop").public)
    claims = [certificates.CARD, 3, SHOP, 100]
    return certificates.issue(*body, claims, world.key_of("second"), SECOND, world.NETWORK)


ABROAD = shop_of_second()


def terms(
    number: int = NUMBER,
    expiry: int = EXPIRY,
    category: int = SHOP,
    operators: Sequence[bytes] = (),
) -> bytes:
    """Terms of a purse, by the operator."""
    body = (number, [category], list(operators), expiry, CAP)
    return issue.make_terms(*body, world.key_of("operator"), world.OPERATOR, world.NETWORK)


def alice(
    general: int = 1000,
    held: dict[int, int] | None = None,
    expiry: dict[int, int] | None = None,
    at: int = EPOCH,
    operators: Sequence[bytes] = (),
    **limits: Any,
) -> book.Book:
    """A wallet with purses: what they hold, and when their terms expire, by number.

    operators: whose categories count in them.
    """
    made = world.wallet("alice", [0, general], **limits)
    known = [one.raw for one in [*world.OPERATORS, SECOND]]
    made.store.commit({OPERATORS_KEY: dumps(known), EPOCH_KEY: epoch(EPOCH)})
    made = book.Book(made.store)
    amounts = {NUMBER: 3000} if held is None else held
    for number in amounts:
        last = (expiry or {}).get(number, EXPIRY)
        step = purposes.adopt(made, terms(number, last, operators=operators))
        if step is not None:
            made.apply(step)
    state = made.state.copy()
    state.purses = {number: [0, amount] for number, amount in amounts.items() if amount}
    made.apply(book.Step(state))
    return taps.later(made, epoch(at))


def asking(purse: int, **parts: Any) -> book.Book:
    """The wallet with a request over 5.00 for one of its purses."""
    made = alice(**parts)
    made.apply(payee.request(made, 500, purse=purse))
    return made


def request_by(
    who: certificates.Certificate, name: str, purses: list[int], amount: int = 500, **parts: Any
) -> bytes:
    """A request that takes these purses."""
    fields = {"signer": who.hash, "purses": purses, "amount": amount, "expiry": EPOCH + 9}
    return taps.request_of(name, **(fields | parts))


def finished(wallet: book.Book) -> book.Book:
    """The wallet after a settlement of all there is."""
    state = wallet.state
    place = (wallet.me.hash, bytes(16), state.position, state.head)
    raw = issue.make_settlement(*place, world.key_of("operator"), world.OPERATOR, world.NETWORK)
    wallet.store.commit(settle.settle(wallet, raw, bytes(16)))
    return book.Book(wallet.store)
