"""Build revocation filters, exact for all wallets an operator has issued (`jiaozi.wire.filters`).

A ribbon is a system of linear equations over bits, one for each key: the bits of the rows that the
key selects have a sum that is given. In the first ribbon the sum is 0 for revoked wallets; others
match by chance, half as many with each column. In the second it is 0 for revoked wallets and 1 for
those of the others that match the first.
"""

import struct

from _jzcbor import dumps
from _jzcrypto import sha256
from jiaozi.wire.filters import (
    BLOCKS,
    LONGEST_PIECE,
    MOST_COLUMNS,
    ROWS,
    index_of,
    key_of,
    read_piece,
)

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    # Yields wallet ids, each time anew and in the same order.
    Ids = Callable[[], Iterable[bytes]]

_ALL = 2**ROWS - 1
# Of 64 bits of a key those that select no row.
_UNUSED = 64 - ROWS
# Rows of the first ribbon for 16 keys. With fewer the rows that keys select depend on one another,
# and wallets match in all columns at once.
_ROWS_OF_16 = 18
# Blocks to add to the second ribbon at least, until its equations can be solved.
_MORE_BLOCKS = 64
# Bytes that a piece has on average. Those of one filter differ by a tenth.
_MEAN_PIECE = 750


class FilterError(Exception):
    """No exact filter can be built; the text says why."""


class Key:
    """What a wallet id selects: its piece's number before the modulus, start and rows by ribbon."""

    __slots__ = ("first", "place", "second")

    def __init__(self, key: bytes) -> None:
        place, start, rows, second_start, second_rows = struct.unpack_from(">IIQIQ", key)
        self.place = place >> 8
        self.first = start >> 8, rows >> _UNUSED
        self.second = second_start >> 8, second_rows >> _UNUSED


class Ribbon:
    """A ribbon being solved: `blocks` blocks of eight rows, equations in echelon form."""

    def __init__(self, blocks: int) -> None:
        self.blocks = max(blocks, BLOCKS)
        self._rows = [0] * (8 * self.blocks)
        self._sums = [0] * (8 * self.blocks)

    def add(self, selected: "tuple[int, int]", total: int) -> bool:
        """Add an equation; False if it contradicts the others."""
        start, rows = selected
        at = 8 * (start % (self.blocks - BLOCKS + 1))
        while rows:
            leading = ROWS - rows.bit_length()
            rows = rows << leading & _ALL
            at += leading
            if not self._rows[at]:
                self._rows[at], self._sums[at] = rows, total
                return True
            rows ^= self._rows[at]
            total ^= self._sums[at]
        return not total

    def solve(self, columns: int) -> "list[bytes]":
        """A solution for each column; bits that no equation determines differ between columns."""
        return [self._solve_column(column) for column in range(columns)]

    def _solve_column(self, column: int) -> bytes:
        free = _free_bits(column, self.blocks)
        solved = bytearray(self.blocks)
        behind = 0  # the 48 bits behind the present one
        for at in reversed(range(8 * self.blocks)):
            if self._rows[at]:
                bit = self._sums[at] ^ ((self._rows[at] << 1 & behind).bit_count() & 1)
            else:
                bit = free[at // 8] >> at % 8 & 1
            behind = (behind >> 1) | bit << (ROWS - 1)
            solved[at // 8] |= bit << (7 - at % 8)
        return bytes(solved)


def _free_bits(column: int, length: int) -> bytes:
    """Arbitrary bytes, the same for the same column."""
    parts = [sha256(struct.pack(">BI", column, at)) for at in range(length // 32 + 1)]
    return b"".join(parts)[:length]


class _Part:
    """What one piece holds: its revoked keys, the first ribbon, and the others that match it."""

    def __init__(self, revoked: "list[Key]", columns: int) -> None:
        self.revoked = revoked
        self.columns = columns
        self.others: list[Key] = []
        ribbon = Ribbon(-(-len(revoked) * _ROWS_OF_16 // (16 * 8)))
        for key in revoked:
            ribbon.add(key.first, 0)
        solved = ribbon.solve(columns)
        self.first = b"".join(solved)
        self._starts = ribbon.blocks - BLOCKS + 1
        self._windows = [
            [int.from_bytes(column[at : at + BLOCKS], "big") for at in range(self._starts)]
            for column in solved
        ]

    def sift(self, key: Key) -> None:
        """Note a wallet that is not revoked, if it matches the first ribbon."""
        start, rows = key.first
        start %= self._starts
        for column in self._windows:
            if (column[start] & rows).bit_count() & 1:
                return
        self.others.append(key)

    def second(self) -> bytes:
        """Solve the second ribbon. Raises FilterError."""
        least = -(-(len(self.revoked) + len(self.others)) // 8)
        for more in range(_MORE_BLOCKS + least // 2):
            ribbon = Ribbon(least + more)
            if all(ribbon.add(key.second, 0) for key in self.revoked) and all(
                ribbon.add(key.second, 1) for key in self.others
            ):
                return ribbon.solve(1)[0]
        raise FilterError("an id is both revoked and valid")


def build(epoch: int, revoked: "Iterable[bytes]", issued: "Ids") -> "list[bytes]":
    """Build the filter of an epoch; return its pieces.

    revoked: ids; issued: ids of all certificates issued before the epoch, those revoked included;
    it is called three times. The filter is checked for every one of them. Raises FilterError.
    """
    chosen = set(revoked)
    wallets = sum(1 for _ in issued())
    columns, count = _dimensions(len(chosen), wallets)
    while True:
        pieces = _pieces(epoch, chosen, issued, columns, count)
        if max(map(len, pieces)) <= LONGEST_PIECE:
            break
        count += 1
    prove(pieces, chosen, issued)
    return pieces


def _dimensions(revoked: int, issued: int) -> "tuple[int, int]":
    """Columns for which the filter is smallest, and into how many pieces it then goes."""

    def bits(columns: int) -> float:
        return columns * revoked + revoked + (issued - revoked) / 2**columns

    columns = min(range(MOST_COLUMNS + 1), key=bits)
    edges = (BLOCKS - 1) * (columns + 1)
    return columns, max(1, round(bits(columns) * _ROWS_OF_16 / (16 * 8) / (_MEAN_PIECE - edges)))


def _pieces(
    epoch: int, revoked: "set[bytes]", issued: "Ids", columns: int, count: int
) -> "list[bytes]":
    keys: list[list[Key]] = [[] for _ in range(count)]
    for wallet in sorted(revoked):
        key = Key(key_of(wallet))
        keys[key.place % count].append(key)
    parts = [_Part(each, columns) for each in keys]
    for wallet in issued():
        if wallet not in revoked:
            key = Key(key_of(wallet))
            parts[key.place % count].sift(key)
    pieces: list[bytes] = []
    following = None
    for index, part in reversed(list(enumerate(parts))):
        body = [epoch, index, count, columns, part.first, part.second(), following]
        pieces.insert(0, dumps(body))
        following = sha256(pieces[0])
    return pieces


def prove(pieces: "list[bytes]", revoked: "set[bytes]", issued: "Ids") -> None:
    """Check every issued id as a wallet does. Raises FilterError for a wrong verdict."""
    read = [read_piece(raw) for raw in pieces]
    found = 0
    for wallet in issued():
        key = key_of(wallet)
        judged = read[index_of(key, len(read))].revokes(key)
        if judged != (wallet in revoked):
            raise FilterError(f"the filter is wrong about wallet {wallet.hex()}")
        found += judged
    if found < len(revoked):
        raise FilterError("a revoked wallet is not among those issued")
