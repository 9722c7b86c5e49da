"""Rules of the oracle about what wallets have signed: no number twice, no second answer.

They hold at any moment, between taps and in one.
"""

from __future__ import annotations

from collections.abc import Iterable

from jiaozi import book as books
from jiaozi.audit import is_settlement
from jiaozi.book import Book
from jiaozi.messages import read_payment, read_request
from scenarios.sweep.oracle import Broken

_ANSWERED = (books.CREDITED, books.VOIDED)
_RESOLVED = (books.RESOLVED, books.REFUNDED)
_ANSWER = 3  # where an entry that resolves a payment has what resolves it


def check_numbers(book: Book) -> None:
    """Every number that was signed is used up: none is signed again, not after a start either.

    Raises Broken.
    """
    entries = [entry for _, entry in book.entries()]
    payments = [
        read_payment(entry[books.PAYMENT_RAW], book.network).sequence
        for entry in entries
        if entry[books.KIND] == books.PAID
    ]
    requests = [
        read_request(entry[books.REQUEST_RAW], book.network)
        for entry in entries
        if entry[books.KIND] in _ANSWERED
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
            if entry[books.KIND] not in _RESOLVED or is_settlement(entry[_ANSWER]):
                continue
            for payee in wallets:
                given = payee.outcome(entry[books.PAYMENT_HASH])
                if given is not None and given != entry[_ANSWER]:
                    raise Broken("the payee has signed two different answers to one payment")
