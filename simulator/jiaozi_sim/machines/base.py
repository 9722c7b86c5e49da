"""What a machine is to the rest of the simulator, whichever engine runs it.

A machine executes one firmware image on the emulated board of `boards/*/board.toml`: a Cortex-M4F
with the memory map below. Everything outside (chips, field, person) meets it on its UARTs, by role
name, and in its non-volatile memory.
"""

from __future__ import annotations

import hashlib
import socket
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

NVM_BASE = 0x21000000
NVM_SIZE = 128 * 1024
BOOT_PAGE = 0x21020000
BOOT_PAGE_SIZE = 64 * 1024
BOOT_PAGE_MAGIC = 0x4C554D45  # "EMUL": this randomness is for an emulated board
MARK_WORD = 0x21030000
MARK_PAGE_SIZE = 4096
ERASED = b"\xff"


class MachineError(Exception):
    """A machine could not be built, started or asked what it was asked."""


class NotRunning(MachineError):
    """The machine has no power."""


class StillRunning(MachineError):
    """The request needs a machine without power."""


class SnapshotRefused(MachineError):
    """This engine cannot take or restore snapshots."""


class MarksLost(MachineError):
    """Marks asked for have been overwritten by newer ones in the engine's ring."""


@dataclass(frozen=True)
class MarkEvent:
    """One store to the marker word, idle marks left out.

    `instructions` and `idle` are counts since the start; `work` is what was executed outside idle;
    `host_ns` is the host's monotonic clock and only good for waiting, never for judging.
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
    """Guest instructions executed since the start: all, idle ones, and the rest by phase."""

    instructions: int
    idle: int
    phase: int
    by_phase: Mapping[int, int] = field(default_factory=dict)
    nvm_stores: int = 0

    @property
    def work(self) -> int:
        return self.instructions - self.idle


def boot_page(seed: bytes, boot: int) -> bytes:
    """The page of randomness for one start: u32 magic, u32 byte count (little-endian), bytes.

    Both `seed` and the number of the boot go in: a replay is exact, and two boots of one wallet
    differ.
    """
    count = BOOT_PAGE_SIZE - 8
    head = BOOT_PAGE_MAGIC.to_bytes(4, "little") + count.to_bytes(4, "little")
    label = b"jiaozi emulated boot" + boot.to_bytes(8, "little")
    return head + hashlib.shake_256(label + seed).digest(count)


class Machine(ABC):
    """One emulated board with power switch, wires, non-volatile memory and counters.

    `counter_path` is its counter page (counters.py), which any process may read live.
    """

    counter_path: Path

    @property
    @abstractmethod
    def pid(self) -> int:
        """The process that the engine lives and dies with. Raises NotRunning if there is none."""

    @abstractmethod
    def messages(self) -> str:
        """What the engine itself had to say."""

    @property
    @abstractmethod
    def running(self) -> bool:
        """Whether the machine has power (false also after it died by itself or was cut)."""

    @property
    @abstractmethod
    def wires(self) -> Mapping[str, socket.socket]:
        """A non-blocking stream socket for each UART role asked for; new ones after each start.

        Raises:
            NotRunning: before the first start and after a cut.
        """

    @property
    @abstractmethod
    def boots(self) -> int:
        """How often the machine was started."""

    @abstractmethod
    def start(self) -> None:
        """Refill the boot page, forget counters and marks, and apply power.

        Raises:
            StillRunning: it has power already.
            MachineError: the engine does not start.
        """

    @abstractmethod
    def cut_power(self) -> None:
        """Take the power away between two instructions; only non-volatile memory survives.

        Does nothing to a machine without power.
        """

    @abstractmethod
    def close(self) -> None:
        """Cut the power and release everything, non-volatile memory included."""

    @abstractmethod
    def read_nvm(self, offset: int = 0, size: int | None = None) -> bytes:
        """Bytes of the non-volatile memory as they are now, running or not."""

    @abstractmethod
    def replace_nvm(self, data: bytes) -> None:
        """Replace the non-volatile memory; what `data` leaves uncovered is erased (0xFF).

        Raises:
            StillRunning: it has power.
        """

    @abstractmethod
    def cut_after_stores(self, count: int | None) -> None:
        """Cut the power right after the `count`-th NVM store from now.

        Without power, the count begins at the next start. None takes the order back.
        """

    @abstractmethod
    def instructions(self) -> Counts:
        """Instruction counts of the present (or last) power-on period."""

    @abstractmethod
    def marks(self, after: int = 0) -> list[MarkEvent]:
        """The marks of the present (or last) power-on period, from index `after` on.

        Raises:
            MarksLost: some of them have been overwritten already.
        """

    @abstractmethod
    def snapshot(self) -> object:
        """The whole state, for `restore`. Raises SnapshotRefused where the engine has none."""

    @abstractmethod
    def restore(self, snapshot: object) -> None:
        """Go back to a snapshot. Raises SnapshotRefused where the engine has none."""
