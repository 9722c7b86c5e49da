"""Drives a store and a plain dict side by side, with power cuts at any step.

Changes are committed, cut and compared with the two contents that are allowed: what was there
before the operation, and what should be there after it.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Sequence

from tests.unit.nvm_fake import NvmFake, PowerCut
from wallet.storage.errors import StoreFull
from wallet.storage.pages import RESERVE
from wallet.storage.store import Store

Content = dict[int, bytes]
Changes = dict[int, bytes | None]
Operation = Callable[["Driver"], None]

# Page and unit of the memories tested.
GEOMETRIES = {4: (256, 4), 256: (4096, 256)}
PAGES = 12


def blank(unit: int, seed: int = 0) -> NvmFake:
    """A small blank memory with this program unit."""
    page, unit = GEOMETRIES[unit]
    return NvmFake(PAGES * page, page, unit, seed)


def content(store: Store) -> Content:
    """All that a store holds."""
    found = {}
    for key in store.keys():  # noqa: SIM118  (not a dict)
        value = store.get(key)
        assert value is not None
        found[key] = value
    return found


def changed(before: Content, changes: Changes) -> Content:
    """What changes make of a content."""
    after = {key: value for key, value in before.items() if changes.get(key, value) is not None}
    after.update({key: value for key, value in changes.items() if value is not None})
    return after


class Driver:
    """A store in a fake NVM and the content it must have."""

    def __init__(self, nvm: NvmFake, kind: type[Store] = Store) -> None:
        self.nvm = nvm
        self.kind = kind
        self.expected: Content = {}
        self.allowed = (self.expected, self.expected)
        self.store = kind.mount(nvm)

    @classmethod
    def unmounted(cls, nvm: NvmFake, kind: type[Store] = Store) -> Driver:
        """A driver of a memory that was never mounted."""
        driver = object.__new__(cls)
        driver.nvm, driver.kind = nvm, kind
        driver.expected = {}
        driver.allowed = ({}, {})
        return driver

    def commit(self, changes: Changes) -> None:
        """Commit; while under way, both contents are allowed."""
        self.allowed = (self.expected, changed(self.expected, changes))
        self.store.commit(changes)
        self.expected = self.allowed[1]

    def tidy(self) -> bool:
        """One step of tidying."""
        self.allowed = (self.expected, self.expected)
        return self.store.tidy()

    def tidy_up(self) -> None:
        """All of it."""
        for _ in range(200):
            if not self.tidy():
                return
        raise AssertionError("tidying does not end")

    def mount(self) -> None:
        """Restart."""
        self.allowed = (self.expected, self.expected)
        self.nvm.restart()
        self.store = self.kind.mount(self.nvm)

    def recover(self, cuts: Sequence[int] = (), outcome: str | None = None) -> bool:
        """Mount after a cut, with further cuts after so many steps; False if one came too late."""
        for steps in cuts:
            self.nvm.restart()
            self.nvm.cut_after(steps, outcome)
            try:
                self._decide()
            except PowerCut:
                continue
            self.nvm.cut_at = None
            return False
        self.nvm.restart()
        self._decide()
        return True

    def _decide(self) -> None:
        self.store = self.kind.mount(self.nvm)
        self.expected = content(self.store)
        assert self.expected in self.allowed
        self.allowed = (self.expected, self.expected)

    def check(self) -> None:
        """The content is as expected."""
        assert content(self.store) == self.expected

    def use_up(self) -> None:
        """Open all pages that are ready now, then restart."""
        size = self.store._log.span // 2
        self.tidy_up()
        self.commit({7: None, **dict.fromkeys(list(self.expected)[2:])})
        for number in range(RESERVE + 1):
            self.tidy_up()
            self.commit({7: bytes([number]) * size})
        for _ in range(3):
            self.mount()
            self.check()

    def go_on(self) -> None:
        """After a cut: what was decided stays so, and the store goes on working."""
        self.check()
        for _ in range(2):
            self.mount()
            self.check()
        self.tidy_up()
        self.commit({7: None, **dict.fromkeys(list(self.expected)[2:])})
        self.commit({7: b"later"})
        self.mount()
        self.check()
        self.tidy_up()
        self.commit({7: b"later still", 8: b"\xff" * 9})
        self.mount()
        self.check()


def storm(driver: Driver, rng: random.Random, operations: int) -> None:
    """Random operations, many of them cut, recoveries cut as well."""
    scale, reach = (1, 40) if driver.nvm.program_unit == 4 else (30, 12)
    for _ in range(operations):
        if rng.random() < 0.6:
            driver.nvm.cut_after(rng.randrange(reach))
        try:
            _one_operation(driver, rng, scale)
        except StoreFull:
            driver.nvm.cut_at = None
            driver.tidy_up()
        except PowerCut:
            again = rng.choice((0, 0, 1, 1, 2, 4))
            driver.recover([rng.randrange(8) for _ in range(again)])
        driver.nvm.cut_at = None
        driver.check()


def _one_operation(driver: Driver, rng: random.Random, scale: int) -> None:
    choice = rng.random()
    if choice < 0.15:
        driver.mount()
    elif choice < 0.5:
        driver.tidy()
    else:
        changes: Changes = {}
        for _ in range(rng.choice((1, 1, 2, 3))):
            size = rng.choice((0, 2, 5, 16, 16, 30)) * scale
            fill = rng.choice((None, None, b"\xff", b"\0"))
            value = rng.randbytes(size) if fill is None else fill * size
            key = rng.randrange(8)
            changes[key] = None if rng.random() < 0.2 else value
        driver.commit(changes)


def cuts(driver: Driver, operation: Operation, outcome: str | None) -> Iterator[Driver]:
    """Drivers in which an operation was cut, once for each step; then it runs to the end."""
    step = 0
    while True:
        torn = copy.deepcopy(driver)
        torn.nvm.cut_after(step, outcome)
        try:
            operation(torn)
        except PowerCut:
            yield torn
        else:
            break
        step += 1
    operation(driver)
