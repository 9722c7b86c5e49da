"""Seeded faults as data, one TOML file each in this folder.

changed, lost   the change, and what a user or operator would lose by it: one sentence each
flows           names of the flows that are expected to show it (see `search`)
[[change]]      file, `old` text that occurs in it exactly once, and its replacement `new`
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


class NotSeeded(Exception):
    """A fault's old text does not occur in its file exactly once: update the fault."""


@dataclass(frozen=True)
class Change:
    """One replacement in a file; its path is relative to the tree's root."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Fault:
    """One fault; its name is that of its file."""

    name: str
    changed: str
    lost: str
    flows: tuple[str, ...]
    changes: tuple[Change, ...]

    def seed(self, read: Callable[[str], str]) -> dict[str, str]:
        """Return the changed files' texts; `read(file)` returns the originals. Raises NotSeeded."""
        texts: dict[str, str] = {}
        for change in self.changes:
            text = texts.get(change.file) or read(change.file)
            if text.count(change.old) != 1:
                times = text.count(change.old)
                raise NotSeeded(f"{self.name}: {change.file} has this {times} times: {change.old}")
            texts[change.file] = text.replace(change.old, change.new)
        return texts


def load(path: Path) -> Fault:
    """Read a fault from its file. Raises KeyError, TypeError if it is not valid."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    changes = tuple(Change(**change) for change in table["change"])
    return Fault(path.stem, table["changed"], table["lost"], tuple(table["flows"]), changes)


def load_all() -> list[Fault]:
    """Read all faults, in the order of their names."""
    return [load(path) for path in sorted(HERE.glob("*.toml"))]
