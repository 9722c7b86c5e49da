"""Vectors of requests at payers: refused, or answered by one payment, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import taps
import vector_world as world
from taps import NAME, OPEN_REQUEST, REQUEST, SIGNER, request_of
from vector_world import OK, Vector, copy, vector

from _jzcbor import dumps
from jiaozi.wallet import book, payer
from jiaozi.wire import certificates, cose, errors
from jiaozi.wire.journal import RESOLVED

REVOKED = world.certificate("alice").id


def scenes() -> dict[str, book.Book]:
    """Payers in the states that vectors of requests start from."""
    alice = taps.alice
    return {
        "alice": alice(),
        "alice who paid": taps.paid(),
        "alice with a receipt": taps.resolved(cose.RECEIPT),
        "alice with a void": taps.resolved(cose.VOID),
        "alice whose payment was closed": taps.settled(closed=True),
        "alice who paid, then synced": taps.settled(closed=False),
        "alice who paid, then was revoked": taps.later(taps.paid(), world.epoch(1, [REVOKED])),
        "alice who paid, then got narrow limits": taps.later(taps.paid(), None, single=0, hops=0),
        "alice who paid, in a later epoch": taps.later(taps.paid(), world.epoch(99)),
        "alice with worn value": alice([0] * 9 + [100_000]),
        "alice with value of all levels": alice([0] + [100] * 9),
        "alice without sync": alice(at=12),
        "alice at the last epoch without sync": alice(at=11),
        "alice at her limits": alice(single=500, offline_count=1, offline_total=500),
        "alice out of payments": alice(offline_count=0),
        "alice with a total of 4.99": alice(offline_total=499),
        "alice, revoked": alice(revoked=[REVOKED]),
        "alice, expired": alice(expiry=1, at=2),
        "alice in epoch 3": alice(at=3),
        "alice with one slot": full(1),
        "alice with two slots": full(2),
    }


def full(slots: int) -> book.Book:
    """A payer whose journal has few places left."""
    wallet = taps.alice()
    while wallet.slots() > slots:
        state = wallet.state.copy()
        name = state.position.to_bytes(32, "big")
        wallet.apply(book.Step(state, entry=[RESOLVED, name, name, b""]))
    return wallet


def made(
    rule: str, sw: int, note: str, request: bytes, scene: str = "alice", **parts: Any
) -> Vector:
    """A request, with the payee's certificate and the amount the person has in mind."""
    parts = {"certificate": world.certificate("bob").raw, "amount": 500} | parts
    wallet = copy(WALLETS[scene])
    answer = {}
    if sw == OK:
        order = payer.read_order(wallet, parts["certificate"], request)
        stored = payer.recall(wallet, order)
        if stored is None:
            payer.check(wallet, order, parts["amount"])
            stored = wallet.apply(payer.pay(wallet, order, parts["amount"], True))
        answer = {"answer": stored}
    return vector(rule, "request", sw, note, scene=scene, input=request, **parts, **answer)


def vectors() -> Iterator[Vector]:
    """Requests."""
    WALLETS.update(scenes())
    yield from shapes()
    yield from fitting()
    yield from genuine()
    yield from fresh()
    yield from limited()
    yield from levels()
    yield from again()


WALLETS: dict[str, book.Book] = {}


def shapes() -> Iterator[Vector]:
    """What a request looks like (P7)."""
    yield made("P7", OK, "the most purses", request_of(purses=[7, 6, 5, 4, 3, 2, 1, 0]))
    malformed: list[tuple[str, dict[str, Any]]] = [
        ("amount and ceiling", {"ceiling": 1}),
        ("neither amount nor ceiling", {"amount": 0}),
        ("no purses", {"purses": []}),
        ("nine purses", {"purses": [0] * 9}),
        ("a purse that is text", {"purses": ["0"]}),
        ("an amount of 2^30", {"amount": 2**30}),
        ("a negative amount", {"amount": -500}),
        ("true for a number", {"number": True}),
        ("null for a ceiling", {"ceiling": None}),
        ("a currency in bytes", {"currency": b"CNY"}),
    ]
    for note, parts in malformed:
        yield made("P7", errors.MALFORMED, note, request_of(**parts))
    body = [7, 500, 0, "CNY", [0], 2]
    encoded: list[tuple[str, bytes]] = [
        ("a field less", dumps(body[:-1])),
        ("a field more", dumps([*body, 0])),
        ("an amount as a float", dumps(body).replace(b"\x19\x01\xf4", b"\xf9\x5f\xd0")),
        ("an amount in five bytes", dumps(body).replace(b"\x19\x01\xf4", b"\x1a\x00\x00\x01\xf4")),
        ("a byte behind", dumps(body) + b"\x00"),
        ("nothing", b""),
    ]
    for note, payload in encoded:
        yield made("P7", errors.MALFORMED, note, request_of(forged={"payload": payload}))
    yield made("P7", errors.MALFORMED, "cut short", REQUEST[:-1])
    note = "a certificate that is a request"
    yield made("P7", errors.MALFORMED, note, REQUEST, certificate=REQUEST)


