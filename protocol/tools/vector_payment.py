"""Vectors of payments at payees: refused, or answered by one receipt or void, byte for byte."""

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
    later,
    payment_of,
    received,
    request_of,
)
from vector_world import OK, Vector, copy, vector

from _jzcbor import dumps
from jiaozi.wallet import book, payee
from jiaozi.wire import cose, errors
from jiaozi.wire.journal import RESOLVED

ALICE = world.certificate("alice")


def scenes() -> dict[str, book.Book]:
    """Payees in the states that vectors of payments start from."""
    credited, cancelled, closed, full = bob(), bob(), bob(), bob()
    received(credited, ALICE.raw, payment_of(), None)
    voided = copy(bob())
    voids, flooded = bob(), bob()
    for wallet in (cancelled, closed, full, voided, voids, flooded):
        wallet.apply(payee.cancel(wallet, hash_of(REQUEST)))
    received(voided, ALICE.raw, payment_of(), REQUEST)
    for number in (1, 2):
        received(voids, ALICE.raw, payment_of(sequence=number), REQUEST)
    for number in range(book.MOST_VOIDS):
        thief = f"thief {number // 2}"
        paid = payment_of(thief, sequence=number + 1)
        received(flooded, world.certificate(thief).raw, paid, REQUEST)
    state = closed.state.copy()
    state.floor = 2
    closed.apply(book.Step(state))
    while full.slots() > 0:
        state = full.state.copy()
        name = state.position.to_bytes(32, "big")
        full.apply(book.Step(state, entry=[RESOLVED, name, name, b""]))
    return {
        "bob": bob(),
        "bob who was paid": credited,
        "bob who gave a void": voided,
        "bob who gave two voids": voids,
        "bob who gave sixteen voids": flooded,
        "bob who was paid, then saw alice revoked": later(
            copy(credited), world.epoch(9, [ALICE.id])
        ),
        "bob who cancelled": cancelled,
        "bob who cancelled, without a slot": full,
        "bob past his floor": closed,
        "bob in the last epoch of his request": later(bob(), world.epoch(2)),
        "bob too late": later(bob(), world.epoch(3)),
        "bob who knows alice is revoked": later(bob(), world.epoch(1, [ALICE.id])),
        "bob who knows the operator is out": later(bob(), world.epoch(1, operators=[])),
        "bob with a narrow cap": later(bob(), None, balance_cap=1),
    }


WALLETS: dict[str, book.Book] = {}


def made(rule: str, sw: int, note: str, payment: bytes, scene: str = "bob", **parts: Any) -> Vector:
    """A payment, with the payer's certificate and, where it comes along, the request."""
    parts = {"certificate": ALICE.raw, "request": None} | parts
    wallet = copy(WALLETS[scene])
    answer: dict[str, Any] = {}
    if sw == OK:
        reply = received(wallet, parts["certificate"], payment, parts["request"])
        answer = {"answer": reply, "credited": wallet.state.balance}
    return vector(rule, "payment", sw, note, scene=scene, input=payment, **parts, **answer)


def vectors() -> Iterator[Vector]:
    """Payments."""
    WALLETS.update(scenes())
    yield from credits()
    yield from repeats()
    yield from voids()
    yield from others()
    yield from bounds()
    yield from strangers()
    yield from shapes()


def credits() -> Iterator[Vector]:
    """What is credited (Y1)."""
    yield made("Y1", OK, "as it should be", payment_of())
    yield made("Y1", OK, "an open amount", payment_of(request=OPEN_REQUEST, amount=900))
    yield made("Y1", OK, "of the highest level", payment_of(hop=15))
    yield made("Y1", OK, "made in a later epoch than the payee's", payment_of(epoch=7))
    note = "in the last epoch of the request"
    yield made("Y1", OK, note, payment_of(), "bob in the last epoch of his request")
    yield made("Y1", OK, "the cap is lower since", payment_of(), "bob with a narrow cap")
    yield made("Y1", OK, "the request comes along", payment_of(), request=REQUEST)


def repeats() -> Iterator[Vector]:
    """The same payment again (Y2)."""
    good = payment_of()
    yield made("Y2", OK, "after the receipt", good, "bob who was paid")
    scene = "bob who was paid, then saw alice revoked"
    yield made("Y2", OK, "by a payer revoked since, past the expiry", good, scene)
    yield made("Y2", OK, "after the void", good, "bob who gave a void")
    yield made("Y2", OK, "after two voids", good, "bob who gave two voids")


def voids() -> Iterator[Vector]:
    """What is voided (Y3)."""
    good = payment_of()
    yield made("Y3", OK, "too late: void", good, "bob too late")
    yield made("Y3", OK, "the payer is revoked: void", good, "bob who knows alice is revoked")
    note = "the payer's operator is valid no longer: void"
    yield made("Y3", OK, note, good, "bob who knows the operator is out")
    foreign = world.certificate("eve", by="foreign")
    parts = {"key": world.key_of("eve"), "signer": foreign.hash}
    note = "the payer's operator has another currency: void"
    yield made("Y3", OK, note, payment_of(**parts), certificate=foreign.raw)
    own = world.certificate("bob").raw
    yield made("Y3", OK, "one's own: void", payment_of("bob"), certificate=own)
    yield made("Y3", OK, "cancelled: void", good, "bob who cancelled", request=REQUEST)
    carol = world.certificate("carol").raw
    second, scene = payment_of("carol"), "bob who was paid"
    yield made("Y3", OK, "a second payer: void", second, scene, certificate=carol, request=REQUEST)
    twice = payment_of(sequence=2)
    yield made("Y3", OK, "the same payer twice: void", twice, scene, request=REQUEST)
    scene = "bob who cancelled, without a slot"
    full = errors.JOURNAL_FULL
    yield made("Y3", full, "no slot for the void", good, scene, request=REQUEST)
    yield made("Y3", full, "nor for another", twice, scene, request=REQUEST)


