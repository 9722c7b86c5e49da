"""Vectors of a channel's beginning: the messages of a handshake, with fixed secrets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import vector_world as world
from vector_world import OK, Vector, vector

from _jzcbor import dumps
from jiaozi.operator import issue
from jiaozi.wallet import book
from jiaozi.wallet.store_keys import CHANNEL_KEY
from jiaozi.wire import certificates, channel, cose, edhoc, errors
from jiaozi.wire.certificates import Certificate
from jiaozi.wire.channel import Party

SCENE, LATER = "alice with a key for channels", "alice in epoch 9"
ALICE_KEY = world.key_of("alice")
ALICE, OPERATOR = world.certificate("alice"), world.OPERATOR
HOST, WALLET = world.key_of("host's channel key"), world.key_of("wallet's channel key")
BROKEN, MALFORMED = errors.CHANNEL_BROKEN, errors.MALFORMED
FORGED, WRONG = errors.BAD_SIGNATURE, errors.WRONG_SIGNER
EXPIRY = 8
PIN = b"1234"


def seed(name: str) -> bytes:
    """The seed of `world.key_of`, and ephemeral secrets."""
    return hashlib.sha256(name.encode()).digest()


X, Y = seed("host's ephemeral secret"), seed("wallet's ephemeral secret")


def certified(
    by: str = "operator",
    holder: Certificate = OPERATOR,
    key: cose.SigningKey = HOST,
    expiry: int = EXPIRY,
) -> Certificate:
    """A channel certificate."""
    return channel.certify(key.public, expiry, world.key_of(by), holder, world.NETWORK)


OF_ALICE = certified("alice", ALICE, WALLET, 100)


def _wallet(at: int) -> book.Book:
    made = world.wallet("alice", [0, 1000], at=at)
    made.store.commit({CHANNEL_KEY: seed("wallet's channel key") + OF_ALICE.raw})
    return made


def scenes() -> dict[str, book.Book]:
    """A wallet that has spoken in a channel before."""
    return {SCENE: _wallet(1), LATER: _wallet(EXPIRY + 1)}


def initiator() -> edhoc.Initiator:
    """The host, before anything is sent."""
    return edhoc.Initiator(edhoc.SUITE_4, X, channel.HOST)


MESSAGE_1 = initiator().message_1


def vectors() -> Iterator[Vector]:
    """The three messages, and who may install."""
    yield from firsts()
    yield from seconds()
    yield from thirds()
    yield from installs()


# message_1 at a wallet ---------------------------------------------------------------------------


def first(sw: int, note: str, raw: bytes, scene: str | None = SCENE) -> Vector:
    """A message_1; the answer is message_2."""
    fields: dict[str, Any] = {"scene": scene} if scene else {"key": seed("wallet's channel key")}
    if sw == OK:
        me = channel.certified(OF_ALICE) if scene else channel.bare(WALLET.public)
        fields["answer"] = responder(me, WALLET, raw).message_2
    return vector("X1", "message-1", sw, note, **fields, input=raw, secret=Y)


def responder(
    me: Party, key: cose.SigningKey, message_1: bytes = MESSAGE_1, secret: bytes = Y
) -> edhoc.Responder:
    """A wallet that has answered message_1."""
    return edhoc.Responder(edhoc.SUITE_4, secret, channel.WALLET, message_1, me, key)


def firsts() -> Iterator[Vector]:
    """Method, suite, and the encoding (X1)."""
    public = edhoc.split(MESSAGE_1, 4)[2]
    yield first(OK, "to a wallet", MESSAGE_1)
    yield first(OK, "to a blank device", MESSAGE_1, None)
    long = edhoc.sequence(0, 4, public, b"of several bytes")
    yield first(OK, "a connection identifier of several bytes", long)
    for note, items in (
        ("method 1", (1, 4, public, 0)),
        ("method 3", (3, 4, public, 0)),
        ("suite 0", (0, 0, public, 0)),
        ("suite 24", (0, 24, public, 0)),
        ("a public key of low order: 0", (0, 4, bytes(32), 0)),
        ("a public key of low order: 1", (0, 4, b"\x01" + bytes(31), 0)),
        ("a public key of low order: p", (0, 4, b"\xed" + b"\xff" * 30 + b"\x7f", 0)),
    ):
        yield first(BROKEN, note, edhoc.sequence(*items))
    for note, items in (
        ("suites to choose from", (0, [4, 0], public, 0)),
        ("a negative method", (-1, 4, public, 0)),
        ("a short public key", (0, 4, public[:31], 0)),
        ("a connection identifier above 23", (0, 4, public, 24)),
        ("text for a connection identifier", (0, 4, public, "0")),
        ("external data", (0, 4, public, 0, 1)),
        ("three items", (0, 4, public)),
    ):
        yield first(MALFORMED, note, edhoc.sequence(*items))
    yield first(MALFORMED, "nothing", b"")
    yield first(MALFORMED, "a byte behind", MESSAGE_1 + b"\x00")
    yield first(MALFORMED, "an array, not its items", b"\x84" + MESSAGE_1)
    yield first(MALFORMED, "a number longer than it need be", b"\x18\x00" + MESSAGE_1[1:])


# message_2 at a host -----------------------------------------------------------------------------


def changed(raw: bytes, at: int) -> bytes:
    """The bytes with one bit of one changed."""
    copy = bytearray(raw)
    copy[at] ^= 1
    return bytes(copy)


def second(
    rule: str,
    sw: int,
    note: str,
    raw: bytes,
    wallet: Certificate | None = ALICE,
    by: Certificate | None = None,
) -> Vector:
    """A message_2 to a host that expects this wallet, and is what `by` says; None: nobody."""
    fields: dict[str, Any] = {"secret": X, "key": seed("host's channel key")}
    if wallet is not None:
        fields["certificate"] = wallet.raw
    if by is not None:
        fields["credential"] = by.raw
    if sw == OK:
        host = initiator()
        me = channel.bare(HOST.public) if by is None else channel.certified(by)
        fields["answer"] = host.finish(raw, _anybody, me, HOST)
        fields |= exported(host)
    return vector(rule, "message-2", sw, note, input=raw, **fields)


def _anybody(named: Any) -> Party:
    return channel.read_party(named, world.NETWORK)


def exported(side: edhoc.Initiator | edhoc.Responder) -> dict[str, bytes]:
    """What both sides make of the handshake."""
    labels = {"commands": channel.COMMANDS, "answers": channel.ANSWERS}
    return {name: side.export(label, b"", 32) for name, label in labels.items()}


def named(header: int, value: object) -> Party:
    """A party whose credential is anything."""
    return Party(header, dumps(value), WALLET.public, None)


def seconds() -> Iterator[Vector]:
    """Who the wallet is (X4, X5), and that it has the key (X3)."""
    me = channel.certified(OF_ALICE)
    good, blank = responder(me, WALLET).message_2, channel.bare(WALLET.public)
    unknown = responder(blank, WALLET).message_2
    yield second("X4", OK, "the wallet that SELECT showed, to its operator", good, by=certified())
    yield second("X4", OK, "the same, to nobody in particular", good)
    yield second("X5", OK, "a blank device", unknown, None)
    yield second("X5", WRONG, "a wallet for a blank device", good, None)
    yield second("X4", WRONG, "a blank device for a wallet", unknown)
    bob = world.certificate("bob")
    other = responder(channel.certified(certified("bob", bob, WALLET)), WALLET).message_2
    yield second("X4", WRONG, "another wallet", other)
    host = responder(channel.certified(certified(key=WALLET)), WALLET).message_2
    yield second("X4", WRONG, "its operator for the wallet", host)
    fake = responder(channel.certified(certified("bob", ALICE, WALLET)), WALLET).message_2
    yield second("X4", FORGED, "a certificate that another wallet's key has signed", fake)
    stolen = responder(me, world.key_of("thief")).message_2
    yield second("X3", FORGED, "another's certificate, without its key", stolen)
    yield second("X3", FORGED, "by the wallet's own key", responder(me, ALICE_KEY).message_2)
    for note, who in others():
        yield second("X3", MALFORMED, note, responder(who, WALLET).message_2)
    for note, at in (("ephemeral key", 2), ("signature", -1)):
        yield second("X4", _noticed(good, at), f"a changed {note}", changed(good, at))
    yield second("X1", MALFORMED, "message_2: a byte behind", good + b"\x00")
    yield second("X1", MALFORMED, "message_2: an ephemeral key alone", dumps(bytes(32)))
    low = dumps(bytes(32) + edhoc.split(good, 1)[0][32:])
    yield second("X1", BROKEN, "message_2: an ephemeral key of low order", low)
    again = responder(me, WALLET, edhoc.Initiator(edhoc.SUITE_4, Y, channel.HOST).message_1, X)
    sw = _noticed(again.message_2)
    yield second("X3", sw, "the answer to another message_1", again.message_2)


def others() -> Iterator[tuple[str, Party]]:
    """Credentials of no type that a channel takes."""
    claims = {8: {1: {1: 1, -1: 6, -2: WALLET.public}}}
    yield "the wallet's certificate itself", named(13, cose.decode(ALICE.raw))
    yield "a hash of a certificate (x5t)", named(34, [-15, bytes(8)])
    yield "a name (kid)", named(4, b"alice")
    yield "a bare key that has a name", named(14, {2: "alice"} | claims)
    yield "a key for agreement (X25519)", named(14, {8: {1: {1: 1, -1: 4, -2: WALLET.public}}})


def _noticed(raw: bytes, at: int | None = None) -> int:
    """How a host notices a change: by the signature, or already by what it decrypts."""
    try:
        raw = raw if at is None else changed(raw, at)
        initiator().finish(raw, _anybody, channel.bare(HOST.public), HOST)
    except errors.Refused as refused:
        return refused.sw
    raise ValueError("a change that is not noticed")


# message_3 at a wallet ---------------------------------------------------------------------------


def third(rule: str, sw: int, note: str, raw: bytes, scene: str | None = SCENE) -> Vector:
    """A message_3, and what comes of it."""
    fields: dict[str, Any] = {"scene": scene} if scene else {"key": seed("wallet's channel key")}
    if sw == OK:
        side = responder(_me(scene), WALLET)
        side.finish(raw, _anybody)
        fields |= exported(side)
        fields["operator"] = bool(scene) and side.peer.certificate is not None
    given = {"input": raw, "message_1": MESSAGE_1, "secret": Y}
    return vector(rule, "message-3", sw, note, **fields, **given)


def _me(scene: str | None) -> Party:
    return channel.certified(OF_ALICE) if scene else channel.bare(WALLET.public)


def message_3(who: Party, key: cose.SigningKey = HOST, scene: str | None = SCENE) -> bytes:
    """A host's message_3, whatever it is."""
    return initiator().finish(responder(_me(scene), WALLET).message_2, _anybody, who, key)