def fitting() -> Iterator[Vector]:
    """Whether this wallet can mean to pay it (P1)."""
    yield made("P1", OK, "as it should be", REQUEST)
    yield made("P1", OK, "an open amount, at its ceiling", OPEN_REQUEST, amount=900)
    yield made("P1", OK, "an open amount, the least", OPEN_REQUEST, amount=1)
    own = world.certificate("alice").raw
    yield made("P1", errors.SAME_WALLET, "one's own", request_of("alice"), certificate=own)
    twin = world.certificate("alice", expiry=99)
    note = "one's own, by another certificate"
    request = request_of("alice", signer=twin.hash)
    yield made("P1", errors.SAME_WALLET, note, request, certificate=twin.raw)
    refused: list[tuple[int, str, dict[str, Any]]] = [
        (errors.WRONG_CURRENCY, "another currency", {"currency": "USD"}),
        (errors.WRONG_CURRENCY, "a currency in small letters", {"currency": "cny"}),
        (errors.PURSE_REFUSED, "another purse", {"purses": [1]}),
        (errors.AMOUNT_INVALID, "one fen more is asked", {"amount": 501}),
        (errors.AMOUNT_INVALID, "one fen less is asked", {"amount": 499}),
        (errors.AMOUNT_INVALID, "above the ceiling", {"amount": 0, "ceiling": 499}),
    ]
    for sw, note, parts in refused:
        yield made("P1", sw, note, request_of(**parts))
    yield made("P1", errors.AMOUNT_INVALID, "nothing for an open amount", OPEN_REQUEST, amount=0)


def genuine() -> Iterator[Vector]:
    """Who asks, and whether both are what they were (P2)."""
    bob = world.certificate("bob")
    request, parts = stranger(form=certificates.WEARABLE)
    yield made("P2", OK, "a wallet of another form", request, **parts)
    yield made("P2", errors.WRONG_SIGNER, "another signer is named", request_of(signer=NAME))
    yield made("P2", errors.BAD_SIGNATURE, "not signed by the payee", request_of(key=SIGNER))
    live = request_of(forged={"network": cose.LIVE})
    yield made("P2", errors.BAD_SIGNATURE, "a request of the live network", live)
    rogue = world.forge(
        cose.WALLET, cose.parse(cose.WALLET, bob.raw, 0).body, SIGNER, world.OPERATOR.hash
    )
    yield made("P2", errors.BAD_SIGNATURE, "a forged certificate", REQUEST, certificate=rogue)
    nobody = world.forge(cose.WALLET, cose.parse(cose.WALLET, bob.raw, 0).body, SIGNER, NAME)
    note = "a certificate of an unknown operator"
    yield made("P2", errors.UNKNOWN_OPERATOR, note, REQUEST, certificate=nobody)
    carol = world.certificate("carol").raw
    note = "another wallet's request"
    yield made("P2", errors.WRONG_SIGNER, note, REQUEST, certificate=carol)
    request, parts = stranger(expiry=2)
    note = "the payee has expired"
    yield made("P2", errors.EXPIRED, note, request, "alice in epoch 3", **parts)
    yield made("P2", errors.REVOKED, "the payer is revoked", REQUEST, "alice, revoked")
    yield made("P2", errors.EXPIRED, "the payer has expired", REQUEST, "alice, expired")
    foreign = world.certificate("eve", by="foreign")
    note = "the payee's operator has another currency"
    request = request_of(key=world.key_of("eve"), signer=foreign.hash)
    yield made("P2", errors.WRONG_CURRENCY, note, request, certificate=foreign.raw)


