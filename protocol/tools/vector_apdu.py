"""Vectors of commands at a wallet, through the firmware's dispatcher."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import bound
import taps
import vector_world as world
from vector_world import OK, Vector, vector

from _jzcbor import dumps
from jiaozi.wallet import book, payee
from jiaozi.wallet.store_keys import PIN_KEY, PIN_TRIES_KEY
from jiaozi.wire import apdu, commands, cose, errors
from jiaozi.wire.journal import PAYMENT_HASH, PAYMENT_RAW, REQUEST_RAW, RESOLVED

SELECT = apdu.select()
PIN = b"1234"
BOB = world.certificate("bob").raw


def command(ins: int, data: bytes = b"", le: int | None = apdu.LE_ANY) -> bytes:
    """A command APDU."""
    return apdu.build_command(apdu.CLA, ins, 0, 0, data, le)


VERIFY = command(commands.VERIFY, PIN)
INFO = command(commands.INFO)
_OWNERS = (commands.VERIFY, commands.CHANGE, commands.ARM, commands.DISARM)
_OPERATORS = (commands.CREATE, commands.INSTALL, commands.STATEMENT, commands.SETTLE)
PRIVATE = [bytes([ins]) for ins in _OWNERS + _OPERATORS]


def with_pin(wallet: book.Book, tries: int = 3) -> book.Book:
    """The wallet with the PIN 1234 (firmware/wallet/pin.py)."""
    salt = bytes(16)
    digest = hashlib.sha256(salt + PIN).digest()
    wallet.store.commit({PIN_KEY: salt + digest, PIN_TRIES_KEY: bytes([tries])})
    return wallet


def scenes() -> dict[str, book.Book]:
    """Wallets that commands come to."""
    asking = with_pin(taps.bob())
    for _ in range(2):
        world.ask(asking, 1)
    full = with_pin(taps.alice())
    while full.slots() > 0:
        state = full.state.copy()
        name = state.position.to_bytes(32, "big")
        full.apply(book.Step(state, entry=[RESOLVED, name, name, b""]))
    return {
        "alice": with_pin(taps.alice()),
        "alice who paid": with_pin(taps.paid()),
        "alice, never unasked": with_pin(taps.alice(unconfirmed_count=0)),
        "alice, 4.99 unasked": with_pin(taps.alice(unconfirmed_single=499)),
        "alice, a total of 4.99 unasked": with_pin(taps.alice(unconfirmed_total=499)),
        "alice with one try": with_pin(taps.alice(), tries=1),
        "alice, blocked": with_pin(taps.alice(), tries=0),
        "alice at her cap": with_pin(taps.alice(balance_cap=100_500)),
        "alice with a full journal": full,
        "alice with a purse": with_pin(bound.alice()),
        "alice with an expired purse": with_pin(bound.alice(at=bound.EXPIRY + 1)),
        "bob": with_pin(taps.bob()),
        "bob with four requests": asking,
    }


def made(
    rule: str, sw: int, note: str, raw: bytes, scene: str | None = "alice", **parts: Any
) -> Vector:
    """A command; `before`: those that came before it, and what the person pressed among them.

    inside: whether they come in a channel; by itself where one of them is taken only there.
    """
    before = parts.pop("before", [SELECT])
    fields: dict[str, Any] = {"scene": scene} if scene else {}
    sent = [one for one in [*before, raw] if isinstance(one, bytes)]
    if parts.pop("inside", any(one[1:2] in PRIVATE for one in sent)):
        fields["inside"] = True
    before = [one if isinstance(one, str) else one.hex() for one in before]
    return vector(rule, "apdu", sw, note, **fields, before=before, input=raw, **parts)


def vectors() -> Iterator[Vector]:
    """Commands."""
    yield from selecting()
    yield from lengths()
    yield from data_fields()
    yield from pins()
    yield from gestures()
    yield from gates()
    yield from consents()
    yield from questions()
    yield from named_payees()
    yield from raising()
    yield from resuming()
    yield from for_purses()


def selecting() -> Iterator[Vector]:
    """SELECT and classes (A1)."""
    hello = dumps([1, commands.READY, 1, world.certificate("alice").raw, None])
    yield made("A1", OK, "SELECT: no request", SELECT, before=[], answer=hello)
    wallet = taps.bob()
    newest = list(wallet.open.values())[-1].raw
    hello = dumps([1, commands.READY, 1, BOB, newest])
    yield made("A1", OK, "SELECT: the newest request", SELECT, "bob", before=[], answer=hello)
    blank = dumps([1, commands.BLANK, 0, None, None])
    note = "SELECT: a device that is no wallet"
    yield made("A1", OK, note, SELECT, None, before=[], answer=blank)
    missing = errors.NOT_FOUND
    for note, text in (
        ("another application", "00a4040007a000000000000100"),
        ("its name cut short", "00a4040007f04a49414f5a4900"),
        ("its name and one byte more", "00a4040009f04a49414f5a49010000"),
        ("by file identifier", "00a4000008f04a49414f5a490100"),
    ):
        yield made("A1", missing, f"SELECT: {note}", bytes.fromhex(text), before=[])
    for note, sw, text in (
        ("another class", errors.CLA_UNKNOWN, "90100000"),
        ("command chaining", errors.CLA_UNKNOWN, "9050000001a0"),
        ("GET RESPONSE", errors.CLA_UNKNOWN, "00c0000000"),
        ("an unknown command", errors.INS_UNKNOWN, "80ee0000"),
        ("SELECT in class 80", errors.INS_UNKNOWN, "80a4040008f04a49414f5a490100"),
        ("P1 is 1", errors.WRONG_P1P2, f"80{commands.INFO:02x}0100"),
        ("P2 is 1", errors.WRONG_P1P2, f"80{commands.INFO:02x}0001"),
    ):
        yield made("A1", sw, note, bytes.fromhex(text))


def lengths() -> Iterator[Vector]:
    """The seven cases of ISO/IEC 7816-3 (A2)."""
    pin = PIN.hex()
    for note, text in (
        ("case 1", f"80{commands.DISARM:02x}0000"),
        ("case 2S", f"80{commands.INFO:02x}000000"),
        ("case 3S", f"8020000004{pin}"),
        ("case 4S", f"8020000004{pin}00"),
        ("case 2E", f"80{commands.INFO:02x}0000000000"),
        ("case 3E", f"80200000000004{pin}"),
        ("case 4E", f"80200000000004{pin}0000"),
        ("case 4E, an answer of a byte", f"80200000000004{pin}0001"),
    ):
        before = [SELECT, VERIFY] if note == "case 1" else [SELECT]
        yield made("A2", OK, note, bytes.fromhex(text), before=before)
    for note, text in (
        ("nothing", ""),
        ("three bytes", f"80{commands.INFO:02x}00"),
        ("less data than Lc", f"8020000005{pin}"),
        ("more data than Lc", f"8020000003{pin}00"),
        ("extended, less data than Lc", f"80200000000005{pin}"),
        ("extended, three bytes behind", f"80200000000004{pin}000000"),
        ("extended, Lc of nought", f"80200000000000{pin}"),
        ("extended, cut within the length", "802000000000"),
        ("a short Le behind an extended Lc", f"80200000000004{pin}00"),
    ):
        yield made("A2", errors.WRONG_LENGTH, note, bytes.fromhex(text))


def data_fields() -> Iterator[Vector]:
    """Data fields (A3)."""
    pay, order = commands.PAY, dumps([BOB, taps.REQUEST])
    bad = errors.MALFORMED
    good = command(commands.RESOLVE, receipt())
    yield made("A3", OK, "RESOLVE: a receipt", good, "alice who paid", answer=b"")
    for note, ins, data in (
        ("PAY: nothing", pay, b""),
        ("PAY: one part", pay, dumps([BOB])),
        ("PAY: three parts", pay, dumps([BOB, taps.REQUEST, b""])),
        ("PAY: a map", pay, dumps({0: BOB, 1: taps.REQUEST})),
        ("PAY: parts in the other order", pay, dumps([taps.REQUEST, BOB])),
        ("PAY: objects that are not in byte strings", pay, dumps([[], []])),
        ("PAY: a byte behind", pay, order + b"\x00"),
        ("PAY: of indefinite length", pay, b"\x9f" + order[1:] + b"\xff"),
        ("PAYMENT: one part", commands.PAYMENT, dumps([BOB])),
        ("PAYMENT: four parts", commands.PAYMENT, dumps([BOB, taps.payment_of(), b"", b""])),
        ("PAYMENT: null for a request", commands.PAYMENT, dumps([BOB, taps.payment_of(), None])),
        ("RESOLVE: nothing", commands.RESOLVE, b""),
        ("RESOLVE: a payment", commands.RESOLVE, taps.payment_of()),
        ("CHANGE: one PIN", commands.CHANGE, dumps([PIN])),
        ("CHANGE: PINs as text", commands.CHANGE, dumps(["1234", "5678"])),
    ):
        yield made("A3", bad, note, command(ins, data))
    owner = [SELECT, VERIFY]
    for note, body in (
        ("direction 2", [2, 1, 0]),
        ("role 3", [0, 1, 3]),
        ("a negative amount", [0, -1, 0]),
        ("true for a direction", [True, 1, 0]),
    ):
        raw = command(commands.ARM, dumps(body))
        yield made("A3", bad, f"ARM: {note}", raw, before=owner)


def receipt() -> bytes:
    """Bob's receipt for the payment of `alice who paid`."""
    payment = taps.paid().pending()[0][PAYMENT_HASH]
    return world.forge(cose.RECEIPT, [payment, 0, 1], world.key_of("bob"), hash_of_bob())


