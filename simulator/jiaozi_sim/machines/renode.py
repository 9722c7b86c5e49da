"""The Renode engine: one Renode process per wallet, the board's own `.resc`, wires on TCP sockets.

* The process stays between power-on periods: each start clears the emulation and builds a new
  machine, so that only NVM and key page survive. Without power they are files.
* If there is a lender (renode_lender.py), the process is borrowed from it and returned at the end.
* `simulator/renode/probe.py` runs inside Renode. It keeps the same counter page as QEMU's plugin;
  at an ordered cut it freezes the NVM and stops the processor at that store. The wires end then,
  as they do when an engine is killed.
* Virtual time is never faster than the host's, so that time-outs are equal on both sides.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jiaozi_sim.board import BOARDS
from jiaozi_sim.machines.base import (
    ERASED,
    KEY_PAGE_SIZE,
    NVM_SIZE,
    Counts,
    Machine,
    MachineError,
    MarkEvent,
    NotRunning,
    StillRunning,
    boot_page,
)
from jiaozi_sim.machines.counters import CounterPage
from jiaozi_sim.machines.renode_lender import renode_for
from jiaozi_sim.machines.renode_monitor import (
    COMMAND_SECONDS,
    Monitor,
    MonitorError,
    MonitorGone,
    MonitorTimeout,
    path_token,
)
from jiaozi_sim.machines.renode_process import free_ports

# The roles of the wires in a board's .resc, with the UART each stands for.
WIRES = {"host": 0, "nfc": 1, "bridge": 2, "contact": 3, "log": 4}
KEY_SUFFIX = ".key"  # of the key page's file, beside the NVM's (see probe.py)
_CONNECT_SECONDS = 10.0
_SAVE_SECONDS = 180.0
_POLL_SECONDS = 0.01
# Bytes sent before a cut may still wait in Renode's sockets.
_SEND_SECONDS = 0.2


@dataclass(frozen=True)
class RenodeSnapshot:
    """A whole machine in two files, which stay until the machine is closed."""

    state: Path
    counters: Path


class RenodeMachine(Machine):
    """One emulated board on Renode.

    Args:
        elf: firmware image.
        directory: private and existing; takes the NVM, the counter page and the logs.
        uarts: the UART number of each wanted role.
        seed: what the boot page's randomness comes from, together with the number of the boot.
        board: name of the board whose `.resc` builds the machine.
    """

    def __init__(
        self,
        elf: Path,
        directory: Path,
        uarts: Mapping[str, int],
        seed: bytes,
        board: str,
    ) -> None:
        if not elf.is_file():
            raise MachineError(f"there is no firmware image {elf}")
        if any(number not in WIRES.values() for number in uarts.values()):
            raise MachineError(f"the board has UARTs 0 to {len(WIRES) - 1}")
        super().__init__()
        self._elf, self._board, self._uarts, self._seed = elf, board, dict(uarts), seed
        self._directory = directory
        self._powered = False
        self._lost: str | None = None  # why the NVM is lost
        self._cut_next: int | None = None
        self._snapshots = 0
        self._read_at: int | None = None  # count of NVM stores when the NVM was read last
        self._process = renode_for(directory)
        self._nvm = directory / "nvm.bin"
        self._nvm.write_bytes(ERASED * NVM_SIZE)
        self.replace_key_page(b"")
        self.counter_path = directory / "counters.bin"
        self._page = CounterPage.create(self.counter_path)

    # -- power -----------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        if self._powered and self._page.was_cut:
            self._stop()
        elif self._powered and not self._process.alive:
            self._ended("Renode ended by itself")
        return self._powered

    @property
    def pid(self) -> int:
        """Process id of Renode's guard. Raises NotRunning before the first start."""
        if self._process.pid is None:
            raise NotRunning("the machine was not started")
        return self._process.pid

    def start(self) -> None:
        if self.running:
            raise StillRunning("the machine has power already")
        self._check_nvm()
        self._boots += 1
        self._page.close()
        self._page = CounterPage.create(self.counter_path)
        if not self._process.alive or self._process.monitor is None:
            monitor = self._process.start()
        else:
            monitor = self._process.monitor
            monitor.keyword("ResetEmulation")
        try:
            self._build(monitor)
        except MachineError as error:
            self._process.end()
            self._close_wires()
            raise MachineError(f"{error}\nRenode's log ends with: {self.messages()}") from error
        self._powered = True

    def _build(self, monitor: Monitor) -> None:
        ports = dict(zip(WIRES, free_ports(len(WIRES)), strict=True))
        page = self._directory / "boot_page.bin"
        page.write_bytes(boot_page(self._seed, self._boots))
        script = BOARDS / self._board / "generated" / f"{self._board}.resc"
        monitor.execute("mach clear")  # so that the variables belong to no machine
        monitor.execute('$name="wallet"')
        monitor.execute(f"$elf={path_token(self._elf)}")
        monitor.execute(f"$boot_page={path_token(page)}")
        for role, port in ports.items():
            monitor.execute(f"${role}_port={port}")
        monitor.execute(f"include {path_token(script)}")
        monitor.execute(f"jiaozi_load_nvm {path_token(self._nvm)}")
        self._watch(monitor, "jiaozi_watch")
        if self._cut_next is not None:
            monitor.execute(f"jiaozi_cut {self._cut_next}")
            self._cut_next = None
        self._connect(ports)
        monitor.execute("start")

    def _watch(self, monitor: Monitor, command: str) -> None:
        self._read_at = None
        monitor.execute(f"{command} {path_token(self.counter_path)} {path_token(self._nvm)}")

    def _connect(self, ports: Mapping[str, int]) -> None:
        number_of = {number: role for role, number in WIRES.items()}
        for role, number in self._uarts.items():
            self._wires[role] = connect_wire(ports[number_of[number]])
        self._end_wires_at_a_cut()

    def cut_power(self) -> None:
        if self.running:
            self._stop()
        self._close_wires()

    def _stop(self) -> None:
        """Save the NVM and the counters; Renode is paused until the next start."""
        self._powered = False
        monitor = self._process.monitor
        try:
            if monitor is None:
                raise MonitorGone("there is no Renode")
            if self._page.was_cut:
                _await_pause(monitor)
            else:
                monitor.execute("pause")
            monitor.execute(f"jiaozi_save_nvm {path_token(self._nvm)}")
            monitor.execute("jiaozi_refresh")
            monitor.execute("jiaozi_unwatch")
        except MonitorError as error:
            self._process.end()
            self._ended(str(error))

    def _ended(self, why: str) -> None:
        """Note that Renode has ended, and the NVM is lost unless an ordered cut has saved it."""
        self._powered = False
        if not self._page.was_cut:
            self._lost = f"{why}; its log ends with: {self.messages()[-1000:]}"

    def _end_wires_at_a_cut(self) -> None:
        page, wires = CounterPage(self.counter_path), list(self._wires.values())
        threading.Thread(target=_end_at_a_cut, args=(page, wires), daemon=True).start()

    def close(self) -> None:
        self._powered = False
        self._process.release()
        self._close_wires()
        self._page.close()
        for file in (self._nvm, key_file(self._nvm), self.counter_path):
            file.unlink(missing_ok=True)
        for snapshot in self._directory.glob("snapshot-*"):
            snapshot.unlink()

    def _monitor(self) -> Monitor:
        if not self.running or self._process.monitor is None:
            raise NotRunning("the machine has no power")
        return self._process.monitor

    def messages(self) -> str:
        """Return the end of Renode's log."""
        return self._process.tail()

    # -- memory ----------------------------------------------------------------------------------

    def read_nvm(self, offset: int = 0, size: int | None = None) -> bytes:
        size = NVM_SIZE - offset if size is None else size
        if not (0 <= offset <= NVM_SIZE and 0 <= size <= NVM_SIZE - offset):
            raise MachineError(f"{size} bytes at {offset} are not within the NVM")
        file = self._nvm
        if self.running:
            file = self._directory / "nvm_now.bin"
            # The caller, and with it the world's loop, waits for Renode meanwhile.
            stores = self._page.counts().nvm_stores
            if stores != self._read_at:
                self._monitor().execute(f"jiaozi_save_nvm {path_token(file)}")
                self._read_at = stores
        self._check_nvm()
        return file.read_bytes()[offset : offset + size]

    def _check_nvm(self) -> None:
        if self._lost is not None:
            raise MachineError(f"the NVM is lost: {self._lost}")

    def read_key_page(self) -> bytes:
        file = self._nvm
        if self.running:
            file = self._directory / "nvm_now.bin"
            self._monitor().execute(f"jiaozi_save_nvm {path_token(file)}")
        return key_file(file).read_bytes()

    def replace_key_page(self, page: bytes) -> None:
        self._check_off()
        key_file(self._nvm).write_bytes(page.ljust(KEY_PAGE_SIZE, b"\0"))

    def _check_off(self) -> None:
        if self.running:
            raise StillRunning("the machine has power: cut it before replacing its memory")

    def replace_nvm(self, data: bytes) -> None:
        self._check_off()
        if len(data) > NVM_SIZE:
            raise MachineError(f"{len(data)} bytes do not fit an NVM of {NVM_SIZE}")
        self._nvm.write_bytes(data + ERASED * (NVM_SIZE - len(data)))
        self._lost = None

    def cut_after_stores(self, count: int | None) -> None:
        if count is not None and count < 1:
            raise MachineError("a cut comes after one store or more")
        if self.running:
            self._monitor().execute(f"jiaozi_cut {count or 0}")
        else:
            self._cut_next = count

    # -- counters and time -----------------------------------------------------------------------

    def instructions(self) -> Counts:
        if self.running:
            self._monitor().execute("jiaozi_refresh")
        return self._page.counts()

    def marks(self, after: int = 0) -> list[MarkEvent]:
        return self._page.marks(after)

    def run_for(self, seconds: float) -> None:
        """Run for exactly `seconds` of virtual time, then stay paused until `resume`."""
        monitor = self._monitor()
        monitor.execute("pause")
        monitor.execute(f'emulation RunFor "{seconds:.6f}"', seconds=60 + 60 * seconds)

    def resume(self) -> None:
        """Continue after `run_for`."""
        self._monitor().execute("start")

    # -- snapshots -------------------------------------------------------------------------------

    def snapshot(self) -> RenodeSnapshot:
        """Take a snapshot of the running machine. Bytes in transit on the wires are not in it."""
        monitor = self._monitor()
        self._snapshots += 1
        name = self._directory / f"snapshot-{self._snapshots}"
        made = RenodeSnapshot(name.with_suffix(".save"), name.with_suffix(".counters"))
        monitor.execute("pause")
        monitor.execute("jiaozi_refresh")
        shutil.copyfile(self.counter_path, made.counters)
        monitor.execute(f"Save {path_token(made.state)}", seconds=_SAVE_SECONDS)
        monitor.execute("start")
        return made

    def restore(self, snapshot: object) -> None:
        """Continue from a snapshot of this machine, with new wires."""
        if not isinstance(snapshot, RenodeSnapshot):
            raise MachineError("that is no snapshot of a Renode machine")
        monitor = self._monitor()
        monitor.execute("pause")
        monitor.execute("jiaozi_unwatch")
        self._close_wires()
        monitor.execute(f"Load {path_token(snapshot.state)}", seconds=_SAVE_SECONDS)
        monitor.execute('mach set "wallet"')
        self._page.close()
        self.counter_path.unlink()
        shutil.copyfile(snapshot.counters, self.counter_path)
        self._page = CounterPage(self.counter_path)
        self._watch(monitor, "jiaozi_rewatch")
        ports = dict(zip(WIRES, free_ports(len(WIRES)), strict=True))
        for role, number in WIRES.items():
            monitor.execute(f'jiaozi_wire "{role}" "uart{number}" {ports[role]}')
        self._connect(ports)
        monitor.execute("start")


