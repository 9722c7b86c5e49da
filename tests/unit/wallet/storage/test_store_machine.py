"""The store against a dict, through every order of commits, tidying, restarts and cuts."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.fixtures.nvm_fake import PowerCut
from tests.fixtures.store_driver import PAGES, Changes, Driver, blank
from tests.fixtures.store_mutants import mutated
from wallet.storage.errors import StoreError, StoreFull
from wallet.storage.store import Store

# A value's length in program units of 4 bytes or of 64.
LENGTHS = st.sampled_from([0, 1, 2, 5, 8, 16])
FILL = st.sampled_from([b"\xff", b"\0", b"x"])
VALUES = st.one_of(st.none(), st.tuples(LENGTHS, FILL))
# How far an operation gets before power fails, None: to its end.
CUT = st.one_of(st.none(), st.floats(0, 1, exclude_max=True))
CUTS = st.lists(st.integers(0, 10), max_size=3)


class StoreMachine(RuleBasedStateMachine):
    """One store; each operation may be cut, and so may the recoveries after it."""

    kind = Store

    @initialize(unit=st.sampled_from([4, 256]), seed=st.integers(0, 2**32 - 1), used=st.booleans())
    def format(self, unit: int, seed: int, used: bool) -> None:
        self.driver = Driver(blank(unit, seed), self.kind)
        self.scale = 4 if unit == 4 else 64
        if used:
            self._fill_the_ring(random.Random(seed))

    def _fill_the_ring(self, rng: random.Random) -> None:
        """Round the memory: from now on a page is compacted before it is made ready again."""
        for key in range(4, 8):  # stay where they are until they are copied
            self.driver.commit({key: bytes([key]) * 5 * self.scale})
        until = rng.randrange(PAGES, 2 * PAGES)
        while self.driver.store._log.active < until:
            self.driver.commit({rng.randrange(2): bytes(rng.choice((1, 5, 10)) * self.scale)})
            self.driver.tidy_up()

    @rule(
        changes=st.dictionaries(st.integers(0, 7), VALUES, min_size=1, max_size=4),
        cut=CUT,
        again=CUTS,
    )
    def commit(
        self, changes: dict[int, tuple[int, bytes] | None], cut: float | None, again: list[int]
    ) -> None:
        wanted: Changes = {
            key: None if value is None else value[1] * value[0] * self.scale
            for key, value in changes.items()
        }
        try:
            self._do(lambda driver: driver.commit(wanted), cut, again)
        except StoreFull:
            self._do(Driver.tidy_up, cut, again)

    @rule(cut=CUT, again=CUTS)
    def tidy(self, cut: float | None, again: list[int]) -> None:
        self._do(Driver.tidy_up, cut, again)

    @rule(cut=CUT, again=CUTS)
    def tidy_one_step(self, cut: float | None, again: list[int]) -> None:
        self._do(Driver.tidy, cut, again)

    @rule()
    def restart(self) -> None:
        self.driver.mount()

    @invariant()
    def agrees(self) -> None:
        if hasattr(self, "driver"):
            self.driver.check()

    def _do(
        self, operation: Callable[[Driver], object], cut: float | None, again: list[int]
    ) -> None:
        if cut is not None:
            whole = copy.deepcopy(self.driver)
            operation(whole)
            self.driver.nvm.cut_after(int(cut * (whole.nvm.steps - self.driver.nvm.steps)))
        try:
            operation(self.driver)
        except PowerCut:
            self.driver.recover(again)
        finally:
            self.driver.nvm.cut_at = None


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=60, stateful_step_count=40)


@pytest.mark.parametrize(
    "name",
    [
        "commit words before the record",  # a cut commit
        "disbelieved record not voided",  # a recovery
        "units behind the end trusted",  # the first commit after one
        "page given up before its last copy",  # compaction
        "page erased before a record says so",  # a cut compaction
    ],
)
def test_the_machine_reaches_what_this_harms(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Always the same examples, so that this says what the machine is able to find."""
    mutant = mutated(name, monkeypatch)

    class Machine(StoreMachine):
        kind = mutant

    search = settings(TestStore.settings, derandomize=True, phases=[Phase.generate])
    with pytest.raises((AssertionError, StoreError), match=r".*"):
        run_state_machine_as_test(Machine, settings=search)