def hash_of_bob() -> bytes:
    """The hash of bob's certificate."""
    return world.certificate("bob").hash


def pins() -> Iterator[Vector]:
    """The PIN (A6)."""
    wrong = command(commands.VERIFY, b"4321")
    yield made("A6", OK, "the PIN", VERIFY, answer=b"")
    yield made("A6", OK, "the PIN with its last try", VERIFY, "alice with one try", answer=b"")
    note = "after two wrong ones and a right one there are three tries again"
    three = [SELECT, wrong, wrong, VERIFY]
    yield made("A6", errors.PIN_WRONG + 2, note, wrong, before=three)
    yield made("A6", errors.PIN_WRONG + 2, "a wrong PIN", wrong)
    yield made("A6", errors.PIN_WRONG + 1, "a second one", wrong, before=[SELECT, wrong])
    last = "alice with one try"
    yield made("A6", errors.PIN_WRONG, "the last one", wrong, last)
    yield made("A6", errors.PIN_BLOCKED, "the right one, too late", VERIFY, "alice, blocked")
    longer = command(commands.VERIFY, PIN + b"0")
    yield made("A6", errors.PIN_WRONG + 2, "the PIN and one digit more", longer)
    odd = (("of three digits", b"123"), ("of thirteen", b"1" * 13), ("of letters", b"abcd"))
    for note, new in odd:
        raw = command(commands.CHANGE, dumps([PIN, new]))
        yield made("A6", errors.MALFORMED, f"a new PIN {note}", raw)
    raw = command(commands.CHANGE, dumps([PIN, b"123456789012"]))
    yield made("A6", OK, "a new PIN of twelve digits", raw, answer=b"")
    raw = command(commands.CHANGE, dumps([b"4321", b"5678"]))
    yield made("A6", errors.PIN_WRONG + 2, "a new PIN for a wrong old one", raw)
    arm = command(commands.ARM, dumps([commands.PAY_OUT, 100, commands.AUTO]))
    yield made("A6", OK, "ARM with the PIN", arm, before=[SELECT, VERIFY], answer=b"")
    yield made("A6", errors.PIN_NEEDED, "ARM without it", arm)
    lost = [SELECT, VERIFY, wrong]
    yield made("A6", errors.PIN_NEEDED, "ARM after a wrong one", arm, before=lost)
    hidden = [commands.READY, world.certificate("alice").id, 1, 3, 1, 1, 3]
    number = 1  # of the wallet's firmware (firmware/wallet/version.py)
    nothing = dumps([*hidden, None, None, None, None, number])
    yield made("A6", OK, "INFO without it", INFO, answer=nothing)
    shown = dumps([*hidden, 100_000, 0, 0, [], number])
    yield made("A6", OK, "INFO with it", INFO, before=[SELECT, VERIFY], answer=shown)


