"""Every rule of the specification has vectors or a test; every status word is used and tested."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from jiaozi.wire import apdu, errors
from protocol.tools import gen_errors

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT / "protocol" / "spec"
VECTORS = sorted((ROOT / "protocol" / "vectors").glob("*.json"))
# A row `| A1 | ... |` is a rule; `A1, A2 `tests/file.py::test_name`` names the test of these rules.
RULE = re.compile(r"^\| ([A-Z]\d+) \|", re.MULTILINE)
TESTED = re.compile(r"((?:[A-Z]\d+, )*[A-Z]\d+)\s+`(tests/[\w/]+\.py)::(\w+)`")
NEVER = re.compile(r"^Never refuse: ([A-Z0-9, ]+)\.", re.MULTILINE)
NEGATIVES = 2
SOURCES = ("protocol/jiaozi", "firmware/wallet", "host/jiaozi_host")


@cache
def chapters() -> str:
    return "\n".join(path.read_text("utf-8") for path in sorted(SPEC.glob("*.md")))


@cache
def vectors() -> list[dict]:
    return [each for path in VECTORS for each in json.loads(path.read_text())["vectors"]]


def is_negative(each: dict) -> bool:
    """True if a vector's input is refused: by a status word, or as a proof that proves nothing."""
    return each["sw"] != f"{apdu.SW_OK:04X}" or each.get("proves") == 0


def unproved(text: str, found: list[dict]) -> list[str]:
    """List the rules that lack vectors or a test, and the names that are no rules."""
    rules = RULE.findall(text)
    twice = [f"{rule}: two rules of that name" for rule, n in Counter(rules).items() if n > 1]
    tested = {name for names, _, _ in TESTED.findall(text) for name in names.split(", ")}
    never = {name for names in NEVER.findall(text) for name in names.split(", ")}
    good = Counter(each["rule"] for each in found if not is_negative(each))
    bad = Counter(each["rule"] for each in found if is_negative(each))
    lacking = [
        f"{rule}: {good[rule]} vectors are taken, {bad[rule]} refused"
        for rule in rules
        if rule not in tested and (good[rule] < 1 or (bad[rule] < NEGATIVES and rule not in never))
    ]
    named = (tested | never | set(good) | set(bad)) - set(rules)
    return twice + lacking + [f"{name}: no rule has that name" for name in sorted(named)]


def functions_of(path: Path) -> set[str]:
    """Return the names of a file's functions."""
    tree = ast.parse(path.read_text("utf-8")) if path.is_file() else ast.Module([], [])
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_rule_is_proved() -> None:
    assert unproved(chapters(), vectors()) == []


def test_tests_that_the_specification_names_exist() -> None:
    named = {(path, name) for _, path, name in TESTED.findall(chapters())}
    assert named
    assert {(p, n) for p, n in named if n not in functions_of(ROOT / p)} == set()


def test_there_are_three_hundred_vectors() -> None:
    assert len(vectors()) >= 300


def test_a_rule_without_its_vectors_is_seen() -> None:
    text = "| Z1 | is refused |\n| Z2 | is tested |\n| Z3 | answers |\n\nNever refuse: Z3.\n"
    text += "Z2 `tests/unit/test_x.py::test_y`"
    taken, refused = {"sw": "9000"}, {"sw": "6A80"}
    whole = [taken | {"rule": "Z1"}, *[refused | {"rule": "Z1"}] * 2, taken | {"rule": "Z3"}]
    assert unproved(text, whole) == []
    assert unproved(text, whole[1:]) == ["Z1: 0 vectors are taken, 2 refused"]
    assert unproved(text, whole[:2] + whole[3:]) == ["Z1: 1 vectors are taken, 1 refused"]
    assert unproved(text, whole[:3]) == ["Z3: 0 vectors are taken, 0 refused"]
    assert unproved(text, [*whole, taken | {"rule": "Z9"}]) == ["Z9: no rule has that name"]
    assert unproved(text + "\n| Z1 | again |", whole) == ["Z1: two rules of that name"]


# Status words ---------------------------------------------------------------------------------


def names() -> list[str]:
    entries = gen_errors.read_registry((ROOT / gen_errors.REGISTRY).read_text("utf-8"))
    return [entry.name for entry in entries]


@cache
def words_in(*folders: str) -> Counter:
    """Count the files of these folders that contain each word, without files that list them all."""
    listing = {"errors.py", "error_texts.py"}
    found: Counter = Counter()
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            if path.name not in listing:
                found.update(set(re.findall(r"\b[A-Z][A-Z0-9_]+\b", path.read_text("utf-8"))))
    return found


# Raised by the APDU parser, which is shared with readers and does not use the registry.
OTHERWISE = {"WRONG_LENGTH": apdu.SW_WRONG_LENGTH}


@pytest.mark.parametrize("name", names())
def test_each_status_word_is_used_told_and_met(name: str) -> None:
    assert words_in(*SOURCES)[name] or OTHERWISE.get(name) == getattr(errors, name)
    assert f"| `{name}` |" in (SPEC / "12-errors.md").read_text("utf-8")
    met = {int(each["sw"], 16) for each in vectors()}
    assert getattr(errors, name) in met or words_in("tests")[name]


def test_status_words_of_vectors_are_in_the_registry() -> None:
    known = {getattr(errors, name) for name in names()} | {apdu.SW_OK}
    known |= {errors.PIN_WRONG + left for left in range(16)}
    assert {int(each["sw"], 16) for each in vectors()} <= known
