"""Settle: a wallet states what it holds and takes the operator's settlement (chapter 07).

In the operator's channel the wallet draws the nonce of the settlement; the host asks for a
statement, reads the journal and hands over a settlement, which acknowledges the journal up to its
position and resets the offline counters. Outcomes of pending payments reach the payer as the
payee's own receipts and voids. Where the payee can no longer give one (its statement has a floor
above the request, and its complete journal lacks the payment), the operator refunds the payment:
its hash is among `closed`.
"""

from _jzcbor import dumps
from jiaozi.wallet.book import Book
from jiaozi.wallet.purposes import ended
from jiaozi.wallet.state import State
from jiaozi.wallet.store_keys import JOURNAL_KEY, STATE_KEY, open_key
from jiaozi.wire.certificates import ACCOUNT
from jiaozi.wire.cose import (
    STATEMENT,
    expect,
    sign,
)
from jiaozi.wire.errors import SETTLEMENT_MISMATCH, UNKNOWN_PAYMENT, Refused
from jiaozi.wire.journal import (
    ADOPTED,
    KIND,
    OPENED,
    PAID,
    PAYMENT_HASH,
    REFUNDED,
    REQUEST_HASH,
    REQUEST_RAW,
    RESOLVED,
    TAKEN,
)
from jiaozi.wire.messages import read_request
from jiaozi.wire.settlements import SETTLED_LEVEL, read_settlement
from jiaozi.wire.statements import NONCE_LENGTH
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


# The most entries forgotten in one record, for the same reason.
_MOST_FORGOTTEN = const(24)


def statement(book: Book, nonce: bytes) -> bytes:
    """The wallet's signed statement, bound to the asker's nonce."""
    expect([nonce], (NONCE_LENGTH,))
    return sign(STATEMENT, claims(book, nonce), book.key, book.me.hash, book.network).raw


def claims(book: Book, nonce: bytes) -> "list[Any]":
    """What a statement says of the wallet as it stands."""
    state = book.state
    place = [book.epoch.number, state.position, state.head]
    return place + [state.levels, state.floor, nonce, state.purses]


def settle(book: Book, raw: bytes, nonce: bytes) -> "dict[int, bytes | None]":
    """Check a settlement of the journal as it stands; return the store changes that carry it out.

    Entries are kept while the wallet's own epoch has not passed the expiry of their request, so
    that the same request and the same payment still get the same answer. Open the book anew once
    the changes are committed, then `forget` what did not go into one record.
    Raises Refused (SETTLEMENT_MISMATCH, UNKNOWN_PAYMENT, BAD_SIGNATURE, WRONG_SIGNER, MALFORMED).
    """
    settlement = read_settlement(raw, book.network)
    settlement.verify(book.operator.public, book.operator.hash)
    state = book.state.copy()
    expected = (book.me.hash, nonce, state.position, state.head)
    if (settlement.wallet, settlement.nonce, settlement.position, settlement.head) != expected:
        raise Refused(SETTLEMENT_MISMATCH)
    changes = _expired(book, state, state.position)
    _refund(book, state, settlement.closed, settlement.raw, changes)
    state.level(0 if book.me.form == ACCOUNT else SETTLED_LEVEL)
    state.synced_epoch = book.epoch.number
    state.restart_counters(settlement.position)
    changes[STATE_KEY] = state.encode()
    return changes


def _refund(
    book: Book,
    state: State,
    closed: "list[bytes]",
    settlement: bytes,
    changes: "dict[int, bytes | None]",
) -> None:
    """Refund pending payments that the operator closes, in the slots kept for their resolution."""
    pending = {entry[PAYMENT_HASH]: entry for entry in book.pending()}
    for payment_hash in closed:
        paid = pending.pop(payment_hash, None)
        if paid is None:
            raise Refused(UNKNOWN_PAYMENT)
        state.refund(paid[TAKEN], book.source(paid))
        entry = dumps([REFUNDED, paid[REQUEST_HASH], payment_hash, settlement])
        changes[JOURNAL_KEY + state.position] = entry
        state.append(entry)


def forget(book: Book, acknowledged: int) -> "dict[int, bytes | None]":
    """Store changes that drop more of what a settlement up to that position has acknowledged.

    Each such record leaves a whole book behind. Repeat, with the book opened anew, until there are
    none; what a power cut leaves goes with the next settlement.
    """
    state = book.state.copy()
    changes = _expired(book, state, acknowledged)
    if changes:
        changes[STATE_KEY] = state.encode()
    return changes


def _expired(book: Book, state: State, acknowledged: int) -> "dict[int, bytes | None]":
    """Deletions of what no tap can ask for any more; raises the request floor above it."""
    changes: dict[int, bytes | None] = {}
    for position in ended(book, acknowledged):
        changes[JOURNAL_KEY + position] = None
    now = book.epoch.number
    # number, expiry and key of each request of one's own
    asked = [(r.number, r.expiry, open_key(r.number)) for r in book.open.values()]
    for position, entry in book.entries():
        if entry[KIND] == OPENED and position < acknowledged:
            changes[JOURNAL_KEY + position] = None
        if entry[KIND] in (RESOLVED, REFUNDED, ADOPTED, OPENED):
            continue
        request = read_request(entry[REQUEST_RAW], book.network)
        if entry[KIND] != PAID:
            asked.append((request.number, request.expiry, JOURNAL_KEY + position))
        elif request.expiry < now and len(changes) + 2 <= _MOST_FORGOTTEN:
            resolved = book.resolved_position(entry[PAYMENT_HASH])
            if resolved is not None and resolved < acknowledged:
                changes[JOURNAL_KEY + resolved] = None
                changes[JOURNAL_KEY + position] = None
    # A change of policy may let a request outlive newer ones: the floor stays below it.
    living = [number for number, expiry, _ in asked if expiry >= now]
    lowest = min(living, default=state.next_request)
    for number, _, key in sorted(asked):  # the floor rises over what has gone, and no higher
        if number >= lowest or len(changes) >= _MOST_FORGOTTEN:
            break
        changes[key] = None
        state.floor = max(state.floor, number + 1)
    return changes
