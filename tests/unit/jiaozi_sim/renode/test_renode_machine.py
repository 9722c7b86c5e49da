"""The Renode engine with a stand-in for `renode`, which serves the robot server's port."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jiaozi_sim.client import Simulator
from jiaozi_sim.machines import renode_process
from jiaozi_sim.machines.base import NVM_SIZE, MachineError, NotRunning, StillRunning, boot_page
from jiaozi_sim.machines.renode import RenodeMachine
from jiaozi_sim.machines.renode_process import RenodeMissing, find_program, version
from tests.fixtures.renode_stand_in import asked

ROOT = Path(__file__).parents[4]


@pytest.fixture
def machine(renode_dir: Path, tmp_path: Path) -> Iterator[RenodeMachine]:
    elf = tmp_path / "firmware.elf"
    elf.write_bytes(b"")
    (tmp_path / "machine").mkdir()
    uarts = {"host": 0, "log": 4}
    made = RenodeMachine(elf, tmp_path / "machine", uarts, b"seed", "visual_card")
    yield made
    made.close()


def beginnings(tmp_path: Path) -> list[str]:
    return [line.split()[0].split("=")[0] for line in asked(tmp_path)]


def pid_of_renode(tmp_path: Path) -> int:
    return int(next(line for line in asked(tmp_path) if line.startswith("pid")).split()[1])


def test_a_start_builds_the_machine_and_opens_the_wires(
    machine: RenodeMachine, tmp_path: Path
) -> None:
    machine.start()
    said = asked(tmp_path)
    assert machine.running
    assert set(machine.wires) == {"host", "log"}
    assert f"include @{ROOT}/boards/visual_card/generated/visual_card.resc" in said
    assert said.index(next(s for s in said if s.startswith("include"))) > said.index(
        next(s for s in said if s.startswith("$log_port="))
    )
    assert said[-1] == "start"
    page = (tmp_path / "machine" / "boot_page.bin").read_bytes()
    assert page == boot_page(b"seed", 1)
    with pytest.raises(StillRunning):
        machine.start()
    with pytest.raises(StillRunning):
        machine.replace_nvm(b"")


@pytest.fixture
def started_wearable(
    renode_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Start a wearable in a world that runs Renode."""
    elf = tmp_path / "firmware.elf"
    elf.write_bytes(b"")
    monkeypatch.setenv("JIAOZI_ENGINE", "renode")
    with Simulator(tmp_path / "simulator") as simulator:
        simulator.add_wallet("bob", "wearable", elf).start()
        yield


@pytest.mark.usefixtures("started_wearable")
def test_each_image_runs_on_its_own_board(tmp_path: Path) -> None:
    assert f"include @{ROOT}/boards/wearable/generated/wearable.resc" in asked(tmp_path)


@pytest.mark.usefixtures("started_wearable")
def test_renode_has_less_priority_than_the_world(tmp_path: Path) -> None:
    """Renode stays in the session: Linux may apply niceness only within a session."""
    pid = pid_of_renode(tmp_path)
    assert os.getsid(pid) == os.getsid(0)
    assert os.getpriority(os.PRIO_PROCESS, pid) >= 10


def test_a_cut_keeps_the_nvm_and_the_next_start_builds_anew(
    machine: RenodeMachine, tmp_path: Path
) -> None:
    machine.replace_nvm(b"\1\2")
    machine.start()
    pid = machine.pid
    machine.cut_power()
    assert not machine.running
    with pytest.raises(NotRunning):
        _ = machine.wires
    # The stand-in saves the image it was given with its first byte incremented.
    assert machine.read_nvm(0, 3) == b"\2\2\xff"
    machine.start()
    assert machine.pid == pid
    assert machine.boots == 2
    assert beginnings(tmp_path).count("ResetEmulation") == 1
    assert machine.read_nvm(0, 2) == b"\3\2"


def test_the_nvm_is_asked_for_only_when_something_was_stored(
    machine: RenodeMachine, tmp_path: Path
) -> None:
    def saved() -> int:
        return beginnings(tmp_path).count("jiaozi_save_nvm")

    machine.start()
    first = machine.read_nvm()
    assert [machine.read_nvm(), saved()] == [first, 1]
    with machine.counter_path.open("r+b") as page:  # as the probe does at a store
        page.seek(40)
        page.write(struct.pack("<Q", machine.instructions().nvm_stores + 1))
    machine.read_nvm()
    assert saved() == 2
    machine.cut_power()
    machine.start()
    before = saved()
    machine.read_nvm()
    assert saved() == before + 1


