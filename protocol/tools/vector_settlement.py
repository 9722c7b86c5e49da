"""Vectors of settlements at a wallet with a pending payment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import vector_world as world
from vector_world import OK, Vector, vector

from jiaozi import book, cose, errors, sync

SCENE = "alice with a pending payment"
NONCE = bytes(range(16))
MISMATCH = errors.SETTLEMENT_MISMATCH


def scenes() -> dict[str, book.Book]:
    """The wallet to be settled."""
    alice, bob = world.wallet("alice", [0, 300, 700]), world.wallet("bob")
    world.answer(alice, bob, world.ask(bob, 500), 500)
    return {SCENE: alice}


def made(rule: str, sw: int, note: str, body: object, **parts: Any) -> Vector:
    """A settlement by the operator, correct but for the parts given."""
    key, by = parts.pop("key", world.key_of("operator")), parts.pop("by", world.OPERATOR.hash)
    raw = world.forge(parts.pop("kind", cose.SETTLEMENT), body, key, by, **parts)
    found = {}
    if sw == OK:
        alice = scenes()[SCENE]
        found = {"state": sync.settle(alice, raw, NONCE)[book.STATE_KEY]}
    return vector(rule, "settlement", sw, note, scene=SCENE, input=raw, nonce=NONCE, **found)


def vectors() -> Iterator[Vector]:
    """Settlements."""
    alice = scenes()[SCENE]
    state, me = alice.state, alice.me.hash
    head, (paid,) = state.head, [entry[book.PAYMENT_HASH] for entry in alice.pending()]
    good: list[Any] = [me, NONCE, state.position, head, []]
    yield made("N2", OK, "as it should be", good)
    yield made("N6", OK, "the pending payment is closed", [*good[:4], [paid]])
    unknown = errors.UNKNOWN_PAYMENT
    yield made("N6", unknown, "another payment is closed", [*good[:4], [bytes(32)]])
    yield made("N6", unknown, "it is closed twice", [*good[:4], [paid, paid]])
    for note, at, value in (
        ("for another wallet", 0, world.certificate("bob").hash),
        ("for another nonce", 1, bytes(16)),
        ("for a journal that goes further", 2, state.position + 1),
        ("for a journal that ends before", 2, state.position - 1),
        ("for another journal", 3, bytes(32)),
    ):
        yield made("N2", MISMATCH, note, [*good[:at], value, *good[at + 1 :]])
    yield from signers(good)


def signers(good: list[Any]) -> Iterator[Vector]:
    """By whom it is signed, and its fields."""
    forged, wrong = errors.BAD_SIGNATURE, errors.WRONG_SIGNER
    yield made("N2", forged, "by a stranger", good, key=world.key_of("rogue"))
    foreign = {"key": world.key_of("foreign"), "by": world.FOREIGN.hash}
    yield made("N2", wrong, "by another operator", good, **foreign)
    yield made("N2", forged, "of the live network", good, network=cose.LIVE)
    yield made("N2", forged, "signed as a statement", good, kind=cose.STATEMENT)
    for note, body in (
        ("no list of what is closed", good[:4]),
        ("a field more", [*good, 0]),
        ("a hash of 31 bytes closed", [*good[:4], [bytes(31)]]),
        ("a position of 2^30", [*good[:2], 2**30, *good[3:]]),
    ):
        yield made("N2", errors.MALFORMED, note, body)
