"""The code that runs inside Renode, tested on CPython with fakes of Renode's objects."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jiaozi_sim.machines.base import ERASED
from jiaozi_sim.machines.counters import RING_CAPACITY, CounterPage
from jiaozi_sim.machines.marks import IDLE_ENTER, IDLE_LEAVE, Mark

CLOCK = SimpleNamespace(GetTimestamp=lambda: 5, Frequency=10)
PROBE = Path(__file__).parents[4] / "simulator" / "renode" / "probe.py"


class Memory:
    """Fake of Renode's ArrayMemory."""

    def __init__(self) -> None:
        self.data = bytearray(b"\xff" * 64)
        self.Size = 64

    def ReadDoubleWord(self, offset: int) -> int:
        return int.from_bytes(self.data[offset : offset + 4], "little")

    def WriteDoubleWord(self, offset: int, value: int) -> None:
        self.data[offset : offset + 4] = value.to_bytes(4, "little")

    def ReadBytes(self, offset: int, count: int) -> bytes:
        return bytes(self.data[offset : offset + count])

    def WriteBytes(self, offset: int, data: bytes, start: int, count: int) -> None:
        self.data[offset : offset + count] = data[start : start + count]


class HostTicks:
    """A time source's private record of the host's time, read by .NET's reflection."""

    def __init__(self) -> None:
        self.value = 0
        self.locked = 0

    def GetType(self) -> Any:
        return SimpleNamespace(GetMethod={"Reset": SimpleNamespace(Invoke=self._reset)}.get)

    def _reset(self, this: HostTicks, ticks: list[int]) -> None:
        assert this is self
        assert self.locked == 1
        [self.value] = ticks


class TimeSource:
    """Fake of a machine's time source; ticks are nanoseconds, as in Renode 1.16."""

    def __init__(self) -> None:
        self.host = HostTicks()
        self.virtual = 0
        self.field = "hostTicksElapsed"

    def GetType(self) -> Any:
        base = SimpleNamespace(Name="TimeSourceBase", BaseType=None, GetField=self._field)
        return SimpleNamespace(Name="SlaveTimeSource", BaseType=base)

    def _field(self, name: str, flags: int) -> Any:
        assert flags == 1 | 2
        return SimpleNamespace(GetValue=lambda source: source.host) if name == self.field else None

    @property
    def ElapsedHostTime(self) -> Any:
        return SimpleNamespace(TotalMilliseconds=self.host.value / 1e6)

    @property
    def ElapsedVirtualTime(self) -> Any:
        return SimpleNamespace(TotalMilliseconds=self.virtual / 1e6, Ticks=self.virtual)


class Machine:
    """Fake of a machine, and the firmware that runs on it."""

    def __init__(self) -> None:
        self.LocalTimeSource = TimeSource()
        self.cpu = SimpleNamespace(ExecutedInstructions=0)
        self.nvm, self.key = Memory(), Memory()
        self.pauses = 0

    def __str__(self) -> str:
        return "alice"

    def __getitem__(self, name: str) -> Any:
        return {"sysbus.cpu": self.cpu, "sysbus.nvm": self.nvm, "sysbus.key": self.key}[name]

    def PauseAndRequestEmulationPause(self, precise: bool) -> None:
        assert precise
        self.pauses += 1


class Bench:
    """The probe, loaded into a monitor with one machine.

    scattered: true if .NET's Stopwatch is in an assembly that IronPython has not loaded.
    """

    def __init__(self, directory: Path, scattered: bool = False) -> None:
        self.machine = Machine()
        self.said: list[str] = []
        self.counters, self.nvm_file = directory / "counters.bin", directory / "nvm.bin"
        CounterPage.create(self.counters).close()
        monitor = SimpleNamespace(Machine=self.machine, Parse=self._parse)
        diagnostics = SimpleNamespace() if scattered else SimpleNamespace(Stopwatch=CLOCK)
        assemblies = {"System.Runtime.Extensions": {"Stopwatch": CLOCK}}
        clr = SimpleNamespace(AddReference=lambda name: vars(diagnostics).update(assemblies[name]))
        system = SimpleNamespace(
            UInt64=int,
            UInt32=int,
            Byte=int,
            Array=_Arrays(),
            Object=object,
            Reflection=SimpleNamespace(BindingFlags=SimpleNamespace(NonPublic=1, Instance=2)),
            Threading=SimpleNamespace(Monitor=SimpleNamespace(Enter=_enter, Exit=_exit)),
            IO=SimpleNamespace(FileStream=_FileStream, FileMode=_FileMode),
            Diagnostics=diagnostics,
        )
        given = {"monitor": monitor, "System": system, "clr": clr}
        self.probe: dict[str, Any] = runpy.run_path(str(PROBE), given)
        # run_path clears the globals at its end; restore them, as Renode keeps its scope.
        for value in self.probe.values():
            if hasattr(value, "__globals__"):
                value.__globals__.update(self.probe)

    def _parse(self, command: str) -> bool:
        self.said.append(command)
        return not command.startswith("connector Connect sysbus.uart9")

    def command(self, name: str, *arguments: Any) -> None:
        """Run a monitor command."""
        self.probe[f"mc_jiaozi_{name}"](*arguments)

    def watch(self) -> None:
        self.command("watch", str(self.counters), str(self.nvm_file))

    def mark(self, value: int, executed: int) -> None:
        """Store to the marker word, as the firmware does."""
        self.machine.cpu.ExecutedInstructions = executed
        sys.jiaozi.marked(self.machine, 0, value)  # type: ignore[attr-defined]

    def store(self, offset: int, value: int) -> None:
        """Store to the NVM, as the firmware does."""
        probe = sys.jiaozi  # type: ignore[attr-defined]
        stored = probe.stored(self.machine, self.machine.nvm, offset, value)
        self.machine.nvm.WriteDoubleWord(offset, stored)

    def page(self) -> CounterPage:
        return CounterPage(self.counters)


