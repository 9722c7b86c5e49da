"""Fixture: an installation of Renode whose program is a stand-in."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]


STAND_IN = ROOT / "tests" / "fixtures" / "renode_stand_in.py"


@pytest.fixture
def renode_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an installation whose `renode` is a script that starts the stand-in as a child."""
    home = tmp_path / "installed"
    home.mkdir()
    script = home / "renode"
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" "{sys.executable}" "{STAND_IN}" "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("RENODE_DIR", str(home))
    monkeypatch.setenv("RENODE_STAND_IN_LOG", str(tmp_path / "asked.txt"))
    return home
