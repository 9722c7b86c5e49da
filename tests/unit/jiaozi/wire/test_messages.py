"""The four messages of a tap: which bodies are read and which are not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jiaozi.wire import cose, errors, messages
from jiaozi.wire.errors import Refused
from protocol.tools.vector_world import forge
from tests.fixtures.wallets import key_of

KEY = key_of("signer")
HASH = bytes(range(32))
READ: dict[int, Callable] = {
    cose.REQUEST: messages.read_request,
    cose.PAYMENT: messages.read_payment,
    cose.RECEIPT: messages.read_outcome,
    cose.VOID: messages.read_outcome,
}
GOOD: dict[int, list] = {
    cose.REQUEST: [7, 250, 0, "CNY", [0], 3],
    cose.PAYMENT: [4, HASH, 250, 0, 1, 2, 5],
    cose.RECEIPT: [HASH, 9, 2],
    cose.VOID: [HASH, HASH[::-1], 9, 2],
}


OTHERS: list[object] = [-1, 2**30, True, None, b"", bytes(31), bytes(33), {}, [[]], [-1], [None]]


def malformed(kind: int, body: object) -> bool:
    try:
        READ[kind](forge(kind, body, KEY, HASH), cose.TEST)
    except Refused as refused:
        return refused.sw == errors.MALFORMED
    return False


def test_request() -> None:
    raw = forge(cose.REQUEST, GOOD[cose.REQUEST], KEY, HASH)
    request = messages.read_request(raw, cose.TEST)
    request.verify(KEY.public, HASH)
    assert (request.number, request.amount, request.ceiling) == (7, 250, 0)
    assert (request.currency, request.purses, request.expiry) == ("CNY", [0], 3)


def test_payment() -> None:
    raw = forge(cose.PAYMENT, GOOD[cose.PAYMENT], KEY, HASH)
    payment = messages.read_payment(raw, cose.TEST)
    payment.verify(KEY.public, HASH)
    assert (payment.sequence, payment.request_hash, payment.amount) == (4, HASH, 250)
    assert (payment.purse, payment.hop, payment.epoch, payment.policy_version) == (0, 1, 2, 5)


def test_outcomes() -> None:
    receipt = messages.read_outcome(forge(cose.RECEIPT, [HASH, 9, 2], KEY, HASH), cose.TEST)
    receipt.verify(KEY.public, HASH)
    assert type(receipt) is messages.Receipt
    assert (receipt.payment_hash, receipt.position, receipt.epoch) == (HASH, 9, 2)
    void = messages.read_outcome(forge(cose.VOID, GOOD[cose.VOID], KEY, HASH), cose.TEST)
    void.verify(KEY.public, HASH)
    assert type(void) is messages.Void
    assert (void.request_hash, void.payment_hash) == (HASH, HASH[::-1])
    assert (void.position, void.epoch) == (9, 2)


@pytest.mark.parametrize(("kind", "other"), [(cose.RECEIPT, cose.VOID), (cose.VOID, cose.RECEIPT)])
def test_an_outcome_signed_as_the_other_one(kind: int, other: int) -> None:
    outcome = messages.read_outcome(forge(kind, GOOD[other], KEY, HASH), cose.TEST)
    with pytest.raises(Refused) as caught:
        outcome.verify(KEY.public, HASH)
    assert caught.value.sw == errors.BAD_SIGNATURE


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_each_field(kind: int) -> None:
    good = GOOD[kind]
    assert not malformed(kind, good)
    for field in range(len(good)):
        for other in OTHERS:
            assert malformed(kind, [*good[:field], other, *good[field + 1 :]]), (field, other)
    for shape in ([], [*good, 0], good[:-1], dict(enumerate(good)), None, 7, HASH):
        assert malformed(kind, shape)


@pytest.mark.parametrize(
    ("amount", "ceiling", "good"),
    [(1, 0, True), (0, 1, True), (0, 0, False), (1, 1, False)],
)
def test_a_request_has_an_amount_or_a_ceiling(amount: int, ceiling: int, good: bool) -> None:
    assert malformed(cose.REQUEST, [7, amount, ceiling, "CNY", [0], 3]) is not good


@pytest.mark.parametrize(
    ("purses", "good"),
    [([0], True), ([3, 0], True), (list(range(8)), True), ([], False), (list(range(9)), False)],
)
def test_purses_of_a_request(purses: list, good: bool) -> None:
    assert malformed(cose.REQUEST, [7, 1, 0, "CNY", purses, 3]) is not good
