"""The world process and its client, with the bare-metal image of this folder as the firmware."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from jiaozi_sim.client import NoMark, Simulator, SimulatorError, Wallet, WorldGone
from jiaozi_sim.machines.base import NVM_SIZE
from jiaozi_sim.machines.marks import Mark
from jiaozi_sim.machines.renode_lender import LENDER_VARIABLE

PIN_10_HIGH, PIN_10_LOW = b"810a010001", b"810a010000"
ACK_AND_VERSION = b"0000ff00ff00" + b"0000ff06fad50332010607e800"
ACK_AND_NORMAL_MODE = b"0000ff00ff00" + b"0000ff02fed5151600"
ACK_AND_ERROR = b"0000ff00ff00" + b"0000ff01ff7f8100"


@pytest.fixture
def sim(tmp_path: Path) -> Iterator[Simulator]:
    with Simulator(tmp_path / "world") as made:
        yield made


class Host:
    """A program at a wallet's host port."""

    def __init__(self, wallet: Wallet) -> None:
        self._port = serial.Serial(wallet.ports["host"], 115200, timeout=10)

    def order(self, letter: str) -> bytes:
        """The answer to one of the image's letters."""
        self._port.write(letter.encode())
        return self.line()

    def line(self) -> bytes:
        return bytes(self._port.readline())


@pytest.fixture
def wallet(sim: Simulator, bare_metal_elf: Path) -> Wallet:
    return sim.add_wallet("alice", "visual_card", elf=bare_metal_elf)


def started(wallet: Wallet) -> Host:
    host = Host(wallet)
    wallet.start()
    assert host.line().startswith(b"boot ")
    return host


