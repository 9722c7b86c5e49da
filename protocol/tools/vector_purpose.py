"""Vectors of purses with terms: which one pays, what comes into one, and what goes back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bound
import taps
import vector_world as world
from bound import ABROAD, ACCOUNT, CAP, EPOCH, EXPIRY, NUMBER, OTHER, RIVAL, SEEDS, SHOP, STORE
from vector_world import OK, Vector, copy, vector

from jiaozi.operator import issue
from jiaozi.wallet import book, payer, settle
from jiaozi.wire import certificates, cose, errors
from jiaozi.wire.journal import PAYMENT_HASH, REQUEST_HASH

ANY = [1]
BOTH = [0, 1]
NONCE = bytes(range(16))
KEYS = {
    ACCOUNT.hash: "account",
    RIVAL.hash: "other account",
    ABROAD.hash: "other shop",
    STORE.hash: "shop",
}
ONE, LATE, LAST = "alice with a purse", "alice past its expiry", "alice in its last epoch"
TWO, FIRST = "alice with two purses", "alice with two purses, little in the first to expire"
EQUAL = "alice with two purses that expire together"
NARROW = "alice, asked for everything, 1.00 at most"
NARROW_LATE = "alice, asked for everything, 1.00 at most, past the expiry"
FUNDED, FUNDED_LATE = "alice who asks for money for her purse", "the same past its expiry"
GENERAL, UNNAMED = "alice who asks for general money", "a shop that asks for both"
PLAIN = "a person who asks for money"
SPENT, EMPTY = "alice who has paid from her purse", "alice past the expiry of an empty purse"
AWAITED = "alice past the expiry, a payment from the purse without outcome"
GONE, KEPT = "alice after her terms have gone", "alice whose terms a payment has kept"
WIDER = "alice with a purse that another operator's shops may take"
ALONE = "alice who may pay nobody offline, and no level"
LASTING = "alice with an empty purse in its last epoch"


def scenes() -> dict[str, book.Book]:
    """Wallets with purses, and a shop."""
    two = {"held": {NUMBER: 800, OTHER: 800}}
    asked = {"single": 100, "unconfirmed_single": 0}
    awaited = taps.later(spent(all_of_it=True), bound.epoch(EXPIRY + 1))
    return {
        ONE: bound.alice(),
        LAST: bound.alice(at=EXPIRY),
        WIDER: bound.alice(operators=[bound.SECOND.id]),
        ALONE: bound.alice(offline_count=0, hops=0),
        LATE: bound.alice(at=EXPIRY + 1),
        TWO: bound.alice(700, expiry={NUMBER: 8, OTHER: 7}, **two),
        FIRST: bound.alice(expiry={NUMBER: 8, OTHER: 7}, held={NUMBER: 800, OTHER: 499}),
        EQUAL: bound.alice(expiry={}, **two),
        NARROW: bound.alice(**asked),
        NARROW_LATE: bound.alice(at=EXPIRY + 1, **asked),
        FUNDED: bound.asking(NUMBER, request_lifetime=5),
        FUNDED_LATE: taps.later(bound.asking(NUMBER, request_lifetime=5), bound.epoch(EXPIRY + 1)),
        GENERAL: bound.asking(0, request_lifetime=5),
        UNNAMED: shop(),
        PLAIN: shop(0),
        SPENT: spent(),
        EMPTY: bound.alice(held={NUMBER: 0}, at=EXPIRY + 1),
        AWAITED: awaited,
        GONE: bound.finished(bound.alice(held={NUMBER: 0}, at=EXPIRY + 1)),
        KEPT: bound.finished(copy(awaited)),
        LASTING: bound.alice(held={NUMBER: 0}, at=EXPIRY),
    }


def spent(all_of_it: bool = False) -> book.Book:
    """A payer whose payment to the shop came from its purse."""
    made = bound.alice(held={NUMBER: 500 if all_of_it else 3000})
    paying(made, STORE, bound.request_by(STORE, "shop", BOTH), 500, True)
    return made


def shop(category: int = SHOP) -> book.Book:
    """A payee with a request open."""
    made = world.wallet("shop", at=EPOCH, category=category)
    world.ask(made, 500)
    return made


def paying(
    giver: book.Book, payee: certificates.Certificate, request: bytes, amount: int, confirmed: bool
) -> bytes:
    """The answer to a request."""
    order = payer.read_order(giver, payee.raw, request)
    payer.check(giver, order, amount)
    return giver.apply(payer.pay(giver, order, amount, confirmed))


WALLETS: dict[str, book.Book] = {}


def pays(
    rule: str,
    sw: int,
    note: str,
    purses: list[int],
    scene: str = ONE,
    *,
    amount: int = 500,
    payee: certificates.Certificate = STORE,
    confirmed: bool = True,
) -> Vector:
    """A request that takes some purses."""
    request = bound.request_by(payee, KEYS.get(payee.hash, "shop"), purses, amount)
    given = {"certificate": payee.raw, "amount": amount, "confirmed": confirmed}
    if sw == OK:
        wallet = copy(WALLETS[scene])
        given["answer"] = paying(wallet, payee, request, amount, confirmed)
        given["state"] = wallet.state.encode()
    return vector(rule, "request", sw, note, scene=scene, input=request, **given)


def paid(
    rule: str,
    sw: int,
    note: str,
    purse: int,
    scene: str = FUNDED,
    by: certificates.Certificate = ACCOUNT,
    **parts: Any,
) -> Vector:
    """A payment that names a purse, for the request that a wallet has open."""
    wallet = copy(WALLETS[scene])
    asked = next(iter(wallet.open.values())).raw
    name = KEYS.get(by.hash, "friend")
    fields = {"purse": purse, "hop": 0, "epoch": EPOCH, "signer": by.hash} | parts
    payment = taps.payment_of(name, asked, **fields)
    given: dict[str, Any] = {"certificate": by.raw, "request": None}
    if sw == OK:
        given["answer"] = taps.received(wallet, by.raw, payment, None)
        given["credited"] = wallet.state.balance
        given["state"] = wallet.state.encode()
    return vector(rule, "payment", sw, note, scene=scene, input=payment, **given)


def vectors() -> Iterator[Vector]:
    """Purposes."""
    WALLETS.update(scenes())
    yield from kept()
    yield from funding()
    yield from permitting()
    yield from accounts()
    yield from choosing()
    yield from arriving()
    yield from returning()


def settled(note: str, scene: str) -> Vector:
    """A settlement, and which entries it leaves."""
    wallet = copy(WALLETS[scene])
    state = wallet.state
    place = (wallet.me.hash, NONCE, state.position, state.head)
    raw = issue.make_settlement(*place, world.key_of("operator"), world.OPERATOR, world.NETWORK)
    wallet.store.commit(settle.settle(wallet, raw, NONCE))
    after = book.Book(wallet.store)
    found = {"state": after.state.encode(), "kept": [after.positions(), []]}
    return vector("T3", "settlement", OK, note, scene=scene, input=raw, nonce=NONCE, **found)


def kept() -> Iterator[Vector]:
    """How long terms are kept (T3)."""
    yield settled("they go: expired, and the purse is empty", EMPTY)
    yield settled("they stay in their last epoch", LASTING)
    yield settled("they stay while there is money in the purse", LATE)
    yield settled("they stay while a void may bring money back", AWAITED)
    note = "after they have gone a request for the purse is for none of the wallet's"
    yield pays("T3", errors.PURSE_REFUSED, note, [NUMBER], GONE, amount=100)
    note = "while they are kept it is for one that does not permit it"
    yield pays("T3", errors.TERMS_REFUSED, note, [NUMBER], KEPT, amount=100)


def funding() -> Iterator[Vector]:
    """What comes into a purse (T4)."""
    yield paid("T4", OK, "from its funder's account", NUMBER)
    for note, purse, scene, who in (
        ("from an account of another operator: void", NUMBER, FUNDED, RIVAL),
        ("past the expiry by the wallet's epoch: void", NUMBER, FUNDED_LATE, ACCOUNT),
    ):
        yield paid("T4", OK, note, purse, scene, who)
    for note, purse, scene, who in (
        ("general money for it", 0, FUNDED, ACCOUNT),
        ("for another purse than asked", OTHER, FUNDED, ACCOUNT),
        ("for a purse, when general money was asked for", NUMBER, GENERAL, ACCOUNT),
    ):
        yield paid("T4", errors.PURSE_REFUSED, note, purse, scene, who)
    rogue = {"key": taps.SIGNER}
    note = "in the name of the funder's account"
    yield paid("T4", errors.BAD_SIGNATURE, note, NUMBER, **rogue)


def permitting() -> Iterator[Vector]:
    """Where a purse pays (T5)."""
    no = errors.TERMS_REFUSED
    yield pays("T5", OK, "to its category, the whole cap", ANY, amount=CAP)
    yield pays("T5", OK, "in its last epoch", ANY, LAST)
    yield pays("T5", no, "a fen above the cap", ANY, amount=CAP + 1)
    seeds = world.certificate("shop", category=SEEDS)
    yield pays("T5", no, "to another category", ANY, payee=seeds)
    person = world.certificate("shop")
    yield pays("T5", no, "to who has no category", ANY, payee=person)
    yield pays("T5", no, "past its expiry", ANY, LATE)
    yield pays("T5", no, "to its category, certified by another operator", ANY, payee=ABROAD)
    note = "to its category, certified by an operator that the terms name"
    yield pays("T5", OK, note, ANY, WIDER, payee=ABROAD)
    note = "general money pays where the terms do not permit it"
    yield pays("T5", OK, note, BOTH, payee=seeds)
    note = "general money is not enough where the terms do not permit it"
    yield pays("T5", errors.OVER_BALANCE, note, BOTH, LATE, amount=1001)
    yield pays("T5", errors.OVER_SINGLE, "above one payment, within the cap", ANY, NARROW)


def accounts() -> Iterator[Vector]:
    """Accounts that are paid beyond the offline limits (P10)."""
    yield pays("P10", OK, "the account of the wallet's own operator", [0], ALONE, payee=ACCOUNT)
    yield pays("P10", OK, "the funder's account, from its purse", [NUMBER], ALONE, payee=ACCOUNT)
    no = errors.OVER_OFFLINE_COUNT
    yield pays("P10", no, "the account of another operator", [0], ALONE, payee=RIVAL)
    yield pays("P10", no, "a shop, from a purse", ANY, ALONE)


def choosing() -> Iterator[Vector]:
    """Which purse pays (T6)."""
    yield pays("T6", OK, "a purse before general money", BOTH)
    yield pays("T6", OK, "of two the first to expire", BOTH, TWO)
    yield pays("T6", OK, "of two that expire together the lower number", BOTH, EQUAL)
    yield pays("T6", OK, "the other one, when the first holds too little", BOTH, FIRST)
    yield pays("T6", OK, "the one that the request names", [NUMBER], TWO)
    yield pays("T6", OK, "general money, when the request takes no other", [0], TWO)
    note = "general money, when no purse holds enough"
    yield pays("T6", OK, note, BOTH, FIRST, amount=900)
    note = "two purses hold it together"
    yield pays("T6", errors.TERMS_REFUSED, note, ANY, TWO, amount=801)
    note = "a purse and general money hold it together"
    yield pays("T6", errors.OVER_BALANCE, note, BOTH, TWO, amount=801)
    note = "a purse that the wallet does not have"
    yield pays("T6", errors.PURSE_REFUSED, note, [OTHER])
    note = "general money is enough, but is not taken"
    yield pays("T6", errors.TERMS_REFUSED, note, [NUMBER], LATE)


def arriving() -> Iterator[Vector]:
    """What the payee credits, and what a void brings back (T7)."""
    friend = world.certificate("friend")
    yield paid("T7", OK, "a shop credits general money", NUMBER, UNNAMED, friend, hop=1)
    note = "from another wallet's purse of the number that is asked for: general money"
    yield paid("T7", OK, note, NUMBER, FUNDED, friend)
    note = "who has no category takes general money alone"
    yield paid("T7", errors.PURSE_REFUSED, note, NUMBER, PLAIN, friend, hop=1)
    (entry,) = WALLETS[SPENT].pending()
    request, payment = entry[REQUEST_HASH], entry[PAYMENT_HASH]
    yield outcome(OK, "a void: back into the purse", cose.VOID, [request, payment, 0, EPOCH])
    yield outcome(OK, "a receipt: it stays away", cose.RECEIPT, [payment, 0, EPOCH])
    unknown = errors.UNKNOWN_PAYMENT
    note = "a void of another request"
    yield outcome(unknown, note, cose.VOID, [bytes(32), payment, 0, EPOCH])
    note = "a void by the funder, who was not paid"
    forged = {"key": world.key_of("account"), "by": ACCOUNT.hash}
    body = [request, payment, 0, EPOCH]
    yield outcome(errors.WRONG_SIGNER, note, cose.VOID, body, **forged)


def outcome(sw: int, note: str, kind: int, body: list[Any], **parts: Any) -> Vector:
    """What the shop answers `alice who has paid from her purse`."""
    raw = world.forge(
        kind, body, parts.get("key", world.key_of("shop")), parts.get("by", STORE.hash)
    )
    found = {}
    if sw == OK:
        wallet = copy(WALLETS[SPENT])
        step = payer.resolve(wallet, raw)
        if step is not None:
            wallet.apply(step)
        found["state"] = wallet.state.encode()
    name = "void" if kind == cose.VOID else "receipt"
    return vector("T7", name, sw, note, scene=SPENT, input=raw, **found)


def returning() -> Iterator[Vector]:
    """What goes back to the funder (T8)."""
    back: dict[str, Any] = {"payee": ACCOUNT}
    note = "past its expiry: all of it, unasked, above one payment"
    unasked = {"confirmed": False}
    yield pays("T8", OK, note, [NUMBER], NARROW_LATE, amount=3000, **back, **unasked)
    note = "before its expiry, confirmed, above the cap"
    yield pays("T8", OK, note, [NUMBER], amount=CAP + 1, **back)
    note = "before its expiry, unasked"
    needed = errors.CONSENT_NEEDED
    yield pays("T8", needed, note, [NUMBER], NARROW, amount=100, **back, **unasked)
    note = "before its expiry, above one payment"
    yield pays("T8", errors.OVER_SINGLE, note, [NUMBER], NARROW, amount=101, **back)
    note = "past its expiry, to an account of another operator"
    yield pays("T8", errors.TERMS_REFUSED, note, [NUMBER], LATE, payee=RIVAL)
    note = "general money past the expiry of a purse, unasked"
    yield pays("T8", needed, note, [0], NARROW_LATE, amount=100, **back, **unasked)
