"""Common part of the QEMU and Unicorn engines: a process per wallet, its memory in a file.

* Non-volatile memory, boot page, marker page and key page lie in a file that the process maps
  shared: every store survives a SIGKILL, and the simulator reads it while the machine runs.
* Each UART role asked for is one end of a socket pair handed to the process; the others are not
  connected.
* Counters and marks are in a page that the process keeps (counters.py); the process kills itself
  right after the NVM store that this page names.
* The process dies with the one that started it.
"""

from __future__ import annotations

import socket
import subprocess
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path

from jiaozi_sim.lifetime import die_with_parent
from jiaozi_sim.machines.base import (
    BOOT_PAGE,
    ERASED,
    KEY_PAGE,
    KEY_PAGE_SIZE,
    MARK_PAGE_SIZE,
    MARK_WORD,
    NVM_BASE,
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

PSRAM_SIZE = 16 * 1024 * 1024
UARTS = 5


class ProcessMachine(Machine):
    """One emulated board in a process of its own.

    Args:
        elf: firmware image.
        directory: private and existing; takes the memory file, the counter page and a log.
        uarts: the UART number of each wanted role.
        seed: what the boot page's randomness comes from, together with the number of the boot.
    """

    def __init__(self, elf: Path, directory: Path, uarts: Mapping[str, int], seed: bytes) -> None:
        if not elf.is_file():
            raise MachineError(f"there is no firmware image {elf}")
        if any(not 0 <= number < UARTS for number in uarts.values()):
            raise MachineError(f"the board has UARTs 0 to {UARTS - 1}")
        super().__init__()
        self._elf = elf
        self._uarts = dict(uarts)
        self._seed = seed
        self._process: subprocess.Popen[bytes] | None = None
        self._cut_next: int | None = None
        self._memory = directory / "memory.bin"
        self._log = directory / "engine.log"
        self.counter_path = directory / "counters.bin"
        self._page = CounterPage.create(self.counter_path)
        with self._memory.open("wb") as file:
            file.write(ERASED * NVM_SIZE)
            file.truncate(PSRAM_SIZE)

    @abstractmethod
    def _command(self, wire_fds: Mapping[str, int]) -> list[str]:
        """Return the command; it inherits the descriptors, one for each wire's far end."""

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        if self.running:
            raise StillRunning("the machine has power already")
        self._drop_process()
        self._boots += 1
        self._write(BOOT_PAGE, boot_page(self._seed, self._boots))
        self._write(MARK_WORD, bytes(MARK_PAGE_SIZE))
        self._page.close()
        self._page = CounterPage.create(self.counter_path)
        self._page.cut_after_stores(self._cut_next)
        self._cut_next = None
        self._launch()

    def _launch(self) -> None:
        """Run the process with new wires."""
        theirs = {}
        for role in self._uarts:
            self._wires[role], theirs[role] = socket.socketpair()
            self._wires[role].setblocking(False)
        try:
            self._process = self._spawn(theirs)
        finally:
            for end in theirs.values():
                end.close()

    def _spawn(self, theirs: Mapping[str, socket.socket]) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                self._command({role: end.fileno() for role, end in theirs.items()}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[end.fileno() for end in theirs.values()],
                # A Ctrl-C in the terminal is for the simulator, which then cuts the power itself.
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    def cut_power(self) -> None:
        if self._process is not None:
            self._process.kill()
        self._drop_process()

    def _drop_process(self) -> None:
        if self._process is not None:
            self._process.wait()
            self._process = None
        self._close_wires()

    def close(self) -> None:
        self.cut_power()
        self._page.close()
        self._memory.unlink(missing_ok=True)
        self.counter_path.unlink(missing_ok=True)

    @property
    def pid(self) -> int:
        """The engine's process id. Raises NotRunning before the first start and after a cut."""
        if self._process is None:
            raise NotRunning("the machine was not started")
        return self._process.pid

    def messages(self) -> str:
        """Return the engine's own messages of all starts."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def read_nvm(self, offset: int = 0, size: int | None = None) -> bytes:
        size = NVM_SIZE - offset if size is None else size
        if not (0 <= offset <= NVM_SIZE and 0 <= size <= NVM_SIZE - offset):
            raise MachineError(f"{size} bytes at {offset} are not within the NVM")
        return self._read(NVM_BASE + offset, size)

    def read_key_page(self) -> bytes:
        return self._read(KEY_PAGE, KEY_PAGE_SIZE)

    def replace_key_page(self, page: bytes) -> None:
        self._check_off()
        self._write(KEY_PAGE, page.ljust(KEY_PAGE_SIZE, b"\0"))

    def _check_off(self) -> None:
        if self.running:
            raise StillRunning("the machine has power: cut it before replacing its memory")

    def replace_nvm(self, data: bytes) -> None:
        self._check_off()
        if len(data) > NVM_SIZE:
            raise MachineError(f"{len(data)} bytes do not fit an NVM of {NVM_SIZE}")
        self._write(NVM_BASE, data + ERASED * (NVM_SIZE - len(data)))

    def _read(self, address: int, size: int) -> bytes:
        with self._memory.open("rb") as file:
            file.seek(address - NVM_BASE)
            return file.read(size)

    def _write(self, address: int, data: bytes) -> None:
        with self._memory.open("r+b") as file:
            file.seek(address - NVM_BASE)
            file.write(data)

    def cut_after_stores(self, count: int | None) -> None:
        if count is not None and count < 1:
            raise MachineError("a cut comes after one store or more")
        if self.running:
            self._page.cut_after_stores(count)
        else:
            self._cut_next = count

    def instructions(self) -> Counts:
        return self._page.counts()

    def marks(self, after: int = 0) -> list[MarkEvent]:
        return self._page.marks(after)
