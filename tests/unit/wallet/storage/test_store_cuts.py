"""Power cuts at every step of a fixed scenario, with every outcome, and cuts during recovery."""

from __future__ import annotations

import copy
import random
from functools import partial

import pytest

from tests.fixtures.nvm_fake import OUTCOMES
from tests.fixtures.store_driver import Changes, Driver, Operation, blank, cuts, storm
from wallet.storage.pages import RESERVE
from wallet.storage.store import Store


def record_bytes(unit: int) -> bytes:
    """A whole record as it lies in the log: as a value, it must never be taken for one."""
    nvm = blank(unit)
    store = Store.mount(nvm)
    store.commit({3: b"forged"})
    (place,) = store._index.values()
    start = (place >> 12) - 24
    end = start + store._log.cost(30)
    return bytes(nvm.memory[start:end])


def scenario(unit: int) -> list[Operation]:
    """Commits of all kinds, tidying in between, enough for more than one round of the ring."""
    size = 8 if unit == 4 else 200
    few = 6 if unit == 4 else 3
    forged = record_bytes(unit)
    commits: list[Changes] = [
        {1: b"a" * size, 2: b"b" * 5},
        {1: b"\xff" * 3 * size},
        {2: None, 3: b""},
        {4: bytes(2 * size), 5: b"\xff" * size, 6: b"x"},
        {4: forged[-100:]},
        {1: None, 4: b"c" * size},
        {key: bytes([key]) * 3 for key in range(10, 10 + few)},
        {key: None for key in range(10, 9 + few)} | {2: b"e"},
    ]
    operations: list[Operation] = [
        partial(Driver.commit, changes={key: bytes([key]) * size}) for key in range(20, 23)
    ]
    for lap in range(3 if unit == 4 else 10):
        for number, changes in enumerate(commits):
            lap_changes = {**changes, 9: bytes([lap, number])}
            operations.append(partial(Driver.commit, changes=lap_changes))
            if (lap + number) % 4 == 1:
                operations.append(Driver.mount)
            if number % 3 == lap % 3:
                operations.extend([Driver.tidy] * 2)
        operations.append(Driver.tidy_up)
    return operations


def cut_each_step(driver: Driver, operations: list[Operation], outcome: str | None) -> int:
    """Cut at every step of some operations; returns the number of cuts."""
    count = 0
    for operation in operations:
        for torn in cuts(driver, operation, outcome):
            assert torn.recover()
            torn.go_on()
            count += 1
    driver.check()
    return count


def cut_each_recovery(driver: Driver, operations: list[Operation], outcome: str | None) -> None:
    """The same, and then at every step of the recovery, and once more in the one after that."""
    for operation in operations:
        for torn in cuts(driver, operation, outcome):
            step = 0
            while True:
                again = copy.deepcopy(torn)
                if not again.recover((step, step // 2), outcome):
                    break
                again.go_on()
                step += 1


def cut_preparing_twice(driver: Driver) -> None:
    """Cut making a page ready at every step, and then its repetition."""
    driver.tidy_up()
    while driver.store._log.ready == RESERVE:
        driver.commit({1: bytes(driver.store._log.span // 3)})
    for torn in cuts(driver, Driver.tidy, None):
        assert torn.recover()
        for torn_again in cuts(torn, Driver.tidy, None):
            assert torn_again.recover()
            torn_again.use_up()
        torn.use_up()


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
