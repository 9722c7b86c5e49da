"""Allowed imports between packages, and no import cycles, read from the syntax trees.

Imports under `if TYPE_CHECKING:` always count; imports inside functions count between packages, but
not for cycles.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
OURS = {"jiaozi", "wallet", "jiaozi_host", "jiaozi_sim", "board"}


@dataclass(frozen=True)
class Layer:
    """A folder, the packages of ours it may import, and other modules it may (None: any)."""

    folder: str
    ours: frozenset[str]
    only: frozenset[str] | None = None


def layer(folder: str, ours: str, only: str | None = None) -> Layer:
    """Make a Layer from space-separated names."""
    return Layer(folder, frozenset(ours.split()), frozenset(only.split()) if only else None)


# `jiaozi` has no I/O, no clock and no globals, so all its imports are listed.
LAYERS = [
    layer("protocol/jiaozi", "jiaozi", "_jzcrypto _jzcbor micropython struct jiaozi"),
    layer("protocol/cpython", ""),
    layer("firmware/wallet", "jiaozi wallet board"),
    layer("boards/*", "wallet", "wallet machine micropython time _jzport _jznvm wiring"),
    layer("host/jiaozi_host", "jiaozi jiaozi_host"),
    layer("simulator/jiaozi_sim", "jiaozi_sim"),
    layer("firmware/upstream", ""),
    layer("firmware/native", ""),
    layer("firmware/targets", ""),
    layer("protocol/tools", "jiaozi"),
]
# Allowed under `if TYPE_CHECKING:` everywhere.
TYPES_ONLY = {"typing", "typing_extensions", "collections.abc"}
# Built-in functions with which `jiaozi` could do I/O or import without an import statement.
FORBIDDEN_CALLS = {"open", "input", "print", "exec", "eval", "__import__", "globals"}


@cache
def parse(path: Path) -> ast.Module:
    """Parse one file of the tree."""
    return ast.parse(path.read_text("utf-8"), str(path))


def for_types_only(tree: ast.Module) -> set[ast.AST]:
    """Return the nodes under `if TYPE_CHECKING:`, which no interpreter runs."""
    return {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }


def imported(tree: ast.Module, package: str) -> Iterator[tuple[int, str]]:
    """Return line and top-level name of every import; a relative one stays in its own package.

    Under `if TYPE_CHECKING:` the modules of TYPES_ONLY are not counted; packages of ours are.
    """
    unseen = for_types_only(tree)
    for node in ast.walk(tree):
        if node in unseen and isinstance(node, ast.ImportFrom) and node.module in TYPES_ONLY:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, package if node.level else (node.module or "").split(".")[0]


def breaches(rule: Layer, tree: ast.Module, package: str) -> Iterator[str]:
    """List the imports of a file that its layer does not allow."""
    for line, name in imported(tree, package):
        forbidden = name in OURS and name not in rule.ours
        if forbidden or (rule.only is not None and name not in rule.only):
            yield f"line {line}: {rule.folder} must not import {name}"
    if rule.only is not None:
        yield from (
            f"line {node.lineno}: {rule.folder} must not call {node.func.id}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in FORBIDDEN_CALLS
        )


@pytest.mark.parametrize("rule", LAYERS, ids=lambda rule: rule.folder)
def test_a_layer_imports_only_what_is_below_it(rule: Layer) -> None:
    package = Path(rule.folder).name
    found = [
        f"{path.relative_to(ROOT)} {breach}"
        for path in sorted(ROOT.glob(f"{rule.folder}/**/*.py"))
        for breach in breaches(rule, parse(path), package)
    ]
    assert found == []


@pytest.mark.parametrize("folder", ["protocol/jiaozi", "host/jiaozi_host", "simulator/jiaozi_sim"])
def test_the_layers_are_where_the_rules_look(folder: str) -> None:
    assert list((ROOT / folder).rglob("*.py")), f"{folder} is gone: the rules above check nothing"


def test_every_import_package_has_a_rule() -> None:
    packages = {
        path.parent.relative_to(ROOT).as_posix()
        for top in ("protocol", "firmware", "host", "simulator")
        for path in (ROOT / top).glob("*/__init__.py")
    }
    assert packages <= {rule.folder for rule in LAYERS} | {"simulator/scenarios"}


# The folders that modules are imported from, besides a board's; `tests` is imported from the root.
IMPORT_ROOTS = ("protocol", "protocol/cpython", "firmware", "host", "simulator", "tests")
BOARDS = sorted(path.parent.name for path in ROOT.glob("boards/*/board.toml"))


def modules(board: str) -> dict[str, ast.Module]:
    """Parse all modules, with those of one board; return the trees by dotted name."""
    found = {}
    for root in (*IMPORT_ROOTS, f"boards/{board}"):
        for path in sorted((ROOT / root).rglob("*.py")):
            parts = path.relative_to(ROOT if root == "tests" else ROOT / root).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found.setdefault(name, parse(path))
    return found


def top_level(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes outside functions."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.expr):
            yield node
            yield from top_level(node)


def modules_imported(name: str, trees: dict[str, ast.Module]) -> set[str]:
    """Return the modules of `trees` that a module imports when it is imported."""
    found = set()
    for node in top_level(trees[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            module = node.module or ""
            inner = {f"{module}.{alias.name}" for alias in node.names}
            found |= inner & trees.keys() or {module}
    return found & trees.keys()


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the sets of modules that import each other, directly or through others."""
    reached: dict[str, set[str]] = {}
    for start in graph:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            new = graph[waiting.pop()] - seen
            seen |= new
            waiting += new
        reached[start] = seen
    found = {frozenset(n for n in reached[m] if m in reached[n]) for m in graph if m in reached[m]}
    return sorted(sorted(one) for one in found)


