"""The wire grammar `protocol/jiaozi.cddl` and the code accept the same inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from _jzcbor import dumps
from jiaozi.wallet import payee
from jiaozi.wire import cose, errors
from jiaozi.wire.errors import Refused
from jiaozi.wire.journal import CREDITED, KIND, PAID, REFUNDED, RESOLVED, VOIDED
from protocol.tools.vector_world import forge
from tests.fixtures.doors import BANK, DOORS, ITEMS, NET, SCENE, SIGNERS
from tests.fixtures.wallets import answer, ask, finish, take, transfer
from tests.vectors.wire import fits

# By name in the grammar: an object's parser and an example.
OBJECTS = ("authority", "operator", "wallet", "policy", "epoch", "request", "payment")
OBJECTS += ("receipt", "void", "statement", "channel", "settlement", "package", "update")
OBJECTS += ("rotation", "clearing")
READERS = {name: "install" if name == "package" else name for name in OBJECTS}


def reads(name: str, raw: bytes) -> bool:
    """True if the code parses the bytes; signatures and rules do not count."""
    try:
        DOORS[READERS[name]][0](raw)
    except Refused as refused:
        return refused.sw != errors.MALFORMED
    return True


@pytest.mark.parametrize("name", OBJECTS)
def test_objects(name: str) -> None:
    raw = DOORS[READERS[name]][1]
    assert fits(name, raw)
    assert reads(name, raw)
    strangers = {"receipt", "void"} if name in ("receipt", "void") else {name}
    for other in OBJECTS:
        assert fits(other, raw) == (other in strangers and other == name)
    assert fits("outcome", raw) == (name in ("receipt", "void"))


def entries() -> Iterator[tuple[str, bytes]]:
    """Return a journal entry of each kind, written by a wallet."""
    alice, bob = BANK.wallet("alice"), BANK.wallet("bob")
    transfer(BANK.account(), alice, 1000)
    transfer(alice, bob, 5)
    request = ask(bob, 7)
    payment = answer(alice, bob.me.raw, request)
    bob.apply(payee.cancel(bob, next(iter(bob.open))))
    finish(alice, take(bob, alice.me.raw, payment, request))
    names = {
        PAID: "paid",
        CREDITED: "credited",
        RESOLVED: "resolved",
        VOIDED: "voided",
        REFUNDED: "refunded",
    }
    for wallet in (alice, bob):
        for position, entry in wallet.entries():
            yield names[entry[KIND]], wallet.entry(position) or b""


def test_entries() -> None:
    found = dict(entries())
    assert set(found) == {"paid", "credited", "resolved", "voided", "refunded"}
    for name, raw in found.items():
        assert fits(name, raw)
        assert fits("entry", raw)
        assert not fits("entry", raw[:-1])


def test_data_fields() -> None:
    alice, bob = SCENE.alice.me.raw, SCENE.bob.me.raw
    fields: list[tuple[str, list, bool]] = [
        ("select-answer", [1, 2, 7, bob, SCENE.request], True),
        ("select-answer", [1, 0, 0, None, None], True),
        ("select-answer", [2, 0, 0, None, None], False),
        ("pay-command", [bob, SCENE.request], True),
        ("pay-command", [bob, SCENE.payment], False),
        ("pay-answer", [SCENE.payment], True),
        ("pay-answer", [SCENE.payment, SCENE.request], True),
        ("pay-answer", [SCENE.payment, SCENE.request, SCENE.request], False),
        ("payment-command", [alice, SCENE.payment], True),
        ("payment-command", [alice, SCENE.payment, SCENE.request], True),
        ("payment-command", [SCENE.payment], False),
        ("arm-command", [1, 500, 2], True),
        ("arm-command", [2, 500, 2], False),
        ("change-command", [b"1234", b"123456789012"], True),
        ("change-command", [b"1234", b"123"], False),
        ("install-command", [DOORS["install"][1], b"1234"], True),
        ("install-command", [DOORS["install"][1], "1234"], False),
        ("info-answer", [2, bytes(8), 1, 3, 1, 1, 3, None, None, None, None, 1], True),
        ("info-answer", [2, bytes(8), 1, 3, 1, 1, 3, 500, 0, -1, [], 1], False),
        ("info-answer", [2, bytes(8), 1, 3, 1, 1, 3, 500, 0, 1, [[7, 5, 9, 10, [5411]]], 1], True),
        ("info-answer", [2, bytes(8), 1, 3, 1, 1, 3, 500, 0, 1, [[1, 5, 9, 10, [5411]]], 1], False),
        ("arm-command", [0, 500, 0, 7], True),
        ("arm-command", [0, 500, 0, 1], False),
    ]
    for name, body, good in fields:
        assert fits(name, dumps(body)) is good, (name, len(body))


@pytest.mark.parametrize("name", [name for name in OBJECTS if name in SIGNERS])
@settings(max_examples=40)
@given(data=st.data(), part=ITEMS)
def test_grammar_and_code_agree(name: str, data: st.DataObject, part: Any) -> None:
    kind, key, signer = SIGNERS[name]
    body = cose.parse(kind, DOORS[name][1], NET).body
    places = range(len(body)) if type(body) is list else sorted(body)
    body[data.draw(st.sampled_from(places))] = part
    if name == "request" and (body[1] == 0) == (body[2] == 0):
        return  # the grammar cannot express that exactly one of two is zero
    try:
        raw = forge(kind, body, key, signer)
    except ValueError:
        return
    assert fits(name, raw) == reads(name, raw)


@pytest.mark.parametrize("name", [name for name in OBJECTS if name in SIGNERS])
@pytest.mark.parametrize(
    "header",
    [{}, {1: -8}, {1: -7, 4: bytes(32)}, {1: -8, 4: bytes(31)}, {1: -8, 4: bytes(32), 5: b""}],
)
def test_other_headers(name: str, header: dict) -> None:
    kind, key, signer = SIGNERS[name]
    body = cose.parse(kind, DOORS[name][1], NET).body
    raw = forge(kind, body, key, signer, protected=dumps(header))
    assert not fits(name, raw)
    assert not reads(name, raw)
    raw = forge(kind, body, key, signer, unprotected={4: b""})
    assert not fits(name, raw)
    assert not reads(name, raw)
