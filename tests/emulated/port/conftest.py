"""Fixtures of the port's tests: a debug image and boards that run it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulated.port.repl import Repl

ROOT = Path(__file__).parents[3]
ROOMY_KIB = 200


def build(*arguments: str) -> None:
    """Run make in the firmware folder."""
    command = [shutil.which("make") or "make", f"-j{os.cpu_count() or 1}", "-C", "firmware"]
    subprocess.run([*command, *arguments], cwd=ROOT, check=True)


@pytest.fixture(scope="session")
def debug_elf() -> Path:
    """The visual card's debug image, brought up to date."""
    build("BOARD=visual_card", "DEBUG=1")
    return ROOT / "build" / "firmware" / "visual_card-debug" / "firmware.elf"


@pytest.fixture(scope="session")
def roomy_elf(debug_elf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with all of the board's RAM as heap: room for a test's data beside a wallet's."""
    build("BOARD=visual_card", "DEBUG=1", f"HEAP_KIB={ROOMY_KIB}")
    roomy = Path(shutil.copy(debug_elf, tmp_path_factory.mktemp("images") / "roomy.elf"))
    build("BOARD=visual_card", "DEBUG=1")
    return roomy


@pytest.fixture(scope="session")
def unix_micropython() -> Path:
    """The unix port with our C modules, brought up to date."""
    build("unix")
    return ROOT / "build" / "firmware" / "unix" / "micropython"


@pytest.fixture
def board(debug_elf: Path, tmp_path: Path) -> Iterator[Repl]:
    """A board of the test's own, not started."""
    repl = Repl(debug_elf, tmp_path)
    yield repl
    repl.machine.close()


@pytest.fixture(scope="module")
def repl(debug_elf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repl]:
    """A running board that the tests of a file share."""
    shared = Repl(debug_elf, tmp_path_factory.mktemp("board"))
    shared.start()
    yield shared
    shared.machine.close()
