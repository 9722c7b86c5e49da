"""Which rooms of the application may import which: read from the syntax tree."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

WALLET = Path(__file__).parents[3] / "firmware" / "wallet"


def imported(path: Path) -> set[str]:
    """Rooms of `wallet` that a file imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("wallet.")}


def files(room: str) -> list[Path]:
    return sorted((WALLET / room).rglob("*.py"))


@pytest.mark.parametrize(
    ("room", "forbidden"),
    [
        ("apps", {"roles", "screens", "person", "links", "drivers"}),
        ("roles", {"apps", "screens", "person", "links", "drivers"}),
        ("links", {"apps", "roles", "screens", "person", "drivers", "device"}),
        ("person", {"apps", "roles", "links", "drivers", "device"}),
        ("screens", {"apps", "roles", "person", "links", "drivers", "device"}),
        ("drivers", {"apps", "roles", "screens", "person", "links", "device"}),
        ("storage", {"apps", "roles", "screens", "person", "links", "drivers", "device", "hal"}),
    ],
)
def test_a_room_imports_only_what_it_may(room: str, forbidden: set[str]) -> None:
    assert files(room)
    assert {path.name: imported(path) & forbidden for path in files(room)} == {
        path.name: set() for path in files(room)
    }


def test_only_the_person_at_a_display_imports_screens() -> None:
    users = {
        path.relative_to(WALLET).as_posix()
        for path in files("")
        if "screens" in imported(path) and path.parent.name != "screens"
    }
    assert users == {"person/viewer.py"}


def test_the_main_loop_names_no_driver() -> None:
    assert not imported(WALLET / "main.py") & {"drivers", "screens"}
