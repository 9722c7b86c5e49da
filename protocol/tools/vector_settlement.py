"""Vectors of settlements: whose, of what, and what a wallet is afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import taps
import vector_world as world
from vector_world import OK, Vector, copy, vector

from jiaozi.operator import issue
from jiaozi.wallet import book, payer, settle
from jiaozi.wallet.store_keys import STATE_KEY
from jiaozi.wire import certificates, cose, errors
from jiaozi.wire.journal import PAYMENT_HASH

SCENE = "alice with a pending payment"
SPENT, PURSES = "alice at her limits", "alice with purses"
ACCOUNT, STALE = "an operator's account", "alice who has not synced for long"
LAST, EXPIRED = "alice who paid, in the request's last epoch", "alice who paid, an epoch later"
LOST, BACK = "alice, a payment without outcome, an epoch later", "alice refunded, an epoch later"
ANSWERED, GIVEN_UP = "bob who was paid, an epoch later", "bob with requests, an epoch later"
ALIVE, LIVES = "bob who was paid, in time", "bob with an old request that lives longer"
ENDING = "bob with requests, in their last epoch"
TAKEN = "bob who was paid a newer request"
NONCE = bytes(range(16))
MISMATCH = errors.SETTLEMENT_MISMATCH
LIFETIME = 3  # epochs, of requests that outlive newer ones
PAYER = world.certificate("alice")
BOB = world.certificate("bob").raw


def scenes() -> dict[str, book.Book]:
    """Wallets to be settled."""
    alice, bob = world.wallet("alice", [0, 300, 700]), world.wallet("bob")
    world.answer(alice, bob, world.ask(bob, 500), 500)
    receipted, refunded = taps.resolved(cose.RECEIPT), taps.resolved(cose.VOID)
    return {
        SCENE: alice,
        SPENT: spent(),
        PURSES: purses(),
        ACCOUNT: account(),
        STALE: world.wallet("alice", [0, 0, 0, 5], at=90),
        LAST: taps.later(copy(receipted), world.epoch(2)),
        EXPIRED: taps.later(receipted, world.epoch(3)),
        LOST: taps.later(taps.paid(), world.epoch(3)),
        BACK: taps.later(refunded, world.epoch(3)),
        ANSWERED: taps.later(answered(), world.epoch(3)),
        GIVEN_UP: taps.later(taps.bob(), world.epoch(3)),
        ALIVE: answered(),
        ENDING: taps.later(taps.bob(), world.epoch(2)),
        LIVES: lives(False),
        TAKEN: lives(True),
    }


def spent() -> book.Book:
    """A payer whose payments, one of them not confirmed, have come to all its limits."""
    made = taps.alice([0, 400, 300, 0, 300], offline_count=2, offline_total=700)
    for number, amount, confirmed in ((7, 500, False), (8, 200, True)):
        request = taps.request_of(number=number, amount=amount)
        order = payer.read_order(made, BOB, request)
        payer.check(made, order, amount)
        made.apply(payer.pay(made, order, amount, confirmed))
    return made


def purses() -> book.Book:
    """A wallet with money of two purses, one of them empty; their terms are settled long ago."""
    made = world.wallet("alice", [0, 10, 20])
    state = made.state.copy()
    state.purses = {7: [0, 5, 0, 6], 9: [0, 0]}
    made.apply(book.Step(state))
    return made


def account() -> book.Book:
    """An account that has paid."""
    made = world.wallet("alice", [600, 400], form=certificates.ACCOUNT)
    world.answer(made, taps.bob(), taps.REQUEST, 500)
    return made


def answered() -> book.Book:
    """A payee that was paid its first request."""
    made = taps.bob()
    taps.received(made, PAYER.raw, taps.payment_of(), None)
    return made


def lives(paid: bool) -> book.Book:
    """A payee whose first request outlives the second, made under a policy with shorter ones."""
    made = world.wallet("bob", request_lifetime=LIFETIME)
    world.ask(made, 500)
    made = taps.later(made, None, version=2, request_lifetime=0)
    world.ask(made, 900)
    if paid:
        payment = taps.payment_of(request=list(made.open.values())[1].raw, amount=900)
        taps.received(made, PAYER.raw, payment, None)
    return taps.later(made, world.epoch(2))


def made(rule: str, sw: int, note: str, body: object, **parts: Any) -> Vector:
    """A settlement by the operator, correct but for the parts given."""
    key, by = parts.pop("key", world.key_of("operator")), parts.pop("by", world.OPERATOR.hash)
    raw = world.forge(parts.pop("kind", cose.SETTLEMENT), body, key, by, **parts)
    found = {}
    if sw == OK:
        alice = scenes()[SCENE]
        found = {"state": settle.settle(alice, raw, NONCE)[STATE_KEY]}
    return vector(rule, "settlement", sw, note, scene=SCENE, input=raw, nonce=NONCE, **found)


def left(
    rule: str,
    sw: int,
    note: str,
    scene: str,
    *,
    paid: tuple[bytes, bytes, bytes] | None = None,
    asked: tuple[bytes, bytes] | None = None,
    closed: bool = False,
) -> Vector:
    """What a settlement leaves, and what then comes of a payment or a request met before."""
    wallet = WALLETS[scene]
    state = wallet.state
    hashes = [entry[PAYMENT_HASH] for entry in wallet.pending()] if closed else []
    place = (wallet.me.hash, NONCE, state.position, state.head)
    raw = issue.make_settlement(
        *place, world.key_of("operator"), world.OPERATOR, world.NETWORK, hashes
    )
    given: dict[str, Any] = {"scene": scene, "input": raw, "nonce": NONCE}
    if paid:
        given["paid"] = [one.hex() for one in paid]
    if asked:
        given["asked"] = [one.hex() for one in asked]
    if sw != OK:
        return vector(rule, "settlement", sw, note, **given)
    after = copy(wallet)
    after.store.commit(settle.settle(after, raw, NONCE))
    after = book.Book(after.store)
    given["state"] = after.state.encode()
    given["kept"] = [after.positions(), sorted(one.number for one in after.open.values())]
    if paid:
        given["answer"] = taps.received(after, *paid)
    if asked:
        order = payer.read_order(after, *asked)
        given["answer"] = payer.recall(after, order) or after.apply(
            payer.pay(after, order, order.request.amount, True)
        )
    return vector(rule, "settlement", sw, note, **given)


WALLETS: dict[str, book.Book] = {}


def vectors() -> Iterator[Vector]:
    """Settlements."""
    WALLETS.update(scenes())
    alice = scenes()[SCENE]
    state, me = alice.state, alice.me.hash
    head, (paid,) = state.head, [entry[PAYMENT_HASH] for entry in alice.pending()]
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
    yield from anew()
    yield from forgotten()
    yield from floors()


def anew() -> Iterator[Vector]:
    """Counters and levels (N3)."""
    yield left("N3", OK, "counters at their limits, value of four levels", SPENT)
    note = "what was at its limit pays again"
    yield left("N3", OK, note, SPENT, asked=(BOB, taps.request_of(number=9, amount=200)))
    yield left("N3", OK, "what is closed comes back as level 1", SPENT, closed=True)
    yield left("N3", OK, "purses keep their money apart, and one without any goes", PURSES)
    yield left("N3", OK, "an account's value is of level 0", ACCOUNT)
    note = "who was overdue pays"
    fresh = taps.request_of(number=9, amount=5, expiry=91)
    yield left("N3", OK, note, STALE, asked=(BOB, fresh))


def forgotten() -> Iterator[Vector]:
    """What is kept, and what goes (N4)."""
    asked, expired = (BOB, taps.REQUEST), errors.REQUEST_EXPIRED
    note = "kept in the request's last epoch: the same answer"
    yield left("N4", OK, note, LAST, asked=asked)
    yield left("N4", OK, "payment and receipt go an epoch later", EXPIRED)
    yield left("N4", OK, "payment and refund go an epoch later", BACK)
    note = "a payment without outcome stays: the same answer"
    yield left("N4", OK, note, LOST, asked=asked)
    note = "a payment that this settlement closes stays until the next"
    yield left("N4", OK, note, LOST, closed=True)
    paid = (PAYER.raw, taps.payment_of(), taps.REQUEST)
    note = "an answer stays while its request is alive: the same receipt"
    yield left("N4", OK, note, ALIVE, paid=paid)
    note = "a payment that has gone is not made anew"
    yield left("N4", expired, note, EXPIRED, asked=asked)
    yield left("N4", expired, "nor one that was refunded", BACK, asked=asked)
    note = "one that is closed and kept is told from one that has gone"
    yield left("N4", errors.REQUEST_CLOSED, note, LOST, asked=asked, closed=True)


def floors() -> Iterator[Vector]:
    """The floor of requests (N5)."""
    closed = errors.REQUEST_CLOSED
    first = (PAYER.raw, taps.payment_of(), taps.REQUEST)
    second = (PAYER.raw, taps.payment_of(request=taps.OPEN_REQUEST), taps.OPEN_REQUEST)
    yield left("N5", OK, "above an answer that has gone", ANSWERED)
    yield left("N5", OK, "above requests that nobody has paid", GIVEN_UP)
    yield left("N5", OK, "not above requests that are alive", ALIVE)
    note = "not above requests in their last epoch: one is credited"
    yield left("N5", OK, note, ENDING, paid=first)
    old = list(WALLETS[LIVES].open.values())
    older = (PAYER.raw, taps.payment_of(request=old[0].raw), old[0].raw)
    newer = (PAYER.raw, taps.payment_of(request=old[1].raw, amount=900), old[1].raw)
    note = "below an old request that lives longer than a newer one: it is credited"
    yield left("N5", OK, note, LIVES, paid=older)
    note = "the answer for a newer one, expired, stays with it: the same receipt"
    yield left("N5", OK, note, TAKEN, paid=newer)
    yield left("N5", closed, "a payment credited and forgotten", ANSWERED, paid=first)
    note = "a payment for the other request, whose place was given up"
    yield left("N5", closed, note, ANSWERED, paid=second)
    another = taps.payment_of(sequence=2)
    note = "another payment for a request credited and forgotten"
    yield left("N5", closed, note, ANSWERED, paid=(PAYER.raw, another, taps.REQUEST))
    note = "the first payment for a request whose place was given up"
    yield left("N5", closed, note, GIVEN_UP, paid=first)


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
