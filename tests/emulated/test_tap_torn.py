"""Taps that are torn: by power cuts, lost frames, a card pulled away. Tapping again ends them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from simulator.scenarios.rig import Rig

from jiaozi.wire import apdu, commands
from jiaozi_sim.client import Wallet
from tests.emulated.faces import await_screen
from tests.emulated.pairs import Pair, memory, restart, until

AMOUNT = 1_00

# NVM stores from the arming on. The payer's record takes some 156, its outcome's 79, the payee's
# 195, each with two commit words at its end; and more where the rest of a page is filled up.
PAYER_CUTS = [("payee", n) for n in (1, 153, 154, 155, 156, 157, 235)]
PAYER_CUTS += [("payer", n) for n in (70, 154, 155, 156, 200, 234)]
PAYEE_CUTS = [("payee", n) for n in (1, 193, 194, 195)]
PAYEE_CUTS += [("payer", n) for n in (90, 193, 194, 195, 196)]
BOTH_CUTS = ((157, 195), (235, 194))


@pytest.fixture(scope="module")
def pair(
    firmware_elf: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    with Rig(tmp_path_factory.mktemp("torn")) as rig:
        yield Pair.made(rig, firmware_elf)


@pytest.fixture
def tapped_once(pair: Pair) -> Iterator[None]:
    """Whatever happens in a test: in the end exactly AMOUNT has gone from one to the other."""
    if memory(pair.one).book.slots() < 10:
        pair.new_day()
    before = pair.balances
    yield
    left, settled = pair.balances, pair.settled()
    if not settled:  # the next test is to start clean
        restart(pair.one, pair.other)
        pair.settle()
    assert settled
    assert left == (before[0] - AMOUNT, before[1] + AMOUNT)


def _tap_until_cut(pair: Pair, *wallets: Wallet) -> None:
    """Hold them together until these have lost their power; their orders may come too late."""
    with pair.together():
        assert until(lambda: not all(wallet.running for wallet in wallets) or pair.settled())
        until(lambda: not any(wallet.running for wallet in wallets), 5)
    for wallet in wallets:
        wallet.cut_after_stores(None)
    # Each memory is read once: who still has power may be about to credit.
    payer, payee = memory(pair.one), memory(pair.other)
    under_way = [e for e in payer.book.pending() if payee.book.outcome(e[2]) is None]
    flying = sum(sum(entry[6]) for entry in under_way)
    assert payer.balance + payee.balance + flying == 2 * 10_000_00
    restart(*wallets)


@pytest.mark.usefixtures("tapped_once")
@pytest.mark.parametrize(("reader", "stores"), PAYER_CUTS)
def test_the_payer_loses_its_power(pair: Pair, reader: str, stores: int) -> None:
    pair.arm(pair.one, pair.other, reader, AMOUNT, AMOUNT)
    pair.one.cut_after_stores(stores)
    _tap_until_cut(pair, pair.one)
    _finish(pair, reader)


@pytest.mark.usefixtures("tapped_once")
@pytest.mark.parametrize(("reader", "stores"), PAYEE_CUTS)
def test_the_payee_loses_its_power(pair: Pair, reader: str, stores: int) -> None:
    pair.arm(pair.one, pair.other, reader, AMOUNT, AMOUNT)
    pair.other.cut_after_stores(stores)
    _tap_until_cut(pair, pair.other)
    _finish(pair, reader)


@pytest.mark.usefixtures("tapped_once")
@pytest.mark.parametrize(("payer", "payee"), BOTH_CUTS)
def test_both_lose_their_power(pair: Pair, payer: int, payee: int) -> None:
    pair.arm(pair.one, pair.other, "payee", AMOUNT, AMOUNT)
    pair.one.cut_after_stores(payer)
    pair.other.cut_after_stores(payee)
    _tap_until_cut(pair, pair.one, pair.other)
    pair.settle()


def _finish(pair: Pair, reader: str) -> None:
    """Tap again. Who was to read and pay, and lost its power before it paid, is armed anew."""
    if reader == "payer" and not memory(pair.one).pending and memory(pair.other).open:
        pair.rig.pay(pair.one, AMOUNT, commands.READER)
    pair.settle()


@pytest.mark.usefixtures("tapped_once")
@pytest.mark.parametrize("action", ["lose", "repeat", "truncate"])
@pytest.mark.parametrize("reader", ["payee", "payer"])
@pytest.mark.parametrize("_", range(2))
def test_one_frame_is_mistreated(
    pair: Pair, reader: str, action: str, _: int, rng: random.Random
) -> None:
    nth = rng.randrange(2, 34)
    print(f"{action} frame {nth}")
    pair.arm(pair.one, pair.other, reader, AMOUNT, AMOUNT)
    pair.rig.simulator.fault(action, nth=nth, times=1, amount=3 if action == "truncate" else 0.001)
    try:
        pair.settle()
    finally:
        pair.rig.simulator.clear_faults()


def _blocks_before(pair: Pair, ins: int, direction: str) -> int:
    """How many I-blocks of a direction the last tap with the command `ins` had before it."""
    frames = [f for f in pair.rig.simulator.frames() if f.kind == "SELECT" or f.kind[0] == "I"]
    command = max(i for i, f in enumerate(frames) if f.data[1:3] == bytes((apdu.CLA, ins)))
    start = max(i for i, f in enumerate(frames[:command]) if f.kind == "SELECT")
    return sum(frame.direction == direction for frame in frames[start + 1 : command])


def _tap_up_to(pair: Pair, ins: int, direction: str, done: Callable[[], bool]) -> tuple[int, int]:
    """A tap read by the payee of which all is lost in one direction from the command `ins` on.

    A tap before it, which nothing disturbs, tells where that is. Returns the balances after that.
    """
    pair.arm(pair.one, pair.other, "payee", AMOUNT)
    pair.settle()
    blocks = _blocks_before(pair, ins, direction)
    pair.sync()
    before = pair.balances
    pair.arm(pair.one, pair.other, "payee", AMOUNT)
    pair.rig.simulator.fault("lose", direction=direction, kind="I", since=blocks + 1)
    with pair.together():
        assert until(done)
    pair.rig.simulator.clear_faults()
    return before


def _pull_away_once_paid(pair: Pair) -> tuple[int, int]:
    """The payer's answer to PAY does not come through; it has committed."""
    before = _tap_up_to(pair, commands.PAY, "<", lambda: memory(pair.one).pending == 1)
    assert pair.balances == (before[0] - AMOUNT, before[1])
    await_screen(pair.one, "pending", balance=before[0] - AMOUNT)
    return before