def _enter(host: HostTicks) -> None:
    host.locked += 1


def _exit(host: HostTicks) -> None:
    host.locked -= 1


class _Array(bytearray):
    @property
    def Length(self) -> int:
        return len(self)


class _Arrays:
    """Fake of System.Array."""

    def __getitem__(self, kind: type) -> type:
        return {int: _Array, object: list}[kind]

    def CreateInstance(self, kind: type, length: int) -> _Array:
        assert kind is int
        return _Array(length)


class _FileMode:
    Create, Open = "wb", "rb"


class _FileStream:
    def __init__(self, path: str, mode: str) -> None:
        self._path = Path(path)
        self._content = self._path.read_bytes() if mode == _FileMode.Open else b""
        self.Length = len(self._content)

    def Write(self, data: bytes, offset: int, count: int) -> None:
        self._content += data[offset : offset + count]

    def Read(self, data: bytearray, offset: int, count: int) -> int:
        data[offset : offset + count] = self._content
        return len(self._content)

    def Close(self) -> None:
        self._path.write_bytes(self._content)


@pytest.fixture(params=[False, True], ids=["at-hand", "scattered"])
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    yield Bench(tmp_path, scattered=request.param)
    del sys.jiaozi  # type: ignore[attr-defined]


def test_marks_and_counts_are_those_of_the_page(bench: Bench) -> None:
    bench.watch()
    bench.mark(Mark.PYTHON, 100)
    bench.mark(Mark.SIGN, 150)
    bench.mark(IDLE_ENTER, 250)
    bench.mark(IDLE_LEAVE, 1250)
    bench.mark(Mark.PYTHON, 1300)
    page = bench.page()
    events = [(e.index, e.mark, e.instructions, e.idle, e.host_ns) for e in page.marks()]
    assert events == [
        (0, Mark.PYTHON, 100, 0, 500_000_000),
        (1, Mark.SIGN, 150, 0, 500_000_000),
        (2, Mark.PYTHON, 1300, 1000, 500_000_000),
    ]
    counts = page.counts()
    assert (counts.instructions, counts.idle, counts.phase) == (1300, 1000, Mark.PYTHON)
    assert counts.by_phase == {Mark.NONE: 100, Mark.PYTHON: 50, Mark.SIGN: 150}


def test_time_lost_is_not_made_up_for_by_waiting_faster(bench: Bench) -> None:
    bench.watch()
    time = bench.machine.LocalTimeSource
    time.host.value, time.virtual = 900_000_000, 400_000_000
    bench.mark(Mark.PYTHON, 100)
    assert time.host.value == 900_000_000  # a busy machine may catch up
    bench.mark(IDLE_ENTER, 200)
    assert time.host.value == time.virtual == 400_000_000
    assert time.host.locked == 0


@pytest.mark.parametrize("late", [-1_000_000, 0, 10_000_000])
def test_a_clock_that_is_hardly_late_is_left_alone(bench: Bench, late: int) -> None:
    bench.watch()
    time = bench.machine.LocalTimeSource
    time.host.value, time.virtual = 400_000_000 + late, 400_000_000
    bench.mark(IDLE_ENTER, 200)
    assert time.host.value == 400_000_000 + late