def stranger(**parts: Any) -> tuple[bytes, Any]:
    """A request under another certificate of bob's, and that."""
    certificate = world.certificate("bob", **parts)
    return request_of(signer=certificate.hash, expiry=3), {"certificate": certificate.raw}


def fresh() -> Iterator[Vector]:
    """Epochs (P3)."""
    overdue = errors.SYNC_OVERDUE
    yield made("P3", OK, "in its last epoch", request_of(expiry=1))
    yield made("P3", OK, "as far ahead as may be", request_of(expiry=12))
    late = request_of(expiry=13)
    note = "in the last epoch without a sync"
    yield made("P3", OK, note, late, "alice at the last epoch without sync")
    yield made("P3", errors.REQUEST_EXPIRED, "expired", request_of(expiry=0))
    note = "expired an epoch ago"
    yield made("P3", errors.REQUEST_EXPIRED, note, request_of(expiry=2), "alice in epoch 3")
    yield made("P3", overdue, "an epoch too far ahead", late)
    yield made("P3", overdue, "from the end of time", request_of(expiry=2**30 - 1))
    yield made("P3", overdue, "no sync for too long", late, "alice without sync")


def limited() -> Iterator[Vector]:
    """The policy's limits, the balance and the journal (P4)."""
    narrow = "alice at her limits"
    yield made("P4", OK, "at every limit", REQUEST, narrow)
    yield made("P4", OK, "all there is", request_of(amount=100_000), amount=100_000)
    yield made("P4", OK, "two slots left", REQUEST, "alice with two slots")
    above = request_of(amount=501)
    yield made("P4", errors.OVER_SINGLE, "above one payment", above, narrow, amount=501)
    none = "alice out of payments"
    yield made("P4", errors.OVER_OFFLINE_COUNT, "one payment too many", REQUEST, none)
    total = "alice with a total of 4.99"
    yield made("P4", errors.OVER_OFFLINE_TOTAL, "a fen above the total", REQUEST, total)
    rich = request_of(amount=100_001)
    yield made("P4", errors.OVER_BALANCE, "a fen more than there is", rich, amount=100_001)
    one = "alice with one slot"
    yield made("P4", errors.JOURNAL_FULL, "no slot for the outcome", REQUEST, one)
    request, parts = back()
    note = "to an operator, whatever the count"
    yield made("P4", OK, note, request, none, **parts)


def back() -> tuple[bytes, Any]:
    """A request of an operator's account, and its certificate."""
    account = world.certificate("account", certificates.ACCOUNT)
    request = request_of(key=world.key_of("account"), signer=account.hash)
    return request, {"certificate": account.raw}


def levels() -> Iterator[Vector]:
    """Hop levels (P5)."""
    mixed, worn = "alice with value of all levels", "alice with worn value"
    yield made("P5", OK, "the lowest levels go first", REQUEST, mixed)
    note = "up to the highest level that goes"
    yield made("P5", OK, note, request_of(amount=800), mixed, amount=800)
    note = "a fen of level 9"
    yield made("P5", errors.OVER_HOPS, note, request_of(amount=801), mixed, amount=801)
    yield made("P5", errors.OVER_HOPS, "nothing but level 9", REQUEST, worn)
    request, parts = back()
    yield made("P5", OK, "value of level 9 back to an operator", request, worn, **parts)


def again() -> Iterator[Vector]:
    """A request that was answered (P6)."""
    yield made("P6", OK, "the same request again", REQUEST, "alice who paid")
    yield made("P6", OK, "after the receipt", REQUEST, "alice with a receipt")
    yield made("P6", OK, "after a sync", REQUEST, "alice who paid, then synced")
    yield made("P6", OK, "by who is revoked since", REQUEST, "alice who paid, then was revoked")
    note = "by whose limits are narrower since"
    yield made("P6", OK, note, REQUEST, "alice who paid, then got narrow limits")
    note = "long after it has expired"
    yield made("P6", OK, note, REQUEST, "alice who paid, in a later epoch")
    closed = errors.REQUEST_CLOSED
    yield made("P6", closed, "after a void", REQUEST, "alice with a void")
    note = "after the operator closed it"
    yield made("P6", closed, note, REQUEST, "alice whose payment was closed")
