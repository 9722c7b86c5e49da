"""Vectors of a tap's reader: what it sends, given what the card answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import taps
import vector_apdu
import vector_world as world
from vector_apdu import SELECT, VERIFY, command
from vector_world import OK, Vector, vector

from _jzcbor import dumps
from jiaozi.wallet import book, payee
from jiaozi.wire import apdu, commands, cose, errors

ALICE, BOB = world.certificate("alice").raw, world.certificate("bob").raw
OWNER = [SELECT, VERIFY]


def scenes() -> dict[str, book.Book]:
    """Wallets that read."""
    return {
        "alice": vector_apdu.with_pin(taps.alice()),
        "alice who paid": vector_apdu.with_pin(taps.paid()),
        "bob": vector_apdu.with_pin(taps.bob()),
        "bob who asks for nothing": vector_apdu.with_pin(world.wallet("bob")),
    }


def hello(certificate: object = ALICE, request: object = None, **parts: Any) -> bytes:
    """What a card answers SELECT with."""
    fields = {"version": 1, "status": commands.READY, "epoch": 1} | parts
    return good(dumps([*fields.values(), certificate, request]))


def good(data: bytes) -> bytes:
    """A response with data."""
    return apdu.build_response(apdu.SW_OK, data)


def made(
    rule: str, sw: int, note: str, scene: str, answers: list[bytes], sent: list[bytes], **parts: Any
) -> Vector:
    """A tap: what is sent after SELECT; `before`: what the owner gave this wallet before."""
    before = [one.hex() for one in parts.pop("before", [])]
    texts = [one.hex() for one in answers[1:]]
    commands_sent = [one.hex() for one in sent]
    fields = {"before": before, "input": answers[0], "answers": texts, "sent": commands_sent}
    if before:
        fields["inside"] = True  # the owner's commands come in a channel
    return vector(rule, "reader", sw, note, scene=scene, **fields)


def vectors() -> Iterator[Vector]:
    """Readers."""
    yield from answers_of_select()
    yield from exchanges()


def answers_of_select() -> Iterator[Vector]:
    """What SELECT answers (A7)."""
    who, nobody = "bob who asks for nothing", errors.NO_REQUEST
    yield made("A7", nobody, "neither asks for money", who, [hello()], [])
    asks = hello(BOB, taps.REQUEST)
    yield made("A7", nobody, "it asks, and nothing is entered", "alice", [asks], [])
    yield made("A7", errors.NOT_ALLOWED, "version 2", "bob", [hello(version=2)], [])
    yield made("A7", errors.NOT_ALLOWED, "no certificate", "bob", [hello(None, status=0)], [])
    none = apdu.build_response(errors.NOT_FOUND)
    yield made("A7", errors.NOT_FOUND, "another application", "bob", [none], [])
    item = [1, 2, 1, ALICE, None]
    for note, response in (
        ("a field less", good(dumps(item[:-1]))),
        ("a field more", good(dumps([*item, 0]))),
        ("a byte behind", good(dumps(item) + b"\x00")),
        ("nothing", good(b"")),
        ("a negative epoch", hello(epoch=-1)),
        ("text for a certificate", hello("alice")),
        ("a certificate that is a request", hello(taps.REQUEST)),
        ("one byte", b"\x90"),
    ):
        yield made("A7", errors.MALFORMED, note, "bob", [response], [])


def exchanges() -> Iterator[Vector]:
    """Who asks, and what follows (A8)."""
    wallet = taps.bob()
    request = list(wallet.open.values())[-1].raw
    pay = command(commands.PAY, dumps([BOB, request]))
    payment = taps.payment_of(request=request)
    receipt = taps.received(wallet, ALICE, payment, None)
    resolve = command(commands.RESOLVE, receipt)
    done = [hello(), good(dumps([payment])), good(b"")]
    yield made("A8", OK, "the payee's reader", "bob", done, [pay, resolve])
    yield from epochs(done, [pay, resolve])
    waits = apdu.build_response(errors.CONSENT_NEEDED)
    asked = [hello(), waits, waits, *done[1:]]
    note = "the payee's reader asks until the payer has confirmed"
    yield made("A8", OK, note, "bob", asked, [pay, pay, pay, resolve])
    yield from older(pay, request)
    refused = apdu.build_response(errors.OVER_BALANCE)
    note = "the payer refuses"
    yield made("A8", errors.OVER_BALANCE, note, "bob", [hello(), refused], [pay])
    for note, answer in (("no payment", dumps([])), ("not an array", dumps(0))):
        response = [hello(), good(answer)]
        yield made("A8", errors.MALFORMED, f"the payer answers {note}", "bob", response, [pay])
    forged = dumps([taps.payment_of(request=request, key=taps.SIGNER)])
    note = "the payer answers a forged payment"
    yield made("A8", errors.BAD_SIGNATURE, note, "bob", [hello(), good(forged)], [pay])
    yield from payers()


def epochs(done: list[bytes], tap: list[bytes]) -> Iterator[Vector]:
    """Whoever is behind gets the other's epoch once nothing is under way (F2, A7)."""
    ask = command(commands.EPOCH)
    ahead = [hello(epoch=7), *done[1:]]
    note = "the card is in a later epoch, and hands it over"
    yield made("F2", OK, note, "bob", [*ahead, good(world.epoch(7))], [*tap, ask])
    behind = [hello(epoch=0), *done[1:], good(b"")]
    give = command(commands.EPOCH, world.epoch(1))
    yield made("F2", OK, "the card is in an earlier epoch", "bob", behind, [*tap, give])
    forged = world.forge(cose.EPOCH, [7, [], []], world.key_of("eve"), world.AUTHORITY.hash)
    for note, answer in (
        ("an epoch that is forged leaves the tap as it was", good(forged)),
        ("an epoch that is older than it said", good(world.epoch(0))),
        ("none, though it said so", apdu.build_response(errors.INS_UNKNOWN)),
    ):
        yield made("A7", OK, note, "bob", [*ahead, answer], [*tap, ask])


