"""The store against a dict, through every order of commits, tidying, restarts and cuts."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.unit.nvm_fake import PowerCut
from tests.unit.store_driver import Changes, Driver, blank
from wallet.storage.errors import StoreFull

# A value's length in program units of 4 bytes or of 64.
LENGTHS = st.sampled_from([0, 1, 2, 5, 8])
FILL = st.sampled_from([b"\xff", b"\0", b"x"])
VALUES = st.one_of(st.none(), st.tuples(LENGTHS, FILL))
CUT = st.one_of(st.none(), st.integers(0, 40))
CUTS = st.lists(st.integers(0, 10), max_size=3)


class StoreMachine(RuleBasedStateMachine):
    """One store; each operation may be cut, and so may the recoveries after it."""

    @initialize(unit=st.sampled_from([4, 256]), seed=st.integers(0, 2**32 - 1))
    def format(self, unit: int, seed: int) -> None:
        self.driver = Driver(blank(unit, seed))
        self.scale = 4 if unit == 4 else 64

    @rule(
        changes=st.dictionaries(st.integers(0, 7), VALUES, min_size=1, max_size=4),
        cut=CUT,
        again=CUTS,
    )
    def commit(
        self, changes: dict[int, tuple[int, bytes] | None], cut: int | None, again: list[int]
    ) -> None:
        wanted: Changes = {
            key: None if value is None else value[1] * value[0] * self.scale
            for key, value in changes.items()
        }
        with_cut = None if cut is None else (cut, again)
        try:
            self._do(lambda: self.driver.commit(wanted), with_cut)
        except StoreFull:
            self.driver.nvm.cut_at = None
            self.driver.tidy_up()

    @rule(cut=CUT, again=CUTS)
    def tidy(self, cut: int | None, again: list[int]) -> None:
        self._do(self.driver.tidy, None if cut is None else (cut, again))

    @rule()
    def restart(self) -> None:
        self.driver.mount()

    @invariant()
    def agrees(self) -> None:
        if hasattr(self, "driver"):
            self.driver.check()

    def _do(self, operation: object, with_cut: tuple[int, list[int]] | None) -> None:
        assert callable(operation)
        if with_cut is not None:
            self.driver.nvm.cut_after(with_cut[0])
        try:
            operation()
        except PowerCut:
            assert with_cut is not None
            self.driver.recover(with_cut[1])
        self.driver.nvm.cut_at = None


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=60, stateful_step_count=40)
