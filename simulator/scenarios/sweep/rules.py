"""Rules of the oracle about what wallets have signed: no number twice, no second answer.

They hold at any moment, between taps and in one.
"""

from __future__ import annotations

from collections.abc import Iterable

from jiaozi.wallet.book import Book
from jiaozi.wire.journal import (
    CREDITED,
    KIND,
    PAID,
    PAYMENT_HASH,
    PAYMENT_RAW,
    REFUNDED,
    REQUEST_RAW,
    RESOLVED,
    VOIDED,
)
from jiaozi.wire.messages import read_payment, read_request
from jiaozi.wire.settlements import is_settlement
from scenarios.sweep.oracle import Broken

_ANSWERED = (CREDITED, VOIDED)
_RESOLVED = (RESOLVED, REFUNDED)
_ANSWER = 3  # where an entry that resolves a payment has what resolves it


def check_numbers(book: Book) -> None:
    """Every number that was signed is used up: none is signed again, not after a start either.

    Raises Broken.
    """
    entries = [entry for _, entry in book.entries()]
    payments = [
        read_payment(entry[PAYMENT_RAW], book.network).sequence
        for entry in entries
        if entry[KIND] == PAID
    ]
    requests = [
        read_request(entry[REQUEST_RAW], book.network)
        for entry in entries
        if entry[KIND] in _ANSWERED
    ]
    numbers = [request.number for request in [*requests, *book.open.values()]]
    for what, used, following in (
        ("payment", payments, book.state.sequence),
        ("request", numbers, book.state.next_request),
    ):
        if used and max(used) >= following:
            raise Broken(f"{what} {max(used)} is made, and the next one is number {following}")


def check_answers(wallets: Iterable[Book]) -> None:
    """Who paid has the very bytes that the payee has journalled as its answer. Raises Broken."""
    wallets = list(wallets)
    for payer in wallets:
        for _, entry in payer.entries():
            if entry[KIND] not in _RESOLVED or is_settlement(entry[_ANSWER]):
                continue
            for payee in wallets:
                given = payee.outcome(entry[PAYMENT_HASH])
                if given is not None and given != entry[_ANSWER]:
                    raise Broken("the payee has signed two different answers to one payment")
