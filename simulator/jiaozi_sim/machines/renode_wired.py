"""A machine in a robot suite's Renode, with its UARTs on TCP ports of this host.

The suite builds the machine and applies its power; this side makes the boot page and the counter
page, opens the wires, and reads the NVM that the suite saved. A power-on period has these steps:

1. `prepare` here: files and ports for the suite's script;
2. the suite builds the machine in Renode, still paused;
3. `start` here: the wires are connected, so that no byte is missed;
4. the suite starts the emulation; to cut the power, it pauses it and calls `cut_power` here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jiaozi_sim.machines.base import (
    ERASED,
    KEY_PAGE_SIZE,
    NVM_SIZE,
    Counts,
    Machine,
    MachineError,
    MarkEvent,
    NotRunning,
    SnapshotRefused,
    StillRunning,
    boot_page,
)
from jiaozi_sim.machines.counters import CounterPage
from jiaozi_sim.machines.renode import WIRES, connect_wire, key_file
from jiaozi_sim.machines.renode_process import free_ports

_NOT_HERE = "the machine runs in a robot suite's Renode"


class WiredMachine(Machine):
    """The simulator's end of such a machine (see ProcessMachine for the arguments)."""

    def __init__(self, elf: Path, directory: Path, uarts: Mapping[str, int], seed: bytes) -> None:
        super().__init__()
        self._elf, self._directory, self._seed = elf, directory, seed
        self._uarts = dict(uarts)
        self._without: str | None = None
        self._ports: dict[str, int] = {}
        self._nvm = directory / "nvm.bin"
        self._nvm.write_bytes(ERASED * NVM_SIZE)
        self.replace_key_page(b"")
        self.counter_path = directory / "counters.bin"
        self._page = CounterPage.create(self.counter_path)

    def prepare(self, keep_ports: bool, without: str | None = None) -> dict[str, str | int]:
        """Return files and ports for the next power-on period, by name.

        Args:
            keep_ports: the sockets of the last period are still served.
            without: a role whose UART is connected elsewhere.
        """
        if self.running:
            raise StillRunning("the machine has power already")
        self._boots += 1
        page = self._directory / "boot_page.bin"
        page.write_bytes(boot_page(self._seed, self._boots))
        self._page.close()
        self._page = CounterPage.create(self.counter_path)
        if not (keep_ports and self._ports):
            self._ports = dict(zip(WIRES, free_ports(len(WIRES)), strict=True))
        self._without = without
        files = {"elf": self._elf, "boot_page": page}
        files |= {"counters": self.counter_path, "nvm": self._nvm}
        ports = {f"{role}_port": port for role, port in self._ports.items()}
        return {name: str(path) for name, path in files.items()} | ports

    @property
    def running(self) -> bool:
        return bool(self._wires)

    @property
    def was_cut(self) -> bool:
        """True if the suite's Renode has stopped at an ordered cut; the wires do not show it."""
        page = CounterPage(self.counter_path)
        try:
            return page.was_cut
        finally:
            page.close()

    @property
    def pid(self) -> int:
        raise NotRunning(_NOT_HERE)

    def messages(self) -> str:
        return _NOT_HERE

    def start(self) -> None:
        """Connect the wires. Raises MachineError if a port does not accept."""
        if self.running:
            raise StillRunning("the machine has power already")
        if not self._ports:
            raise MachineError("the machine was not prepared")
        roles = {number: role for role, number in WIRES.items()}
        try:
            for role, number in self._uarts.items():
                if role == self._without:
                    continue
                self._wires[role] = connect_wire(self._ports[roles[number]])
        except MachineError:
            self.cut_power()
            raise

    def cut_power(self) -> None:
        self._close_wires()

    def close(self) -> None:
        self.cut_power()
        self._page.close()

    def read_nvm(self, offset: int = 0, size: int | None = None) -> bytes:
        """Return bytes of the NVM that the suite saved last."""
        end = None if size is None else offset + size
        return self._nvm.read_bytes()[offset:end]

    def read_key_page(self) -> bytes:
        """Return the key page that the suite saved last."""
        return key_file(self._nvm).read_bytes()

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

    def cut_after_stores(self, count: int | None) -> None:
        raise MachineError(f"{_NOT_HERE}: order the cut there")

    def instructions(self) -> Counts:
        return self._page.counts()

    def marks(self, after: int = 0) -> list[MarkEvent]:
        return self._page.marks(after)

    def snapshot(self) -> object:
        raise SnapshotRefused(_NOT_HERE)

    def restore(self, snapshot: object) -> None:
        raise SnapshotRefused(_NOT_HERE)