def gestures() -> Iterator[Vector]:
    """One gesture of the owner, one try of the PIN over the air (A11)."""
    wrong = command(commands.VERIFY, b"4321")
    change = command(commands.CHANGE, dumps([PIN, b"5678"]))
    needed, air = errors.GESTURE_NEEDED, {"air": True}
    for name, raw in (("VERIFY", VERIFY), ("CHANGE", change)):
        yield made("A11", needed, f"{name}, nothing pressed", raw, **air)
        asked = [SELECT, raw]
        yield made("A11", needed, f"{name} again, nothing pressed", raw, before=asked, **air)
        yield made("A11", OK, f"{name}, allowed", raw, before=[*asked, "ok"], answer=b"", **air)
        refused = [*asked, "cancel"]
        yield made("A11", errors.GESTURE_REFUSED, f"{name}, refused", raw, before=refused, **air)
    note = "CHANGE on the contact line, nothing pressed"
    yield made("A11", OK, note, change, answer=b"")
    note = "a wrong PIN, allowed"
    yield made("A11", errors.PIN_WRONG + 2, note, wrong, before=[SELECT, wrong, "ok"], **air)
    note = "one gesture, and a second try"
    once = [SELECT, wrong, "ok", wrong]
    yield made("A11", needed, note, VERIFY, before=once, **air)
    note = "pressed before anything was asked"
    yield made("A11", needed, note, VERIFY, before=["ok", SELECT], **air)
    blocked = "alice, blocked"
    yield made("A11", errors.PIN_BLOCKED, "no try left, nothing asked", VERIFY, blocked, **air)
    keyless, last = {"air": True, "keyless": True}, "alice with one try"
    yield made("A11", OK, "no keys, tries to spare", VERIFY, answer=b"", **keyless)
    note = "no keys, the last try"
    yield made("A11", errors.CONTACT_NEEDED, note, VERIFY, last, **keyless)
    note = "no keys, the last try on the contact line"
    yield made("A11", OK, note, VERIFY, last, keyless=True, answer=b"")
    malformed = command(commands.CHANGE, dumps([PIN, b"123"]))
    yield made("A11", errors.MALFORMED, "an odd new PIN asks nothing", malformed, **air)


