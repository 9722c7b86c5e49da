"""The fidelity page's table: its text, stale values, differences between engines."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from jiaozi_sim.machines.marks import Mark
from scenarios import fidelity
from scenarios.tap_cost import TapCost


def cost(verify: int = 2_000_000, decode: int = 100_000) -> TapCost:
    side = Counter({phase: 5_000 for phase in fidelity.PHASES})
    side |= Counter({Mark.VERIFY: verify, Mark.DECODE: decode})
    return TapCost(payer=Counter(side), payee=Counter(side))


def test_the_page_has_the_table() -> None:
    written = fidelity.written(fidelity.PAGE.read_text())
    fresh = fidelity.table({"qemu": cost(), "unicorn": cost()})
    assert [line.split("|")[1] for line in written.splitlines()] == [
        line.split("|")[1] for line in fresh.splitlines()
    ]


def test_a_column_that_nobody_measured_says_so() -> None:
    rows = fidelity.table({"qemu": cost(), "unicorn": cost()}).splitlines()[2:]
    assert all(row.split("|")[3].strip() == "not measured on this machine" for row in rows)
    assert not any("not measured" in row.split("|")[2] for row in rows)
    full = fidelity.table({"qemu": cost(), "unicorn": cost(), "renode": cost()})
    assert "not measured" not in full


def test_engines_agree_within_half_a_percent() -> None:
    same = {"qemu": cost(2_000_000), "unicorn": cost(2_009_900)}
    assert fidelity.disagreements(same) == []
    [payer, payee] = fidelity.disagreements({"qemu": cost(2_000_000), "unicorn": cost(2_010_100)})
    assert payer == "payer's VERIFY: 2,010,100 on unicorn, 2,000,000 on qemu"
    assert payee.startswith("payee's VERIFY")
    # The cost of decoding also depends on the state of the heap.
    assert fidelity.disagreements({"qemu": cost(), "renode": cost(decode=150_000)}) == []


def test_a_stale_table_is_found() -> None:
    old = fidelity.table({"qemu": cost(), "unicorn": cost()})
    assert fidelity.stale(old, fidelity.table({"qemu": cost(), "unicorn": cost()})) == []
    now = fidelity.table({"qemu": cost(2_400_000), "unicorn": cost()})
    assert "2,000,000 is written, 2,400,000 measured" in fidelity.stale(old, now)
    assert fidelity.stale("\n".join(old.splitlines()[:-1]), old) == ["the table has other rows"]


def test_a_page_without_its_marks(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no place"):
        fidelity.written("# What each engine models\n")
