"""Taps between two applications on CPython: both reader roles, consent, tears and resumption."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest

from _jzcbor import dumps, loads
from jiaozi.wire import apdu, commands, errors
from tests.fixtures.devices import Wallet, provision
from tests.fixtures.wallets import Bank, answer, finish
from wallet.roles.reader import read_tap

BANK = Bank()


class Torn(Exception):
    """The card was pulled away."""


class Pair:
    """Two wallets; alice holds 100.00."""

    def __init__(self, **limits: object) -> None:
        self.account = BANK.account()
        self.alice = provision(BANK, "alice", **limits)
        self.bob = provision(BANK, "bob", **limits)
        request = self.alice.arm(commands.RECEIVE, 10_000)
        certificate = self.alice.select()[3]
        payment = answer(self.account, certificate, request)
        data = dumps([self.account.me.raw, payment])
        finish(self.account, self.alice.must(commands.PAYMENT, data))

    @property
    def balances(self) -> tuple[int, int]:
        return self.alice.balance, self.bob.balance

    def tap(self, reader: Wallet, card: Wallet, exchange: Callable | None = None) -> None:
        read_tap(reader.device, exchange or card.exchange, reader.port.wait)


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_payee_reads(pair: Pair) -> None:
    pair.bob.arm(commands.RECEIVE, 2_500)
    pair.tap(pair.bob, pair.alice)
    assert pair.balances == (7_500, 2_500)
    assert pair.alice.screens[-1] == ("paid", {"amount": 2_500})
    assert pair.bob.screens[-1] == ("received", {"amount": 2_500})


def test_payer_reads(pair: Pair) -> None:
    pair.bob.arm(commands.RECEIVE, 0)
    pair.alice.arm(commands.PAY_OUT, 1_234)
    pair.tap(pair.alice, pair.bob)
    assert pair.balances == (8_766, 1_234)


def test_an_entered_amount_serves_once_and_only_itself(pair: Pair) -> None:
    pair.alice.arm(commands.PAY_OUT, 700)
    pair.bob.arm(commands.RECEIVE, 800)
    with pytest.raises(errors.Refused) as refused:
        pair.tap(pair.bob, pair.alice)
    assert refused.value.sw == errors.AMOUNT_MISMATCH
    pair.bob.arm(commands.RECEIVE, 700)
    pair.tap(pair.bob, pair.alice)
    assert pair.balances == (9_300, 700)
    assert pair.alice.device.intent is None


def test_without_a_request_there_is_nothing_to_do(pair: Pair) -> None:
    pair.alice.arm(commands.PAY_OUT, 700)
    with pytest.raises(errors.Refused) as refused:
        pair.tap(pair.alice, pair.bob)
    assert refused.value.sw == errors.NO_REQUEST


def test_consent_is_waited_for_and_given() -> None:
    pair = Pair(unconfirmed_single=1_000)
    pair.bob.arm(commands.RECEIVE, 2_500)
    waits = []

    def wait(ms: int) -> None:
        waits.append(ms)
        assert pair.alice.screens[-1] == ("consent", {"amount": 2_500, "wallet": b"bob_____"})
        if len(waits) == 3:
            pair.alice.device.consent.answer(True)

    read_tap(pair.bob.device, pair.alice.exchange, wait)
    assert pair.balances == (7_500, 2_500)
    assert len(waits) == 3


def test_consent_refused() -> None:
    pair = Pair(unconfirmed_single=1_000)
    pair.bob.arm(commands.RECEIVE, 2_500)
    with pytest.raises(errors.Refused) as refused:
        read_tap(
            pair.bob.device,
            pair.alice.exchange,
            lambda ms: pair.alice.device.consent.answer(False),
        )
    assert refused.value.sw == errors.CONSENT_REFUSED
    assert pair.balances == (10_000, 0)


def test_consent_given_between_two_taps_serves_once() -> None:
    pair = Pair(unconfirmed_single=1_000)
    pair.bob.arm(commands.RECEIVE, 2_500)

    def lifted(ms: int) -> None:
        raise Torn

    with pytest.raises(Torn):
        read_tap(pair.bob.device, pair.alice.exchange, lifted)
    pair.alice.device.consent.answer(True)
    pair.tap(pair.bob, pair.alice)
    assert pair.balances == (7_500, 2_500)
    pair.bob.arm(commands.RECEIVE, 2_500)
    with pytest.raises(Torn):
        read_tap(pair.bob.device, pair.alice.exchange, lifted)


def test_consent_dies_of_age() -> None:
    pair = Pair(unconfirmed_single=1_000)
    pair.bob.arm(commands.RECEIVE, 2_500)

    def lifted(ms: int) -> None:
        raise Torn

    with pytest.raises(Torn):
        read_tap(pair.bob.device, pair.alice.exchange, lifted)
    pair.alice.device.consent.answer(True)
    pair.alice.port.now += 61_000
    with pytest.raises(Torn):
        read_tap(pair.bob.device, pair.alice.exchange, lifted)
    assert pair.balances == (10_000, 0)


def _tear(exchange: Callable[[bytes], bytes], at: int, answered: bool) -> Callable[[bytes], bytes]:
    """An exchange that fails at the `at`-th APDU, before or after the card has carried it out."""
    count = iter(range(1000))

    def torn(command: bytes) -> bytes:
        if next(count) == at:
            if answered:
                exchange(command)
            raise Torn
        return exchange(command)

    return torn


@pytest.mark.parametrize("restart", ["none", "payer", "payee", "both"])
@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("reader", ["payee", "payer"])
def test_a_torn_tap_is_finished_by_tapping_again(
    reader: str, at: int, answered: bool, restart: str
) -> None:
    pair = Pair()
    pair.bob.arm(commands.RECEIVE, 2_500)
    pair.alice.arm(commands.PAY_OUT, 2_500)
    first, second = (pair.bob, pair.alice) if reader == "payee" else (pair.alice, pair.bob)
    try:
        pair.tap(first, second, _tear(second.exchange, at, answered))
    except Torn:
        in_flight = sum(
            sum(entry[6])
            for entry in pair.alice.device.book.pending()
            if pair.bob.device.book.outcome(entry[2]) is None
        )
        assert sum(pair.balances) + in_flight == 10_000
    if restart in ("payer", "both"):
        pair.alice.restart()
    if restart in ("payee", "both"):
        pair.bob.restart()
    for again in (pair.bob, pair.alice), (pair.alice, pair.bob):
        with contextlib.suppress(errors.Refused):
            pair.tap(*again)
    assert sum(pair.balances) == 10_000
    assert pair.balances == (7_500, 2_500)
    assert pair.alice.device.book.unresolved() == 0
    assert not pair.bob.device.book.open


def test_a_cancelled_request_voids_the_payment_in_flight(pair: Pair) -> None:
    pair.bob.arm(commands.RECEIVE, 2_500)
    pair.alice.arm(commands.PAY_OUT, 2_500)
    with pytest.raises(Torn):
        pair.tap(pair.alice, pair.bob, _tear(pair.bob.exchange, 1, False))
    pair.bob.select()
    pair.bob.open_channel()
    pair.bob.must(commands.VERIFY, b"1234")
    pair.bob.must(commands.DISARM)
    assert pair.balances == (7_500, 0)
    pair.tap(pair.alice, pair.bob)
    assert pair.balances == (10_000, 0)
    assert pair.alice.screens[-1] == ("refused", {"reason": "The money came back."})


def test_an_unfinished_payment_comes_before_a_new_one(pair: Pair) -> None:
    pair.bob.arm(commands.RECEIVE, 2_500)
    with pytest.raises(Torn):
        pair.tap(pair.bob, pair.alice, _tear(pair.alice.exchange, 1, True))
    assert pair.balances == (7_500, 0)
    pair.bob.arm(commands.RECEIVE, 1_000)
    pair.tap(pair.bob, pair.alice)
    assert pair.balances == (6_500, 3_500)


def test_a_replayed_payment_gets_the_same_receipt(pair: Pair) -> None:
    pair.bob.arm(commands.RECEIVE, 2_500)
    seen: list[bytes] = []

    def spy(command: bytes) -> bytes:
        seen.append(pair.alice.exchange(command))
        return seen[-1]

    pair.tap(pair.bob, pair.alice, spy)
    payment = loads(seen[1][:-2])[0]
    data = dumps([pair.alice.device.book.me.raw, payment])
    pair.bob.select()
    receipts = {pair.bob.must(commands.PAYMENT, data) for _ in range(3)}
    assert len(receipts) == 1
    assert pair.balances == (7_500, 2_500)


def test_the_air_carries_few_bytes_in_few_exchanges(pair: Pair) -> None:
    pair.bob.arm(commands.RECEIVE, 2_500)
    log: list[int] = []

    def spy(command: bytes) -> bytes:
        response = pair.alice.exchange(command)
        log.append(len(command) + len(response))
        return response

    pair.tap(pair.bob, pair.alice, spy)
    assert len(log) <= 4
    assert sum(log) <= 900, sum(log)
    assert apdu.is_select(apdu.select())
