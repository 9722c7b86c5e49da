"""Vectors of proofs: what they prove (a kind's number), or nothing (0), or why not authentic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import bound
import taps
import thieves
import vector_world as world
from thieves import Thief
from vector_world import OK, Vector, vector

from _jzcbor import dumps
from jiaozi.operator import evidence
from jiaozi.wire import certificates, cose, errors
from jiaozi.wire.journal import CONFIRMED, OFFLINE, REFUNDED, RESOLVED, UNCONFIRMED

NOT_ON_DEVICE = "Proofs are an operator's and a judge's: no device has these modules."
OPERATORS = [world.OPERATOR.raw]
SALT = bytes(range(16))
NOTHING = 0


def made(rule: str, proves: int, note: str, proof: bytes, sw: int = OK) -> Vector:
    """A proof, judged by the authority's certificate."""
    authority = world.AUTHORITY.raw
    return vector(rule, "evidence", sw, note, authority=authority, input=proof, proves=proves)


def of(kind: int, accused: certificates.Certificate, *parts: Any) -> bytes:
    """A proof with the operator that certified the accused."""
    return evidence.proof(kind, OPERATORS, accused, *parts)


def whole(
    kind: int,
    thief: Thief,
    epochs: Sequence[bytes] = (),
    policies: Sequence[bytes] = (thieves.POLICY,),
) -> bytes:
    """A proof from a wallet's whole journal."""
    parts = (thief.statement(), thief.entries(), list(epochs), list(policies))
    return of(kind, thief.me, *parts)


def vectors() -> Iterator[Vector]:
    """Proofs."""
    yield from audits()
    yield from debits()
    yield from limits()
    yield from credits()
    yield from outcomes()
    yield from balances()
    yield from operators()
    yield from pairs()
    yield from order()
    yield from journals()
    yield from shapes()
    yield from purposes()


def audits() -> Iterator[Vector]:
    """A journal is judged from its first entry to a statement's head (V1)."""
    false = evidence.FALSE_ENTRY
    thief = thieves.spender(sequence=2)
    yield made("V1", false, "a first payment with number 2", whole(false, thief))
    statement, entries = thief.statement(), thief.entries()
    short = of(false, thief.me, statement, entries[:-1], [], [])
    yield made("V1", NOTHING, "the last entry left out", short)
    late = of(false, thief.me, statement, entries[1:], [], [])
    yield made("V1", NOTHING, "the first entry left out", late)
    turned = of(false, thief.me, statement, entries[::-1], [], [])
    yield made("V1", NOTHING, "entries in another order", turned)
    later = thieves.wallet()
    later.note([9, bytes(32), bytes(32), b"later"])
    later.note([9, b"anything"])
    yield made("V1", NOTHING, "an entry of a kind to come", whole(false, later))
    later = thieves.wallet()
    later.note(["one"])
    yield made("V1", false, "an entry that is none", whole(false, later))


def debits() -> Iterator[Vector]:
    """PAID entries (V2)."""
    false = evidence.FALSE_ENTRY
    for note, thief in (
        ("levels that come to less", thieves.spender(taken=[0, 499])),
        ("levels that come to more", thieves.spender(taken=[0, 501])),
        ("nothing paid", thieves.spender(taken=[], amount=0)),
        ("another's payment", thieves.spender(key=world.key_of("bob"))),
        ("a request of another than the payee", thieves.spender(payee="carol")),
        ("another request than the payment's", thieves.spender(asked=taps.NAME)),
        ("another amount than asked", thieves.spender(amount=499, taken=[0, 499])),
        ("another purse than asked", thieves.spender(purse=1)),
    ):
        yield made("V2", false, note, whole(false, thief))
    yield made("V2", NOTHING, "as it should be", whole(false, thieves.spender()))
    stranger = thieves.spender(payee="nobody")
    yield made("V2", NOTHING, "to a payee that nobody certified", whole(false, stranger))