def gates() -> Iterator[Vector]:
    """Who may ask, and when (A4, A5)."""
    not_allowed, needed = errors.NOT_ALLOWED, errors.SESSION_NEEDED
    disarm = command(commands.DISARM)
    pay = command(commands.PAY, dumps([BOB, taps.REQUEST]))
    twice = [SELECT, disarm, VERIFY]
    note = "a refusal, and then the same command with the PIN"
    yield made("A4", OK, note, disarm, before=twice, answer=b"")
    yield made("A4", not_allowed, "PAY on a blank device", pay, None)
    yield made("A4", not_allowed, "INSTALL without a key", command(commands.INSTALL), None)
    yield made("A4", errors.ALREADY_PROVISIONED, "CREATE on a wallet", command(commands.CREATE))
    yield made("A4", errors.ALREADY_PROVISIONED, "INSTALL on a wallet", command(commands.INSTALL))
    yield made("A5", OK, "SELECT after a refusal", SELECT, "alice who paid", before=[pay])
    yield made("A5", not_allowed, "before SELECT", INFO, before=[])
    note = "after another application was selected"
    other = bytes.fromhex("00a4040007a000000000000100")
    yield made("A5", not_allowed, note, INFO, before=[SELECT, other])
    again = [SELECT, VERIFY, SELECT]
    yield made("A5", errors.PIN_NEEDED, "a PIN given before SELECT", disarm, before=again)
    for name in ("STATEMENT", "SETTLE"):
        raw = command(getattr(commands, name), bytes(16))
        yield made("A5", needed, f"{name} in a channel that is not the operator's", raw)


