"""Measure a revocation filter: 10,000 revoked of 10,000,000 issued wallets."""

from __future__ import annotations

import os
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

from jiaozi.wire.filters import index_of, key_of
from jiaozi_sim.machines.marks import Mark
from tests.emulated.port.repl import Repl
from tests.fixtures.filters import build, issued

ROOT = Path(__file__).parents[2]
BOARD = "visual_card"
ISSUED, STEP = 10_000_000, 1000
# Wallets whose look-up is measured: those that match the first ribbon cost most.
REVOKED, VALID = 20, 100
LOOK_UP = """
import gc
from _jzport import mark
from jiaozi.wire.filters import index_of, key_of, known_piece
def look_up(wallet, raw):
    mark({begin})
    key = key_of(wallet)
    index_of(key, {count})
    revoked = known_piece(raw).revokes(key)
    mark({end})
    return revoked
"""


def measure(directory: Path) -> dict[str, int]:
    """Build the filter; return its bytes and the most instructions of a look-up on the image."""
    pieces, revoked = build(ISSUED, STEP)
    return {
        "bytes": sum(map(len, pieces)),
        "lookup_instructions": lookup_instructions(pieces, revoked, directory),
    }


def lookup_instructions(pieces: list[bytes], revoked: list[bytes], directory: Path) -> int:
    """The most instructions of a look-up, with the piece's decoding but not its reading."""
    valid = [wallet for wallet in issued(VALID)() if wallet not in revoked]
    repl = Repl(debug_image(directory), directory)
    try:
        repl.start()
        repl.run(
            LOOK_UP.format(begin=int(Mark.TAP_BEGIN), end=int(Mark.TAP_END), count=len(pieces))
        )
        costs = [cost(repl, pieces, wallet, True) for wallet in revoked[:REVOKED]]
        costs += [cost(repl, pieces, wallet, False) for wallet in valid]
        return max(costs)
    finally:
        repl.machine.close()


def cost(repl: Repl, pieces: list[bytes], wallet: bytes, expected: bool) -> int:
    """Instructions of one look-up, whose verdict must be the expected one."""
    raw = pieces[index_of(key_of(wallet), len(pieces))]
    begin = repl.machine.marks()[-1].index
    said = repl.run(f"raw = {raw!r}\ngc.collect()\nprint(look_up({wallet!r}, raw))").strip()
    if said != str(expected):
        raise SystemExit(f"bench: the image says {said} about wallet {wallet.hex()}")
    return between(repl, begin)


def between(repl: Repl, begin: int) -> int:
    """Instructions between the last two of the look-up's own marks."""
    marks = repl.machine.marks(begin)
    ours = [each for each in marks if each.mark in (Mark.TAP_BEGIN, Mark.TAP_END)]
    return [b.work - a.work for a, b in pairwise(ours)][-1]


def debug_image(directory: Path) -> Path:
    """An image that runs what it is given."""
    make = ["make", f"-j{os.cpu_count() or 1}", "-C", str(ROOT / "firmware")]
    subprocess.run([*make, f"BOARD={BOARD}", "DEBUG=1"], check=True, stdout=subprocess.DEVNULL)
    elf = ROOT / "build" / "firmware" / f"{BOARD}-debug" / "firmware.elf"
    return Path(shutil.copy(elf, directory / "debug.elf"))
