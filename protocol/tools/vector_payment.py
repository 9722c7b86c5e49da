"""Vectors of payments at payees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import vector_world as world
from taps import (
    NAME,
    OPEN_REQUEST,
    REQUEST,
    SIGNER,
    bob,
    hash_of,
    payment_of,
    received,
    request_of,
)
from vector_world import OK, Vector, copy, vector

from jiaozi import book, errors, payee


def scenes() -> dict[str, book.Book]:
    """Payees in the states that vectors of payments start from."""
    credited, cancelled, closed, late = bob(), bob(), bob(), bob()
    alice = world.certificate("alice")
    received(credited, alice.raw, payment_of(), None)
    for wallet in (cancelled, closed):
        wallet.apply(payee.cancel(wallet, hash_of(REQUEST)))
    state = closed.state.copy()
    state.floor = 2
    closed.apply(book.Step(state))
    late.store.commit({book.EPOCH_KEY: world.epoch(3)})
    strict = bob()
    strict.store.commit({book.EPOCH_KEY: world.epoch(1, [alice.id])})
    return {
        "bob": bob(),
        "bob who was paid": credited,
        "bob who cancelled": cancelled,
        "bob past his floor": closed,
        "bob too late": book.Book(late.store),
        "bob who knows alice is revoked": book.Book(strict.store),
    }


def vectors() -> Iterator[Vector]:
    """Payments at a payee: refused, or answered by one receipt or void, byte for byte."""
    wallets = scenes()

    def made(
        rule: str, sw: int, note: str, payment: bytes, scene: str = "bob", **parts: Any
    ) -> Vector:
        parts = {"certificate": world.certificate("alice").raw, "request": None} | parts
        wallet = copy(wallets[scene])
        answer: dict[str, Any] = {}
        if sw == OK:
            reply = received(wallet, parts["certificate"], payment, parts["request"])
            answer = {"answer": reply}
            answer["credited"] = wallet.state.balance
        return vector(rule, "payment", sw, note, scene=scene, input=payment, **parts, **answer)

    good = payment_of()
    yield made("Y1", OK, "credited", good)
    yield made("Y1", OK, "an open amount", payment_of(request=OPEN_REQUEST, amount=900))
    yield made("Y2", OK, "the same payment again", good, "bob who was paid")
    yield made("Y3", OK, "another amount: void", payment_of(amount=499))
    yield made("Y3", OK, "above the ceiling: void", payment_of(request=OPEN_REQUEST, amount=901))
    yield made("Y3", OK, "nothing: void", payment_of(request=OPEN_REQUEST, amount=0))
    yield made("Y3", OK, "another purse: void", payment_of(purse=1))
    yield made("Y3", OK, "too late: void", good, "bob too late")
    yield made("Y3", OK, "the payer is revoked: void", good, "bob who knows alice is revoked")
    foreign = world.certificate("eve", by="foreign")
    parts = {"key": world.key_of("eve"), "signer": foreign.hash}
    note = "the payer's operator has another currency: void"
    yield made("Y3", OK, note, payment_of(**parts), certificate=foreign.raw)
    yield made("Y3", OK, "cancelled: void", good, "bob who cancelled", request=REQUEST)
    carol = world.certificate("carol").raw
    second = payment_of("carol")
    note = "a second payer: void"
    yield made("Y3", OK, note, second, "bob who was paid", certificate=carol, request=REQUEST)
    yield made("Y4", errors.OTHER_REQUEST, "without the request", good, "bob who cancelled")
    other = request_of("carol")
    stray = payment_of(request=other)
    yield made("Y4", errors.OTHER_REQUEST, "another's request", stray, request=other)
    forged = request_of(key=SIGNER)
    stray = payment_of(request=forged)
    yield made("Y4", errors.BAD_SIGNATURE, "a forged request", stray, request=forged)
    note = "below the floor"
    yield made("Y5", errors.REQUEST_CLOSED, note, good, "bob past his floor", request=REQUEST)
    yield made("Y4", errors.BAD_SIGNATURE, "forged", payment_of(key=SIGNER))
    yield made("Y4", errors.WRONG_SIGNER, "another signer is named", payment_of(signer=NAME))
    yield made("Y4", errors.MALFORMED, "a hop beyond 2^30 - 1", payment_of(hop=2**30))