def consents() -> Iterator[Vector]:
    """What the person has to confirm or enter (P8)."""
    order, raw = dumps([BOB, taps.REQUEST]), command(commands.PAY, dumps([BOB, taps.REQUEST]))
    opened = command(commands.PAY, dumps([BOB, taps.OPEN_REQUEST]))
    small, asked = "alice, 4.99 unasked", [SELECT, raw]
    yield made("P8", OK, "a small one, unasked", raw)
    needed = errors.CONSENT_NEEDED
    yield made("P8", needed, "above one unasked payment", raw, small)
    yield made("P8", needed, "above the count", raw, "alice, never unasked")
    yield made("P8", needed, "above the total", raw, "alice, a total of 4.99 unasked")
    yield made("P8", needed, "asked again, nothing pressed", raw, small, before=asked)
    confirmed = [*asked, "ok"]
    yield made("P8", OK, "confirmed", raw, small, before=confirmed)
    refused = [*asked, "cancel"]
    yield made("P8", errors.CONSENT_REFUSED, "refused", raw, small, before=refused)
    other = command(commands.PAY, dumps([BOB, taps.request_of(number=9)]))
    note = "confirmed, but another request comes"
    yield made("P8", needed, note, other, small, before=confirmed)
    other = command(commands.PAY, dumps([BOB, taps.request_of(amount=501)]))
    note = "confirmed, but another amount comes"
    yield made("P8", needed, note, other, small, before=confirmed)
    arm = command(commands.ARM, dumps([commands.PAY_OUT, 500, commands.CARD]))
    armed = [SELECT, VERIFY, arm]
    yield made("P8", OK, "the amount was entered", raw, small, before=armed)
    yield made("P8", OK, "the amount was entered for an open request", opened, before=armed)
    mismatch = command(commands.PAY, dumps([BOB, taps.request_of(amount=501)]))
    wrong = errors.AMOUNT_MISMATCH
    yield made("P8", wrong, "another amount was entered", mismatch, before=armed)
    less = command(commands.PAY, dumps([BOB, taps.request_of(amount=499)]))
    yield made("P8", wrong, "a higher amount was entered", less, before=armed)
    yield made("P8", errors.AMOUNT_NEEDED, "an open request, nothing entered", opened)
    twice = [*armed, command(commands.PAY, order), command(commands.RESOLVE, receipt())]
    note = "what was entered serves once"
    yield made("P8", errors.AMOUNT_NEEDED, note, opened, small, before=twice)
    for note, amount, sw in (
        ("more than there is is entered", 100_001, errors.OVER_BALANCE),
        ("nothing is entered", 0, errors.AMOUNT_INVALID),
    ):
        raw = command(commands.ARM, dumps([commands.PAY_OUT, amount, commands.AUTO]))
        yield made("P8", sw, note, raw, before=[SELECT, VERIFY])


def questions() -> Iterator[Vector]:
    """A question belongs to who asks (P13)."""
    thief = command(commands.PAY, dumps([BOB, taps.request_of(number=9, amount=600)]))
    till = command(commands.PAY, dumps([BOB, taps.REQUEST]))
    small, needed = "alice, 4.99 unasked", errors.CONSENT_NEEDED
    replaced = [SELECT, thief, SELECT, till, "ok"]
    note = "the till's question replaced the thief's, and was confirmed"
    yield made("P13", OK, note, till, small, before=replaced)
    note = "the thief's request, whose question was replaced"
    yield made("P13", needed, note, thief, small, before=replaced)
    note = "confirmed with the wallet lifted, and tapped again"
    lifted = [SELECT, till, "ok", SELECT]
    yield made("P13", OK, note, till, small, before=lifted)
    note = "one request too many asks in one contact"
    many = [
        command(commands.PAY, dumps([BOB, taps.request_of(number=number)]))
        for number in range(20, 28)
    ]
    yield made("P13", errors.BUSY, note, till, small, before=[SELECT, *many])