def limits() -> Iterator[Vector]:
    """What PAID entries say was counted, and the limits (V14)."""
    over, false, spender = evidence.OVER_LIMITS, evidence.FALSE_ENTRY, thieves.spender
    for note, limits_ in (
        ("above the limit for one payment", {"single": 499}),
        ("above the offline total", {"offline_total": 499}),
        ("above the offline count", {"offline_count": 0}),
    ):
        policy = world.policy(**limits_)
        thief = spender(basis=(OFFLINE | CONFIRMED, 0, policy))
        yield made("V14", over, note, whole(over, thief, (), [policy]))
    for note, limits_ in (
        ("unconfirmed above the limit for one", {"unconfirmed_single": 499}),
        ("unconfirmed above the count", {"unconfirmed_count": 0}),
        ("unconfirmed above the total", {"unconfirmed_total": 499}),
    ):
        policy = world.policy(**limits_)
        thief = spender(basis=(OFFLINE | UNCONFIRMED, 0, policy))
        yield made("V14", over, note, whole(over, thief, (), [policy]))
        thief = spender(basis=(OFFLINE | CONFIRMED, 0, policy))
        note = f"confirmed, not {note}"
        yield made("V14", NOTHING, note, whole(over, thief, (), [policy]))
    tight = world.policy(single=499)
    thief = spender(basis=(OFFLINE | CONFIRMED, 0, tight))
    yield made("V14", NOTHING, "the policy is not at hand", whole(over, thief))
    yield made(
        "V14", NOTHING, "another policy of that version", whole(over, spender(), (), [tight])
    )
    for note, rules in (
        ("not counted as offline", (CONFIRMED,)),
        ("both confirmed and not", (OFFLINE | CONFIRMED | UNCONFIRMED,)),
        ("neither confirmed nor not", (OFFLINE,)),
        ("settled at a position to come", (OFFLINE | CONFIRMED, 2)),
        ("a policy of another version", (OFFLINE | CONFIRMED, 0, world.policy(version=2))),
        ("a policy of another tier", (OFFLINE | CONFIRMED, 0, world.policy(tier=4))),
    ):
        policies = [rules[2]] if len(rules) > 2 else []
        yield made("V14", false, note, whole(false, spender(basis=rules), (), policies))
    forged = world.forge(cose.POLICY, [1], taps.SIGNER, world.OPERATOR.hash)
    note = "a policy that is none"
    yield made("V14", NOTHING, note, whole(over, spender(), (), [forged]), errors.MALFORMED)


def credits() -> Iterator[Vector]:
    """CREDITED entries (V3)."""
    kind = evidence.CREDIT_WITHOUT_DEBIT
    for note, thief in (
        ("one request credited twice", thieves.taker(times=2)),
        ("another amount than asked", thieves.taker(amount=501)),
        ("a payment by itself", thieves.taker(payer="thief")),
        ("a payment nobody signed", thieves.taker(key=taps.SIGNER)),
        ("a payer nobody certified", thieves.taker(payer="nobody")),
        ("a request of another wallet", thieves.taker(payee="bob")),
        ("a receipt with another position", thieves.taker(position=5)),
        ("a receipt for another payment", thieves.taker(receipt=taps.NAME)),
    ):
        yield made("V3", kind, note, whole(kind, thief))
    yield made("V3", NOTHING, "as it should be", whole(kind, thieves.taker()))
    false = evidence.FALSE_ENTRY
    yield made("V3", NOTHING, "proven as of another kind", whole(false, thieves.taker(amount=501)))


