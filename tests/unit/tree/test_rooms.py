"""Allowed imports between the rooms (folders) of a package, read from the syntax tree."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = {"wallet": ROOT / "firmware" / "wallet", "jiaozi": ROOT / "protocol" / "jiaozi"}
# Package, room (a folder or file), and the rooms it must not import, not even for types.
FORBIDDEN = [
    ("jiaozi", "wire", "wallet operator"),
    ("jiaozi", "wallet", "operator"),
    ("wallet", "main.py", "drivers screens"),
    ("wallet", "apps", "roles screens person links drivers"),
    ("wallet", "roles", "apps screens person links drivers"),
    ("wallet", "links", "apps roles screens person drivers device"),
    ("wallet", "person", "apps roles links drivers device"),
    ("wallet", "screens", "apps roles person links drivers device"),
    ("wallet", "drivers", "apps roles screens person links device"),
    ("wallet", "storage", "apps roles screens person links drivers device hal"),
]


def rooms_of(tree: ast.AST, package: str) -> set[str]:
    """Return the rooms of `package` that a file imports, including inside functions."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith(f"{package}.")}


@pytest.mark.parametrize(("package", "room", "forbidden"), FORBIDDEN)
def test_a_room_imports_only_what_it_may(package: str, room: str, forbidden: str) -> None:
    place = PACKAGES[package] / room
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    assert files
    for path in files:
        found = rooms_of(ast.parse(path.read_text("utf-8")), package) & set(forbidden.split())
        assert not found, f"{path} imports {found}"


def test_only_a_person_at_a_display_imports_screens() -> None:
    users = {
        path.relative_to(PACKAGES["wallet"]).as_posix()
        for path in sorted(PACKAGES["wallet"].rglob("*.py"))
        if "screens" in rooms_of(ast.parse(path.read_text("utf-8")), "wallet")
    }
    assert {user for user in users if not user.startswith("screens/")} == {"person/viewer.py"}


@pytest.mark.parametrize(
    "source",
    [
        "from jiaozi.wallet import book",
        "from jiaozi import wallet",
        "def f():\n    import jiaozi.wallet.book",
        "if TYPE_CHECKING:\n    from jiaozi.wallet.book import Book",
    ],
)
def test_an_import_is_seen(source: str) -> None:
    assert rooms_of(ast.parse(source), "jiaozi") == {"wallet"}