def named_payees() -> Iterator[Vector]:
    """An amount entered for one payee (P14)."""
    carol, bob = world.certificate("carol").hash, hash_of_bob()
    raw = command(commands.PAY, dumps([BOB, taps.REQUEST]))
    opened = command(commands.PAY, dumps([BOB, taps.OPEN_REQUEST]))

    def armed(*payee: object, direction: int = commands.PAY_OUT) -> bytes:
        return command(commands.ARM, dumps([direction, 500, commands.CARD, *payee]))

    unasked, owner = "alice, never unasked", [SELECT, VERIFY]
    for_bob, for_carol = [*owner, armed(bob)], [*owner, armed(carol)]
    yield made("P14", OK, "the payee that was named", raw, unasked, before=for_bob)
    yield made("P14", OK, "and an open request of it", opened, before=for_bob)
    needed = errors.CONSENT_NEEDED
    yield made("P14", needed, "another payee, a small amount", raw, before=for_carol)
    note = "another payee, confirmed"
    yield made("P14", OK, note, raw, before=[*for_carol, raw, "ok"])
    note = "an open request of another payee"
    yield made("P14", errors.AMOUNT_NEEDED, note, opened, before=for_carol)
    for note, odd in (("of 31 bytes", bytes(31)), ("a number", 1), ("null", None)):
        yield made("P14", errors.MALFORMED, f"a payee {note}", armed(odd), before=owner)
    receiving = armed(bob, direction=commands.RECEIVE)
    yield made("P14", errors.MALFORMED, "a payee when receiving", receiving, before=owner)


def raising() -> Iterator[Vector]:
    """Requests that a payee raises (Y7)."""
    owner = [SELECT, VERIFY]

    def ask(amount: int) -> bytes:
        return command(commands.ARM, dumps([commands.RECEIVE, amount, commands.CARD]))

    wallet = taps.alice()
    yield made("Y7", OK, "an amount", ask(100), before=owner, answer=world.ask(wallet, 100))
    room = world.LIMITS["balance_cap"] - 100_000
    answer = world.ask(taps.alice(), 0, room)
    yield made("Y7", OK, "any amount there is room for", ask(0), before=owner, answer=answer)
    cap = "alice at her cap"
    step = payee.request(taps.alice(balance_cap=100_500), 500)
    yield made("Y7", OK, "up to the cap", ask(500), cap, before=owner, answer=step.reply)
    yield made("Y7", errors.OVER_CAP, "a fen above the cap", ask(501), cap, before=owner)
    both = [*owner, ask(500)]
    yield made("Y7", errors.OVER_CAP, "the room is promised already", ask(1), cap, before=both)
    yield made("Y7", errors.AMOUNT_INVALID, "no room at all", ask(0), cap, before=both)
    many = errors.TOO_MANY_REQUESTS
    yield made("Y7", many, "a fifth request", ask(1), "bob with four requests", before=owner)
    full = "alice with a full journal"
    yield made("Y7", errors.JOURNAL_FULL, "no slot for the answer", ask(1), full, before=owner)


def resuming() -> Iterator[Vector]:
    """A payment that has no outcome yet (O4)."""
    scene = "alice who paid"
    again = command(commands.PAY, dumps([BOB, taps.REQUEST]))
    entry = taps.paid().pending()[0]
    payment, request = entry[PAYMENT_RAW], entry[REQUEST_RAW]
    yield made("O4", OK, "the same request", again, scene, answer=dumps([payment]))
    other = command(commands.PAY, dumps([BOB, taps.OPEN_REQUEST]))
    both = dumps([payment, request])
    yield made("O4", OK, "another request of that payee", other, scene, answer=both)
    done = [SELECT, command(commands.RESOLVE, receipt())]
    yield made("O4", errors.AMOUNT_NEEDED, "once it is resolved", other, scene, before=done)
    carol = world.certificate("carol").raw
    hers = command(commands.PAY, dumps([carol, taps.request_of("carol", amount=0, ceiling=9)]))
    yield made("O4", errors.AMOUNT_NEEDED, "a request of another payee", hers, scene)


def for_purses() -> Iterator[Vector]:
    """Requests for money of a purse (T4)."""
    owner, scene = [SELECT, VERIFY], "alice with a purse"

    def ask(purse: int, amount: int = 500) -> bytes:
        body = [commands.RECEIVE, amount, commands.CARD, purse]
        return command(commands.ARM, dumps(body))

    wanted = payee.request(bound.alice(), 500, purse=bound.NUMBER).reply
    number, no = bound.NUMBER, errors.PURSE_REFUSED
    yield made("T4", OK, "for a purse it has", ask(number), scene, before=owner, answer=wanted)
    note = "for a purse it does not have"
    yield made("T4", no, note, ask(bound.OTHER), scene, before=owner)
    yield made("T4", no, "for any purse", ask(1), scene, before=owner)
    late = "alice with an expired purse"
    yield made("T4", no, "for a purse past its expiry", ask(number), late, before=owner)
