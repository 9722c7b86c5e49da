"""Taps over a bad field, and with chips that do not keep a reader waiting by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from simulator.scenarios.rig import Rig

from tests.emulated.pairs import Pair

AMOUNT = 1_00
TAPS = 10
LOSS = 0.05


@pytest.fixture(scope="module")
def pair(
    firmware_elf: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    with Rig(tmp_path_factory.mktemp("field")) as rig:
        yield Pair.made(rig, firmware_elf)


@pytest.mark.parametrize("reader", ["payee", "payer"])
@pytest.mark.parametrize("auto_wtx", [True, False], ids=["wtx", "no-wtx"])
def test_a_tap_with_and_without_the_chips_own_wtx(pair: Pair, auto_wtx: bool, reader: str) -> None:
    """Without it the card answers within three frame waiting times, or the reader taps anew."""
    before = pair.balances
    pair.one.set_auto_wtx(auto_wtx)
    pair.other.set_auto_wtx(auto_wtx)
    try:
        pair.arm(pair.one, pair.other, reader, AMOUNT, AMOUNT)
        taps = pair.settle(8)
    finally:
        pair.one.set_auto_wtx(True)
        pair.other.set_auto_wtx(True)
    print(f"{taps} taps")
    assert pair.balances == (before[0] - AMOUNT, before[1] + AMOUNT)


def test_all_taps_settle_though_frames_are_lost(pair: Pair, seed: int) -> None:
    before = pair.balances
    simulator = pair.rig.simulator
    taken = []
    for number in range(TAPS):
        reader = ("payee", "payer", "auto")[number % 3]
        pair.arm(pair.one, pair.other, reader, AMOUNT, AMOUNT)
        simulator.fault("lose", rate=LOSS, seed=seed + number)
        taken.append(pair.settle(8))
        simulator.clear_faults()
    print(f"taps it took: {taken}")
    assert pair.balances == (before[0] - TAPS * AMOUNT, before[1] + TAPS * AMOUNT)
    pair.sync()