def outcomes() -> Iterator[Vector]:
    """VOIDED, REFUNDED and RESOLVED entries (V4, V5, V6)."""
    false, credit = evidence.FALSE_ENTRY, evidence.CREDIT_WITHOUT_DEBIT
    yield made("V4", false, "another position", whole(false, thieves.voider(position=3)))
    yield made("V4", false, "another's void", whole(false, thieves.voider(key=taps.SIGNER)))
    yield made("V4", false, "another request", whole(false, thieves.voider(asked=taps.NAME)))
    for note, voider in (
        ("a payment of another amount", thieves.voider(amount=499)),
        ("a payment of another purse", thieves.voider(purse=1)),
        ("a payment nobody signed", thieves.voider(forged={"signature": bytes(64)})),
        ("three of one payer for one request", thieves.voider(times=3)),
    ):
        yield made("V4", false, note, whole(false, voider))
    yield made("V4", NOTHING, "as it should be", whole(false, thieves.voider()))
    yield made("V4", NOTHING, "two of one payer", whole(false, thieves.voider(times=2)))
    note = "asked whether it credits"
    yield made("V4", NOTHING, note, whole(credit, thieves.voider()))
    for rule, entry, kind in (("V5", REFUNDED, credit), ("V6", RESOLVED, false)):
        ends = thieves.ender
        yield made(rule, kind, "of no payment", whole(kind, ends(entry, payment=taps.NAME)))
        yield made(rule, kind, "a second time", whole(kind, ends(entry, times=2)))
        yield made(rule, kind, "not by the payee", whole(kind, ends(entry, key=taps.SIGNER)))
        yield made(rule, kind, "by the other outcome", whole(kind, ends(entry, turned=True)))
        yield made(rule, NOTHING, "as it should be", whole(kind, ends(entry)))
        dropped = ends(entry)
        parts = (dropped.statement(), dropped.entries()[:-1], [], [])
        yield made(rule, NOTHING, "left out", of(kind, dropped.me, *parts))
    closed = thieves.closed()
    yield made("V5", NOTHING, "by the operator's settlement", whole(credit, closed))
    closed = thieves.closed(key=taps.SIGNER)
    yield made("V5", credit, "by a settlement nobody signed", whole(credit, closed))
    closed = thieves.closed(hashes=[taps.NAME])
    note = "by a settlement that closes another"
    yield made("V5", credit, note, whole(credit, closed))


def balances() -> Iterator[Vector]:
    """What entries come to (V7)."""
    over, false = evidence.OVERDRAFT, evidence.FALSE_BALANCE
    thief = thieves.spender(taken=[0, 1001], amount=1001, request={"amount": 1001})
    yield made("V7", over, "a fen more than there was", whole(over, thief))
    poor = thieves.spender(taken=[0, 1000], amount=1000, request={"amount": 1000})
    yield made("V7", NOTHING, "all there was", whole(over, poor))
    parts = {"taken": [0, 1001], "amount": 1001, "request": {"amount": 1001}}
    account = thieves.spender(form=certificates.ACCOUNT, **parts)
    yield made("V7", NOTHING, "an operator's account", whole(over, account))
    yield made("V7", NOTHING, "nor is its balance asked", whole(false, account))
    rich = thieves.wallet()
    rich.levels = [0, 1001]
    yield made("V7", false, "a fen more than entries come to", whole(false, rich))
    rich.levels = [1000]
    yield made("V7", NOTHING, "at another level", whole(false, rich))


def operators() -> Iterator[Vector]:
    """A payer of an operator that is not at hand (V8)."""
    kind = evidence.CREDIT_WITHOUT_DEBIT
    thief = thieves.taker(payer="eve", by="foreign")
    denies = [world.OPERATOR.hash]
    epochs = [world.epoch(1, operators=denies)]
    note = "the receipt's epoch does not know it"
    yield made("V8", kind, note, whole(kind, thief, epochs))
    yield made("V8", NOTHING, "without an epoch", whole(kind, thief))
    yield made("V8", NOTHING, "the epoch knows it", whole(kind, thief, [world.epoch(1)]))
    other = [world.epoch(2, operators=denies)]
    yield made("V8", NOTHING, "another epoch does not know it", whole(kind, thief, other))
    bad = world.forge(cose.EPOCH, [1, [], denies], taps.SIGNER, world.AUTHORITY.hash)
    note, forged = "a forged epoch", errors.BAD_SIGNATURE
    yield made("V8", NOTHING, note, whole(kind, thief, [bad]), forged)


