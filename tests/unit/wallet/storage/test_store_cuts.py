"""Power cuts at every step of a fixed scenario, with every outcome, and cuts during recovery."""

from __future__ import annotations

import random

import pytest

from tests.fixtures.nvm_fake import OUTCOMES
from tests.fixtures.store_cuts import (
    cut_each_recovery,
    cut_each_step,
    cut_preparing_twice,
    scenario,
)
from tests.fixtures.store_driver import Driver, blank, storm


@pytest.mark.parametrize("unit", [4, 256])
@pytest.mark.parametrize("outcome", [*OUTCOMES, None])
def test_a_cut_at_every_step_leaves_all_or_nothing(unit: int, outcome: str | None) -> None:
    driver = Driver(blank(unit))
    assert cut_each_step(driver, scenario(unit), outcome) > 200
    assert min(driver.nvm.erases) >= 1
    assert max(driver.nvm.erases) > 1


@pytest.mark.parametrize("unit", [4, 256])
@pytest.mark.parametrize("outcome", ["mix", "new", None])
def test_cuts_during_recovery_leave_all_or_nothing(unit: int, outcome: str | None) -> None:
    driver = Driver(blank(unit))
    operations = scenario(unit)
    for operation in operations[:20]:
        operation(driver)
    cut_each_recovery(driver, operations[20 : 24 if unit == 4 else 32], outcome)


@pytest.mark.parametrize("unit", [4, 256])
@pytest.mark.parametrize("outcome", [*OUTCOMES, None])
def test_a_cut_format_is_finished(unit: int, outcome: str | None) -> None:
    step = 0
    while True:
        for then in range(0, step + 1, 5):
            driver = Driver.unmounted(blank(unit))
            if not driver.recover((step, then), outcome):
                break
            driver.go_on()
        else:
            step += 1
            continue
        break
    assert step > 20


@pytest.mark.parametrize("unit", [4, 256])
def test_making_a_page_ready_may_be_cut_twice(unit: int, seed: int) -> None:
    for number in range(3):
        cut_preparing_twice(Driver(blank(unit, seed + number)))


@pytest.mark.parametrize("unit", [4, 256])
def test_random_histories_with_cuts(unit: int, seed: int) -> None:
    for number in range(40):
        driver = Driver(blank(unit, seed + number))
        storm(driver, random.Random(seed + number), 100)
        driver.go_on()
