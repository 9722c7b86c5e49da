"""Interface of a machine, the same for every engine.

A machine executes one firmware image on the emulated board of `boards/*/board.toml`: a Cortex-M4F
with the memory map below. The outside (chips, field, person) is connected to its UARTs, by role
name, and has access to its non-volatile memory.
"""

from __future__ import annotations

import hashlib
import socket
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CORE_HZ = 25_000_000
ROM_SIZE = 1024 * 1024  # at 0
RAM_BASE = 0x20000000
RAM_SIZE = 256 * 1024
UART_ADDRESSES = (0x40004000, 0x40005000, 0x40006000, 0x40007000, 0x40009000)
NVM_BASE = 0x21000000
NVM_SIZE = 128 * 1024
BOOT_PAGE = 0x21020000
BOOT_PAGE_SIZE = 64 * 1024
BOOT_PAGE_MAGIC = 0x4C554D45  # "EMUL": this randomness is for an emulated board
MARK_WORD = 0x21030000
MARK_PAGE_SIZE = 4096
KEY_PAGE = 0x21031000  # of the microcontroller, not of the NVM: see device_key_page
KEY_PAGE_SIZE = 4096
DEVICE_KEY_SIZE = 32  # at the beginning of the key page
KEY_PAGE_MAGIC = 0x594B5A4A  # "JZKY": the key before it is whole
ERASED = b"\xff"


class MachineError(Exception):
    """A machine could not be built or started, or did not answer a request."""


class NotRunning(MachineError):
    """The machine has no power."""


class StillRunning(MachineError):
    """The request is for a machine without power only."""


class SnapshotRefused(MachineError):
    """This engine cannot take or restore snapshots."""


class MarksLost(MachineError):
    """The requested marks have been overwritten by newer ones in the engine's ring."""


@dataclass(frozen=True)
class MarkEvent:
    """One store to the marker word, idle marks left out.

    `instructions` and `idle` are counts since the start; `work` is instructions outside idle;
    `host_ns` is the host's monotonic clock, for waiting only: it measures nothing.
    """

    index: int
    mark: int
    instructions: int
    idle: int
    host_ns: int

    @property
    def work(self) -> int:
        return self.instructions - self.idle


@dataclass(frozen=True)
class Counts:
    """Guest instructions executed since the start: all, idle, and the others by phase."""

    instructions: int
    idle: int
    phase: int
    by_phase: Mapping[int, int] = field(default_factory=dict)
    nvm_stores: int = 0

    @property
    def work(self) -> int:
        return self.instructions - self.idle


def boot_page(seed: bytes, boot: int) -> bytes:
    """Return the page of randomness for one start: u32 magic, u32 count (little-endian), bytes.

    It depends on `seed` and on the number of the boot: a replay is exact, and two boots of one
    wallet differ.
    """
    count = BOOT_PAGE_SIZE - 8
    head = BOOT_PAGE_MAGIC.to_bytes(4, "little") + count.to_bytes(4, "little")
    label = b"jiaozi emulated boot" + boot.to_bytes(8, "little")
    return head + hashlib.shake_256(label + seed).digest(count)


def device_key_page(key: bytes) -> bytes:
    """Return a key page that holds a device key: 32 bytes, u32 magic (little-endian), zeros.

    The firmware makes a key in a page without the magic number, so in a blank one.
    """
    return (key + KEY_PAGE_MAGIC.to_bytes(4, "little")).ljust(KEY_PAGE_SIZE, b"\0")


class Machine(ABC):
    """One emulated board with power switch, wires, non-volatile memory and counters.

    `counter_path` is its counter page (counters.py), which any process may read live. An engine
    keeps `_wires` and `_boots` up to date.
    """

    counter_path: Path

    def __init__(self) -> None:
        self._wires: dict[str, socket.socket] = {}
        self._boots = 0

    @property
    @abstractmethod
    def pid(self) -> int:
        """Process id of the engine. Raises NotRunning if there is none."""

    @abstractmethod
    def messages(self) -> str:
        """Return the engine's own messages."""

    @property
    @abstractmethod
    def running(self) -> bool:
        """True if the machine has power; False also after it was cut or ended by itself."""

    @property
    def wires(self) -> Mapping[str, socket.socket]:
        """A non-blocking stream socket for each UART role asked for; new ones after each start.

        Raises:
            NotRunning: before the first start and after a cut.
        """
        if not self._wires:
            raise NotRunning("the machine was not started")
        return self._wires

    def _close_wires(self) -> None:
        for wire in self._wires.values():
            wire.close()
        self._wires = {}

    @property
    def boots(self) -> int:
        """The number of starts so far."""
        return self._boots

    @abstractmethod
    def start(self) -> None:
        """Refill the boot page, reset counters and marks, and apply power.

        Raises:
            StillRunning: it has power already.
            MachineError: the engine does not start.
        """

    @abstractmethod
    def cut_power(self) -> None:
        """Cut the power between two instructions; non-volatile memory and key page survive.

        No effect on a machine without power.
        """

    @abstractmethod
    def close(self) -> None:
        """Cut the power and release everything, non-volatile memory included."""

    @abstractmethod
    def read_nvm(self, offset: int = 0, size: int | None = None) -> bytes:
        """Return present bytes of the non-volatile memory, running or not."""

    @abstractmethod
    def replace_nvm(self, data: bytes) -> None:
        """Replace the non-volatile memory; the part after `data` is erased (0xFF).

        Raises:
            StillRunning: it has power.
        """

    @abstractmethod
    def read_key_page(self) -> bytes:
        """Return the present key page, running or not."""

    @abstractmethod
    def replace_key_page(self, page: bytes) -> None:
        """Replace the key page; the part after `page` is zeros.

        Raises:
            StillRunning: it has power.
        """

    @abstractmethod
    def cut_after_stores(self, count: int | None) -> None:
        """Order a power cut right after the `count`-th NVM store from now.

        Without power, the count begins at the next start. None cancels the order.
        """

    @abstractmethod
    def instructions(self) -> Counts:
        """Return instruction counts of the present (or last) power-on period."""

    @abstractmethod
    def marks(self, after: int = 0) -> list[MarkEvent]:
        """Return the marks of the present (or last) power-on period, from index `after` on.

        Raises:
            MarksLost: some of them have been overwritten.
        """

    @abstractmethod
    def snapshot(self) -> object:
        """Return the whole state, for `restore`. Raises SnapshotRefused if not supported."""

    @abstractmethod
    def restore(self, snapshot: object) -> None:
        """Go back to a snapshot. Raises SnapshotRefused if not supported."""
