"""The command lines of the sweeps report a wrong image or place in one line."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.sweep import compare_qemu, replay, sweep_flows, sweep_pin

PROBLEM = "is no firmware image"


@pytest.fixture(params=["missing", "text"])
def wrong(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "firmware.elf"
    if request.param == "text":
        path.write_text("no image")
    return path


@pytest.mark.parametrize("module", [sweep_flows, sweep_pin, compare_qemu, replay])
def test_a_sweep_of_no_image(
    module: ModuleType,
    wrong: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["sweep", "--elf", str(wrong)])
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert PROBLEM in last
    assert "make firmware" in last


@pytest.mark.parametrize("place", ["top-up", "nothing:none:0:0:old:0"])
def test_a_replay_of_no_place(
    place: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(replay, "image", Path)
    monkeypatch.setattr(sys, "argv", ["replay", "--elf", "firmware.elf", place])
    with pytest.raises(SystemExit) as ended:
        replay.main()
    assert ended.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert f"not a place of a sweep: {place}" in last or "no flow nothing" in last
