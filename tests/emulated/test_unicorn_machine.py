"""What only the Unicorn engine does: snapshots, and refusing what flash cannot do."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jiaozi_sim.machines.base import ERASED, MachineError, NotRunning
from jiaozi_sim.machines.marks import Mark
from jiaozi_sim.machines.unicorn import UnicornMachine
from tests.emulated.test_machine import boot, order, read_line, wait_until_off


@pytest.fixture
def machine(bare_metal_elf: Path, tmp_path: Path) -> Iterator[UnicornMachine]:
    made = UnicornMachine(bare_metal_elf, tmp_path, {"host": 0}, b"a test")
    yield made
    made.close()


def test_a_snapshot_is_gone_back_to(machine: UnicornMachine) -> None:
    boot(machine)
    order(machine, "w")
    there = machine.snapshot()
    counted = machine.instructions()
    order(machine, "el")
    assert machine.read_nvm(0, 4) == ERASED * 4
    machine.restore(there)
    assert machine.read_nvm(0, 4) == b"\1\0\0\0"
    assert machine.instructions() == counted
    assert machine.running
    order(machine, "l")
    assert [event.mark for event in machine.marks()][-2:] == [Mark.SIGN, Mark.PYTHON]


def test_a_snapshot_serves_again_and_without_power(machine: UnicornMachine) -> None:
    greeting = boot(machine)
    there = machine.snapshot()
    seen = []
    for _ in range(2):
        order(machine, "wl")
        seen.append(machine.instructions().by_phase[Mark.SIGN])
        machine.cut_power()
        machine.restore(there)
    assert seen[0] == seen[1]
    machine.cut_power()
    machine.replace_nvm(b"")
    assert machine.boots == 1
    assert boot(machine) != greeting


def test_a_cut_comes_after_a_restore_too(machine: UnicornMachine) -> None:
    boot(machine)
    machine.restore(machine.snapshot())
    machine.cut_after_stores(2)
    machine.wires["host"].send(b"w")
    with pytest.raises(EOFError):
        read_line(machine)
    wait_until_off(machine)
    assert machine.read_nvm(0, 12) == b"\1\0\0\0\2\0\0\0" + ERASED * 4


def test_what_is_no_snapshot(machine: UnicornMachine) -> None:
    with pytest.raises(NotRunning):
        machine.snapshot()
    boot(machine)
    with pytest.raises(MachineError, match="no snapshot"):
        machine.restore("something")
    os.kill(machine.pid, signal.SIGKILL)
    with pytest.raises(MachineError):
        machine.snapshot()


def test_a_bit_that_rises_stops_the_machine(machine: UnicornMachine) -> None:
    machine.replace_nvm(bytes(4))
    boot(machine)
    machine.wires["host"].send(b"w")
    with pytest.raises(EOFError):
        read_line(machine)
    wait_until_off(machine)
    assert "IllegalStore: 00000001 over 00000000" in machine.messages()


def test_nobody_listening_holds_the_firmware_up(machine: UnicornMachine) -> None:
    """As on QEMU: a transmitter whose far end takes nothing is full, and nothing is lost."""
    boot(machine)
    orders = 1200
    machine.wires["host"].setblocking(True)
    machine.wires["host"].send(b"x" * orders)
    time.sleep(0.5)
    assert len(machine.marks()) < orders
    for _ in range(orders):
        assert read_line(machine) == b"ok\n"
