"""The strict memory refuses each thing that the store's assumptions forbid, and tears as they say.

Every test of the store rests on this one: what it lets pass, nobody would see.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fixtures.nvm_fake import ERASE_STEPS, OUTCOMES, Illegal, NvmFake, PowerCut

UNITS = pytest.mark.parametrize("unit", [4, 256])
PAGE = 4096


def memory(unit: int, seed: int = 0) -> NvmFake:
    """Two pages, one unit programmed at the second one's begin."""
    nvm = NvmFake(2 * PAGE, PAGE, unit, seed)
    nvm.program(PAGE, b"\x0f" * unit)
    return nvm


def cut(nvm: NvmFake, do: Callable[[], None], steps: int = 0, outcome: str | None = None) -> None:
    """Fail in the step after some more; power comes back."""
    nvm.cut_after(steps, outcome)
    with pytest.raises(PowerCut):
        do()
    nvm.restart()


@UNITS
@pytest.mark.parametrize(
    "misuse",
    [
        lambda nvm, unit: nvm.program(1, bytes(unit)),
        lambda nvm, unit: nvm.program(unit // 2, bytes(unit)),
        lambda nvm, unit: nvm.program(0, bytes(unit - 1)),
        lambda nvm, unit: nvm.program(0, bytes(unit + 2)),
        lambda nvm, unit: nvm.program(-unit, bytes(unit)),
        lambda nvm, unit: nvm.program(2 * PAGE, bytes(unit)),
        lambda nvm, unit: nvm.program(2 * PAGE - unit, bytes(2 * unit)),
        lambda nvm, unit: nvm.program(PAGE, b"\x07" * unit),  # a second value, bits only cleared
        lambda nvm, unit: nvm.program(PAGE, b"\x0f" * unit),  # even the same
        lambda nvm, unit: nvm.program(PAGE, b"\x1f" * unit),
        lambda nvm, unit: nvm.program(PAGE, bytes(unit - 1) + b"\1"),
        lambda nvm, unit: nvm.erase(unit),
        lambda nvm, unit: nvm.erase(-PAGE),
        lambda nvm, unit: nvm.erase(2 * PAGE),
        lambda nvm, unit: nvm.read(-1, 4),
        lambda nvm, unit: nvm.read(0, -1),
        lambda nvm, unit: nvm.read(2 * PAGE - 3, 4),
    ],
)
def test_what_hardware_does_not_allow_fails(
    unit: int, misuse: Callable[[NvmFake, int], object]
) -> None:
    nvm = memory(unit)
    before = bytes(nvm.memory)
    with pytest.raises(Illegal):
        misuse(nvm, unit)
    assert nvm.memory == before


@UNITS
def test_zero_may_be_programmed_over_anything_and_stays(unit: int) -> None:
    nvm = memory(unit)
    nvm.program(PAGE, bytes(2 * unit))
    with pytest.raises(Illegal, match="second value"):
        nvm.program(PAGE, b"\1" * unit)
    nvm.program(PAGE, bytes(unit))
    assert nvm.read(PAGE, 3 * unit) == bytes(2 * unit) + b"\xff" * unit


@UNITS
def test_ones_count_as_a_value(unit: int) -> None:
    nvm = memory(unit)
    nvm.program(0, b"\xff" * unit)
    with pytest.raises(Illegal, match="second value"):
        nvm.program(0, b"\x0f" * unit)


@UNITS
def test_nothing_works_without_power(unit: int) -> None:
    nvm = memory(unit)
    nvm.cut_after(0)
    with pytest.raises(PowerCut):
        nvm.program(0, bytes(unit))
    for use in (
        lambda: nvm.read(0, 1),
        lambda: nvm.program(unit, bytes(unit)),
        lambda: nvm.erase(0),
    ):
        with pytest.raises(Illegal, match="no power"):
            use()


@UNITS
def test_a_cut_tears_the_unit_under_way_and_no_other(unit: int, seed: int) -> None:
    nvm = memory(unit, seed)
    data = bytes(range(1, 5)) * (unit // 4)
    cut(nvm, lambda: nvm.program(0, data * 3), steps=1)
    seen = set()
    for _ in range(50):
        nvm.restart()
        assert nvm.read(0, unit) == data
        assert nvm.read(2 * unit, unit) == b"\xff" * unit
        seen.add(nvm.read(unit, unit))
    assert {data, b"\xff" * unit, bytes(unit)} < seen, "it reads otherwise at each start"
    assert nvm.uncertain_units() == 1


@UNITS
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_no_cut_raises_a_bit_that_was_firm(unit: int, outcome: str, seed: int) -> None:
    nvm = memory(unit, seed)
    cut(nvm, lambda: nvm.program(PAGE, bytes(unit)), outcome=outcome)
    for _ in range(20):
        nvm.restart()
        assert not any(byte & 0xF0 for byte in nvm.read(PAGE, unit))


@UNITS
def test_an_uncertain_unit_takes_no_value_but_zero(unit: int) -> None:
    nvm = memory(unit)
    cut(nvm, lambda: nvm.program(0, b"\x0f" * unit), outcome="ones")
    assert nvm.read(0, unit) == b"\xff" * unit, "as if nothing had been done to it"
    with pytest.raises(Illegal, match="uncertain"):
        nvm.program(0, b"\x0f" * unit)
    nvm.program(0, bytes(unit))
    for _ in range(20):
        nvm.restart()
        assert nvm.read(0, unit) == bytes(unit)


@UNITS
@pytest.mark.parametrize("step", range(ERASE_STEPS))
def test_a_cut_erase_leaves_a_page_that_only_an_erase_makes_good(unit: int, step: int) -> None:
    nvm = memory(unit)
    cut(nvm, lambda: nvm.erase(PAGE), steps=step)
    assert nvm.uncertain_units() == PAGE // unit
    for offset in (PAGE, 2 * PAGE - unit):
        with pytest.raises(Illegal, match="uncertain"):
            nvm.program(offset, b"\x0f" * unit)
    nvm.erase(PAGE)
    nvm.program(PAGE, b"\x3c" * unit)
    nvm.restart()
    assert nvm.read(PAGE, PAGE) == b"\x3c" * unit + b"\xff" * (PAGE - unit)
    assert nvm.erases == [0, 1], "a cut one does not count"