def children(pid: int) -> list[int]:
    return [int(name) for name in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def gone(pid: int, seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    status = Path(f"/proc/{pid}/status")
    while status.exists() and "zombie" not in status.read_text():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def test_host_port_marks_and_counts(wallet: Wallet) -> None:
    host = started(wallet)
    ready = wallet.wait_mark(Mark.READY)
    assert host.order("l") == b"ok\n"
    sign = wallet.wait_mark(Mark.SIGN, after=ready.index + 1)
    done = wallet.wait_mark(Mark.PYTHON, after=sign.index)
    assert 700_000 <= done.work - sign.work <= 700_020
    assert wallet.counts().by_phase[Mark.SIGN] == done.work - sign.work
    assert [event.mark for event in wallet.marks()] == [Mark.READY, Mark.SIGN, Mark.PYTHON]


def test_a_mark_that_does_not_come(wallet: Wallet) -> None:
    started(wallet)
    with pytest.raises(NoMark, match="made no mark 9"):
        wallet.wait_mark(Mark.TAP_COMMITTED, timeout=0.05)
    wallet.cut_power()
    with pytest.raises(NoMark, match="lost its power"):
        wallet.wait_mark(Mark.TAP_COMMITTED)


def test_buttons_reach_the_pins_through_the_bridge(sim: Simulator, wallet: Wallet) -> None:
    host = started(wallet)
    assert host.order("p") == PIN_10_HIGH + b"ok\n"
    wallet.press("ok", seconds=0)
    assert host.order("q") == PIN_10_LOW + b"ok\n"
    assert host.order("q") == PIN_10_HIGH + b"ok\n"
    with pytest.raises(SimulatorError, match="it has: ok, cancel"):
        wallet.press("fire")
    assert wallet.violations() == []


def test_the_pn532_answers_and_falls_asleep_with_the_power(wallet: Wallet) -> None:
    host = started(wallet)
    assert host.order("n") == ACK_AND_VERSION + b"ok\n"
    assert host.order("s") == ACK_AND_NORMAL_MODE + b"ok\n"
    wallet.cut_power()
    wallet.start()
    assert host.line().startswith(b"boot ")
    assert host.order("n") == ACK_AND_VERSION + b"ok\n"
    assert host.order("g") == ACK_AND_ERROR + b"ok\n"  # low battery mode again


def test_an_ordered_cut_and_what_survives_it(wallet: Wallet) -> None:
    host = started(wallet)
    wallet.cut_after_stores(3)
    host._port.write(b"w")
    wallet.wait_off()
    assert wallet.nvm_read(0, 16) == bytes.fromhex("010000000200000003000000ffffffff")
    assert wallet.boots == 1
    wallet.nvm_write(b"\x07")
    assert wallet.nvm_read() == b"\x07" + b"\xff" * (NVM_SIZE - 1)
    wallet.start()
    assert host.line().startswith(b"boot ")
    assert wallet.boots == 2
    with pytest.raises(SimulatorError) as refused:
        wallet.nvm_write(b"")
    assert refused.value.kind == "StillRunning"


def test_a_fresh_display_is_blank_and_can_be_saved(wallet: Wallet, tmp_path: Path) -> None:
    picture = wallet.picture()
    assert (picture.size, picture.getextrema()) == ((250, 122), (255, 255))
    wallet.screenshot(tmp_path / "alice.png")
    assert (tmp_path / "alice.png").read_bytes().startswith(b"\x89PNG")


def test_names(sim: Simulator, wallet: Wallet, bare_metal_elf: Path) -> None:
    reader = sim.add_reader("till")
    assert Path(reader.path).is_char_device()
    sim.tap("alice", "till")
    sim.untap("till")
    for name in ("alice", "till", "../alice", ""):
        with pytest.raises(SimulatorError):
            sim.add_wallet(name, elf=bare_metal_elf)
    with pytest.raises(SimulatorError):
        sim.tap("alice", "bob")
    with pytest.raises(SimulatorError):
        sim.add_wallet("carol", "no_such_board", elf=bare_metal_elf)
    with pytest.raises(SimulatorError):
        sim.fault("melt")
    assert sim.fault("lose", nth=1) == 0
    assert sim.struck() == [0]
    sim.clear_faults()
    assert sim.struck() == []
    assert sim.frames() == []
    assert sim.air()["total"]["frames"] == 0


def test_two_simulators_beside_each_other(bare_metal_elf: Path) -> None:
    with Simulator() as one, Simulator() as other:
        hosts = [started(s.add_wallet("alice", elf=bare_metal_elf)) for s in (one, other)]
        assert [host.order("l") for host in hosts] == [b"ok\n", b"ok\n"]
    assert not one.directory.exists()


def test_logs_stay_when_the_block_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(ZeroDivisionError) as failure, Simulator() as sim:
        _ = 1 // 0
    assert (sim.directory / "frames.jsonl").exists()
    assert str(sim.directory) in failure.value.__notes__[0]


def test_the_end_of_the_world_is_an_error(wallet: Wallet) -> None:
    (world,) = (pid for pid in children(os.getpid()) if b"jiaozi_sim.world" in cmdline(pid))
    os.kill(world, signal.SIGTERM)
    with pytest.raises(WorldGone):
        ask_for_ever(wallet)


def ask_for_ever(wallet: Wallet) -> None:
    """What the world is busy with when it has to end, it may still answer."""
    while True:
        wallet.nvm_read()


def cmdline(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_everything_dies_with_the_client(
    number: signal.Signals,
    bare_metal_elf: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(LENDER_VARIABLE, raising=False)  # an engine of the world's own
    script = (
        "import signal, sys, time\n"
        "from pathlib import Path\n"
        "from jiaozi_sim.client import Simulator\n"
        # A shell starts what runs in the background with SIGINT ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "with Simulator(Path(sys.argv[2])) as sim:\n"
        "    wallet = sim.add_wallet('alice', elf=Path(sys.argv[1]))\n"
        "    wallet.start()\n"
        "    print(wallet.wait_mark(1).mark, flush=True)\n"
        "    time.sleep(60)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", script, str(bare_metal_elf), str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"1\n"
        (world,) = children(client.pid)
        (engine,) = children(world)
        client.send_signal(number)
        assert gone(world)
        assert gone(engine)
    assert not (tmp_path / "alice" / "memory.bin").exists()
