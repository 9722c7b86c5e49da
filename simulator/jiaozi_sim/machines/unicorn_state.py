"""What a core on Unicorn consists of and complains about: plain data (see unicorn_core.py)."""

from __future__ import annotations

from dataclasses import dataclass, field

from jiaozi_sim.machines.base import MachineError

UART_AT = (0x4000, 0x5000, 0x6000, 0x7000, 0x9000)


class IllegalStore(MachineError):
    """The firmware stored into NVM what the hardware does not allow."""


class CoreFault(MachineError):
    """The processor stopped in a way that no firmware should make it stop."""


@dataclass(frozen=True)
class Store:
    """One word stored into the NVM: byte offset, the word before and after, erasing or not."""

    offset: int
    old: int
    new: int
    erasing: bool


@dataclass
class Wiring:
    """The state of UARTs and SysTick; plain data."""

    received: list[bytearray] = field(default_factory=lambda: [bytearray() for _ in UART_AT])
    sent: list[bytearray] = field(default_factory=lambda: [bytearray() for _ in UART_AT])
    csr: int = 0
    reload: int = 0
    started: int = 0  # the cycle at which the counter was last cleared
    seen: int = 0  # wraps since then that a read of CSR has told

    def copy(self) -> Wiring:
        return Wiring(
            [bytearray(b) for b in self.received],
            [bytearray(b) for b in self.sent],
            self.csr,
            self.reload,
            self.started,
            self.seen,
        )


@dataclass(frozen=True)
class CoreState:
    """A snapshot; 450 KiB."""

    registers: bytes
    pc: int
    ram: bytes
    state: bytes  # NVM, boot page and marker page
    wiring: Wiring
    origin: float
    cycles: int
    boots: int
    powered: bool

    def __deepcopy__(self, memo: dict[int, object]) -> CoreState:
        return self
