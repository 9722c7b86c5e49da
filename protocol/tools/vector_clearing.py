"""Vectors of clearing files: the operator `foreign` tells the operator `operator` of payments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import vector_world as world
from vector_world import OK, Vector, vector

from jiaozi.operator import clearing
from jiaozi.wire import cose, errors, messages

NOT_ON_DEVICE = "Clearing is between operators: no device has this module."
ME = world.OPERATOR.hash
NONCE = bytes(range(16))
ALICE, CAROL = world.certificate("alice"), world.certificate("carol", by="foreign")
MISMATCH, MALFORMED = errors.CLEARING_MISMATCH, errors.MALFORMED


def _signed(kind: int, body: object, name: str, by: str = "operator") -> bytes:
    return world.forge(kind, body, world.key_of(name), world.certificate(name, by=by).hash)


def _payment(request: bytes, giver: str, by: str, amount: int = 500) -> bytes:
    asked = messages.read_request(request, world.NETWORK)
    return _signed(cose.PAYMENT, [1, asked.hash, amount, 0, 1, 1, 1], giver, by)


# Alice pays Carol, who is the foreign operator's; and Carol pays Alice.
REQUEST = _signed(cose.REQUEST, [3, 500, 0, "CNY", [0], 2], "carol", "foreign")
PAYMENT = _payment(REQUEST, "alice", "operator")
HASH = messages.read_payment(PAYMENT, world.NETWORK).hash
ASKED = messages.read_request(REQUEST, world.NETWORK).hash
RECEIPT = _signed(cose.RECEIPT, [HASH, 0, 1], "carol", "foreign")
VOID = _signed(cose.VOID, [ASKED, HASH, 0, 1], "carol", "foreign")
BACK = _signed(cose.REQUEST, [1, 500, 0, "CNY", [0], 2], "alice")
TO_ALICE = _payment(BACK, "carol", "foreign")
FORWARDED = [clearing.FORWARDED, TO_ALICE, BACK, CAROL.raw, ALICE.raw, b""]
CREDITED = [clearing.CREDITED, PAYMENT, REQUEST, ALICE.raw, CAROL.raw, RECEIPT]
VOIDED = [clearing.VOIDED, *CREDITED[1:5], VOID]


def statement(floor: int, name: str = "carol", by: str = "foreign") -> bytes:
    """A statement whose floor is this."""
    return _signed(cose.STATEMENT, [1, 0, bytes(32), [0], floor, NONCE, {}], name, by)


CLOSED = [clearing.CLOSED, *CREDITED[1:5], statement(4)]


def file(items: list, to: bytes = ME, number: int = 1, seen: int = 0) -> list:
    """The body of a file."""
    return [to, number, seen, items]


def made(sw: int, note: str, body: object, **parts: Any) -> Vector:
    """A file of the foreign operator's, correct but for the parts given."""
    key, by = parts.pop("key", world.key_of("foreign")), parts.pop("by", world.FOREIGN.hash)
    raw = world.forge(parts.pop("kind", cose.CLEARING), body, key, by, **parts)
    trust = {
        "authority": world.AUTHORITY.raw,
        "operators": [one.raw.hex() for one in world.OPERATORS],
    }
    return vector("M1", "clearing", sw, note, input=raw, me=ME, **trust)


def vectors() -> Iterator[Vector]:
    """Files, their items and their signers."""
    for note, item in (
        ("forwarded", FORWARDED),
        ("credited", CREDITED),
        ("voided", VOIDED),
        ("closed", CLOSED),
    ):
        yield made(OK, f"a payment {note}", file([item]))
    yield made(OK, "one of each", file([FORWARDED, CREDITED, VOIDED, CLOSED], seen=7))
    yield made(OK, "an answer only", file([], number=2, seen=3))
    yield from files()
    yield from items()


def files() -> Iterator[Vector]:
    """For whom and by whom."""
    good = file([CREDITED])
    yield made(MISMATCH, "for another operator", file([CREDITED], to=world.FOREIGN.hash))
    yield made(MISMATCH, "a file without a number", file([CREDITED], number=0))
    own = {"key": world.key_of("operator"), "by": ME}
    yield made(MISMATCH, "from oneself", good, **own)
    stranger = {"key": world.key_of("rogue"), "by": bytes(32)}
    yield made(errors.UNKNOWN_OPERATOR, "from nobody that is known", good, **stranger)
    forged = errors.BAD_SIGNATURE
    yield made(forged, "by a stranger in its name", good, key=world.key_of("rogue"))
    yield made(forged, "of the live network", good, network=cose.LIVE)
    yield made(forged, "signed as a settlement", good, kind=cose.SETTLEMENT)
    for note, body in (
        ("no items", good[:3]),
        ("a field more", [*good, 0]),
        ("a map of items", file({0: CREDITED})),  # type: ignore[arg-type]
        ("an item of five", file([CREDITED[:5]])),
        ("an item of another kind", file([[5, *CREDITED[1:]]])),
        ("no proof at all", file([[*CREDITED[:5], None]])),
    ):
        yield made(MALFORMED, note, body)


def items() -> Iterator[Vector]:
    """Each operator speaks for its own wallets, with the proof that the kind needs."""
    swapped = [clearing.FORWARDED, *CREDITED[1:5], b""]
    yield made(MISMATCH, "forwards a payment of the other's wallet", file([swapped]))
    back = [clearing.CREDITED, *FORWARDED[1:5], RECEIPT]
    yield made(MISMATCH, "credits for the other's wallet", file([back]))
    yield made(MISMATCH, "forwards with a proof", file([[*FORWARDED[:5], RECEIPT]]))
    yield made(MISMATCH, "a receipt as a void", file([[clearing.VOIDED, *CREDITED[1:]]]))
    yield made(MISMATCH, "a void as a receipt", file([[clearing.CREDITED, *VOIDED[1:]]]))
    void = _signed(cose.VOID, [bytes(32), HASH, 0, 1], "carol", "foreign")
    yield made(MISMATCH, "a void for another request", file([[*VOIDED[:5], void]]))
    other = _signed(cose.RECEIPT, [bytes(32), 0, 1], "carol", "foreign")
    yield made(MISMATCH, "a receipt for another payment", file([[*CREDITED[:5], other]]))
    forged = _signed(cose.RECEIPT, [HASH, 0, 1], "alice")
    yield made(errors.WRONG_SIGNER, "a receipt by the payer", file([[*CREDITED[:5], forged]]))
    yield made(MISMATCH, "closed by a floor at the request", file([[*CLOSED[:5], statement(3)]]))
    own = statement(4, "alice", "operator")
    yield made(errors.WRONG_SIGNER, "closed by the payer", file([[*CLOSED[:5], own]]))
    yield made(MISMATCH, "another request", file([[*CREDITED[:2], _other(), *CREDITED[3:]]]))
    much = _payment(REQUEST, "alice", "operator", 501)
    receipt = [messages.read_payment(much, world.NETWORK).hash, 0, 1]
    credit = [clearing.CREDITED, much, REQUEST, ALICE.raw, CAROL.raw]
    credit.append(_signed(cose.RECEIPT, receipt, "carol", "foreign"))
    yield made(MISMATCH, "more than was asked for", file([credit]))
    rogue = world.certificate("rogue").raw
    item = [*CREDITED[:3], rogue, *CREDITED[4:]]
    yield made(errors.WRONG_SIGNER, "another payer's certificate", file([item]))


def _other() -> bytes:
    return _signed(cose.REQUEST, [4, 500, 0, "CNY", [0], 2], "carol", "foreign")
