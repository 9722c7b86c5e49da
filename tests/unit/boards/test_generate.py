"""boards/generate.py: the files it writes, stale files, and the contents of an image."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from jiaozi_sim.board import BOARDS, board_names
from tests.unit.boards.bare import BARE

ROOT = BOARDS.parent
GENERATE = BOARDS / "generate.py"
MANIFESTS = ROOT / "build" / "upstream" / "micropython" / "tools" / "manifestfile.py"


def generate(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(GENERATE), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """Return a copy of the visual card's folder."""
    return Path(shutil.copytree(BOARDS / "visual_card", tmp_path / "visual_card"))


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """Return a generated board with no chip and no key."""
    folder = tmp_path / "bare"
    folder.mkdir()
    (folder / "board.toml").write_text(BARE)
    (folder / "board.py").write_text("")
    assert generate(folder).returncode == 0
    return folder


def test_check_names_what_differs_and_writes_nothing(card: Path) -> None:
    assert generate("--check", card).returncode == 0
    header, wiring = (card / "generated" / name for name in ("mpconfigboard.h", "wiring.py"))
    header.write_text("edited")
    wiring.unlink()
    (card / "generated" / "left_over.h").write_text("")
    done = generate("--check", card)
    assert done.returncode == 1
    for name in ("mpconfigboard.h", "wiring.py", "left_over.h"):
        assert name in done.stderr
    assert header.read_text() == "edited"
    assert generate(card).returncode == 0
    assert generate("--check", card).returncode == 0
    assert not (card / "generated" / "left_over.h").exists()


def test_changed_data_changes_every_side(card: Path) -> None:
    data = (card / "board.toml").read_text()
    for was, becomes in (("dc = 6", "dc = 14"), ("heap_kib = 128", "heap_kib = 96")):
        assert was in data
        data = data.replace(was, becomes)
    (card / "board.toml").write_text(data)
    assert generate("--check", card).returncode == 1
    generate(card)
    assert "SSD1680_DC = 14\n" in (card / "generated" / "wiring.py").read_text()
    assert "HEAP_KIB ?= 96\n" in (card / "generated" / "mpconfigboard.mk").read_text()


def test_a_board_that_is_not_valid_is_one_line(card: Path) -> None:
    data = (card / "board.toml").read_text()
    (card / "board.toml").write_text(data.replace("busy = 8", ""))
    done = generate(card)
    assert done.returncode == 1
    assert done.stderr == f"{card}/board.toml: chip 2 ssd1680: busy: is missing\n"


def test_the_help_says_how_to_add_a_board() -> None:
    said = generate("--help").stdout
    for word in ("board.toml", "board.py", "README.md", "make firmware BOARD=NAME"):
        assert word in said


# -- contents of an image --------------------------------------------------------------------------


def upstream() -> ModuleType:
    """Import MicroPython's reader of manifests."""
    spec = importlib.util.spec_from_file_location("manifestfile", MANIFESTS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def frozen(board: Path, monkeypatch: pytest.MonkeyPatch, debug: bool = False) -> set[str]:
    """List the modules frozen into a board's image."""
    monkeypatch.setenv("JZ_BOARD_DIR", str(board))
    monkeypatch.setenv("JZ_DEBUG", str(int(debug)))
    monkeypatch.chdir(ROOT)
    reader = upstream()
    port = str(ROOT / "firmware" / "targets" / "emulated")
    made = reader.ManifestFile(reader.MODE_FREEZE, {"MPY_LIB_DIR": None, "PORT_DIR": port})
    made.execute(str(board / "generated" / "manifest.py"))
    return {file.target_path for file in made.files()}


def python_files(folder: Path, package: str) -> set[str]:
    return {f"{package}/{path.relative_to(folder)}" for path in folder.rglob("*.py")}


@pytest.mark.parametrize("name", board_names())
def test_an_image_holds_the_drivers_of_its_board_alone(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = frozen(BOARDS / name, monkeypatch)
    models = {Path(file).stem for file in held if file.startswith("wallet/drivers/")}
    data = (BOARDS / name / "board.toml").read_text()
    for model in ("pn532", "ssd1680", "gc9a01", "cst816s"):
        assert (model in models) == (f'model = "{model}"' in data)
    assert {"wallet/main.py", "wallet/screens/__init__.py", "board.py", "wiring.py"} <= held


def test_all_that_is_not_optional_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    held = frozen(BOARDS / "visual_card", monkeypatch, debug=True)
    wallet = python_files(ROOT / "firmware" / "wallet", "wallet")
    optional = ("wallet/drivers/", "wallet/links/", "wallet/person/", "wallet/screens/")
    assert {file for file in wallet if not file.startswith(optional)} <= held
    assert python_files(ROOT / "protocol" / "jiaozi", "jiaozi") <= held


def test_a_release_has_nothing_for_operators_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    card = BOARDS / "visual_card"
    left_out = frozen(card, monkeypatch, debug=True) - frozen(card, monkeypatch)
    assert left_out == python_files(ROOT / "protocol/jiaozi/operator", "jiaozi/operator")


def test_a_bare_board_freezes_no_screen_no_driver_and_no_link(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = frozen(bare, monkeypatch)
    optional = ("wallet/screens", "wallet/drivers", "wallet/links", "wallet/person")
    nobody = {"wallet/person/__init__.py", "wallet/person/nobody.py"}
    assert {file for file in held if file.startswith(optional)} == nobody
    assert "wallet/main.py" in held


def test_a_missing_file_is_an_error(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = bare / "generated" / "manifest.py"
    text = manifest.read_text().replace("wallet=(\n", 'wallet=(\n        "drivers/st7789.py",\n')
    manifest.write_text(text)
    with pytest.raises(Exception, match=r"needs drivers/st7789.py, which is not in firmware"):
        frozen(bare, monkeypatch)


def test_make_says_which_boards_there_are() -> None:
    make = [shutil.which("make") or "make", "-C", str(ROOT / "firmware")]
    environment = {**os.environ, "MAKEFLAGS": ""}
    said = subprocess.run([*make, "help"], capture_output=True, text=True, env=environment).stdout
    assert f"one of: {' '.join(board_names())}" in said
    assert "BOARD_DIR=dir" in said
    done = subprocess.run(
        [*make, "image", "BOARD=none"], capture_output=True, text=True, env=environment
    )
    assert done.returncode != 0
    assert f"boards: {' '.join(board_names())}" in done.stderr