def thirds() -> Iterator[Vector]:
    """Who the host is (X2, X3, X5)."""
    of_host, bare = channel.certified(certified()), channel.bare(HOST.public)
    good = message_3(of_host)
    yield third("X2", OK, "a host of the operator", good)
    yield third("X3", OK, "nobody in particular", message_3(bare))
    for note, who in (("any host", bare), ("a host of an operator", of_host)):
        yield third("X5", OK, f"{note}, to a blank device", message_3(who, scene=None), None)
    foreign = channel.certified(certified("foreign", world.FOREIGN))
    yield third("X2", WRONG, "a host of another operator", message_3(foreign))
    wallet = channel.certified(certified("bob", world.certificate("bob")))
    yield third("X2", WRONG, "a wallet for a host", message_3(wallet))
    itself = channel.certified(certified("alice", ALICE))
    yield third("X2", WRONG, "by a certificate of the wallet's own", message_3(itself))
    rogue = channel.certified(certified("rogue"))
    yield third("X2", FORGED, "a certificate that a stranger has signed", message_3(rogue))
    late = "a certificate that has expired by the wallet's epoch"
    yield third("X2", errors.EXPIRED, late, good, LATER)
    yield third("X3", FORGED, "another's certificate", message_3(of_host, world.key_of("thief")))
    yield third("X3", FORGED, "another's bare key", message_3(bare, world.key_of("thief")))
    body = cose.parse(cose.CHANNEL, certified().raw, world.NETWORK).body
    kind = world.forge(cose.OPERATOR, body, world.key_of("operator"), OPERATOR.hash)
    other = channel.certified(certificates.read(cose.CHANNEL, kind, world.NETWORK))
    yield third("X3", FORGED, "a certificate signed as another kind", message_3(other))
    whose = Party(13, OPERATOR.raw, OPERATOR.public, None)
    raw = message_3(whose, world.key_of("operator"))
    yield third("X3", MALFORMED, "the operator's certificate itself", raw)
    for note, who in others():
        yield third("X3", MALFORMED, note.replace("wallet's", "other"), message_3(who, WALLET))
    for note, at in (("first", 2), ("last", -1)):
        yield third("X3", BROKEN, f"a changed {note} byte", changed(good, at))
    yield third("X3", BROKEN, "for a blank device", message_3(of_host, scene=None))
    yield third("X1", MALFORMED, "message_3: a byte behind", good + b"\x00")
    yield third("X1", MALFORMED, "message_3: nothing", b"")
    yield third("X1", BROKEN, "message_3: an empty byte string", b"\x40")


# INSTALL -----------------------------------------------------------------------------------------


def installs() -> Iterator[Vector]:
    """Who has opened the channel in which INSTALL comes (X5)."""
    package = issue.package(
        world.NETWORK,
        world.AUTHORITY.raw,
        [one.raw for one in world.OPERATORS],
        ALICE.raw,
        world.policy(),
        world.epoch(1),
    )
    body = dumps([package, PIN])

    def made(sw: int, note: str, by: Certificate | None) -> Vector:
        fields = {} if by is None else {"credential": by.raw}
        given = {"input": body, "seed": seed("alice"), "id_after": ALICE.id}
        return vector("X5", "install-command", sw, note, **given, **fields)

    yield made(OK, "INSTALL by the operator of the wallet in it", certified())
    yield made(errors.SESSION_NEEDED, "INSTALL by nobody in particular", None)
    foreign = certified("foreign", world.FOREIGN)
    yield made(WRONG, "INSTALL by another operator", foreign)
    yield made(FORGED, "INSTALL by a certificate that a stranger has signed", certified("rogue"))