def test_pulled_away_after_the_payer_committed(pair: Pair) -> None:
    before = _pull_away_once_paid(pair)
    pair.settle()
    assert pair.balances == (before[0] - AMOUNT, before[1] + AMOUNT)
    pair.sync()


def test_a_payee_that_never_comes_back_gets_its_money_at_sync(pair: Pair) -> None:
    before = _pull_away_once_paid(pair)
    assert pair.rig.sync(pair.one).settled
    report = pair.rig.report()
    assert report.holds
    assert [payment.in_flight for payment in report.in_flight] == [AMOUNT]
    restart(pair.other)  # it forgets that it is to read, and lies still on the desk
    late = pair.rig.sync(pair.other)
    assert (late.delivered, late.settled) == (1, True)
    assert pair.rig.sync(pair.one).resolved == 1
    assert pair.settled()
    assert pair.balances == (before[0] - AMOUNT, before[1] + AMOUNT)
    pair.sync()


def test_a_receipt_that_never_came_is_brought_by_sync(pair: Pair) -> None:
    before = _tap_up_to(pair, commands.RESOLVE, ">", lambda: memory(pair.other).open == 0)
    assert pair.balances == (before[0] - AMOUNT, before[1] + AMOUNT)
    assert memory(pair.one).pending == 1
    assert pair.rig.sync(pair.other).settled
    assert pair.rig.sync(pair.one).resolved == 1
    assert pair.settled()
    assert pair.balances == (before[0] - AMOUNT, before[1] + AMOUNT)
    pair.sync()