def test_a_clock_of_another_kind_is_told_and_left_alone(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    time = bench.machine.LocalTimeSource
    time.field = "renamed"
    bench.watch()
    assert "this Renode's clock is unknown" in capsys.readouterr().out
    time.host.value = 900_000_000
    bench.mark(IDLE_ENTER, 200)
    assert time.host.value == 900_000_000


def test_the_ring_goes_round(bench: Bench) -> None:
    bench.watch()
    for n in range(RING_CAPACITY + 5):
        bench.mark(Mark.LINK, n)
    assert [e.instructions for e in bench.page().marks(RING_CAPACITY + 2)] == [
        RING_CAPACITY + n for n in (2, 3, 4)
    ]


def test_other_words_of_the_marker_page_are_no_marks(bench: Bench) -> None:
    bench.watch()
    sys.jiaozi.marked(bench.machine, 4, 0x21000000)  # type: ignore[attr-defined]
    assert bench.page().events == 0


def test_a_reset_of_the_cpus_own_counter(bench: Bench) -> None:
    bench.watch()
    bench.mark(Mark.PYTHON, 1000)
    bench.mark(Mark.PYTHON, 10)
    assert bench.page().counts().instructions == 1010


def test_a_snapshot_goes_on_from_its_page(bench: Bench) -> None:
    bench.watch()
    bench.mark(Mark.PYTHON, 1000)
    bench.mark(Mark.SIGN, 1500)
    bench.store(0, 1)
    bench.command("unwatch")
    bench.machine.cpu.ExecutedInstructions = 7
    bench.command("rewatch", str(bench.counters), str(bench.nvm_file))
    bench.mark(Mark.PYTHON, 107)
    page = bench.page()
    assert [e.instructions for e in page.marks()] == [1000, 1500, 1600]
    assert page.counts().by_phase == {Mark.NONE: 1000, Mark.PYTHON: 500, Mark.SIGN: 100}
    assert page.counts().nvm_stores == 1


def test_a_cut_keeps_exactly_the_ordered_stores(bench: Bench) -> None:
    bench.watch()
    bench.command("cut", 2)
    for n in range(4):
        bench.store(4 * n, n)
    assert bench.machine.pauses == 1
    kept = b"\0\0\0\0\1\0\0\0" + b"\xff" * 56
    assert bytes(bench.machine.nvm.data) == kept
    assert bench.nvm_file.read_bytes() == kept
    page = bench.page()
    assert page.was_cut
    assert page.counts().nvm_stores == 2


def test_a_store_is_in_the_memory_before_it_is_counted(bench: Bench) -> None:
    """A reader of the count reads the memory right after it changes."""
    bench.watch()
    [watch] = sys.jiaozi.watches.values()  # type: ignore[attr-defined]
    found = []
    watch.refresh = lambda: found.append(bytes(bench.machine.nvm.data[:4]))
    bench.store(0, 0x01020304)
    assert found == [b"\4\3\2\1"]


def test_nothing_is_marked_after_a_cut(bench: Bench) -> None:
    bench.watch()
    bench.mark(Mark.SIGN, 10)
    bench.command("cut", 1)
    bench.store(0, 5)
    bench.mark(Mark.HASH, 20)
    assert bench.page().events == 1


def test_an_order_taken_back(bench: Bench) -> None:
    bench.watch()
    bench.command("cut", 1)
    bench.command("cut", 0)
    bench.store(0, 1)
    assert bench.machine.pauses == 0
    assert not bench.page().was_cut


def test_hooks_are_set_once_a_machine(bench: Bench) -> None:
    bench.watch()
    bench.watch()
    assert [line.split()[2] for line in bench.said] == ["sysbus.marks", "sysbus.nvm"]
    for line in bench.said:
        script = line.split('"')[1]
        compile(script, "hook", "exec")


def test_wires(bench: Bench) -> None:
    bench.command("wire", "host", "uart0", 4001)
    assert bench.said == [
        'emulation CreateServerSocketTerminal 4001 "alice_host_4001" false',
        "connector Connect sysbus.uart0 alice_host_4001",
    ]
    with pytest.raises(Exception, match="the monitor refuses: connector"):
        bench.command("wire", "host", "uart9", 4002)


def test_nvm_to_and_from_a_file(bench: Bench) -> None:
    key_file = bench.nvm_file.with_name("nvm.bin.key")
    bench.nvm_file.write_bytes(b"\x07" * 64)
    key_file.write_bytes(b"\x05" * 64)
    bench.command("load_nvm", str(bench.nvm_file))
    assert bytes(bench.machine.nvm.data) == b"\x07" * 64
    assert bytes(bench.machine.key.data) == b"\x05" * 64
    bench.machine.nvm.data[:] = b"\x08" * 64
    bench.machine.key.data[:] = b"\x06" * 64
    bench.command("save_nvm", str(bench.nvm_file))
    assert bench.nvm_file.read_bytes() == b"\x08" * 64
    assert key_file.read_bytes() == b"\x06" * 64
    bench.command("erase_nvm")
    assert bytes(bench.machine.nvm.data) == ERASED * 64


def test_it_has_no_letters_that_ironpython_2_does_not_read() -> None:
    PROBE.read_text("ascii")
