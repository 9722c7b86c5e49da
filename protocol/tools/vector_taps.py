"""Vectors of a tap: requests at payers, payments at payees, receipts and voids at payers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import vector_world as world
from vector_world import OK, Vector, copy, vector

from jiaozi import book, certificates, cose, errors, messages, payee, payer

SIGNER = world.key_of("signer")
NAME = bytes(range(32))


def payers() -> dict[str, book.Book]:
    """Payers in the states that vectors of requests start from."""
    alice = world.wallet("alice", [0, 100_000])
    paid = world.wallet("alice", [0, 100_000])
    world.answer(paid, bob(), REQUEST, 500)
    worn = world.wallet("alice", [0] * 9 + [100_000])
    return {
        "alice": alice,
        "alice who paid": paid,
        "alice with worn value": worn,
        "alice without sync": world.wallet("alice", [0, 100_000], at=12),
        "alice at her limits": world.wallet(
            "alice", [0, 100_000], single=500, offline_count=1, offline_total=500
        ),
        "alice out of limits": world.wallet("alice", [0, 100_000], offline_count=0),
        "alice, revoked": world.wallet("alice", [0, 100_000], revoked=[alice.me.id]),
    }


def bob() -> book.Book:
    """A payee with a request over 5.00 open, and one for up to 9.00."""
    made = world.wallet("bob")
    world.ask(made, 500)
    world.ask(made, 0, 900)
    return made


REQUEST = next(iter(bob().open.values())).raw
OPEN_REQUEST = list(bob().open.values())[1].raw


def request_of(name: str = "bob", **parts: Any) -> bytes:
    """A request with any body, signed by its payee unless another key is given."""
    signer = parts.pop("signer", world.certificate(name).hash)
    key = parts.pop("key", world.key_of(name))
    fields = {"number": 7, "amount": 500, "ceiling": 0, "currency": "CNY", "purses": [0]}
    body = list((fields | {"expiry": 2} | parts).values())
    return world.forge(cose.REQUEST, body, key, signer)


def requests() -> Iterator[Vector]:
    """Requests at a payer: refused, or answered by one payment, byte for byte."""
    scenes = payers()
    taker = world.certificate("bob").raw

    def made(
        rule: str, sw: int, note: str, request: bytes, scene: str = "alice", **parts: Any
    ) -> Vector:
        parts = {"certificate": taker, "amount": 500} | parts
        wallet = copy(scenes[scene])
        answer = {}
        if sw == OK:
            order = payer.read_order(wallet, parts["certificate"], request)
            stored = payer.recall(wallet, order)
            if stored is None:
                payer.check(wallet, order, parts["amount"])
                stored = wallet.apply(payer.pay(wallet, order, parts["amount"], True))
            answer = {"answer": stored}
        return vector(rule, "request", sw, note, scene=scene, input=request, **parts, **answer)

    yield made("P1", OK, "as it should be", REQUEST)
    yield made("P1", OK, "an open amount", OPEN_REQUEST, amount=900)
    yield made("P6", OK, "the same request again", REQUEST, "alice who paid")
    own = world.certificate("alice").raw
    yield made("P1", errors.SAME_WALLET, "one's own", request_of("alice"), certificate=own)
    refused: list[tuple[str, int, str, dict]] = [
        ("P1", errors.MALFORMED, "amount and ceiling", {"ceiling": 1}),
        ("P1", errors.MALFORMED, "neither amount nor ceiling", {"amount": 0}),
        ("P1", errors.MALFORMED, "no purses", {"purses": []}),
        ("P1", errors.MALFORMED, "an amount beyond 2^30 - 1", {"amount": 2**30}),
        ("P1", errors.WRONG_CURRENCY, "another currency", {"currency": "USD"}),
        ("P1", errors.PURSE_REFUSED, "other purses", {"purses": [1]}),
        ("P1", errors.AMOUNT_INVALID, "another amount", {"amount": 501}),
        ("P1", errors.AMOUNT_INVALID, "above the ceiling", {"amount": 0, "ceiling": 499}),
        ("P2", errors.WRONG_SIGNER, "another signer is named", {"signer": NAME}),
        ("P2", errors.BAD_SIGNATURE, "not signed by the payee", {"key": SIGNER}),
        ("P3", errors.REQUEST_EXPIRED, "expired", {"expiry": 0}),
        ("P3", errors.SYNC_OVERDUE, "from an epoch too far ahead", {"expiry": 13}),
    ]
    for rule, sw, note, parts in refused:
        yield made(rule, sw, note, request_of(**parts))
    yield made("P3", OK, "as far ahead as may be", request_of(expiry=12))
    late = request_of(expiry=13)
    yield made("P3", errors.SYNC_OVERDUE, "no sync for too long", late, "alice without sync")
    yield made("P2", errors.REVOKED, "the payer is revoked", REQUEST, "alice, revoked")
    foreign = world.certificate("eve", by="foreign")
    note = "the payee's operator has another currency"
    request = request_of(key=world.key_of("eve"), signer=foreign.hash)
    yield made("P2", errors.WRONG_CURRENCY, note, request, certificate=foreign.raw)
    limits = "alice at her limits"
    yield made("P4", OK, "at every limit", REQUEST, limits)
    yield made(
        "P4", errors.OVER_SINGLE, "above one payment", request_of(amount=501), limits, amount=501
    )
    note = "one payment too many"
    yield made("P4", errors.OVER_OFFLINE_COUNT, note, REQUEST, "alice out of limits")
    large = {"amount": 300_001}
    rich = request_of(**large)
    yield made("P4", errors.OVER_BALANCE, "more than there is", rich, **large)
    yield made("P5", errors.OVER_HOPS, "value of level 9", REQUEST, "alice with worn value")
    account = world.certificate("account", certificates.ACCOUNT)
    back = request_of(key=world.key_of("account"), signer=account.hash)
    note = "value of level 9 back to an operator"
    yield made("P5", OK, note, back, "alice with worn value", certificate=account.raw)


def payees() -> dict[str, book.Book]:
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


def received(wallet: book.Book, certificate: bytes, payment: bytes, request: bytes | None) -> bytes:
    """What a payee answers a payment with, committed."""
    reply, step = payee.receive(wallet, certificate, payment, request)
    return wallet.apply(step) if step is not None else reply or b""


def hash_of(request: bytes) -> bytes:
    """A request's hash."""
    return messages.read_request(request, world.NETWORK).hash


