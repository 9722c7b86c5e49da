"""Vectors of receipts and voids at payers, and the state they leave."""

from __future__ import annotations

from collections.abc import Iterator

import taps
import vector_world as world
from taps import NAME, SIGNER
from vector_world import OK, Vector, copy, vector

from _jzcbor import dumps
from jiaozi.wallet import book, payer
from jiaozi.wire import cose, errors, journal
from jiaozi.wire.journal import KIND, PAYMENT_HASH, REQUEST_HASH

PAID = "alice who paid"
BOB, KEY = world.certificate("bob").hash, world.key_of("bob")


def scenes() -> dict[str, book.Book]:
    """Payers with a payment made."""
    alice = world.certificate("alice").id
    return {
        PAID: taps.paid(),
        "alice who paid, then saw both revoked": taps.later(
            taps.paid(), world.epoch(99, [alice, world.certificate("bob").id], [])
        ),
        "alice who paid from three levels": mixed(),
        "alice with a receipt": taps.resolved(cose.RECEIPT),
        "alice with a void": taps.resolved(cose.VOID),
        "alice who paid nothing": taps.alice(),
    }


def mixed() -> book.Book:
    """A payer whose payment took value of three levels."""
    wallet = taps.alice([100, 0, 150, 900])
    world.answer(wallet, taps.bob(), taps.REQUEST, 500)
    return wallet


WALLETS: dict[str, book.Book] = {}


def made(rule: str, sw: int, note: str, raw: bytes, scene: str = PAID, kind: int = 0) -> Vector:
    """A receipt, or a void if its body says so."""
    state = {}
    if sw == OK:
        wallet = copy(WALLETS[scene])
        step = payer.resolve(wallet, raw)
        if step is not None:
            wallet.apply(step)
        state = {"state": wallet.state.encode()}
    name = "void" if kind == cose.VOID else "receipt"
    return vector(rule, name, sw, note, scene=scene, input=raw, **state)


def vectors() -> Iterator[Vector]:
    """Outcomes."""
    WALLETS.update(scenes())
    for kind in (cose.RECEIPT, cose.VOID):
        yield from settles(kind)
        yield from strangers(kind)
        yield from shapes(kind)
    yield from exchanged()


def body_of(kind: int, scene: str = PAID) -> list:
    """The body of an outcome for the payment of a scene."""
    entry = next(entry for _, entry in WALLETS[scene].entries() if entry[KIND] == journal.PAID)
    receipt = [entry[PAYMENT_HASH], 0, 1]
    return [entry[REQUEST_HASH], *receipt] if kind == cose.VOID else receipt


def settles(kind: int) -> Iterator[Vector]:
    """An outcome is taken, once, whatever has changed (O1)."""
    good = world.forge(kind, body_of(kind), KEY, BOB)
    yield made("O1", OK, "as it should be", good, kind=kind)
    scene = "alice who paid, then saw both revoked"
    yield made("O1", OK, "between wallets revoked since", good, scene, kind)
    scene = "alice who paid from three levels"
    three = world.forge(kind, body_of(kind, scene), KEY, BOB)
    yield made("O1", OK, "of value of three levels", three, scene, kind)
    for scene in ("alice with a receipt", "alice with a void"):
        yield made("O1", OK, f"to {scene}: nothing changes", good, scene, kind)


def strangers(kind: int) -> Iterator[Vector]:
    """Another's, or another payment's (O2)."""
    good = body_of(kind)
    unknown, forged = errors.UNKNOWN_PAYMENT, errors.BAD_SIGNATURE
    late = world.forge(kind, [*good[:-2], 2**30 - 1, 2**30 - 1], KEY, BOB)
    yield made("O2", OK, "of any position and epoch", late, kind=kind)
    other = world.forge(kind, [*good[:-3], NAME, 0, 1], KEY, BOB)
    yield made("O2", unknown, "another payment", other, kind=kind)
    raw = world.forge(kind, good, KEY, BOB)
    yield made("O2", unknown, "no payment was made", raw, "alice who paid nothing", kind)
    yield made("O2", forged, "forged", world.forge(kind, good, SIGNER, BOB), kind=kind)
    own = world.forge(kind, good, world.key_of("alice"), world.certificate("alice").hash)
    yield made("O2", errors.WRONG_SIGNER, "by the payer itself", own, kind=kind)
    carol = world.forge(kind, good, world.key_of("carol"), world.certificate("carol").hash)
    yield made("O2", errors.WRONG_SIGNER, "by another wallet", carol, kind=kind)
    later = world.certificate("bob", expiry=200).hash
    renewed = world.forge(kind, good, KEY, later)
    note = "by the payee under another certificate"
    yield made("O2", errors.WRONG_SIGNER, note, renewed, kind=kind)
    live = world.forge(kind, good, KEY, BOB, network=cose.LIVE)
    yield made("O2", forged, "of the live network", live, kind=kind)


def shapes(kind: int) -> Iterator[Vector]:
    """What an outcome looks like (O3)."""
    good = body_of(kind)
    bad = errors.MALFORMED
    yield made("O3", OK, "position 23", world.forge(kind, [*good[:-2], 23, 1], KEY, BOB), kind=kind)
    for note, body in (
        ("a position of 2^30", [*good[:-2], 2**30, 1]),
        ("a negative position", [*good[:-2], -1, 1]),
        ("true for an epoch", [*good[:-1], True]),
        ("a hash of 33 bytes", [*good[:-3], bytes(33), 0, 1]),
        ("text for a hash", [*good[:-3], "a" * 32, 0, 1]),
    ):
        yield made("O3", bad, note, world.forge(kind, body, KEY, BOB), kind=kind)
    long = world.forge(kind, None, KEY, BOB, payload=dumps(good)[:-1] + b"\x18\x01")
    yield made("O3", bad, "an epoch in two bytes", long, kind=kind)


def exchanged() -> Iterator[Vector]:
    """Receipts and voids are not each other (O2, O3)."""
    receipt, void = body_of(cose.RECEIPT), body_of(cose.VOID)
    other = world.forge(cose.VOID, [NAME, *receipt], KEY, BOB)
    yield made("O2", errors.UNKNOWN_PAYMENT, "a void of another request", other, kind=cose.VOID)
    forged = errors.BAD_SIGNATURE
    raw = world.forge(cose.RECEIPT, void, KEY, BOB)
    yield made("O2", forged, "a void's body signed as a receipt", raw, kind=cose.VOID)
    raw = world.forge(cose.VOID, receipt, KEY, BOB)
    yield made("O2", forged, "a receipt's body signed as a void", raw)
    five = world.forge(cose.VOID, [*void, 0], KEY, BOB)
    yield made("O3", errors.MALFORMED, "a body of five", five, kind=cose.VOID)
    two = world.forge(cose.RECEIPT, receipt[:2], KEY, BOB)
    yield made("O3", errors.MALFORMED, "a body of two", two)
