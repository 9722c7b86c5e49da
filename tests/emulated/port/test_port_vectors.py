"""The vectors on an emulated board, by the same runner as everywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from tests.emulated.port.repl import Repl

ROOT = Path(__file__).parents[3]
VECTORS = sorted((ROOT / "protocol" / "vectors").glob("*.json"))
RUNNER = ROOT / "tests" / "vectors"
FORGET = """
check_vectors.RUNNERS.clear()
for name in list(sys.modules):
    if name.startswith("kinds."):
        del sys.modules[name]
"""
JUDGE = "import gc, check_vectors\ngc.collect()\nprint(check_vectors.problem(vector, scenes))"
_MOST = 3000  # characters of source given at once: a debug board has little room to compile in


def load(board: Repl, path: Path, name: str) -> None:
    """Make a module of a file on the board."""
    source = path.read_text("utf-8")
    parts = [source[at : at + _MOST] for at in range(0, len(source), _MOST)]
    say(board, ["parts = []", *(f"parts.append({part!r})" for part in parts)])
    board.run(
        "import sys, gc\n"
        f"names = {{'__name__': {name!r}}}\n"
        "exec(''.join(parts), names)\n"
        f"sys.modules[{name!r}] = type('module', (), names)\n"
        "del parts, names\ngc.collect()"
    )


@pytest.fixture(scope="module")
def runner(roomy_elf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repl]:
    """A board with the runner on it, and nothing of any topic yet.

    A scene may be a full journal, which is here beside the wallet that has it.
    """
    board = Repl(roomy_elf, tmp_path_factory.mktemp("board"))
    board.start()
    load(board, RUNNER / "check_vectors.py", "check_vectors")
    board.run("import sys, check_vectors\nsys.modules['kinds'] = type('kinds', (), {})")
    yield board
    board.machine.close()


def load_topic(board: Repl, name: str) -> None:
    """Bring a topic's runner, and what it is made of, to the board."""
    board.run(FORGET)
    source = (RUNNER / "kinds" / f"{name}.py").read_text("utf-8")
    for each in [*re.findall(r"^from kinds\.(\w+) import", source, re.MULTILINE), name]:
        load(board, RUNNER / "kinds" / f"{each}.py", f"kinds.{each}")
    board.run(f"check_vectors.RUNNERS[{name!r}] = sys.modules['kinds.{name}']")


def say(board: Repl, lines: list[str]) -> None:
    """Run lines on the board, several at once: each run costs a while."""
    batch = ""
    for line in lines:
        if len(batch) + len(line) > _MOST:
            board.run(batch)
            batch = ""
        batch += line + "\n"
    board.run(batch)


def give(board: Repl, vector: dict) -> None:
    """Set the board's global `vector`."""
    say(board, ["vector = {}", *(f"vector[{key!r}] = {vector[key]!r}" for key in vector)])


def give_scene(board: Repl, name: str, scene: dict[str, str]) -> None:
    """Set the board's global `scenes` to the one that the next vectors start from."""
    lines = ["from binascii import unhexlify", f"scene = {{}}\nscenes = {{{name!r}: scene}}"]
    say(board, lines + [f"scene[{key}] = unhexlify({scene[key]!r})" for key in scene])


def scene_of(vector: dict) -> str:
    return str(vector.get("scene", ""))


def on_boards(path: Path) -> bool:
    return not {"not_on_device", "host_only"} & set(json.loads(path.read_text("utf-8")))


@pytest.mark.parametrize("path", [p for p in VECTORS if on_boards(p)], ids=lambda path: path.stem)
def test_vectors(runner: Repl, path: Path) -> None:
    """Every vector of a topic that a device has the rules of."""
    load_topic(runner, path.stem)
    content = json.loads(path.read_text("utf-8"))
    wrong = []
    for name, vectors in groupby(sorted(content["vectors"], key=scene_of), scene_of):
        give_scene(runner, name, content["scenes"].get(name, {}))
        for vector in vectors:
            give(runner, vector)
            said = runner.run(JUDGE).strip()
            if said != "None":
                wrong.append((vector["id"], vector["note"], said))
    assert wrong == []


def test_a_wrong_vector_is_seen(runner: Repl) -> None:
    load_topic(runner, "cbor")
    give(runner, {"id": "cbor-1", "input": "f7", "sw": "9000"})
    give_scene(runner, "", {})
    assert runner.run(JUDGE).strip() == "6A80 instead of 9000"