def payment_of(name: str = "alice", request: bytes = REQUEST, **parts: Any) -> bytes:
    """A payment as a payer may sign it that keeps no rules."""
    signer = parts.pop("signer", world.certificate(name).hash)
    key = parts.pop("key", world.key_of(name))
    fields = {"sequence": 1, "request": hash_of(request), "amount": 500, "purse": 0, "hop": 1}
    body = list((fields | {"epoch": 1, "version": 1} | parts).values())
    return world.forge(cose.PAYMENT, body, key, signer)


def payments() -> Iterator[Vector]:
    """Payments at a payee: refused, or answered by one receipt or void, byte for byte."""
    scenes = payees()

    def made(
        rule: str, sw: int, note: str, payment: bytes, scene: str = "bob", **parts: Any
    ) -> Vector:
        parts = {"certificate": world.certificate("alice").raw, "request": None} | parts
        wallet = copy(scenes[scene])
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


def outcomes() -> Iterator[Vector]:
    """Receipts and voids at a payer, and the state they leave."""
    scenes = payers()
    paid = scenes["alice who paid"].pending()[0]
    request_hash, payment_hash = paid[book.REQUEST_HASH], paid[book.PAYMENT_HASH]
    bob_hash, bob_key = world.certificate("bob").hash, world.key_of("bob")
    receipt, void = [payment_hash, 0, 1], [request_hash, payment_hash, 0, 1]

    def made(
        rule: str,
        kind: int,
        sw: int,
        note: str,
        body: list,
        key: cose.SigningKey = bob_key,
        signer: bytes = bob_hash,
    ) -> Vector:
        raw = world.forge(kind, body, key, signer)
        wallet = copy(scenes["alice who paid"])
        state = {}
        if sw == OK:
            step = payer.resolve(wallet, raw)
            if step is not None:
                wallet.apply(step)
            state = {"state": wallet.state.encode()}
        name = "receipt" if kind == cose.RECEIPT else "void"
        return vector(rule, name, sw, note, scene="alice who paid", input=raw, **state)

    for kind, good in ((cose.RECEIPT, receipt), (cose.VOID, void)):
        yield made("O1", kind, OK, "as it should be", good)
        stranger = [*good[:-3], NAME, 0, 1]
        yield made("O2", kind, errors.UNKNOWN_PAYMENT, "another payment", stranger)
        yield made("O2", kind, errors.BAD_SIGNATURE, "forged", good, SIGNER)
        yield made("O2", kind, errors.WRONG_SIGNER, "another signer is named", good, signer=NAME)
        yield made("O2", kind, errors.MALFORMED, "a position too large", [*good[:-2], 2**30, 1])
    other = [NAME, payment_hash, 0, 1]
    yield made("O2", cose.VOID, errors.UNKNOWN_PAYMENT, "another request", other)
    yield made("O2", cose.RECEIPT, errors.BAD_SIGNATURE, "a receipt's body as a void", void)
    yield made("O2", cose.VOID, errors.BAD_SIGNATURE, "a void's body as a receipt", receipt)
