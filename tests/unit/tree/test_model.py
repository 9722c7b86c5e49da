"""The Spin model of a transfer: small bounds, mutants without a safety step, named code exists."""

from __future__ import annotations

import ast
import re

import pytest

from protocol.model import check_model

CODE = [
    check_model.ROOT / place for place in ("protocol/jiaozi", "firmware/wallet", "host/jiaozi_host")
]
NAMED = re.compile(r"\[([\w/]+\.py): ([\w, ]+)\]")
# Every search builds its own verifier, so the tests can run in parallel.


@pytest.mark.parametrize("bounds", check_model.SMALL, ids=str)
def test_small_worlds_have_no_violation(bounds: check_model.Bounds) -> None:
    found = check_model.search(bounds)
    assert found.violation == "", found.trail
    assert found.states > 10_000


@pytest.mark.parametrize("step", check_model.steps(), ids=lambda step: step.name)
def test_each_safety_step_is_needed(step: check_model.Step) -> None:
    found = check_model.hunt(step)
    assert found.violation, f"no violation without {step.name}: {step.text}"
    assert found.trail[0].startswith("payee raises request"), found.trail


def test_each_safety_step_can_be_taken_out() -> None:
    steps = check_model.steps()
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    text = check_model.MODEL.read_text("utf-8") + (check_model.HERE / "checks.pml").read_text(
        "utf-8"
    )
    assert [step.name for step in steps if f"without({step.name})" not in text] == []


def functions(name: str) -> set[str]:
    """List functions and methods of the one source file whose path ends with `name`."""
    found = [path for place in CODE for path in place.rglob("*.py") if path.match(f"*/{name}")]
    assert len(found) == 1, f"{name} is {found or 'nowhere'}"
    tree = ast.parse(found[0].read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_the_code_that_the_model_names_exists() -> None:
    named = NAMED.findall(check_model.MODEL.read_text("utf-8"))
    assert len(named) > 25
    missing = [
        f"{file}: {function}"
        for file, listed in named
        for function in listed.split(", ")
        if function not in functions(file)
    ]
    assert missing == []


def test_each_step_of_the_model_names_its_code() -> None:
    text = check_model.MODEL.read_text("utf-8")
    steps = re.findall(r"((?:/\*(?:(?!\*/).)*\*/\n)?)inline (\w+)", text, re.DOTALL)
    assert [name for comment, name in steps if not NAMED.search(comment)] == ["any"]
