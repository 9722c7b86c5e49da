"""Policies and epochs: every field is read, nothing else is."""

from __future__ import annotations

import pytest

from jiaozi.wire import cose, epochs, errors, policies
from jiaozi.wire.errors import Refused
from protocol.tools.vector_world import forge
from tests.fixtures.wallets import LIMITS, Bank

BANK = Bank()
POLICY = [LIMITS[name] for name in policies.POLICY_FIELDS]
WALLET = b"walletid"


def malformed(kind: int, body: object) -> bool:
    raw = forge(kind, body, BANK.operator_key, BANK.operator.hash)
    read = policies.read_policy if kind == cose.POLICY else epochs.read_epoch
    try:
        read(raw, cose.TEST)
    except Refused as refused:
        return refused.sw == errors.MALFORMED
    return False


def test_policy() -> None:
    policy = policies.read_policy(BANK.policy(version=5), cose.TEST)
    policy.verify(BANK.operator_key.public, BANK.operator.hash)
    for name in policies.POLICY_FIELDS:
        assert getattr(policy, name) == (LIMITS | {"version": 5})[name]


@pytest.mark.parametrize("field", range(len(POLICY)))
def test_each_field_of_a_policy(field: int) -> None:
    others: list[object] = [-1, 2**30, None, True, b"", [], {}]
    for other in others:
        assert malformed(cose.POLICY, [*POLICY[:field], other, *POLICY[field + 1 :]])
    assert malformed(cose.POLICY, POLICY[:field] + POLICY[field + 1 :])


def test_other_policies() -> None:
    assert not malformed(cose.POLICY, POLICY)
    others: list[object] = [[*POLICY, 0], {}, None, dict(enumerate(POLICY))]
    for other in others:
        assert malformed(cose.POLICY, other)


def test_epoch() -> None:
    epoch = epochs.read_epoch(BANK.epoch(3, [WALLET]), cose.TEST)
    epoch.verify(BANK.authority_key.public, BANK.authority.hash)
    assert (epoch.number, epoch.revoked, epoch.operators) == (3, [WALLET], [BANK.operator.hash])


@pytest.mark.parametrize(
    "body",
    [
        [-1, [], []],
        [2**30, [], []],
        [True, [], []],
        [1, [b"short"], []],
        [1, [WALLET + b"x"], []],
        [1, ["walletid"], []],
        [1, [None], []],
        [1, [[WALLET]], []],
        [1, WALLET, []],
        [1, {}, []],
        [1, [], [WALLET]],
        [1, [], [bytes(33)]],
        [1, [], None],
        [1, []],
        [1, [], [], []],
        {},
    ],
)
def test_other_epochs(body: object) -> None:
    assert malformed(cose.EPOCH, body)


def test_a_policy_is_no_epoch() -> None:
    policy = cose.parse(cose.EPOCH, BANK.policy(), cose.TEST)
    with pytest.raises(Refused) as caught:
        policy.verify(BANK.operator_key.public, BANK.operator.hash)
    assert caught.value.sw == errors.BAD_SIGNATURE