def pairs() -> Iterator[Vector]:
    """Two objects by one wallet (V9)."""
    alice, bob = world.certificate("alice"), world.certificate("bob")
    sequence, position = evidence.FORKED_SEQUENCE, evidence.FORKED_POSITION
    first, second = taps.payment_of(), taps.payment_of(amount=499)
    yield made("V9", sequence, "another amount", of(sequence, alice, first, second))
    other = taps.payment_of(request=taps.OPEN_REQUEST)
    yield made("V9", sequence, "another request", of(sequence, alice, first, other))
    yield made("V9", NOTHING, "the same payment twice", of(sequence, alice, first, first))
    next_one = taps.payment_of(sequence=2)
    yield made("V9", NOTHING, "the next number", of(sequence, alice, first, next_one))
    receipt, void = thieves.receipt(taps.NAME, 4), thieves.void(taps.NAME, 4)
    elsewhere = thieves.receipt(bytes(32), 4)
    yield made("V9", position, "two receipts", of(position, bob, receipt, elsewhere))
    yield made("V9", position, "a receipt and a void", of(position, bob, receipt, void))
    yield made("V9", NOTHING, "the same receipt twice", of(position, bob, receipt, receipt))
    fifth = thieves.receipt(bytes(32), 5)
    yield made("V9", NOTHING, "the next position", of(position, bob, receipt, fifth))
    both = evidence.RECEIPT_AND_VOID
    later = thieves.void(taps.NAME, 9)
    yield made("V9", both, "both of one payment", of(both, bob, receipt, later))
    stranger = thieves.void(bytes(32), 9)
    yield made("V9", NOTHING, "each of another payment", of(both, bob, receipt, stranger))
    yield made("V9", NOTHING, "void and receipt exchanged", of(both, bob, later, receipt))
    note, wrong = "an object of another wallet", errors.WRONG_SIGNER
    carols = taps.payment_of("carol", amount=499)
    yield made("V9", NOTHING, note, of(sequence, alice, first, carols), wrong)
    forged = taps.payment_of(amount=499, key=taps.SIGNER)
    bad = of(sequence, alice, first, forged)
    yield made("V9", NOTHING, "a forged object", bad, errors.BAD_SIGNATURE)


def order() -> Iterator[Vector]:
    """What came before a statement (V10)."""
    kind, thief, owed = evidence.DEBIT_MISSING, thieves.wallet(), taps.payment_of("thief")
    digests = [bytes(32), evidence.digest(owed)]

    def asked(named: list[bytes], shown: list[bytes], salt: bytes = SALT) -> bytes:
        nonce = evidence.question(SALT, named)
        return of(kind, thief.me, thief.statement(nonce), thief.entries(), owed, salt, shown)

    yield made("V10", kind, "paid, asked, and not in the journal", asked(digests, digests))
    yield made("V10", NOTHING, "not asked about", asked(digests[:1], digests[:1]))
    yield made("V10", NOTHING, "asked about something else", asked(digests, digests[::-1]))
    yield made("V10", NOTHING, "another salt", asked(digests, digests, bytes(16)))
    name = cose.parse(cose.PAYMENT, owed, world.NETWORK).hash
    note = "asked by the hash that leaves the signature out"
    yield made("V10", NOTHING, note, asked([name], [name]))
    payer = thieves.spender()
    held = evidence.digest(payer.payment)
    statement = payer.statement(evidence.question(SALT, [held]))
    there = of(kind, payer.me, statement, payer.entries(), payer.payment, SALT, [held])
    yield made("V10", NOTHING, "in the journal", there)


def journals() -> Iterator[Vector]:
    """Two statements, or a statement and an outcome (V11)."""
    forked, missing = evidence.FORKED_JOURNAL, evidence.OUTCOME_MISSING
    thief = thieves.taker()
    old, start = thief.statement(), bytes(32)
    twin, entries = thieves.taker(amount=501), thief.entries()
    note = "another entry at one position"
    before = thieves.head(twin.entries()[:-1])
    tail = twin.entries()[-1:]
    whole_twin = of(forked, thief.me, old, twin.statement(), thieves.head(twin.entries()), [])
    yield made("V11", forked, note, whole_twin)
    longer = thieves.taker()
    longer.note([9, bytes(32), bytes(32), b"later"])
    parts = (longer.statement(), thieves.head(entries), longer.entries()[-1:])
    yield made("V11", NOTHING, "a longer journal", of(forked, thief.me, old, *parts))
    note = "a shorter journal that came later"
    shorter = thieves.wallet().statement()
    head = thieves.head(entries[:-1])
    yield made("V11", NOTHING, note, of(forked, thief.me, shorter, old, head, entries[-1:]))
    note = "entries that lead elsewhere"
    lost = of(forked, thief.me, old, twin.statement(), before, tail + tail)
    yield made("V11", NOTHING, note, lost)
    answer = thief.outcome
    statement = (twin.statement(), before, tail)
    yield made("V11", missing, "another answer there", of(missing, thief.me, *statement, answer))
    own = (old, thieves.head(entries[:-1]), entries[-1:])
    yield made("V11", NOTHING, "the answer is there", of(missing, thief.me, *own, answer))
    beyond = (thieves.wallet().statement(), thieves.head(entries[:-1]), [])
    note = "the journal ends before it"
    yield made("V11", NOTHING, note, of(missing, thief.me, *beyond, answer))
    yield made("V11", NOTHING, "no entry at all", of(missing, thief.me, old, start, [], answer))


