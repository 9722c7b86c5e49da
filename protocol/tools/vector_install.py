"""Vectors of packages, which make a wallet of a device that has a key, and of updates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import vector_world as world
from vector_world import OK, Vector, vector

from _jzcbor import dumps
from jiaozi.wallet import book
from jiaozi.wire import certificates, cose, errors, policies

PUBLIC = world.key_of("alice").public
SCENE = "alice in epoch 5 with policy 2"
MALFORMED, FORGED = errors.MALFORMED, errors.BAD_SIGNATURE
PARTS = {
    "network": world.NETWORK,
    "authority": world.AUTHORITY.raw,
    "operators": [one.raw for one in world.OPERATORS],
    "certificate": world.certificate("alice").raw,
    "policy": world.policy(),
    "epoch": world.epoch(1),
}


def scenes() -> dict[str, book.Book]:
    """The wallet to be updated."""
    return {SCENE: world.wallet("alice", [0, 1000], at=5, version=2)}


def package(sw: int, note: str, **parts: Any) -> Vector:
    """A package that is correct but for the parts given."""
    raw = dumps(list((PARTS | parts).values()))
    return vector("C5", "package", sw, note, input=raw, public=PUBLIC)


def update(sw: int, note: str, *body: Any) -> Vector:
    """An update of the wallet: operators, policy, epoch."""
    return vector("C6", "update", sw, note, scene=SCENE, input=dumps(list(body)))


def vectors() -> Iterator[Vector]:
    """Packages, then updates."""
    yield from packages()
    yield from broken()
    yield from updates()


def packages() -> Iterator[Vector]:
    """The whole chain is verified, and fits the device."""
    yield package(OK, "as it should be")
    yield package(OK, "a merchant's", certificate=_wallet([certificates.CARD, 3, 5411, 9]).raw)
    only = [world.FOREIGN.raw]
    yield package(errors.UNKNOWN_OPERATOR, "its operator is missing", operators=only)
    other = world.certificate("bob").raw
    yield package(errors.WRONG_KEY, "another device's certificate", certificate=other)
    tier = world.policy(tier=4)
    yield package(errors.WRONG_TIER, "another tier's policy", policy=tier)
    dollars = world.policy(currency="USD")
    yield package(errors.WRONG_CURRENCY, "a policy in another currency", policy=dollars)
    late = world.epoch(101)
    yield package(errors.EXPIRED, "a certificate that has expired", epoch=late)
    revoked = world.epoch(1, [world.certificate("alice").id])
    yield package(errors.REVOKED, "a wallet that is revoked", epoch=revoked)
    none = world.epoch(1, operators=[])
    yield package(errors.REVOKED, "an operator that is not valid", epoch=none)


def broken() -> Iterator[Vector]:
    """Nothing in it is believed before it is verified."""
    rogue = world.key_of("rogue")
    own = certificates.issue(
        cose.AUTHORITY, b"AUTHORTY", rogue.public, [], rogue, None, world.NETWORK
    )
    yield package(errors.WRONG_SIGNER, "another authority", authority=own.raw)
    body = {1: 1}
    fake = world.forge(cose.OPERATOR, _body(world.OPERATOR.raw), rogue, world.AUTHORITY.hash)
    yield package(FORGED, "an operator of nobody's", operators=[fake])
    fake = world.forge(
        cose.WALLET, _body(world.certificate("alice").raw), rogue, world.OPERATOR.hash
    )
    yield package(FORGED, "a forged certificate", certificate=fake)
    limits = [world.LIMITS[name] for name in policies.POLICY_FIELDS]
    fake = world.forge(cose.POLICY, limits, rogue, world.OPERATOR.hash)
    yield package(FORGED, "a forged policy", policy=fake)
    valid = [one.hash for one in world.OPERATORS]
    fake = world.forge(cose.EPOCH, [1, [], valid], rogue, world.AUTHORITY.hash)
    yield package(FORGED, "a forged epoch", epoch=fake)
    yield package(FORGED, "of the live network", network=cose.LIVE)
    yield package(MALFORMED, "a network that is none", network=2)
    yield package(MALFORMED, "operators that are none", operators=[body])
    yield package(MALFORMED, "no policy", policy=None)


def updates() -> Iterator[Vector]:
    """Newer rules, and operators that are certified."""
    policy, epoch = world.policy(version=3), world.epoch(6)
    yield update(OK, "a newer policy and epoch", [], policy, epoch)
    same = (world.policy(version=2), world.epoch(5))
    yield update(OK, "the very same ones", [], *same)
    new = certificates.issue(
        cose.OPERATOR,
        b"operator",
        world.key_of("third").public,
        ["CNY", 1000],
        world.key_of("authority"),
        world.AUTHORITY,
        world.NETWORK,
    )
    yield update(OK, "another operator", [new.raw], policy, epoch)
    older = errors.POLICY_OLDER
    yield update(older, "an older policy", [], world.policy(version=1), epoch)
    note = "another policy with the same version"
    yield update(older, note, [], world.policy(version=2, single=1), epoch)
    older = world.epoch(4)
    yield update(OK, "a newer policy with an older epoch, which is left", [], policy, older)
    note = "another epoch with the same number"
    yield update(errors.EPOCH_OLDER, note, [], policy, world.epoch(5, [b"walletid"]))
    fake = world.forge(cose.OPERATOR, new.signed.body, world.key_of("third"), world.AUTHORITY.hash)
    yield update(FORGED, "an operator of nobody's", [fake], policy, epoch)
    yield update(MALFORMED, "no epoch", [], policy)
    yield update(MALFORMED, "operators that are none", [1], policy, epoch)


def _wallet(claims: list[int]) -> certificates.Certificate:
    operator = world.key_of("operator")
    return certificates.issue(
        cose.WALLET, b"merchant", PUBLIC, claims, operator, world.OPERATOR, world.NETWORK
    )


def _body(raw: bytes) -> object:
    return cose.decode(cose.decode(raw)[2])
