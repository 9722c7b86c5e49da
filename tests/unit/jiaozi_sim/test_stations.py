"""A wallet station has its board's parts, and reports an error for any other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jiaozi_sim.client import Simulator, SimulatorError, Wallet
from tests.unit.boards.bare import BARE


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    with Simulator(tmp_path / "simulator") as made:
        yield made


@pytest.fixture
def bare(simulator: Simulator, tmp_path: Path) -> Wallet:
    """Make a wallet without power whose board has no chip and no key."""
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "board.toml").write_text(BARE)
    elf = tmp_path / "firmware.elf"
    elf.write_bytes(b"")
    return simulator.add_wallet("alice", str(tmp_path / "bare"), elf)


def test_a_bare_board_has_no_chip_display_or_key(simulator: Simulator, bare: Wallet) -> None:
    simulator.add_reader("desk")
    with pytest.raises(SimulatorError, match="alice has no contactless chip"):
        simulator.tap("alice", "desk")
    with pytest.raises(SimulatorError, match="no display"):
        bare.picture()
    assert bare.buttons == []
    with pytest.raises(SimulatorError, match="no button 'ok' on this board; it has: none"):
        bare.press("ok")
    assert set(bare.ports) == {"host", "contact", "log"}


def test_a_missing_board_is_an_error(simulator: Simulator, tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match=r"nowhere/board\.toml: No such file"):
        simulator.add_wallet("alice", str(tmp_path / "nowhere"), tmp_path / "firmware.elf")