def test_an_ordered_cut_ends_the_wires_and_keeps_the_nvm(
    machine: RenodeMachine, tmp_path: Path
) -> None:
    machine.cut_after_stores(3)
    machine.start()
    pid = machine.pid
    assert "jiaozi_cut 3" in asked(tmp_path)
    wire = machine.wires["host"]
    machine.cut_after_stores(1)  # the stand-in treats the second order as the cut itself
    wire.settimeout(5)
    assert wire.recv(1) == b""
    assert not machine.running
    assert beginnings(tmp_path)[-4:] == [
        "emulation",  # IsStarted: no other command before Renode has paused
        "jiaozi_save_nvm",
        "jiaozi_refresh",
        "jiaozi_unwatch",
    ]
    assert machine.read_nvm(0, 1) == b"\0"
    machine.cut_power()
    machine.start()
    assert machine.pid == pid


def test_an_engine_that_dies_takes_the_nvm_along(machine: RenodeMachine) -> None:
    machine.start()
    machine.cut_after_stores(666)  # the stand-in dies
    deadline = time.monotonic() + 5
    while machine.running:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(MachineError, match=r"NVM is lost[^$]*dying"):
        machine.read_nvm()
    with pytest.raises(MachineError, match="NVM is lost"):
        machine.start()
    machine.replace_nvm(b"")
    machine.start()


def test_a_refused_script_is_reported_with_the_log(
    machine: RenodeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RENODE_STAND_IN_REFUSES", "jiaozi_load_nvm")
    with pytest.raises(MachineError, match=r"jiaozi_load_nvm[^$]*refused on order[^$]*standing in"):
        machine.start()
    assert not machine.running


def test_a_renode_that_ends_at_once(
    machine: RenodeMachine, renode_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (renode_dir / "renode").write_text("#!/bin/sh\necho no runtime; exit 3\n")
    with pytest.raises(MachineError, match=r"Renode ended[^$]*no runtime"):
        machine.start()


def test_a_renode_that_never_answers(
    machine: RenodeMachine, renode_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (renode_dir / "renode").write_text("#!/bin/sh\nsleep 60\n")
    monkeypatch.setattr(renode_process, "START_SECONDS", 0.5)
    with pytest.raises(MachineError, match="does not answer"):
        machine.start()


def test_snapshots_and_time(machine: RenodeMachine, tmp_path: Path) -> None:
    machine.start()
    machine.run_for(0.25)
    machine.resume()
    snapshot = machine.snapshot()
    machine.restore(snapshot)
    assert snapshot.counters.stat().st_size == machine.counter_path.stat().st_size
    said = beginnings(tmp_path)
    assert said.index("Save") < said.index("Load") < said.index("jiaozi_rewatch")
    assert 'emulation RunFor "0.250000"' in asked(tmp_path)
    assert machine.wires["host"].fileno() >= 0
    with pytest.raises(MachineError):
        machine.restore("something")


def test_what_cannot_be(machine: RenodeMachine, tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="not within"):
        machine.read_nvm(NVM_SIZE - 1, 2)
    with pytest.raises(MachineError, match="do not fit"):
        machine.replace_nvm(bytes(NVM_SIZE + 1))
    with pytest.raises(MachineError, match="one store"):
        machine.cut_after_stores(0)
    with pytest.raises(MachineError, match="no firmware image"):
        RenodeMachine(tmp_path / "none.elf", tmp_path, {}, b"", "visual_card")
    with pytest.raises(MachineError, match="UARTs"):
        RenodeMachine(tmp_path / "firmware.elf", tmp_path, {"host": 5}, b"", "visual_card")
    with pytest.raises(NotRunning):
        machine.snapshot()


def test_renode_dies_with_its_parent(renode_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "f.elf").write_bytes(b"")
    script = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from jiaozi_sim.machines.renode import RenodeMachine\n"
        "machine = RenodeMachine(Path(sys.argv[1]), Path(sys.argv[2]), {}, b'', 'wearable')\n"
        "machine.start()\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "f.elf"), str(tmp_path)]
    done = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    pid = pid_of_renode(tmp_path)
    deadline = time.monotonic() + 5
    while (stat_file := Path(f"/proc/{pid}/status")).exists() and "(zombie)" not in (
        stat_file.read_text()
    ):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_no_renode_is_said_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RENODE_DIR", str(tmp_path))
    with pytest.raises(RenodeMissing, match="no renode-test RENODE_DIR="):
        find_program("renode-test")
    monkeypatch.delenv("RENODE_DIR")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RenodeMissing, match="no renode on the PATH"):
        version()


def test_the_version(renode_dir: Path) -> None:
    assert version() == "Renode, version 0.0 (stand-in)"
    assert os.access(find_program("renode"), os.X_OK)
