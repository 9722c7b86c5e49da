"""Vectors of epochs and policies that come to a wallet as commands, between and within taps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import taps
import vector_world as world
from vector_apdu import BOB, SELECT, command, hash_of_bob, receipt
from vector_world import OK, Vector, vector

from _jzcbor import dumps
from jiaozi.wallet import book
from jiaozi.wallet.store_keys import EPOCH_KEY, OPERATORS_KEY
from jiaozi.wire import certificates, commands, cose, errors
from jiaozi.wire.epochs import LONGEST_EPOCH
from jiaozi.wire.journal import PAYMENT_HASH, PAYMENT_RAW, REQUEST_HASH, REQUEST_RAW

ALICE, PAID, ASKED, TAKER = "alice", "alice who paid", "alice, never unasked", "bob"
REVOKED, REVOKED_PAID = "alice, revoked", "alice who paid, then was revoked"
REVOKED_TAKER, FAR = "bob, revoked", "alice with a long epoch"
ME = world.certificate("alice")
OPERATORS = [one.hash for one in world.OPERATORS]
PAY = command(commands.PAY, dumps([BOB, taps.REQUEST]))
LATER = command(commands.EPOCH, world.epoch(2))
ASK = command(commands.EPOCH)
MALFORMED = errors.MALFORMED


def long_epoch(length: int, number: int = 70_000) -> bytes:
    """An epoch of so many bytes: each revoked wallet takes nine, an operator's hash 34."""
    for hashes in range(9):
        valid = OPERATORS + [bytes([at]) * 32 for at in range(hashes)]
        rest = length - len(world.epoch(number, [bytes(8)] * 100, valid))
        if rest % 9 == 0:
            revoked = [b"REV" + at.to_bytes(5, "big") for at in range(100 + rest // 9)]
            return world.epoch(number, revoked, valid)
    raise ValueError(f"no epoch has {length} bytes")


def update(epoch: bytes, operators: tuple[bytes, ...] = (), **limits: Any) -> bytes:
    """UPDATE: an epoch, and a policy with other limits if there are any."""
    policy = world.policy(**({"version": 2} | limits if limits else {}))
    return command(commands.UPDATE, dumps([list(operators), policy, epoch]))


def scenes() -> dict[str, book.Book]:
    """Wallets that learn something."""
    out = world.epoch(1, [ME.id, world.certificate("bob").id])
    return {
        ALICE: taps.alice(),
        PAID: taps.paid(),
        ASKED: taps.alice(unconfirmed_count=0),
        TAKER: taps.bob(),
        REVOKED: taps.later(taps.alice(), out),
        REVOKED_PAID: taps.later(taps.paid(), out),
        REVOKED_TAKER: taps.later(taps.bob(), out),
        FAR: taps.later(taps.alice(), long_epoch(LONGEST_EPOCH + 1)),
    }


def made(rule: str, sw: int, note: str, raw: bytes, scene: str = ALICE, **parts: Any) -> Vector:
    """A command, after SELECT and what else came before it."""
    first = parts.pop("before", [])
    before = [SELECT.hex(), *[one if isinstance(one, str) else one.hex() for one in first]]
    return vector(rule, "apdu", sw, note, scene=scene, before=before, input=raw, **parts)


def vectors() -> Iterator[Vector]:
    """What is learnt, and when."""
    yield from between()
    yield from lengths()
    yield from revoked()
    yield from operators()
    yield from committed()
    yield from policies()


def void() -> bytes:
    """Bob's void for the payment of `alice who paid`."""
    entry = taps.paid().pending()[0]
    body = [entry[REQUEST_HASH], entry[PAYMENT_HASH], 0, 1]
    return world.forge(cose.VOID, body, world.key_of("bob"), hash_of_bob())


def between() -> Iterator[Vector]:
    """Epochs change between transactions (F2)."""
    taken, busy = {"answer": b""}, errors.BUSY
    outcome = [PAY, command(commands.RESOLVE, receipt())]
    yield made("F2", OK, "a newer epoch", LATER, **taken)
    yield made("F2", OK, "after the receipt", LATER, before=outcome, **taken)
    back = [PAY, command(commands.RESOLVE, void())]
    yield made("F2", OK, "after the void", LATER, before=back, **taken)
    note = "in the next contact, the payment still without its outcome"
    yield made("F2", OK, note, LATER, PAID, **taken)
    gone = world.epoch(2)
    yield made("F2", OK, "the reader learns it", ASK, before=[LATER], answer=gone)
    note = "the epoch in force is told within a transaction, too"
    yield made("F2", OK, note, ASK, before=[PAY], answer=world.epoch(1))
    yield made("F2", busy, "a payment has left without its outcome", LATER, before=[PAY])
    note = "its outcome was refused"
    forged = command(commands.RESOLVE, receipt()[:-1] + b"\x00")
    yield made("F2", busy, note, LATER, before=[PAY, forged])
    yield made("F2", busy, "while a person is asked", LATER, ASKED, before=[PAY])
    note = "while a person is asked, in another contact"
    yield made("F2", busy, note, LATER, ASKED, before=[PAY, SELECT])
    older = errors.EPOCH_OLDER
    yield made("F2", older, "an epoch older than the wallet's", LATER, FAR)
    note = "the epoch before the one just learnt"
    first = command(commands.EPOCH, world.epoch(1))
    yield made("F2", older, note, first, before=[LATER])


def lengths() -> Iterator[Vector]:
    """How long an epoch may be (F5)."""
    most = LONGEST_EPOCH
    good, bad = long_epoch(most), long_epoch(most + 1)
    note = f"an epoch of {most} bytes"
    yield made("F5", OK, note, command(commands.EPOCH, good), answer=b"")
    yield made("F5", OK, "a longer one at sync", update(bad), operator=True, answer=b"")
    note = "a long one is told to who asks"
    yield made("F5", OK, note, ASK, FAR, answer=bad)
    yield made("F5", MALFORMED, f"an epoch of {most + 1} bytes", command(commands.EPOCH, bad))
    note = "a long one, even if it is the one in force"
    yield made("F5", MALFORMED, note, command(commands.EPOCH, bad), FAR)
    note = "a long one in the operator's channel, but not by UPDATE"
    raw = command(commands.EPOCH, long_epoch(most + 9))
    yield made("F5", MALFORMED, note, raw, operator=True)


def revoked() -> Iterator[Vector]:
    """What who is revoked still does (F6)."""
    no = errors.REVOKED
    stored = dumps([taps.paid().pending()[0][PAYMENT_RAW]])
    yield made("F6", OK, "it repeats a payment", PAY, REVOKED_PAID, answer=stored)
    entry = taps.paid().pending()[0]
    other = command(commands.PAY, dumps([BOB, taps.OPEN_REQUEST]))
    both = dumps([entry[PAYMENT_RAW], entry[REQUEST_RAW]])
    note = "it resends one without outcome for another request of that payee"
    yield made("F6", OK, note, other, REVOKED_PAID, answer=both)
    raw = command(commands.RESOLVE, receipt())
    yield made("F6", OK, "it takes a receipt", raw, REVOKED_PAID, answer=b"")
    raw = command(commands.RESOLVE, void())
    yield made("F6", OK, "it takes a void", raw, REVOKED_PAID, answer=b"")
    for note, expiry in (("it credits and receipts", 100), ("it voids", 0)):
        carol = world.certificate("carol", expiry=expiry)
        payment = taps.payment_of("carol", signer=carol.hash)
        answer = taps.received(taps.bob(), carol.raw, payment, None)
        raw = command(commands.PAYMENT, dumps([carol.raw, payment]))
        yield made("F6", OK, note, raw, REVOKED_TAKER, answer=answer)
    yield made("F6", no, "a new payment", PAY, REVOKED)
    learnt = [command(commands.EPOCH, world.epoch(2, [ME.id]))]
    note = "a new payment, right after it has learnt of it"
    yield made("F6", no, note, PAY, before=learnt)
    account = world.certificate("account", certificates.ACCOUNT)
    request = taps.request_of("account", signer=account.hash)
    raw = command(commands.PAY, dumps([account.raw, request]))
    yield made("F6", no, "a new payment to the operator's account", raw, REVOKED)
    ended = [command(commands.RESOLVE, receipt())]
    note = "a new payment, once the one before has its outcome"
    raw = command(commands.PAY, dumps([BOB, taps.request_of(number=9)]))
    yield made("F6", no, note, raw, REVOKED_PAID, before=ended)


NEW = world.new_operator("second", "CNY")


CLAIMS = ["CNY", 1000]


def customer(by: str, issuer: certificates.Certificate) -> tuple[bytes, bytes]:
    """Certificate and payment of a wallet of an operator."""
    key = world.key_of("customer")
    body = (cose.WALLET, b"CUSTOMER", key.public, [certificates.CARD, 3, 0, 100])
    who = certificates.issue(*body, world.key_of(by), issuer, world.NETWORK)
    return who.raw, taps.payment_of("customer", key=key, signer=who.hash)


def answered(epoch: bytes, parts: tuple[bytes, bytes]) -> bytes:
    """What bob answers a customer in an epoch, knowing all operators."""
    wallet = taps.bob()
    known = [one.raw for one in [*world.OPERATORS, NEW]]
    wallet.store.commit({OPERATORS_KEY: dumps(known), EPOCH_KEY: epoch})
    return taps.received(book.Book(wallet.store), *parts, None)


def operators() -> Iterator[Vector]:
    """Operators are only added (L2)."""
    parts, dollars = customer("second", NEW), customer("foreign", world.FOREIGN)
    raw = command(commands.PAYMENT, dumps(list(parts)))
    inside = {"scene": TAKER, "operator": True}
    both = world.epoch(2, operators=[*OPERATORS, NEW.hash])
    told = [update(both, (NEW.raw,))]
    gone, alone = world.epoch(3, operators=OPERATORS), world.epoch(3, operators=[NEW.hash])
    for note, before, epoch in (
        ("a new operator's wallet pays", told, both),
        ("it does after an update that names no operator", [*told, update(alone)], alone),
        ("a void for it once the epoch leaves its operator out", [*told, update(gone)], gone),
    ):
        answer = answered(epoch, parts)
        yield made("L2", OK, note, raw, before=before, answer=answer, **inside)
    last = world.epoch(2, operators=OPERATORS[:1])
    note = "a void for a wallet of an operator known from the start and left out since"
    old = command(commands.PAYMENT, dumps(list(dollars)))
    answer = answered(last, dollars)
    yield made("L2", OK, note, old, before=[update(last)], answer=answer, **inside)
    unknown = errors.UNKNOWN_OPERATOR
    note = "valid by the epoch, its certificate never seen"
    yield made("L2", unknown, note, raw, before=[update(both)], **inside)
    body = (cose.OPERATOR, b"SECOND..", world.key_of("second").public, CLAIMS)
    rogue, operator = world.key_of("rogue"), world.key_of("operator")
    forged = certificates.issue(*body, rogue, world.AUTHORITY, world.NETWORK).raw
    child = certificates.issue(*body, operator, world.OPERATOR, world.NETWORK).raw
    wrong = errors.BAD_SIGNATURE
    note = "one that the authority has not signed"
    yield made("L2", wrong, note, update(both, (forged,)), **inside)
    note = "one that another operator has signed"
    yield made("L2", errors.WRONG_SIGNER, note, update(both, (child,)), **inside)
    note = "one that is good beside one that is forged: neither is added"
    yield made("L2", unknown, note, raw, before=[update(both, (NEW.raw, forged))], **inside)


def under(version: int) -> bytes:
    """What alice answers bob's request under the policy of a version."""
    wallet = taps.alice(version=version)
    return dumps([world.answer(wallet, taps.bob(), taps.REQUEST, 500)])


def committed() -> Iterator[Vector]:
    """Limits, epoch and consent are checked at the commit (L3)."""
    inside = {"operator": True}
    narrow = {"single": 0, "offline_count": 0, "offline_total": 0, "hops": 0}
    less = update(world.epoch(2), **narrow)
    wallet = taps.paid()
    stored = dumps([wallet.pending()[0][PAYMENT_RAW]])
    note = "paid, then no limit permits it any more: the same answer"
    yield made("L3", OK, note, PAY, before=[PAY, less], answer=stored, **inside)
    raw = command(commands.RESOLVE, receipt())
    note = "paid, then no limit permits it any more: its receipt is taken"
    yield made("L3", OK, note, raw, before=[PAY, less], answer=b"", **inside)
    note = "confirmed under one policy and committed under a wider one"
    wide = update(world.epoch(1), unconfirmed_count=20)
    asked = {"scene": ASKED, **inside}
    yield made("L3", OK, note, PAY, before=[PAY, "ok", wide], **asked, answer=under(2))
    note = "confirmed, but the policy is narrower at the commit"
    yield made("L3", errors.OVER_SINGLE, note, PAY, before=[PAY, "ok", less], **asked)
    note = "confirmed, but the request has expired at the commit"
    late = update(world.epoch(3), unconfirmed_count=0)
    yield made("L3", errors.REQUEST_EXPIRED, note, PAY, before=[PAY, "ok", late], **asked)
    note = "confirmed, but the payee is revoked at the commit"
    out = update(world.epoch(2, [world.certificate("bob").id]), unconfirmed_count=0)
    yield made("L3", errors.REVOKED, note, PAY, before=[PAY, "ok", out], **asked)
    note = "unasked under the policy before, which asks now"
    ask = update(world.epoch(1), unconfirmed_single=499)
    yield made("L3", errors.CONSENT_NEEDED, note, PAY, before=[ask], **inside)


def policies() -> Iterator[Vector]:
    """Policies change in the operator's channel, which no tap has (L4)."""
    wide = update(world.epoch(1), single=600_000)
    inside = {"operator": True}
    yield made("L4", OK, "in the operator's channel", wide, answer=b"", **inside)
    yield made("L4", errors.CHANNEL_NEEDED, "outside a channel", wide)
    note = "in a channel that is not the operator's"
    yield made("L4", errors.SESSION_NEEDED, note, wide, inside=True)
    note = "outside a channel, a payment without outcome"
    yield made("L4", errors.CHANNEL_NEEDED, note, wide, before=[PAY])
    raw = command(commands.EPOCH, world.policy(version=2))
    yield made("L4", MALFORMED, "in an epoch's place, after a tap", raw)
