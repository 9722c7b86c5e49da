"""The same work costs the same instructions on the chosen engine and on QEMU."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from jiaozi_sim.machines.marks import Mark
from tests.emulated.port.repl import Repl

WORK = """
import gc
from _jzcrypto import ed25519_public, ed25519_sign, ed25519_verify, sha256
from _jzcbor import dumps, loads
import _jznvm
secret, message = bytes(range(32)), bytes(200)
public = ed25519_public(secret)
item = {1: [b"k" * 32, 25_00, {"name": "alice", -1: bytes(64)}], 2: [1, 2, 3] * 20}
gc.collect()
signed = ed25519_sign(secret, public, message)
assert ed25519_verify(public, message, signed)
for _ in range(20):
    assert loads(dumps(item)) == item
sha256(bytes(1024))
_jznvm.program(64 * 1024, bytes(256))
"""
PHASES = (Mark.SIGN, Mark.VERIFY, Mark.ENCODE, Mark.DECODE, Mark.HASH, Mark.COMMIT)


def costs(elf: Path, directory: Path, engine: str | None) -> dict[Mark, int]:
    """Working instructions in each phase while WORK runs."""
    directory.mkdir()
    repl = Repl(elf, directory, engine=engine)
    try:
        repl.start()
        first = repl.machine.marks()[-1].index
        repl.run(WORK)
        spent = dict.fromkeys(PHASES, 0)
        for mark, following in pairwise(repl.machine.marks(first)):
            if mark.mark in spent:
                spent[Mark(mark.mark)] += following.work - mark.work
        return spent
    finally:
        repl.machine.close()


def test_computing_costs_the_same_on_every_engine(debug_elf: Path, tmp_path: Path) -> None:
    expected = costs(debug_elf, tmp_path / "qemu", "qemu")
    assert all(expected.values())
    found = costs(debug_elf, tmp_path / "chosen", None)
    assert found == {mark: pytest.approx(count, rel=0.005) for mark, count in expected.items()}
