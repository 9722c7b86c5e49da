"""Rules about signed objects: no number is signed twice, no payment answered in two ways.

They hold at any moment, between taps and during one.
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
from tests.sweep.flows.oracle import Broken

_ANSWERED = (CREDITED, VOIDED)
_RESOLVED = (RESOLVED, REFUNDED)
_ANSWER = 3  # index of the receipt or void in an entry that resolves a payment


def check_numbers(book: Book) -> None:
    """Check that the next numbers lie above all signed ones, so none is signed again.

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
            raise Broken(f"{what} {max(used)} is signed, and the next one is number {following}")


def check_answers(wallets: Iterable[Book]) -> None:
    """Check that a payer's answer equals the one in the payee's journal. Raises Broken."""
    wallets = list(wallets)
    for payer in wallets:
        for _, entry in payer.entries():
            if entry[KIND] not in _RESOLVED or is_settlement(entry[_ANSWER]):
                continue
            for payee in wallets:
                given = payee.outcome(entry[PAYMENT_HASH])
                if given is not None and given != entry[_ANSWER]:
                    raise Broken("the payee has signed two different answers to one payment")
