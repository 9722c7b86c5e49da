"""Vectors of rotations: a wallet that has named its next key, and some that are not at rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import vector_world as world
from vector_world import OK, Vector, vector

from jiaozi.wallet import book, rotate, settle
from jiaozi.wire import certificates, cose, errors

SEED = bytes(range(32))
NEXT = cose.SigningKey(SEED)
NONCE = bytes(range(16))
REST, ASKS, PAID = "alice at rest", "alice who asks", "alice who has paid"
PURSE = "alice with a purse"
MISMATCH, MALFORMED = errors.ROTATION_MISMATCH, errors.MALFORMED


def _ready() -> book.Book:
    """A wallet that has kept its next key."""
    alice = world.wallet("alice", [0, 1000])
    alice.store.commit(rotate.prepare(alice, SEED))
    return book.Book(alice.store)


def scenes() -> dict[str, book.Book]:
    """Wallets with a next key."""
    asks, paid, purse = _ready(), _ready(), _ready()
    world.ask(asks, 5)
    bob = world.wallet("bob")
    world.answer(paid, bob, world.ask(bob, 500), 500)
    state = purse.state.copy()
    state.credit(1, 5, 7)
    purse.apply(book.Step(state))
    return {REST: _ready(), ASKS: asks, PAID: paid, PURSE: purse}


def certificate(
    public: bytes = NEXT.public, holder: bytes = b"next id!", **parts: Any
) -> certificates.Certificate:
    """The next certificate."""
    by, issuer = parts.get("by", "operator"), parts.get("issuer", world.OPERATOR)
    claims = parts.get("claims", [certificates.CARD, 3, 0, 200])
    key = world.key_of(by)
    return certificates.issue(cose.WALLET, holder, public, claims, key, issuer, world.NETWORK)


def last(**fields: Any) -> bytes:
    """The wallet's last statement, correct but for the fields given."""
    alice = scenes()[REST]
    names = ["epoch", "position", "head", "levels", "floor", "nonce", "purses", "successor"]
    claims = dict(zip(names, [*settle.claims(alice, NONCE), NEXT.public], strict=True)) | fields
    body = [value for value in claims.values() if value is not None]
    return world.forge(cose.STATEMENT, body, alice.key, alice.me.hash)


def made(rule: str, sw: int, note: str, body: object, scene: str = REST, **parts: Any) -> Vector:
    """A rotation by the operator, correct but for the parts given."""
    key, by = parts.pop("key", world.key_of("operator")), parts.pop("by", world.OPERATOR.hash)
    raw = world.forge(parts.pop("kind", cose.ROTATION), body, key, by, **parts)
    return vector(rule, "rotation", sw, note, scene=scene, input=raw, id_after=b"next id!")


def vectors() -> Iterator[Vector]:
    """Rotations."""
    good = [last(), certificate().raw]
    yield made("R4", OK, "as it should be", good)
    yield made("R1", OK, "another asker's nonce", [last(nonce=bytes(16)), good[1]])
    for scene in (ASKS, PAID, PURSE):
        note = f"to {scene}"
        yield made("R1", errors.NOT_AT_REST, note, good, scene)
    yield from statements(good[1])
    yield from nexts(good[0])
    yield from signers(good)


def statements(next_raw: bytes) -> Iterator[Vector]:
    """The statement is how the wallet stands."""
    for note, fields in (
        ("another position", {"position": 1}),
        ("another head", {"head": bytes([1] * 32)}),
        ("more value than there is", {"levels": [0, 1001]}),
        ("another floor", {"floor": 2}),
        ("another next key", {"successor": bytes(32)}),
        ("no next key", {"successor": None}),
    ):
        yield made("R4", MISMATCH, note, [last(**fields), next_raw])
    alice = scenes()[REST]
    body = cose.parse(cose.STATEMENT, last(), world.NETWORK).body
    forged = world.forge(cose.STATEMENT, body, world.key_of("rogue"), alice.me.hash)
    yield made("R4", errors.BAD_SIGNATURE, "a forged statement", [forged, next_raw])
    bob = world.certificate("bob").hash
    other = world.forge(cose.STATEMENT, body, world.key_of("bob"), bob)
    yield made("R4", errors.WRONG_SIGNER, "another wallet's statement", [other, next_raw])


def nexts(statement: bytes) -> Iterator[Vector]:
    """The certificate is for the next key, and grants nothing more."""
    alice = world.certificate("alice")
    for note, parts in (
        ("for another key", {"public": world.key_of("rogue").public}),
        ("with the same id", {"holder": alice.id}),
        ("of another form", {"claims": [certificates.WEARABLE, 3, 0, 200]}),
        ("of another tier", {"claims": [certificates.CARD, 4, 0, 200]}),
        ("of another category", {"claims": [certificates.CARD, 3, 5411, 200]}),
    ):
        made_out = certificate(**parts)  # type: ignore[arg-type]
        yield made("R4", MISMATCH, f"a certificate {note}", [statement, made_out.raw])
    foreign = certificate(by="foreign", issuer=world.FOREIGN)
    note = "a certificate by another operator"
    yield made("R4", errors.WRONG_SIGNER, note, [statement, foreign.raw])


def signers(good: list[bytes]) -> Iterator[Vector]:
    """By whom the rotation is signed, and its two parts."""
    forged, wrong = errors.BAD_SIGNATURE, errors.WRONG_SIGNER
    yield made("R4", forged, "by a stranger", good, key=world.key_of("rogue"))
    foreign = {"key": world.key_of("foreign"), "by": world.FOREIGN.hash}
    yield made("R4", wrong, "by another operator", good, **foreign)
    own = {"key": world.key_of("alice"), "by": world.certificate("alice").hash}
    yield made("R4", wrong, "by the wallet itself", good, **own)
    yield made("R4", forged, "signed as a settlement", good, kind=cose.SETTLEMENT)
    for note, body in (
        ("no certificate", good[:1]),
        ("a part more", [*good, 0]),
        ("the parts the other way round", good[::-1]),
        ("empty parts", [b"", b""]),
    ):
        yield made("R4", MALFORMED, note, body)
