"""Sync: what a wallet tells its operator and what the operator settles (bodies are CBOR arrays).

statement:  [epoch, position, head, levels, floor, nonce, purses]           signed by the wallet
            (with one more item, the public key that succeeds this one: see `jiaozi.rotation`)
settlement: [wallet certificate hash, wallet nonce, position, head, closed]  signed by the operator

In a channel that the operator has opened (see `jiaozi.channel`) the wallet draws the nonce of the
settlement; the host asks for a statement, reads the journal and hands over a settlement, which
acknowledges the journal up to `position` and resets the offline counters. Outcomes of pending
payments reach the payer as the payee's own receipts and voids. Where the payee can give none any
longer (its statement has a floor above the request, and its journal up to that statement is
complete and lacks the payment), the operator refunds the payment: its hash is among `closed`.
"""

from _jzcbor import dumps
from jiaozi.book import (
    ADOPTED,
    JOURNAL_KEY,
    KIND,
    OPENED,
    PAID,
    PAYMENT_HASH,
    REFUNDED,
    REQUEST_HASH,
    REQUEST_RAW,
    RESOLVED,
    STATE_KEY,
    TAKEN,
    Book,
    open_key,
)
from jiaozi.certificates import ACCOUNT, Certificate
from jiaozi.cose import (
    LIST,
    MAP,
    SETTLEMENT,
    STATEMENT,
    UINT,
    Signed,
    SigningKey,
    expect,
    parse,
    sign,
)
from jiaozi.errors import SETTLEMENT_MISMATCH, UNKNOWN_PAYMENT, Refused
from jiaozi.messages import read_request
from jiaozi.purposes import ended
from jiaozi.rules import GENERAL
from jiaozi.state import State, read_purses
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

NONCE_LENGTH = const(16)

_STATEMENT = (UINT, UINT, 32, LIST, UINT, NONCE_LENGTH, MAP)

# Value settled by an operator counts as received from it.
SETTLED_LEVEL = const(1)

# The most payments that one settlement closes: each is an entry with the settlement in it, and a
# record of a small store must hold them all. An operator with more closes them one after another.
MOST_CLOSED = const(4)

# The most entries forgotten in one record, for the same reason.
_MOST_FORGOTTEN = const(24)


class Statement(Signed):
    """What a wallet says of itself; its signature is checked by `verify`.

    levels: general money by hop level; purses: the same for each purse with terms, by its number;
    successor: the public key of a last statement, None of any other.
    """

    epoch: int
    position: int
    head: bytes
    levels: "list[int]"
    floor: int
    nonce: bytes
    purses: "dict[int, list[int]]"
    successor: "bytes | None"

    def __init__(self, *parts: "Any") -> None:
        super().__init__(*parts)
        last = type(self.body) is list and len(self.body) > len(_STATEMENT)
        expect(self.body, _STATEMENT + (32,) if last else _STATEMENT)
        self.epoch, self.position, self.head, self.levels = self.body[:4]
        self.floor, self.nonce, self.purses = self.body[4:7]
        self.successor = self.body[7] if last else None
        expect(self.levels, (UINT,) * len(self.levels))
        read_purses(self.purses)

    @property
    def balance(self) -> int:
        """Value the wallet says it holds, in minor units."""
        return sum(self.held.values())

    @property
    def held(self) -> "dict[int, int]":
        """The same by purse, without those that are empty."""
        held = {number: sum(levels) for number, levels in self.purses.items()}
        held[GENERAL] = sum(self.levels)
        return {number: amount for number, amount in held.items() if amount}


def statement(book: Book, nonce: bytes) -> bytes:
    """The wallet's signed statement, bound to the asker's nonce."""
    expect([nonce], (NONCE_LENGTH,))
    return sign(STATEMENT, claims(book, nonce), book.key, book.me.hash, book.network).raw


def claims(book: Book, nonce: bytes) -> "list[Any]":
    """What a statement says of the wallet as it stands."""
    state = book.state
    place = [book.epoch.number, state.position, state.head]
    return place + [state.levels, state.floor, nonce, state.purses]


def read_statement(raw: bytes, network: int) -> Statement:
    """Parse a statement. Raises Refused(MALFORMED)."""
    return parse(STATEMENT, raw, network, Statement)


def make_settlement(
    wallet: bytes,
    nonce: bytes,
    position: int,
    head: bytes,
    key: SigningKey,
    operator: Certificate,
    network: int,
    closed: "Sequence[bytes]" = (),
) -> bytes:
    """Sign a settlement of the journal up to `position`, where its chain has the hash `head`.

    closed: hashes of pending payments to refund (see above for when).
    """
    body = [wallet, nonce, position, head, list(closed)]
    return sign(SETTLEMENT, body, key, operator.hash, network).raw


def settle(book: Book, raw: bytes, nonce: bytes) -> "dict[int, bytes | None]":
    """Check a settlement of the journal as it stands; return the store changes that carry it out.

    Entries are kept while the wallet's own epoch has not passed the expiry of their request, so
    that the same request and the same payment still get the same answer. Open the book anew once
    the changes are committed, then `forget` what did not go into one record.
    Raises Refused (SETTLEMENT_MISMATCH, UNKNOWN_PAYMENT, BAD_SIGNATURE, WRONG_SIGNER, MALFORMED).
    """
    signed = parse(SETTLEMENT, raw, book.network)
    expect(signed.body, (32, NONCE_LENGTH, UINT, 32, LIST))
    closed = signed.body[4]
    expect(closed, (32,) * len(closed))
    signed.verify(book.operator.public, book.operator.hash)
    state = book.state.copy()
    if signed.body[:4] != [book.me.hash, nonce, state.position, state.head]:
        raise Refused(SETTLEMENT_MISMATCH)
    changes = _expired(book, state, state.position)
    _refund(book, state, closed, signed.raw, changes)
    state.level(0 if book.me.form == ACCOUNT else SETTLED_LEVEL)
    state.synced_epoch = book.epoch.number
    state.offline_count = state.offline_total = 0
    state.unconfirmed_count = state.unconfirmed_total = 0
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