def shapes() -> Iterator[Vector]:
    """What a proof looks like, and who stands behind it (V12)."""
    alice, kind = world.certificate("alice"), evidence.FORKED_SEQUENCE
    parts = (taps.payment_of(), taps.payment_of(amount=499))
    both = [one.raw for one in world.OPERATORS]
    note = "more operators than it takes"
    yield made("V12", kind, note, evidence.proof(kind, both, alice, *parts))
    bad = errors.MALFORMED
    broken: list[tuple[str, object]] = [
        ("kind 0", [0, OPERATORS, alice.raw, *parts]),
        ("kind 99", [99, OPERATORS, alice.raw, *parts]),
        ("true for kind 1", [True, OPERATORS, alice.raw, *parts]),
        ("the parts of another kind", [evidence.FORKED_JOURNAL, OPERATORS, alice.raw, *parts]),
        ("one object", [kind, OPERATORS, alice.raw, parts[0]]),
        ("an operator that is none", [kind, [alice.raw], alice.raw, *parts]),
        ("nothing", []),
    ]
    for note, item in broken:
        yield made("V12", NOTHING, note, dumps(item), bad)
    unknown = evidence.proof(kind, [], alice, *parts)
    yield made("V12", NOTHING, "without operators", unknown, errors.UNKNOWN_OPERATOR)
    body = cose.parse(cose.OPERATOR, world.OPERATOR.raw, world.NETWORK).body
    own = world.forge(cose.OPERATOR, body, taps.SIGNER, world.AUTHORITY.hash)
    forged = evidence.proof(kind, [own], alice, *parts)
    yield made("V12", NOTHING, "an operator of one's own", forged, errors.BAD_SIGNATURE)


def purposes() -> Iterator[Vector]:
    """Journals that use a purse (T9)."""
    kind, late = evidence.OUTSIDE_TERMS, bound.EXPIRY + 1
    funded = thieves.funded
    yield made("T9", NOTHING, "at the shop, within its terms", whole(kind, funded().spend()))
    home = {"payee": bound.ACCOUNT, "name": "account", "epoch": late}
    note = "past the expiry, above the cap, back to its funder"
    yield made("T9", NOTHING, note, whole(kind, funded().spend(3000, **home)))
    seeds = world.certificate("shop", category=bound.SEEDS)
    forged = thieves.uncertified("shop", bound.STORE)
    renewed, wider = funded(), funded()
    renewed.spend(bound.CAP)
    wider.adopt(bound.terms(category=bound.SEEDS))
    renewed.adopt(bound.terms(expiry=late))
    for note, thief in (
        ("another category", funded().spend(payee=seeds)),
        ("above the cap", funded().spend(bound.CAP + 1)),
        ("past the expiry", funded().spend(epoch=late)),
        ("a shop that nobody certified", funded().spend(payee=forged)),
        ("other terms while there is money in the purse", wider),
        ("longer terms while a payment from the purse has no outcome", renewed),
        ("money for a purse without terms", funded(b"")),
        ("money for it from an account of another operator", funded(by="foreign")),
    ):
        yield made("T9", kind, note, whole(kind, thief))
    note = "a purse pays more than it holds, though general money would do"
    over, short = evidence.OVERDRAFT, funded(amount=400, asked=400).spend(500)
    yield made("T9", over, note, whole(over, short))
    moved, false = funded(), evidence.FALSE_BALANCE
    moved.levels, moved.purses = [0, 4000], {}
    note = "a statement with money of a purse as general money"
    yield made("T9", false, note, whole(false, moved))
