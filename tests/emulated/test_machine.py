"""What every engine must do, shown with the bare-metal image of this folder."""

from __future__ import annotations

import select
import socket
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from jiaozi_sim.machines.base import (
    NVM_SIZE,
    Machine,
    MachineError,
    MarksLost,
    NotRunning,
    SnapshotRefused,
    StillRunning,
)
from jiaozi_sim.machines.counters import RING_CAPACITY
from jiaozi_sim.machines.engines import chosen_engine, make_machine, patience
from jiaozi_sim.machines.marks import Mark


def read_line(machine: Machine, seconds: float = 10) -> bytes:
    """One line from the host wire; EOFError when the machine lost its power first."""
    end = time.monotonic() + seconds * patience()
    wire, line = machine.wires["host"], b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([wire], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            raise TimeoutError(f"got {line!r}; the engine says {machine.messages()!r}")
        byte = receive_one(wire)
        if not byte:
            raise EOFError(line)
        line += byte
    return line


def receive_one(wire: socket.socket) -> bytes:
    """One byte; none at the end, which a killed engine may mark by a reset."""
    try:
        return wire.recv(1)
    except ConnectionResetError:
        return b""


def boot(machine: Machine) -> bytes:
    machine.start()
    return read_line(machine)


def order(machine: Machine, letters: str) -> None:
    for letter in letters:
        machine.wires["host"].send(letter.encode())
        assert read_line(machine) == b"ok\n"


def wait_until_off(machine: Machine) -> None:
    end = time.monotonic() + 5 * patience()
    while machine.running:
        assert time.monotonic() < end
        time.sleep(0.001)


def test_boots_differ_and_a_replay_is_exact(
    machine: Machine, bare_metal_elf: Path, tmp_path: Path
) -> None:
    greetings = []
    for _ in range(2):
        greetings.append(boot(machine))
        machine.cut_power()
    assert greetings[0].startswith(b"boot ")
    assert greetings[0] != greetings[1]

    (tmp_path / "again").mkdir()
    replay = make_machine(bare_metal_elf, tmp_path / "again", {"host": 0}, seed=b"a test")
    try:
        assert boot(replay) == greetings[0]
    finally:
        replay.close()


def test_nvm_survives_a_cut_and_is_erased_at_first(machine: Machine) -> None:
    assert machine.read_nvm() == b"\xff" * NVM_SIZE
    boot(machine)
    order(machine, "w")
    machine.cut_power()
    assert not machine.running
    written = b"".join(word.to_bytes(4, "little") for word in range(1, 9))
    assert machine.read_nvm(0, 40) == written + b"\xff" * 8
    boot(machine)
    assert machine.read_nvm(0, 32) == written


@pytest.mark.parametrize("stores", [1, 3, 8])
def test_cut_after_exactly_the_nth_store(machine: Machine, stores: int) -> None:
    boot(machine)
    order(machine, "w")
    machine.cut_after_stores(stores)
    machine.wires["host"].send(b"e")
    with pytest.raises(EOFError):
        read_line(machine)
    wait_until_off(machine)
    kept = b"".join(word.to_bytes(4, "little") for word in range(stores + 1, 9))
    assert machine.read_nvm(0, 32) == b"\xff" * 4 * stores + kept
    assert machine.instructions().nvm_stores == 8 + stores


def test_cut_ordered_before_the_start(machine: Machine) -> None:
    machine.cut_after_stores(9)
    boot(machine)
    order(machine, "w")
    machine.wires["host"].send(b"w")
    with pytest.raises(EOFError):
        read_line(machine)
    wait_until_off(machine)
    boot(machine)
    order(machine, "ww")  # the order served once


def test_an_order_to_cut_can_be_taken_back(machine: Machine) -> None:
    machine.cut_after_stores(1)
    machine.cut_after_stores(None)
    boot(machine)
    machine.cut_after_stores(1)
    machine.cut_after_stores(None)
    order(machine, "w")


def work_of_one_session(machine: Machine) -> tuple[int, dict[int, int]]:
    boot(machine)
    order(machine, "lwl")
    end = machine.marks()[-1]
    totals = dict(machine.instructions().by_phase)
    machine.cut_power()
    return end.work, {phase: totals[phase] for phase in (Mark.SIGN, Mark.COMMIT)}


def test_the_same_work_counts_the_same(machine: Machine) -> None:
    first, second = work_of_one_session(machine), work_of_one_session(machine)
    assert first[1] == second[1]
    # Outside the phases the firmware polls the transmitter, whose speed is the host's.
    assert second[0] == pytest.approx(first[0], rel=0.005)
    # The loop is 7 instructions a turn; two rounds of 100,000.
    assert 1_400_000 <= first[1][Mark.SIGN] <= 1_400_040


def test_idle_is_counted_apart_and_does_not_change_the_phase(machine: Machine) -> None:
    boot(machine)
    order(machine, "l")
    before = machine.marks()[-1]
    time.sleep(0.1)
    order(machine, "l")
    marks = machine.marks()
    round_trip = [Mark.SIGN, Mark.PYTHON]
    assert [event.mark for event in marks] == [Mark.READY, *round_trip, *round_trip]
    between = marks[before.index + 1]
    assert between.idle > before.idle
    assert between.work - before.work < 1000
    assert [event.index for event in marks] == list(range(5))
    assert machine.marks(after=4) == marks[4:]


def test_marks_count_to_the_instruction(machine: Machine) -> None:
    boot(machine)
    order(machine, "m")
    # Renode counts whole blocks, and the loop's first round shares one with what comes before it.
    first = 2 if chosen_engine() == "renode" else 0
    marks = [event for event in machine.marks() if event.mark in (Mark.HASH, Mark.PYTHON)]
    rounds = marks[first:200]
    steps = [later.work - event.work for event, later in pairwise(rounds)]
    # Both stores may lie in one translation block, which is counted as a whole before it runs.
    assert len(set(steps[0::2])) == 1
    assert 0 <= steps[0] <= 3
    assert len(set(steps[1::2])) == 1
    assert steps[1] > steps[0]


def test_overwritten_marks_are_an_error(machine: Machine) -> None:
    boot(machine)
    order(machine, "m" * (RING_CAPACITY // 200 + 1))
    with pytest.raises(MarksLost):
        machine.marks()
    assert len(machine.marks(after=RING_CAPACITY)) > 0


def test_nvm_is_replaced_only_without_power(machine: Machine) -> None:
    machine.replace_nvm(b"\x01\x02")
    assert machine.read_nvm(0, 3) == b"\x01\x02\xff"
    boot(machine)
    with pytest.raises(StillRunning):
        machine.replace_nvm(b"")
    with pytest.raises(StillRunning):
        machine.start()
    machine.cut_power()
    with pytest.raises(MachineError):
        machine.replace_nvm(bytes(NVM_SIZE + 1))
    with pytest.raises(MachineError):
        machine.read_nvm(NVM_SIZE - 1, 2)


def test_refusals(machine: Machine) -> None:
    with pytest.raises(NotRunning):
        _ = machine.wires
    # A machine without power has nothing to take or restore, whether the engine can or not.
    with pytest.raises((SnapshotRefused, NotRunning)):
        machine.snapshot()
    with pytest.raises(MachineError):
        machine.restore(None)
    with pytest.raises(MachineError):
        machine.cut_after_stores(0)


def test_dies_with_its_parent(bare_metal_elf: Path, tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from jiaozi_sim.machines.engines import make_machine\n"
        "machine = make_machine(Path(sys.argv[1]), Path(sys.argv[2]), {'host': 0}, b'')\n"
        "machine.start()\n"
        "print(machine.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", script, str(bare_metal_elf), str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    status = Path(f"/proc/{int(run.stdout)}/status")
    end = time.monotonic() + 5
    while status.exists() and "zombie" not in status.read_text():
        assert time.monotonic() < end
        time.sleep(0.01)
