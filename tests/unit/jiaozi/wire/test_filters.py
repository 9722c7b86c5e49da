"""Pieces of filters: every field is read, nothing else is; a look-up is what the chapter says."""

from __future__ import annotations

from typing import Any

import pytest

from _jzcbor import dumps, loads
from jiaozi.wire import errors
from jiaozi.wire.errors import Refused
from jiaozi.wire.filters import LONGEST_PIECE, index_of, key_of, read_piece
from tests.fixtures.filters import build, issued, revokes

PIECES, _ = build(20_000, 10)
PIECE: Any = loads(PIECES[0])
LAST: Any = loads(PIECES[-1])
COLUMNS = PIECE[3]


def malformed(raw: bytes) -> bool:
    try:
        read_piece(raw)
    except Refused as refused:
        return refused.sw == errors.MALFORMED
    return False


def test_pieces_are_read() -> None:
    assert len(PIECES) > 1
    for index, raw in enumerate(PIECES):
        piece = read_piece(raw)
        assert [piece.epoch, piece.index, piece.count, piece.columns] == loads(raw)[:4]  # type: ignore[index]
        assert piece.index == index


@pytest.mark.parametrize("place", range(7))
def test_each_field(place: int) -> None:
    others: list[object] = [-1, 2**30, True, "", [], {}, bytes(3), None]
    for other in others:
        assert malformed(dumps([*PIECE[:place], other, *PIECE[place + 1 :]]))
    assert malformed(dumps(PIECE[:place] + PIECE[place + 1 :]))


@pytest.mark.parametrize(
    "body",
    [
        [*PIECE, 0],
        [*PIECE[:6], None],
        [*PIECE[:6], bytes(31)],
        [*LAST[:6], bytes(32)],
        [*LAST[:2], LAST[1], *LAST[3:]],
        [*LAST[:2], 0, *LAST[3:]],
        [*PIECE[:3], 0, *PIECE[4:]],
        [*PIECE[:3], 25, bytes(25 * 6), *PIECE[5:]],
        [*PIECE[:4], PIECE[4][1:], *PIECE[5:]],
        [*PIECE[:4], bytes(5 * COLUMNS), *PIECE[5:]],
        [*PIECE[:5], bytes(LONGEST_PIECE), PIECE[6]],
        dict(enumerate(PIECE)),
        None,
    ],
)
def test_other_pieces(body: object) -> None:
    assert malformed(dumps(body))


def test_not_one_item() -> None:
    assert malformed(b"")
    assert malformed(PIECES[0][:-1])
    assert malformed(PIECES[0] + b"\x00")


def by_the_chapter(wallet: bytes) -> bool:
    """The look-up once more, with large numbers."""
    key = key_of(wallet)

    def number(start: int, length: int) -> int:
        return int.from_bytes(key[start : start + length], "big")

    _, _, _, columns, first, second, _ = loads(PIECES[number(0, 3) % len(PIECES)])  # type: ignore[misc]
    for ribbon, width, start, rows in ((first, columns, 4, 8), (second, 1, 16, 20)):
        blocks = len(ribbon) // width
        at = number(start, 3) % (blocks - 5)
        for column in range(width):
            selected = ribbon[column * blocks :][at : at + 6]
            bits = int.from_bytes(selected, "big") & number(rows, 6)
            if bits.bit_count() % 2:
                return False
    return True


def test_the_look_up() -> None:
    for wallet in issued(5000)():
        assert revokes(PIECES, wallet) == by_the_chapter(wallet)


def test_keys_belong_to_all_pieces() -> None:
    found = {index_of(key_of(wallet), 5) for wallet in issued(200)()}
    assert found == set(range(5))
