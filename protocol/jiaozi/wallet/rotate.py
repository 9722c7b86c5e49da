"""Rotate: a wallet changes over to a new key and a new id, with its value (at sync only).

The device makes the new key and names it in the last statement under the old one. The operator,
which has the whole journal by then, certifies the new key and acknowledges the statement with the
rotation. One record switches: key, certificate and state; the new journal begins at nought with
the rotation, which brings the value over. Until then nothing has changed but the request floor.
"""

from _jzcbor import dumps
from _jzcrypto import ed25519_public
from jiaozi.wallet.book import Book
from jiaozi.wallet.settle import claims
from jiaozi.wallet.state import State
from jiaozi.wallet.store_keys import (
    CERTIFICATE_KEY,
    JOURNAL_KEY,
    NEXT_SEED_KEY,
    SEED_KEY,
    STATE_KEY,
)
from jiaozi.wire.cose import (
    STATEMENT,
    expect,
    sign,
)
from jiaozi.wire.errors import NOT_AT_REST, ROTATION_MISMATCH, Refused
from jiaozi.wire.journal import OPENED
from jiaozi.wire.rotations import Rotation, read_rotation
from jiaozi.wire.statements import NONCE_LENGTH
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    pass

# The most entries dropped in one record, which a small store must hold.
_MOST_DROPPED = const(24)


def prepare(book: Book, seed: bytes) -> "dict[int, bytes | None]":
    """Store changes that keep the new key and close all requests for good; empty if they are so.

    Raises Refused(NOT_AT_REST) while anything is pending, a request is open, or a purse with terms
    holds value: its terms are entries of the old journal.
    """
    _at_rest(book)
    changes: dict[int, bytes | None] = {}
    if book.store.get(NEXT_SEED_KEY) != seed:
        changes[NEXT_SEED_KEY] = seed
    if book.state.floor != book.state.next_request:
        state = book.state.copy()
        state.floor = state.next_request
        changes[STATE_KEY] = state.encode()
    return changes


def last_statement(book: Book, nonce: bytes, seed: bytes) -> bytes:
    """The statement under the old key that names the new one, once `prepare` is committed."""
    _at_rest(book)
    expect([nonce], (NONCE_LENGTH,))
    body = claims(book, nonce) + [ed25519_public(seed)]
    return sign(STATEMENT, body, book.key, book.me.hash, book.network).raw


def rotate(book: Book, raw: bytes, seed: "bytes | None") -> "tuple[dict[int, bytes | None], bool]":
    """Check a rotation; return the next store changes, and whether they are the last.

    The journal goes first, in as many records as it takes, each of which leaves a whole book: the
    operator has it. Then one record switches. Open the book anew after each.
    Raises Refused (NOT_AT_REST, ROTATION_MISMATCH, BAD_SIGNATURE, WRONG_SIGNER, MALFORMED).
    """
    rotation = read_rotation(raw, book.network)
    rotation.verify(book.operator.public, book.operator.hash)
    _check(book, rotation, seed)
    old = book.positions()[:_MOST_DROPPED]
    changes: dict[int, bytes | None] = {JOURNAL_KEY + position: None for position in old}
    if len(old) == _MOST_DROPPED:
        return changes, False
    entry = dumps([OPENED, book.me.hash, rotation.certificate.hash, raw])
    changes[SEED_KEY] = seed
    changes[NEXT_SEED_KEY] = None
    changes[CERTIFICATE_KEY] = rotation.certificate.raw
    changes[JOURNAL_KEY] = entry
    changes[STATE_KEY] = _opening(book, entry).encode()
    return changes, True


def _check(book: Book, rotation: Rotation, seed: "bytes | None") -> None:
    _at_rest(book)
    statement, certificate = rotation.statement, rotation.certificate
    statement.verify(book.me.public, book.me.hash)
    certificate.signed.verify(book.operator.public, book.operator.hash)
    state = book.state
    if (
        seed is None
        or statement.successor != ed25519_public(seed)
        or certificate.public != statement.successor
        or (statement.position, statement.head) != (state.position, state.head)
        or (statement.levels, statement.floor) != (state.levels, state.next_request)
        or certificate.id == book.me.id
        or certificate.claims[:-1] != book.me.claims[:-1]
    ):
        raise Refused(ROTATION_MISMATCH)


def _opening(book: Book, entry: bytes) -> State:
    """The state under the new key: the same value and limits used, counted from one anew."""
    state, old = State(), book.state
    state.levels = list(old.levels)
    state.synced_epoch = old.synced_epoch
    state.offline_count, state.offline_total = old.offline_count, old.offline_total
    state.unconfirmed_count = old.unconfirmed_count
    state.unconfirmed_total = old.unconfirmed_total
    state.counts_returned = old.counts_returned
    state.append(entry)
    return state


def _at_rest(book: Book) -> None:
    purses = [sum(levels) for levels in book.state.purses.values()]
    if book.open or book.unresolved() or any(purses):
        raise Refused(NOT_AT_REST)
