"""What vectors of a tap share: wallets in some states, objects by signers that keep no rules."""

from __future__ import annotations

from typing import Any

import vector_world as world

from jiaozi.operator import issue
from jiaozi.wallet import book, payee, payer, settle
from jiaozi.wallet.store_keys import EPOCH_KEY, POLICY_KEY
from jiaozi.wire import cose, messages
from jiaozi.wire.journal import PAYMENT_HASH, REQUEST_HASH

SIGNER = world.key_of("signer")
NAME = bytes(range(32))
MONEY = [0, 100_000]


def alice(money: list[int] | None = None, **parts: Any) -> book.Book:
    """A payer with 1,000.00 of level 1."""
    return world.wallet("alice", MONEY if money is None else money, **parts)


def bob() -> book.Book:
    """A payee with a request over 5.00 open, and one for up to 9.00."""
    made = world.wallet("bob")
    world.ask(made, 500)
    world.ask(made, 0, 900)
    return made


REQUEST = next(iter(bob().open.values())).raw
OPEN_REQUEST = list(bob().open.values())[1].raw


def paid() -> book.Book:
    """A payer that has answered bob's request over 5.00."""
    made = alice()
    world.answer(made, bob(), REQUEST, 500)
    return made


def resolved(kind: int) -> book.Book:
    """The same with the outcome: a receipt or a void."""
    made = paid()
    entry = made.pending()[0]
    body = [entry[PAYMENT_HASH], 0, 1]
    if kind == cose.VOID:
        body.insert(0, entry[REQUEST_HASH])
    raw = world.forge(kind, body, world.key_of("bob"), world.certificate("bob").hash)
    step = payer.resolve(made, raw)
    if step is not None:
        made.apply(step)
    return made


def settled(closed: bool) -> book.Book:
    """The payer that has paid bob, after a settlement that closes the payment or does not."""
    made = paid()
    hashes = [entry[PAYMENT_HASH] for entry in made.pending()] if closed else []
    nonce, state = bytes(16), made.state
    raw = issue.make_settlement(
        made.me.hash,
        nonce,
        state.position,
        state.head,
        world.key_of("operator"),
        world.OPERATOR,
        world.NETWORK,
        hashes,
    )
    made.store.commit(settle.settle(made, raw, nonce))
    return book.Book(made.store)


def later(wallet: book.Book, epoch: bytes | None = None, **limits: Any) -> book.Book:
    """The wallet under another epoch or other limits."""
    changes: dict[int, bytes | None] = {}
    if epoch is not None:
        changes[EPOCH_KEY] = epoch
    if limits:
        changes[POLICY_KEY] = world.policy(**limits)
    wallet.store.commit(changes)
    return book.Book(wallet.store)


def request_of(name: str = "bob", **parts: Any) -> bytes:
    """A request with any body, signed by its payee unless another key is given."""
    signer = parts.pop("signer", world.certificate(name).hash)
    key, forged = parts.pop("key", world.key_of(name)), parts.pop("forged", {})
    fields = {"number": 7, "amount": 500, "ceiling": 0, "currency": "CNY", "purses": [0]}
    body = list((fields | {"expiry": 2} | parts).values())
    return world.forge(cose.REQUEST, body, key, signer, **forged)


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
    key, forged = parts.pop("key", world.key_of(name)), parts.pop("forged", {})
    fields = {"sequence": 1, "asked": hash_of(request), "amount": 500, "purse": 0, "hop": 1}
    body = list((fields | {"epoch": 1, "version": 1} | parts).values())
    return world.forge(cose.PAYMENT, body, key, signer, **forged)
