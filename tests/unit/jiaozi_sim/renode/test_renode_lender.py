"""Reuse of Renode processes by one machine after another, with a stand-in for the program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jiaozi_sim.machines.base import MachineError
from jiaozi_sim.machines.renode import RenodeMachine
from jiaozi_sim.machines.renode_lender import LENDER_VARIABLE, Lender
from tests.fixtures.renode_stand_in import asked


@pytest.fixture
def lender(renode_dir: Path) -> Iterator[Lender]:
    with Lender() as made:
        yield made
    assert LENDER_VARIABLE not in os.environ


def machine(tmp_path: Path, name: str) -> RenodeMachine:
    elf = tmp_path / "firmware.elf"
    elf.write_bytes(b"")
    (tmp_path / name).mkdir()
    return RenodeMachine(elf, tmp_path / name, {"host": 0}, b"seed", "visual_card")


def begun(tmp_path: Path) -> list[int]:
    """Return the ids of the stand-ins started so far."""
    return [int(line.split()[1]) for line in asked(tmp_path) if line.startswith("pid ")]


def await_end(pid: int) -> None:
    status, deadline = Path(f"/proc/{pid}/status"), time.monotonic() + 5
    while status.exists() and "zombie" not in status.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def await_off(machine: RenodeMachine) -> None:
    deadline = time.monotonic() + 5
    while machine.running:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def await_reset(tmp_path: Path, count: int) -> None:
    deadline = time.monotonic() + 5
    while asked(tmp_path).count("ResetEmulation") < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.1)  # until the answer has come


def test_one_machine_goes_on_with_the_renode_of_another(lender: Lender, tmp_path: Path) -> None:
    for turn, name in enumerate(("one", "other"), 1):
        lent = machine(tmp_path, name)
        lent.start()
        assert lent.running
        lent.close()
        assert not lent.running
        await_reset(tmp_path, turn)
    assert len(begun(tmp_path)) == 1
    assert "jiaozi_watch" in (tmp_path / "other" / "monitor.log").read_text()
    # Each machine gets its own part of Renode's log; the stand-in writes one line.
    assert "standing in" in (tmp_path / "one" / "renode.log").read_text()
    assert (tmp_path / "other" / "renode.log").read_text() == ""


def test_two_machines_at_a_time_have_one_each(lender: Lender, tmp_path: Path) -> None:
    one, other = machine(tmp_path, "one"), machine(tmp_path, "other")
    one.start()
    other.start()
    assert one.pid != other.pid
    one.close()
    assert other.running
    other.close()


def test_a_renode_that_dies_is_lent_no_more(lender: Lender, tmp_path: Path) -> None:
    lent = machine(tmp_path, "one")
    lent.start()
    lent.cut_after_stores(666)  # the stand-in dies
    await_off(lent)
    lent.replace_nvm(b"")
    lent.start()
    assert lent.running
    assert len(begun(tmp_path)) == 2
    lent.close()


def test_a_borrower_that_is_killed_takes_its_renode_along(lender: Lender, tmp_path: Path) -> None:
    machine(tmp_path, "one").close()
    script = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from jiaozi_sim.machines.renode import RenodeMachine\n"
        "machine = RenodeMachine(Path(sys.argv[1]), Path(sys.argv[2]), {}, b'', 'wearable')\n"
        "machine.start()\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "firmware.elf"), str(tmp_path / "one")]
    done = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    [pid] = begun(tmp_path)
    await_end(pid)


def test_a_failed_start_is_reported_to_the_borrower(
    lender: Lender, renode_dir: Path, tmp_path: Path
) -> None:
    (renode_dir / "renode").write_text("#!/bin/sh\necho no runtime; exit 3\n")
    with pytest.raises(MachineError, match=r"Renode ended[^$]*no runtime"):
        machine(tmp_path, "one").start()


def test_all_end_with_the_lender(renode_dir: Path, tmp_path: Path) -> None:
    with Lender():
        lent, kept = machine(tmp_path, "one"), machine(tmp_path, "other")
        lent.start()
        kept.start()
        lent.close()
        await_reset(tmp_path, 1)
    for pid in begun(tmp_path):
        await_end(pid)
    await_off(kept)
    kept.close()


def test_a_lender_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LENDER_VARIABLE, str(tmp_path / "none"))
    with pytest.raises(MachineError, match="does not answer"):
        machine(tmp_path, "one").start()
