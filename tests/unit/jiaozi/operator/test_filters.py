"""Filters: exact over all that was issued, small, in pieces that name each other."""

from __future__ import annotations

import hashlib

import pytest

from jiaozi.operator import filters
from jiaozi.wire.filters import LONGEST_PIECE, read_piece
from tests.fixtures.filters import EPOCH, build, every, issued, revokes


@pytest.mark.parametrize(
    ("count", "step"),
    [(1, 1), (100, 100), (100, 1), (1000, 30), (1000, 2), (10_000, 42), (9_000, 7), (20_001, 97)],
)
def test_no_wallet_is_judged_wrongly(count: int, step: int) -> None:
    pieces, revoked = build(count, step)
    found = [wallet for wallet in issued(count)() if revokes(pieces, wallet)]
    assert sorted(found) == sorted(revoked)


@pytest.mark.parametrize("count", [0, 100])
def test_nobody_is_revoked(count: int) -> None:
    pieces = filters.build(EPOCH, [], issued(count))
    assert not any(revokes(pieces, wallet) for wallet in issued(count)())


def test_pieces_name_each_other() -> None:
    raws, _ = build(40_000, 10)
    pieces = [read_piece(raw) for raw in raws]
    assert len(pieces) > 2
    assert [piece.index for piece in pieces] == list(range(len(pieces)))
    assert {(piece.epoch, piece.count) for piece in pieces} == {(EPOCH, len(pieces))}
    hashes = [hashlib.sha256(raw).digest() for raw in raws]
    assert [piece.next for piece in pieces] == [*hashes[1:], None]
    assert max(map(len, raws)) <= LONGEST_PIECE


def test_the_same_filter_each_time() -> None:
    ids = issued(2000)
    revoked = every(ids, 20)
    assert filters.build(EPOCH, revoked, ids) == filters.build(EPOCH, revoked[::-1], ids)


def test_near_the_bound() -> None:
    """At most a third more than what any exact filter takes on average: log2 of the choices."""
    pieces, revoked = build(30_000, 100)
    bound = len(revoked) * 8.1 / 8  # log2 of 30,000 over 300 is 2,420 bits
    assert sum(map(len, pieces)) < bound * 4 / 3


def test_a_revoked_wallet_was_issued() -> None:
    with pytest.raises(filters.FilterError, match="not among those issued"):
        filters.build(EPOCH, [bytes(8)], issued(10))


def test_a_wrong_filter_is_noticed() -> None:
    ids = issued(1000)
    pieces, revoked = build(1000, 10)
    filters.prove(pieces, set(revoked), ids)
    with pytest.raises(filters.FilterError, match="wrong about wallet"):
        filters.prove(pieces, set(revoked[1:]), ids)


def test_pieces_that_are_too_long_are_made_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "LONGEST_PIECE", 200)
    pieces, revoked = build(3000, 10)
    assert max(map(len, pieces)) <= 200
    assert all(revokes(pieces, wallet) for wallet in revoked)


def test_contradicting_equations_are_noticed() -> None:
    ribbon = filters.Ribbon(8)
    assert ribbon.add((0, 5), 0)
    assert ribbon.add((0, 5), 0)
    assert not ribbon.add((0, 5), 1)
