"""Vectors and taps in memory, on CPython and on MicroPython's unix port with our C modules."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from _jzcbor import dumps
from tests.vectors.cbor_verdicts import verdict

ROOT = Path(__file__).resolve().parents[2]
VECTORS = sorted((ROOT / "protocol" / "vectors").glob("*.json"))
SPEC = ROOT / "protocol" / "spec"
MICROPYTHON = ROOT / "build" / "firmware" / "unix" / "micropython"
INTERPRETERS = [
    pytest.param(sys.executable, id="cpython"),
    pytest.param(str(MICROPYTHON), id="micropython", marks=pytest.mark.emulated),
]


def run(interpreter: str, *arguments: object) -> str:
    """Run a script and return its output; fail the test if the script fails."""
    both = (ROOT, ROOT / "protocol", ROOT / "firmware")
    paths = os.pathsep.join(map(str, (*both, ROOT / "protocol" / "cpython")))
    device = os.pathsep.join(map(str, both))
    done = subprocess.run(
        [interpreter, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": paths, "MICROPYPATH": device},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def all_vectors(mark: str = "vectors") -> list[dict]:
    """Return the vectors of all files that have this field."""
    files = [json.loads(path.read_text()) for path in VECTORS]
    return [each for file in files if mark in file for each in file["vectors"]]


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_vectors(interpreter: str) -> None:
    printed = run(interpreter, "tests/vectors/check_vectors.py", *VECTORS)
    skipped = 0 if interpreter == sys.executable else len(all_vectors("host_only"))
    assert printed == f"{len(all_vectors()) - skipped} vectors, 0 failed\n"


def test_the_runner_sees_a_vector_that_is_wrong(tmp_path: Path) -> None:
    content = json.loads((ROOT / "protocol" / "vectors" / "payment.json").read_text())
    content["vectors"][0]["sw"] = "9400"
    content["vectors"][1]["answer"] += "00"
    content["vectors"][2]["credited"] = 1
    (tmp_path / "wrong.json").write_text(json.dumps(content))
    command = [sys.executable, "tests/vectors/check_vectors.py", str(tmp_path / "wrong.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert re.findall(r"payment-\d+", done.stdout) == ["payment-001", "payment-002", "payment-003"]


def test_vectors_are_what_the_generator_writes(tmp_path: Path) -> None:
    tool = ROOT / "protocol" / "tools" / "gen_vectors.py"
    run(sys.executable, tool, "--root", tmp_path)
    made = {path.name: path.read_text() for path in (tmp_path / "protocol/vectors").iterdir()}
    assert made == {path.name: path.read_text() for path in VECTORS}
    (tmp_path / "protocol" / "vectors" / "cbor.json").write_text("{}")
    (tmp_path / "protocol" / "vectors" / "more.json").write_text("{}")
    command = [sys.executable, str(tool), "--root", str(tmp_path), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "cbor.json" in done.stderr
    assert "more.json" in done.stderr


def test_the_costs_in_the_specification_are_what_is_measured(tmp_path: Path) -> None:
    tool, chapter = ROOT / "protocol" / "tools" / "gen_costs.py", "protocol/spec/05-transfer.md"
    run(sys.executable, tool, "--check")
    (tmp_path / chapter).parent.mkdir(parents=True)
    (tmp_path / chapter).write_text((ROOT / chapter).read_text().replace("| PAY | 4", "| PAY | 3"))
    command = [sys.executable, str(tool), "--root", str(tmp_path)]
    assert subprocess.run([*command, "--check"], capture_output=True, timeout=60).returncode == 1
    run(*command)
    assert (tmp_path / chapter).read_text() == (ROOT / chapter).read_text()


def test_a_tap_keeps_its_budget_of_bytes() -> None:
    totals = re.findall(r"^\| all \| (\d{3}) \| (\d{3}) \|$", chapters(), re.MULTILINE)
    assert len(totals) == 2
    assert all(int(total) <= 900 for pair in totals for total in pair)


def chapters() -> str:
    return "\n".join(path.read_text() for path in sorted(SPEC.glob("*.md")))


def test_vectors_are_told_apart() -> None:
    vectors = all_vectors()
    assert len({each["id"] for each in vectors}) == len(vectors)
    content = [
        json.dumps({key: value for key, value in each.items() if key not in ("id", "note", "rule")})
        for each in vectors
    ]
    assert len(set(content)) == len(content)


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_taps_in_memory(interpreter: str, seed: int) -> None:
    files = [ROOT / "protocol" / "vectors" / f"{name}.json" for name in ("request", "payment")]
    printed = run(interpreter, "tests/vectors/flow.py", *files, seed)
    credited, voided = map(int, re.findall(r"\d+", printed))
    assert credited + voided > 20


@pytest.mark.emulated
def test_both_modules_of_cbor_agree(rng: random.Random, tmp_path: Path) -> None:
    """The C module and the CPython module accept the same inputs."""
    inputs = [changed(rng, bytes.fromhex(each["input"])) for each in all_vectors() * 15]
    inputs += [rng.randbytes(rng.randrange(12)) for _ in range(3000)]
    inputs += [changed(rng, dumps(item(rng, 0))) for _ in range(1500)]
    (tmp_path / "inputs").write_text("".join(raw.hex() + "\n" for raw in inputs))
    found = run(str(MICROPYTHON), "tests/vectors/cbor_verdicts.py", tmp_path / "inputs").split()
    wanted = [verdict(raw) for raw in inputs]
    different = [
        (raw.hex(), other, own)
        for raw, own, other in zip(inputs, wanted, found, strict=True)
        if own != other
    ]
    assert different == []
    assert sum(own != "no" for own in wanted) > 300


def changed(rng: random.Random, raw: bytes) -> bytes:
    """Return the bytes with up to two changes."""
    changed = bytearray(raw)
    for _ in range(rng.randrange(3)):
        at = rng.randrange(len(changed) + 1)
        changed[at : at + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
    return bytes(changed)


def item(rng: random.Random, depth: int) -> object:
    """Return a random item of the CBOR subset."""
    kind = rng.randrange(6 if depth < 7 else 4)
    if kind == 0:
        return rng.choice([None, True, False, 0, 23, 24, 255, 256, 2**32, -1, -(2**64), 2**64 - 1])
    if kind == 1:
        return rng.randrange(-(2**64), 2**64) >> rng.randrange(64)
    if kind == 2:
        return rng.randbytes(rng.randrange(30))
    if kind == 3:
        return "".join(rng.choice("aé水🜚\0") for _ in range(rng.randrange(9)))
    if kind == 4:
        return [item(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {item(rng, 9): item(rng, depth + 1) for _ in range(rng.randrange(4))}
