"""The command lines of the sweeps say what is wrong with an image in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scenarios.commands import app
from scenarios.sweep import pin, qemu, run

PLACE = "top-up:none:0:0:old:-"
REMEDY = "is no firmware image"


@pytest.fixture(params=["missing", "text"])
def wrong(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "firmware.elf"
    if request.param == "text":
        path.write_text("no image")
    return path


@pytest.mark.parametrize("main", [run.main, qemu.main, pin.main])
def test_a_sweep_of_no_image(
    main: Callable[[], int],
    wrong: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["sweep", "--elf", str(wrong)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert REMEDY in last
    assert "make firmware" in last


def test_a_replay_on_no_image(wrong: Path) -> None:
    said = CliRunner().invoke(app, ["replay", PLACE, "--elf", str(wrong)])
    assert said.exit_code == 2
    assert REMEDY in " ".join(said.output.split())
