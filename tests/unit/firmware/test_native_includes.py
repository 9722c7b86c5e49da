"""Includes of C files: native modules only use include/jz; a target's units have no cycle."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FIRMWARE = Path(__file__).resolve().parents[3] / "firmware"
NATIVE, JZ, EMULATED = (
    FIRMWARE / "native",
    FIRMWARE / "include" / "jz",
    FIRMWARE / "targets/emulated",
)
# Headers of MicroPython and of the libraries that native modules wrap.
UPSTREAM = re.compile(r"py/|sodium/|(?:cbor|utf8_p)\.h$")


def included(path: Path) -> list[str]:
    """List what a C file includes in quotation marks."""
    return re.findall(r'^#include "(\S+)"', path.read_text(), re.M)


def c_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.[ch]"))


def forbidden_includes(path: Path) -> list[str]:
    """List a native file's includes that are not allowed."""
    return [
        name
        for name in included(path)
        if not UPSTREAM.match(name)
        and not (name.startswith("jz/") and (JZ.parent / name).is_file())
        and NATIVE not in (path.parent / name).resolve().parents
    ]


@pytest.mark.parametrize("path", c_files(NATIVE), ids=lambda path: path.name)
def test_native_modules_include_jz_alone(path: Path) -> None:
    assert forbidden_includes(path) == []
    assert len(included(path)) == len(set(included(path)))


def test_a_header_of_a_target_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "module.c"
    file.write_text(
        '#include "py/obj.h"\n#include "../../targets/emulated/uart.h"\n#include "jz/x.h"'
    )
    assert forbidden_includes(file) == ["../../targets/emulated/uart.h", "jz/x.h"]


def test_headers_of_jz_include_nothing_of_ours() -> None:
    assert [path.name for path in c_files(JZ) if included(path)] == []


def uses(folder: Path) -> dict[str, set[str]]:
    """Map each unit (a .c file and its header) to the units whose headers it includes."""
    found: dict[str, set[str]] = {}
    for path in c_files(folder):
        names = {name.removesuffix(".h") for name in included(path) if (folder / name).is_file()}
        found.setdefault(path.stem, set()).update(names - {path.stem})
    return found


def cycle(graph: dict[str, set[str]]) -> set[str]:
    """Return the units on a cycle or above one: repeatedly remove units without dependencies."""
    left = dict(graph)
    while True:
        done = {unit for unit, needs in left.items() if not needs & left.keys()}
        if not done:
            return set(left)
        left = {unit: needs for unit, needs in left.items() if unit not in done}


def test_no_unit_of_the_target_includes_itself_in_a_circle() -> None:
    graph = uses(EMULATED)
    assert "uart" in graph["bridge"]
    assert cycle(graph) == set()
    assert cycle(graph | {"uart": graph["uart"] | {"bridge"}}) >= {"uart", "bridge"}
