"""Vectors of filters: pieces as a wallet reads them, and what they say of wallets."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from vector_world import OK, Vector, vector

from _jzcbor import dumps, loads
from _jzcrypto import sha256
from jiaozi.operator import filters
from jiaozi.wire import errors
from jiaozi.wire.filters import LONGEST_PIECE, index_of, key_of

EPOCH = 6
# Every tenth is revoked: two pieces.
WALLETS = [sha256(number.to_bytes(4, "big"))[:8] for number in range(16_000)]
REVOKED = WALLETS[::10]


@cache
def pieces() -> list[bytes]:
    """The filter over all wallets."""
    return filters.build(EPOCH, REVOKED, lambda: WALLETS)


def judged(rule: str, sw: int, note: str, wallet: bytes, raw: bytes = b"") -> Vector:
    """What a piece says of a wallet; the one that the wallet belongs to, if no other is given."""
    made = raw or pieces()[index_of(key_of(wallet), len(pieces()))]
    return vector(rule, "piece", sw, note, input=made, wallet=wallet)


def broken(note: str, change: dict[int, Any], at: int = 0) -> Vector:
    """A piece with other fields at some places; a field None becomes null."""
    body: Any = loads(pieces()[at])
    raw = dumps([change.get(place, value) for place, value in enumerate(body)])
    return judged("F8", errors.MALFORMED, note, WALLETS[0], raw)


def vectors() -> Iterator[Vector]:
    """Pieces of filters."""
    yield from fields()
    yield from verdicts()
    yield from small()


def fields() -> Iterator[Vector]:
    """Seven fields that fit together (F8)."""
    first: Any = loads(pieces()[0])
    columns, blocks = first[3], len(first[4]) // first[3]
    yield judged("F8", OK, "a piece that names the next", of(0))
    yield judged("F8", OK, "the last piece", of(len(pieces()) - 1))
    yield broken("an epoch of 2^30", {0: 2**30})
    yield broken("index and count the same", {1: len(pieces())}, len(pieces()) - 1)
    yield broken("the first of no pieces", {1: 0, 2: 0}, len(pieces()) - 1)
    yield broken("not the last, but none follows", {6: None})
    yield broken("the last, but one follows", {6: bytes(32)}, len(pieces()) - 1)
    yield broken("a hash of 31 bytes", {6: bytes(31)})
    yield broken("no columns, but a first ribbon", {3: 0})
    yield broken("columns, but no first ribbon", {4: b""})
    yield broken("25 columns", {3: 25, 4: bytes(25 * 6)})
    yield broken("columns of which one is shorter", {4: first[4][1:]})
    yield broken("columns of five blocks", {4: first[4][: columns * 5]})
    yield broken("a second ribbon of five blocks", {5: first[5][:5]})
    yield broken("text for a ribbon", {5: "ribbon"})
    yield broken("longer than 1,280 bytes", {5: bytes(LONGEST_PIECE - columns * blocks)})
    raw = dumps(first[:6])
    yield judged("F8", errors.MALFORMED, "without the last field", WALLETS[0], raw)
    yield judged("F8", errors.MALFORMED, "a field more", WALLETS[0], dumps([*first, 0]))
    yield judged("F8", errors.MALFORMED, "a byte behind it", WALLETS[0], pieces()[0] + b"\x00")


def of(index: int) -> bytes:
    """A wallet that is not revoked and belongs to a piece."""
    valid = (wallet for at, wallet in enumerate(WALLETS) if at > 1000 and at % 10)
    return next(one for one in valid if index_of(key_of(one), len(pieces())) == index)


def verdicts() -> Iterator[Vector]:
    """What a look-up says (F9)."""
    for wallet in REVOKED[:6]:
        yield judged("F9", errors.REVOKED, "a revoked wallet", wallet)
    for wallet in WALLETS[1:7]:
        yield judged("F9", OK, "a wallet that is not revoked", wallet)


def small() -> Iterator[Vector]:
    """Filters without a first ribbon, and with columns that are as short as can be (F9)."""
    both = WALLETS[:2]
    (raw,) = filters.build(EPOCH, both[:1], lambda: both)
    yield judged("F9", errors.REVOKED, "one of two: revoked", both[0], raw)
    yield judged("F9", OK, "one of two: the other", both[1], raw)
    (raw,) = filters.build(EPOCH, both, lambda: WALLETS[:400])
    yield judged("F9", errors.REVOKED, "two of 400: revoked", both[1], raw)
    yield judged("F9", OK, "two of 400: another", WALLETS[399], raw)
    (raw,) = filters.build(EPOCH, [], lambda: WALLETS[:10])
    yield judged("F9", OK, "nobody is revoked", WALLETS[0], raw)