def key_file(nvm: Path) -> Path:
    """Return where the key page is saved that belongs to a saved NVM."""
    return nvm.with_name(nvm.name + KEY_SUFFIX)


def _await_pause(monitor: Monitor) -> None:
    """Wait until the cut has paused Renode; a second `pause` meanwhile would never return.

    Raises MonitorTimeout, and what `Monitor.execute` raises.
    """
    end = time.monotonic() + COMMAND_SECONDS
    while "True" in monitor.execute("emulation IsStarted"):
        if time.monotonic() > end:
            raise MonitorTimeout("Renode does not stop at a cut")
        time.sleep(_POLL_SECONDS)


def _end_at_a_cut(page: CounterPage, wires: list[socket.socket]) -> None:
    """End the wires after a cut, leaving time to read what was sent before it.

    Runs in its own thread while a wire is open, with the scheduling class of the process: otherwise
    the process could wait for the interpreter's lock held by a preempted thread.
    """
    process = os.getpid()
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.sched_getscheduler(process), os.sched_getparam(process))
    with contextlib.closing(page):
        while not page.was_cut:
            time.sleep(_POLL_SECONDS)
            if all(wire.fileno() < 0 for wire in wires):
                return
    time.sleep(_SEND_SECONDS)
    for wire in wires:
        with contextlib.suppress(OSError):  # closed meanwhile
            wire.shutdown(socket.SHUT_RDWR)


def connect_wire(port: int, seconds: float = _CONNECT_SECONDS) -> socket.socket:
    """Return a non-blocking connection to a UART that Renode serves on a local port.

    Raises:
        MachineError: the port does not accept a connection in time.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            wire = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        except OSError as error:
            if time.monotonic() > end:
                raise MachineError(f"no wire at port {port}: {error}") from error
            time.sleep(0.05)
        else:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire.setblocking(False)
            return wire
