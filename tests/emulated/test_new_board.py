"""A board is a folder: a copy with another name and another pin is built and runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from jiaozi_sim.board import BOARDS
from jiaozi_sim.client import Simulator
from jiaozi_sim.machines.marks import Mark

ROOT = BOARDS.parent
CHANGED = {'name = "visual_card"': 'name = "spare_card"', "dc = 6": "dc = 14"}


def copy_board(folder: Path) -> None:
    """The visual card under another name, the display's D/C on another pin."""
    folder.mkdir()
    shutil.copy(BOARDS / "visual_card" / "board.py", folder)
    data = (BOARDS / "visual_card" / "board.toml").read_text()
    for was, becomes in CHANGED.items():
        assert data.count(was) == 1
        data = data.replace(was, becomes)
    (folder / "board.toml").write_text(data)


def test_a_new_board_needs_only_its_folder(tmp_path: Path) -> None:
    """On the old pin the display would take commands for data and show nothing."""
    board, images = tmp_path / "spare_card", tmp_path / "images"
    copy_board(board)
    subprocess.run([sys.executable, str(BOARDS / "generate.py"), str(board)], check=True)
    make = [
        shutil.which("make") or "make",
        f"-j{os.cpu_count() or 1}",
        "-C",
        str(ROOT / "firmware"),
    ]
    subprocess.run([*make, f"BOARD_DIR={board}", f"IMAGES={images}"], check=True)
    elf = images / "spare_card" / "firmware.elf"
    with Simulator(tmp_path / "simulator") as simulator:
        wallet = simulator.add_wallet("alice", str(board), elf, engine="unicorn")
        blank = wallet.picture().tobytes()
        wallet.start()
        wallet.wait_mark(Mark.READY, timeout=30)
        wallet.wait_picture(lambda picture: picture.tobytes() != blank)
        assert wallet.violations() == []
