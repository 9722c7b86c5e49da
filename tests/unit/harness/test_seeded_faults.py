"""Every seeded fault still changes the sources; `make seeded` checks that the sweep finds it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.faults.seeded.faults import Change, Fault, NotSeeded, load_all
from tests.faults.seeded.find_faults import Outcome, report
from tests.faults.seeded.search import Search
from tests.sweep.flows.catalogue import FLOWS
from tests.sweep.pin.attempts import CASES

ROOT = Path(__file__).parents[3]
FAULTS = load_all()


def source(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_there_are_enough() -> None:
    assert len(FAULTS) >= 10


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_seeded_in_frozen_code_that_still_parses(fault: Fault) -> None:
    assert fault.flows
    assert set(fault.flows) <= FLOWS.keys() | CASES.keys()
    seeded = fault.seed(source)
    for name, text in seeded.items():
        assert name.startswith(("firmware/wallet/", "protocol/jiaozi/"))
        assert text != source(name)
        ast.parse(text)


@pytest.mark.parametrize("text", ["", "a = 1\n", "b = 2\nb = 2\n"])
def test_a_fault_whose_place_is_gone_or_not_the_only_one_is_refused(text: str) -> None:
    fault = Fault("some", "", "", ("tap",), (Change("file.py", "b = 2\n", "b = 3\n"),))
    with pytest.raises(NotSeeded, match=r"file\.py"):
        fault.seed(lambda name: text)


def test_several_changes_of_one_file_are_all_made() -> None:
    changes = (Change("file.py", "a = 1\n", "a = 2\n"), Change("file.py", "b = 1\n", ""))
    fault = Fault("some", "", "", ("tap",), changes)
    assert fault.seed(lambda name: "a = 1\nb = 1\n") == {"file.py": "a = 2\n"}


def test_only_a_cut_that_fails_counts_as_found() -> None:
    faults = [Fault(name, "", "", ("tap",), ()) for name in ("cut", "unseen", "crude")]
    seen = Search("tap", count=3, replay="replay", oracle="money made")
    unseen = Search("tap", count=9)
    outcomes = [
        Outcome("crude", (), "tap, not cut at all: Stuck", 1.0),
        Outcome("unseen", (unseen,), "", 1.0),
        Outcome("cut", (unseen, seen), "", 1.0),
    ]
    result = report(faults, outcomes, [Outcome("control, tap", (unseen,), "", 1.0)])
    assert (result["seeded"], result["found"]) == (3, 1)
    assert result["control"] == {"cuts": 9, "failures": 0}
    assert [fault["cut"] for fault in result["faults"]] == ["replay", None, None]
    assert [fault["tried"] for fault in result["faults"]] == [12, 9, 0]


@pytest.mark.parametrize(
    "control",
    [
        Outcome("control, tap", (Search("tap", count=1, replay="replay"),), "", 1.0),
        Outcome("control, tap", (), "tap, not cut at all: Stuck", 1.0),
    ],
)
def test_a_control_that_fails_is_told(control: Outcome) -> None:
    assert report([], [], [control])["control"]["failures"] == 1