def others() -> Iterator[Vector]:
    """What is not as the request asks (Y8)."""
    amount, gone = errors.AMOUNT_INVALID, "bob who cancelled"
    yield made("Y8", OK, "below the ceiling", payment_of(request=OPEN_REQUEST, amount=899))
    yield made("Y8", amount, "another amount", payment_of(amount=499))
    over = payment_of(request=OPEN_REQUEST, amount=901)
    yield made("Y8", amount, "above the ceiling", over)
    yield made("Y8", amount, "nothing", payment_of(request=OPEN_REQUEST, amount=0))
    yield made("Y8", errors.PURSE_REFUSED, "another purse", payment_of(purse=1))
    late = payment_of(amount=499)
    yield made("Y8", amount, "another amount, cancelled", late, gone, request=REQUEST)


def bounds() -> Iterator[Vector]:
    """How many voids there are (Y9)."""
    carol, many = world.certificate("carol").raw, errors.TOO_MANY_VOIDS
    second, third = payment_of(sequence=2), payment_of(sequence=3)
    yield made("Y9", OK, "the second: void", second, "bob who gave a void", request=REQUEST)
    scene = "bob who gave two voids"
    yield made("Y9", many, "a third to one payer", third, scene, request=REQUEST)
    other = payment_of("carol")
    note = "another payer: void"
    yield made("Y9", OK, note, other, scene, certificate=carol, request=REQUEST)
    scene = "bob who gave sixteen voids"
    note = "a seventeenth"
    yield made("Y9", many, note, other, scene, certificate=carol, request=REQUEST)
    note = "what is open is credited all the same"
    paid = payment_of("carol", request=OPEN_REQUEST, amount=900)
    yield made("Y9", OK, note, paid, scene, certificate=carol)


def strangers() -> Iterator[Vector]:
    """What is not authentic, or not for this wallet (Y4, Y5)."""
    good, other, bad = payment_of(), errors.OTHER_REQUEST, errors.BAD_SIGNATURE
    scene = "bob who cancelled"
    carol = world.certificate("carol").raw
    yield made("Y4", OK, "by whoever pays first", payment_of("carol"), certificate=carol)
    yield made("Y4", other, "not open, and without the request", good, scene)
    request = request_of("carol")
    stray = payment_of(request=request)
    yield made("Y4", other, "another's request", stray, request=request)
    yield made("Y4", other, "another request of one's own", good, scene, request=OPEN_REQUEST)
    forged = request_of(key=SIGNER)
    stray = payment_of(request=forged)
    yield made("Y4", bad, "a forged request", stray, request=forged)
    yield made("Y4", bad, "forged", payment_of(key=SIGNER))
    yield made("Y4", bad, "of the live network", payment_of(forged={"network": cose.LIVE}))
    yield made("Y4", errors.WRONG_SIGNER, "another's certificate", good, certificate=carol)
    yield made("Y4", errors.WRONG_SIGNER, "another signer is named", payment_of(signer=NAME))
    body = cose.parse(cose.WALLET, ALICE.raw, world.NETWORK).body
    nobody = world.forge(cose.WALLET, body, world.key_of("alice"), NAME)
    yield made("Y4", errors.UNKNOWN_OPERATOR, "an unknown operator", good, certificate=nobody)
    rogue = world.forge(cose.WALLET, body, SIGNER, world.OPERATOR.hash)
    yield made("Y4", bad, "a forged certificate", good, certificate=rogue)
    low, closed = "bob past his floor", errors.REQUEST_CLOSED
    yield made("Y5", OK, "above the floor", payment_of(request=OPEN_REQUEST), low)
    yield made("Y5", closed, "below the floor", good, low, request=REQUEST)
    again = payment_of(sequence=9)
    yield made("Y5", closed, "below the floor, another payment", again, low, request=REQUEST)


def shapes() -> Iterator[Vector]:
    """What a payment looks like (Y6)."""
    largest = dict.fromkeys(("sequence", "epoch", "version"), 2**30 - 1) | {"hop": 15}
    yield made("Y6", OK, "every number at its largest", payment_of(**largest))
    bad = errors.MALFORMED
    changes: list[tuple[str, dict[str, Any]]] = [
        ("a hop of 16", {"hop": 16}),
        ("a negative hop", {"hop": -1}),
        ("a negative amount", {"amount": -1}),
        ("true for a sequence number", {"sequence": True}),
        ("a request's hash of 31 bytes", {"asked": bytes(31)}),
        ("a request for its hash", {"asked": REQUEST}),
        ("null for a purse", {"purse": None}),
    ]
    for note, parts in changes:
        yield made("Y6", bad, note, payment_of(**parts))
    body = [1, hash_of(REQUEST), 500, 0, 1, 1, 1]
    for note, payload in (
        ("a field less", dumps(body[:-1])),
        ("a field more", dumps([*body, 0])),
        ("a map", dumps(dict(enumerate(body)))),
        ("an amount as a float", dumps(body).replace(b"\x19\x01\xf4", b"\xf9\x5f\xd0")),
    ):
        yield made("Y6", bad, note, payment_of(forged={"payload": payload}))
    yield made("Y6", bad, "a certificate that is a payment", payment_of(), certificate=payment_of())
    note = "a request that is a payment"
    yield made("Y6", bad, note, payment_of(), "bob who cancelled", request=payment_of())
