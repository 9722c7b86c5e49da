"""The board that Renode builds lies where QEMU's own map of its machine says."""

from __future__ import annotations

import re
import subprocess

import pytest

from jiaozi_sim.machines import base
from jiaozi_sim.machines.renode import WIRES
from tests.fixtures.renode_platform import BOARDS, Platform, generated

REGION = re.compile(r"^ +(\w{16})-(\w{16}) \(prio -?\d+, (ram|i/o)\): (.+?)\r?$", re.M)


@pytest.fixture(scope="module")
def regions() -> list[tuple[int, int, str, str]]:
    """First and last address, kind and name, as QEMU's monitor tells them."""
    command = ["qemu-system-arm", "-machine", "mps2-an386", "-S", "-nodefaults"]
    command += ["-display", "none", "-monitor", "stdio"]
    done = subprocess.run(
        command,
        input="info mtree -f\nquit\n",
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    [view] = [v for v in done.stdout.split("FlatView") if "Root memory region: system" in v][:1]
    return [(int(a, 16), int(b, 16), kind, name) for a, b, kind, name in REGION.findall(view)]


@pytest.mark.parametrize("board", BOARDS)
def test_uarts(board: str, regions: list[tuple[int, int, str, str]]) -> None:
    platform = Platform(board, generated(board, "repl").read_text())
    theirs = [first for first, _, _, name in regions if name == "uart"]
    assert [platform.addresses[f"uart{n}"] for n in range(len(WIRES))] == theirs


@pytest.mark.parametrize("board", BOARDS)
def test_memories(board: str, regions: list[tuple[int, int, str, str]]) -> None:
    """QEMU's are larger; each of Renode's lies in one of them, NVM and pages in the PSRAM."""
    platform = Platform(board, generated(board, "repl").read_text())
    for name, model in platform.models.items():
        if not model.startswith("Memory."):
            continue
        first = platform.addresses[name]
        last = first + platform.size(name) - 1
        [around] = [r for r in regions if r[0] <= first and last <= r[1] and r[2] == "ram"]
        assert (around[3] == "mps.ram") == (first >= base.NVM_BASE), name