@pytest.mark.parametrize("board", BOARDS)
def test_no_modules_import_each_other(board: str) -> None:
    trees = modules(board)
    assert len(trees) > 200
    assert circles({name: modules_imported(name, trees) for name in trees}) == []


@pytest.mark.parametrize(
    "source",
    [
        "from kit import b",
        "import kit.b",
        "try:\n    from kit.b import x\nfinally:\n    pass",
        "if TYPE_CHECKING:\n    from kit.b import x",
    ],
)
def test_a_circle_is_seen(source: str) -> None:
    texts = {"kit": "", "kit.a": source, "kit.b": "import kit.c", "kit.c": "from kit import a"}
    trees = {name: ast.parse(text) for name, text in texts.items()}
    graph = {name: modules_imported(name, trees) for name in trees}
    assert circles(graph) == [["kit.a", "kit.b", "kit.c"]]
    assert circles(graph | {"kit.c": set()}) == []


@pytest.mark.parametrize(
    ("folder", "source"),
    [
        ("protocol/jiaozi", "import time"),
        ("protocol/jiaozi", "def f():\n    from os import path"),
        ("protocol/jiaozi", "from dataclasses import dataclass"),
        ("protocol/jiaozi", "import wallet.purse"),
        ("protocol/jiaozi", "from typing import Any"),
        ("protocol/jiaozi", "if TYPE_CHECKING:\n    from wallet import purse"),
        ("protocol/jiaozi", "if TYPE_CHECKING:\n    pass\nelse:\n    from typing import Any"),
        ("protocol/jiaozi", "open('x')"),
        ("firmware/wallet", "import jiaozi_host"),
        ("host/jiaozi_host", "from wallet import purse"),
        ("host/jiaozi_host", "import jiaozi_sim.field"),
        ("simulator/jiaozi_sim", "from jiaozi.wire.errors import Refused"),
        ("simulator/jiaozi_sim", "import jiaozi_host"),
        ("boards/*", "import jiaozi"),
    ],
)
def test_a_breach_is_seen(folder: str, source: str) -> None:
    rule = next(rule for rule in LAYERS if rule.folder == folder)
    assert list(breaches(rule, ast.parse(source), Path(folder).name))


@pytest.mark.parametrize(
    "source",
    [
        "from jiaozi.wire.errors import Refused",
        "from . import cose",
        "if TYPE_CHECKING:\n    from typing import Any",
    ],
)
def test_an_arrow_that_is_allowed_passes(source: str) -> None:
    assert not list(breaches(LAYERS[0], ast.parse(source), "jiaozi"))