def older(pay: bytes, request: bytes) -> Iterator[Vector]:
    """An older payment comes first."""
    wallet = taps.bob()
    first, payment = taps.payment_of(), taps.payment_of(request=request, sequence=2)
    receipts = [taps.received(wallet, ALICE, one, None) for one in (first, payment)]
    resolves = [command(commands.RESOLVE, one) for one in receipts]
    answers = [dumps([first, taps.REQUEST]), b"", dumps([payment]), b""]
    note = "an unresolved payment comes before the one that is asked for"
    sent = [pay, resolves[0], pay, resolves[1]]
    yield made("A8", OK, note, "bob", [hello(), *map(good, answers)], sent)


def payers() -> Iterator[Vector]:
    """The payer's reader."""
    arm = command(commands.ARM, dumps([commands.PAY_OUT, 500, commands.AUTO]))
    armed = [*OWNER, arm]
    asking = hello(BOB, taps.REQUEST)
    wallet, taker = taps.alice(), taps.bob()
    payment = world.answer(wallet, taker, taps.REQUEST, 500)
    receipt = taps.received(taker, ALICE, payment, None)
    send = command(commands.PAYMENT, dumps([ALICE, payment]))
    parts = {"before": armed}
    yield made("A8", OK, "the payer's reader", "alice", [asking, good(receipt)], [send], **parts)
    again = command(commands.PAYMENT, dumps([ALICE, payment, taps.REQUEST]))
    note = "the payer resumes, whatever is asked"
    yield made("A8", OK, note, "alice who paid", [hello(BOB), good(receipt)], [again])
    cancelled = taps.bob()
    cancelled.apply(payee.cancel(cancelled, taps.hash_of(taps.REQUEST)))
    void = taps.received(cancelled, ALICE, payment, taps.REQUEST)
    yield made("A8", OK, "and gets a void", "alice who paid", [hello(BOB), good(void)], [again])
    note = "the card asks for another amount than was entered"
    other = hello(BOB, taps.request_of(amount=501))
    yield made("A8", errors.AMOUNT_MISMATCH, note, "alice", [other], [], **parts)
    for_carol = [*OWNER, arm_for("carol")]
    note = "the card is not the payee that was named"
    yield made("P14", errors.OTHER_PAYEE, note, "alice", [asking], [], before=for_carol)
    note = "the card is the payee that was named"
    for_bob = {"before": [*OWNER, arm_for("bob")]}
    yield made("P14", OK, note, "alice", [asking, good(receipt)], [send], **for_bob)


def arm_for(payee: str) -> bytes:
    """ARM to pay 5.00 to one payee."""
    named = world.certificate(payee).hash
    return command(commands.ARM, dumps([commands.PAY_OUT, 500, commands.AUTO, named]))
