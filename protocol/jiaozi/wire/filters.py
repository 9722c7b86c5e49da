"""Revocation filters: who of an operator's wallets is revoked, without a list (chapter 04).

A filter judges the wallets whose certificates were issued before its epoch, and is exact for them.
It consists of pieces. A wallet id belongs to one piece, by its hash, which alone judges it:

piece: [epoch, index, count, columns, first, second, next]

`first` and `second` are ribbons: matrices of bits in which a key selects 48 rows. A key matches if
in each column the selected bits have an even sum. A wallet is revoked if it matches both: `first`
has `columns` columns and keeps out most of the others, `second` has one and keeps out the rest.
`next` is the hash of the next piece, null in the last: who knows the first piece's hash can check
each piece when it comes.
"""

from _jzcbor import loads
from _jzcrypto import sha256
from jiaozi.wire.cose import BYTES, OPTIONAL_BYTES, UINT, expect
from jiaozi.wire.errors import MALFORMED, Refused
from jiaozi.wire.suites import HASH_LENGTH
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Bytes of a piece: it goes in one command beside its operator's hash.
LONGEST_PIECE = const(1280)
MOST_COLUMNS = const(24)

# Rows that a key selects from, also in blocks of eight. A ribbon has a byte for each block, column
# after column.
ROWS = const(48)
BLOCKS = const(6)

# A key is the SHA-256 of a wallet id. Big-endian fields of it: 3 bytes select the piece, then for
# each ribbon 3 the first block and 6 the rows.
FIRST_START = const(4)
FIRST_ROWS = const(8)
SECOND_START = const(16)
SECOND_ROWS = const(20)

# The parity of each number of four bits.
_PARITIES = const(0x6996)


class Piece:
    """A piece of a filter.

    epoch: of the filter; index, count: which piece of how many; next: hash of the next or None.
    """

    def __init__(self, body: "Any") -> None:
        (
            self.epoch,
            self.index,
            self.count,
            self.columns,
            self._first,
            self._second,
            self.next,
        ) = body

    def is_complete(self) -> bool:
        """True if the fields fit together."""
        if self.index >= self.count or self.columns > MOST_COLUMNS or len(self._second) < BLOCKS:
            return False
        first, columns = len(self._first), self.columns
        if first % columns or first < BLOCKS * columns if columns else first:
            return False
        if self.index + 1 == self.count:
            return self.next is None
        return self.next is not None and len(self.next) == HASH_LENGTH

    def revokes(self, key: bytes) -> bool:
        """True if the filter revokes the wallet with this key, which belongs to this piece."""
        return _matches(self._first, self.columns, key, FIRST_START, FIRST_ROWS) and _matches(
            self._second, 1, key, SECOND_START, SECOND_ROWS
        )


def read_piece(raw: bytes) -> Piece:
    """Parse a piece; its hash is checked by who takes it. Raises Refused(MALFORMED)."""
    try:
        body: Any = loads(raw) if len(raw) <= LONGEST_PIECE else None
    except ValueError:
        body = None
    expect(body, (UINT, UINT, UINT, UINT, BYTES, BYTES, OPTIONAL_BYTES))
    piece = Piece(body)
    if not piece.is_complete():
        raise Refused(MALFORMED)
    return piece


def known_piece(raw: bytes) -> Piece:
    """Parse a piece that `read_piece` has accepted before."""
    return Piece(loads(raw))


def key_of(wallet: bytes) -> bytes:
    """The key of a wallet id, by which filters judge it."""
    return sha256(wallet)


def index_of(key: bytes, count: int) -> int:
    """The piece, of `count`, that a key belongs to."""
    return _number(key, 0) % count


def _number(key: bytes, at: int) -> int:
    return key[at] << 16 | key[at + 1] << 8 | key[at + 2]


def _matches(ribbon: bytes, columns: int, key: bytes, start: int, rows: int) -> bool:
    """True if in each column the bits that the key selects have an even sum."""
    if not columns:
        return True
    blocks = len(ribbon) // columns
    a, b, c, d, e, f = key[rows : rows + BLOCKS]
    at = _number(key, start) % (blocks - BLOCKS + 1)
    for _ in range(columns):
        # One expression: a loop over the six costs a device more.
        bits = (
            ribbon[at] & a
            ^ ribbon[at + 1] & b
            ^ ribbon[at + 2] & c
            ^ ribbon[at + 3] & d
            ^ ribbon[at + 4] & e
            ^ ribbon[at + 5] & f
        )
        if _PARITIES >> (bits >> 4 ^ bits & 15) & 1:
            return False
        at += blocks
    return True
