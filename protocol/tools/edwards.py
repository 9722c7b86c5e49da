"""The curve of Ed25519 in plain integers (RFC 8032, 5.1), to make signatures that no signer makes.

Slow and not constant-time: for vectors and tests only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

FIELD = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, FIELD) % FIELD
_SQRT_MINUS_ONE = pow(2, (FIELD - 1) // 4, FIELD)

Point = tuple[int, int]
IDENTITY: Point = (0, 1)


def x_of(y: int) -> int | None:
    """The even x of a point with this y, None if there is no such point (RFC 8032, 5.1.3)."""
    square = (y * y - 1) * pow(_D * y * y + 1, -1, FIELD) % FIELD
    x = pow(square, (FIELD + 3) // 8, FIELD)
    if (x * x - square) % FIELD:
        x = x * _SQRT_MINUS_ONE % FIELD
    if (x * x - square) % FIELD:
        return None
    return x if x % 2 == 0 else FIELD - x


BASE: Point = (x_of(4 * pow(5, -1, FIELD) % FIELD) or 0, 4 * pow(5, -1, FIELD) % FIELD)


def add(p: Point, q: Point) -> Point:
    """The sum of two points."""
    (x1, y1), (x2, y2) = p, q
    k = _D * x1 * x2 * y1 * y2 % FIELD
    x = (x1 * y2 + x2 * y1) * pow(1 + k, -1, FIELD) % FIELD
    return x, (y1 * y2 + x1 * x2) * pow(1 - k, -1, FIELD) % FIELD


def multiply(scalar: int, point: Point) -> Point:
    """`point` added `scalar` times."""
    total = IDENTITY
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    return total


def encode(point: Point, extra: int = 0) -> bytes:
    """32 bytes; `extra` is added to y: FIELD gives the encoding that is not canonical."""
    x, y = point
    return (y + extra | (x & 1) << 255).to_bytes(32, "little")


@cache
def torsion() -> tuple[Point, ...]:
    """The eight points whose order divides 8."""
    y = 2
    while (x := x_of(y)) is None or multiply(4, multiply(ORDER, (x, y))) == IDENTITY:
        y += 1
    generator = multiply(ORDER, (x, y))
    return tuple(multiply(times, generator) for times in range(8))


def challenge(r: bytes, public: bytes, message: bytes) -> int:
    """The scalar k of a signature (RFC 8032, 5.1.6)."""
    return int.from_bytes(hashlib.sha512(r + public + message).digest(), "little") % ORDER


@dataclass(frozen=True)
class Edge:
    """A signature at an edge of the rules; good: what libsodium says of it."""

    note: str
    public: bytes
    signature: bytes
    good: bool = False


def edges(message: bytes, secret: int = 0x1CE, nonce: int = 0xB0B) -> Iterator[Edge]:
    """Signatures of `message` at each edge: S, A and R of small, mixed and no order.

    secret, nonce: scalars of the keys and of R.
    """
    small = torsion()
    key, r = multiply(secret, BASE), multiply(nonce, BASE)

    def solved(public: bytes, encoded_r: bytes, r_scalar: int = nonce, a: int = secret) -> bytes:
        s = (r_scalar + challenge(encoded_r, public, message) * a) % ORDER
        return encoded_r + s.to_bytes(32, "little")

    public = encode(key)
    plain = solved(public, encode(r))
    s = int.from_bytes(plain[32:], "little")
    yield Edge("a plain signature", public, plain, True)
    yield Edge("S and the group order", public, plain[:32] + (s + ORDER).to_bytes(32, "little"))
    yield Edge("the highest bit of S", public, plain[:63] + bytes([plain[63] | 0x80]))
    for times, point in enumerate(small):
        where = f"{times} of 8"
        yield Edge(
            f"A of small order, {where}", encode(point), solved(encode(point), encode(r), a=0)
        )
        low = solved(public, encode(point), 0)
        yield Edge(f"R of small order, {where}", public, low)
    for point in small:
        if point[1] + FIELD < 2**255:
            odd = encode(point, FIELD)
            yield Edge("A of small order, not canonical", odd, solved(odd, encode(r), a=0))
            yield Edge("R of small order, not canonical", public, solved(public, odd, 0))
    for y in range(2, 19):
        if (x := x_of(y)) is not None:
            odd = encode((x, y), FIELD)
            yield Edge(f"A not canonical, y {y}", odd, plain)
            yield Edge(f"R not canonical, y {y}", public, odd + plain[32:])
    yield from _mixed(message, secret, nonce, small[1])
    yield Edge("A is no point", (2).to_bytes(32, "little"), plain)
    yield Edge("A and S are noughts", bytes(32), bytes(64))


def _mixed(message: bytes, secret: int, nonce: int, low: Point) -> Iterator[Edge]:
    """A or R with a part of small order: no multiple of 8 is taken, so k decides."""
    mixed = encode(add(multiply(secret, BASE), low))
    for good in (True, False):
        r_scalar = nonce
        while True:
            r = encode(multiply(r_scalar, BASE))
            k = challenge(r, mixed, message)
            if (k % 8 == 0) == good:
                break
            r_scalar += 1
        s = (r_scalar + k * secret) % ORDER
        note = "A of mixed order, k is " + ("a multiple of 8" if good else "no multiple of 8")
        yield Edge(note, mixed, r + s.to_bytes(32, "little"), good)
    public = encode(multiply(secret, BASE))
    r = encode(add(multiply(nonce, BASE), low))
    s = (nonce + challenge(r, public, message) * secret) % ORDER
    yield Edge("R of mixed order", public, r + s.to_bytes(32, "little"))
