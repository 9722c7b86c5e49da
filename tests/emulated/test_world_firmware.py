"""The wallet's own image in the simulator: boot, picture, buttons, and counts that repeat."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jiaozi_sim.board import board_names
from jiaozi_sim.client import Simulator, Wallet
from jiaozi_sim.machines.base import MarkEvent
from jiaozi_sim.machines.marks import Mark


def booted(wallet: Wallet) -> MarkEvent:
    wallet.start()
    return wallet.wait_mark(Mark.READY, timeout=30)


@pytest.mark.parametrize("board", board_names())
def test_a_wallet_boots_and_shows_something(
    board: str, firmware_elf: Callable[[str], Path], tmp_path: Path
) -> None:
    with Simulator(tmp_path) as sim:
        wallet = sim.add_wallet("alice", board, firmware_elf(board))
        blank = wallet.picture().tobytes()
        booted(wallet)
        wallet.wait_picture(lambda picture: picture.tobytes() != blank)
        assert wallet.violations() == []


def test_two_boots_cost_the_same(firmware_elf: Callable[[str], Path], tmp_path: Path) -> None:
    with Simulator(tmp_path) as sim:
        wallet = sim.add_wallet("alice", "visual_card", firmware_elf("visual_card"))
        booted(wallet)  # the first boot formats the memory
        costs = []
        for _ in range(2):
            wallet.cut_power()
            costs.append(booted(wallet).work)
        assert costs[1] == pytest.approx(costs[0], rel=0.005)
