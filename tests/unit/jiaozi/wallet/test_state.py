"""Levels of value and the counters of a wallet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from _jzcbor import dumps
from jiaozi.wallet.state import State
from jiaozi.wire import errors
from jiaozi.wire.errors import Refused
from jiaozi.wire.messages import TOP_LEVEL

LEVELS = st.lists(st.integers(0, 10**6), max_size=TOP_LEVEL + 1)


def state_of(*levels: int) -> State:
    state = State()
    state.levels = list(levels)
    return state


def test_lowest_levels_are_spent_first() -> None:
    state = state_of(0, 5, 0, 10)
    assert state.debit(7) == [0, 5, 0, 2]
    assert state.levels == [0, 0, 0, 8]


def test_more_than_there_is_takes_nothing() -> None:
    state = state_of(1, 2)
    with pytest.raises(Refused) as caught:
        state.debit(4)
    assert caught.value.sw == errors.OVER_BALANCE
    assert state.levels == [1, 2]
    assert state.debit(3) == [1, 2]
    assert state.balance == 0


def test_levels_end_at_the_top() -> None:
    state = State()
    state.credit(2, 5)
    state.credit(TOP_LEVEL + 1, 7)
    state.credit(2**30 - 1, 1)
    assert state.levels[2] == 5
    assert state.levels[TOP_LEVEL] == 8
    assert len(state.levels) == TOP_LEVEL + 1


@given(LEVELS, st.data())
def test_debit_and_refund(levels: list[int], data: st.DataObject) -> None:
    state = state_of(*levels)
    amount = data.draw(st.integers(0, state.balance))
    taken = state.debit(amount)
    assert sum(taken) == amount
    assert state.balance == sum(levels) - amount
    # Nothing is left below the highest level touched.
    touched = [level for level, part in enumerate(taken) if part]
    assert not any(state.levels[: touched[-1]] if touched else [])
    for level, part in enumerate(taken):
        state.credit(level, part)
    assert state.levels == levels


def test_encoding() -> None:
    state = state_of(1, 2)
    state.sequence, state.position, state.head = 3, 4, b"h" * 32
    state.next_request, state.floor, state.synced_epoch = 5, 6, 7
    state.offline_count, state.offline_total = 8, 9
    state.unconfirmed_count, state.unconfirmed_total = 10, 11
    state.settled_at, state.counts_returned = 12, 13
    assert state.encode() == dumps([3, 4, b"h" * 32, [1, 2], 5, 6, 7, 8, 9, 10, 11, 12, 13, {}])
    assert State.decode(state.encode()).encode() == state.encode()


@pytest.mark.parametrize(
    "body",
    [
        [],
        [0] * 14,
        [0, 0, bytes(32), [-1], 0, 0, 0, 0, 0, 0, 0, 0, 0, {}],
        [0, 0, bytes(32), [None], 0, 0, 0, 0, 0, 0, 0, 0, 0, {}],
        [0, 0, bytes(32), [], 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, bytes(32), [], 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ],
)
def test_not_a_state(body: object) -> None:
    with pytest.raises(Refused) as caught:
        State.decode(dumps(body))
    assert caught.value.sw == errors.MALFORMED


def test_a_copy_is_apart() -> None:
    state = state_of(1)
    copy = state.copy()
    copy.credit(0, 5)
    copy.sequence += 1
    assert (state.levels, state.sequence) == ([1], 1)
    assert (copy.levels, copy.sequence) == ([6], 2)
