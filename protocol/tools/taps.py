"""What vectors of a tap share: wallets in some states, objects by signers that keep no rules."""

from __future__ import annotations

from typing import Any

import vector_world as world

from jiaozi import book, cose, messages, payee

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
