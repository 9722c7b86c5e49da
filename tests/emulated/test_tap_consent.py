"""Payments above what needs no confirmation: asked on the payer's display, answered by its keys."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from simulator.scenarios.rig import Rig

from jiaozi.wire import errors
from jiaozi_sim.client import Wallet
from jiaozi_sim.machines.engines import patience
from tests.emulated.faces import await_screen
from tests.emulated.pairs import HOLD, Pair, memory, until

AMOUNT = 600_00  # tier 3 confirms above 500.00
OK_AREA, CANCEL_AREA = (180, 200), (60, 200)
_READ = 0.5


@pytest.fixture(scope="module")
def pair(
    firmware_elf: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    with Rig(tmp_path_factory.mktemp("consent")) as rig:
        yield Pair.made(rig, firmware_elf)


def press(wallet: Wallet, key: str) -> None:
    """Press the button, or where the display has the key, having read what it says."""
    time.sleep(_READ * patience())
    if key in wallet.buttons:
        wallet.press(key, HOLD)
    else:
        wallet.touch(*(OK_AREA if key == "ok" else CANCEL_AREA), seconds=HOLD)


def answer(wallet: Wallet, key: str, done: Callable[[], bool]) -> None:
    """Press until it has been noticed, as people do."""
    for _ in range(3):
        press(wallet, key)
        if until(done, 10):
            return
    raise AssertionError(f"{wallet.name} does not notice {key}")


def refusal_sent(pair: Pair, after: int) -> bool:
    """Whether a card has answered with the refusal's status word."""
    word = errors.CONSENT_REFUSED.to_bytes(2, "big")
    frames = pair.rig.simulator.frames(after)
    return any(f.direction == "<" and f.data.endswith(word) for f in frames)


def await_question(pair: Pair, payer: Wallet, payee: Wallet) -> None:
    await_screen(payer, "consent", amount=AMOUNT, wallet=pair.id(payee))


@pytest.fixture(params=[True, False], ids=["card-pays", "wearable-pays"])
def sides(pair: Pair, request: pytest.FixtureRequest) -> Iterator[tuple[Wallet, Wallet]]:
    """Payer and payee, which reads; what it asked for is taken back if need be."""
    payer, payee = (pair.one, pair.other) if request.param else (pair.other, pair.one)
    pair.arm(payer, payee, "payee", AMOUNT)
    yield payer, payee
    if not pair.settled():
        answer(payee, "cancel", pair.settled)


def test_consent_given_while_kept_together(pair: Pair, sides: tuple[Wallet, Wallet]) -> None:
    payer, payee = sides
    before = memory(payer).balance, memory(payee).balance
    with pair.together():
        await_question(pair, payer, payee)
        assert (memory(payer).balance, memory(payee).balance) == before
        answer(payer, "ok", pair.settled)
    assert (memory(payer).balance, memory(payee).balance) == (
        before[0] - AMOUNT,
        before[1] + AMOUNT,
    )
    await_screen(payer, "paid", amount=AMOUNT)
    await_screen(payee, "received", amount=AMOUNT)
    state = memory(payer).book.state
    assert (state.unconfirmed_count, state.unconfirmed_total) == (0, 0)


def test_consent_given_between_two_taps(pair: Pair, sides: tuple[Wallet, Wallet]) -> None:
    payer, payee = sides
    before = memory(payer).balance, memory(payee).balance
    with pair.together():
        await_question(pair, payer, payee)
    press(payer, "ok")
    assert memory(payer).balance == before[0]
    pair.settle()
    assert (memory(payer).balance, memory(payee).balance) == (
        before[0] - AMOUNT,
        before[1] + AMOUNT,
    )


def test_consent_refused_moves_nothing(pair: Pair, sides: tuple[Wallet, Wallet]) -> None:
    payer, payee = sides
    before = memory(payer).book.state.encode(), memory(payee).balance
    seen = len(pair.rig.simulator.frames())
    with pair.together():
        await_question(pair, payer, payee)
        answer(payer, "cancel", lambda: refusal_sent(pair, seen))
        await_screen(payee, "refused", reason=errors.CONSENT_REFUSED)
    assert (memory(payer).book.state.encode(), memory(payee).balance) == before


def test_all_adds_up(pair: Pair) -> None:
    pair.sync()
