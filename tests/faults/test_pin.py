"""A sample of the sweep of PIN tries: attempts cut at random stores, torn in every way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jiaozi.wire.commands import PIN_TRIES
from jiaozi_sim.machines.base import MachineError
from tests.sweep.engine.tracer import address_of
from tests.sweep.pin.attempts import CASES, PinWallet
from tests.sweep.sweep_pin import check, same_time


@pytest.fixture(scope="module", params=["visual_card", "visual_card-unit256"])
def wallet(firmware_elf: Callable[[str], Path], request: pytest.FixtureRequest) -> PinWallet:
    return PinWallet(firmware_elf(request.param), 1)


@pytest.mark.parametrize("name", ["verify-wrong-3", "change-right-1", "verify-blocked", "unblock"])
def test_no_cut_gains_a_try(wallet: PinWallet, name: str, seed: int) -> None:
    tally = check(wallet, CASES[name], seed, looks=200, sample=2, restarts=10)
    assert tally.complaints == []
    if name != "verify-blocked":
        assert (tally.cut_points, tally.torn_variants, tally.looked) == (2, 8, 200)
        assert tally.restarted >= 9  # power does not fail before the first of all instructions


def test_a_comparison_takes_one_time(wallet: PinWallet) -> None:
    assert same_time(wallet) == []


def test_what_a_cut_may_leave() -> None:
    wrong, right = CASES[f"verify-wrong-{PIN_TRIES}"], CASES["verify-right-1"]
    left = range(PIN_TRIES + 1)
    assert [at for at in left if wrong.allows(at, compared=False)] == [2, 3]
    assert [at for at in left if wrong.allows(at, compared=True)] == [2]
    assert [at for at in left if right.allows(at, compared=False)] == [0, 1]
    assert [at for at in left if right.allows(at, compared=True)] == [0, 3]


def test_an_image_without_the_comparison_is_no_proof(firmware_elf: Callable[[str], Path]) -> None:
    with pytest.raises(MachineError, match="no function"):
        address_of(firmware_elf("visual_card"), "compares_nothing")
