"""State and errors of a core on Unicorn, as plain data (see unicorn_core.py)."""

from __future__ import annotations

from dataclasses import dataclass, field

from jiaozi_sim.machines.base import UART_ADDRESSES, MachineError

PERIPHERALS = 0x40000000
UART_AT = tuple(address - PERIPHERALS for address in UART_ADDRESSES)


class IllegalStore(MachineError):
    """The firmware made a store into NVM that the hardware does not allow."""


class CoreFault(MachineError):
    """The processor stopped at an exception or an invalid access."""


WORD = 4


@dataclass(frozen=True)
class Store:
    """A word, or a whole program unit, stored into the NVM.

    offset: of its first byte; old, new: values before and after, little-endian; erasing: part of
    erasing a page; size: in bytes.
    """

    offset: int
    old: int
    new: int
    erasing: bool
    size: int = WORD

    @property
    def blank(self) -> int:
        """Its value when it is erased."""
        return (1 << 8 * self.size) - 1

    def into(self, nvm: bytearray, value: int | None = None) -> None:
        """Write the new value, or another one, into an NVM image."""
        data = (self.new if value is None else value).to_bytes(self.size, "little")
        nvm[self.offset : self.offset + self.size] = data


def in_units(stores: list[Store], unit: int) -> list[Store]:
    """Join stores of words to stores of program units.

    Raises IllegalStore if a unit is not stored whole, word after word.
    """
    if unit == WORD:
        return stores
    count = unit // WORD
    found = []
    for at in range(0, len(stores), count):
        words = stores[at : at + count]
        first = words[0]
        expected = [first.offset + WORD * n for n in range(count)]
        if first.offset % unit or [word.offset for word in words] != expected:
            raise IllegalStore(f"less than a unit of {unit} bytes stored at {first.offset:#x}")
        if any(word.erasing != first.erasing for word in words):
            raise IllegalStore(f"a unit half erased, half programmed at {first.offset:#x}")
        old, new = (
            sum(value << 8 * WORD * n for n, value in enumerate(values))
            for values in ([word.old for word in words], [word.new for word in words])
        )
        found.append(Store(first.offset, old, new, first.erasing, unit))
    return found


@dataclass
class Wiring:
    """The state of UARTs and SysTick; plain data."""

    received: list[bytearray] = field(default_factory=lambda: [bytearray() for _ in UART_AT])
    sent: list[bytearray] = field(default_factory=lambda: [bytearray() for _ in UART_AT])
    csr: int = 0
    reload: int = 0
    started: int = 0  # the cycle at which the counter was last cleared
    seen: int = 0  # wraps since then that a read of CSR has reported

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
    state: bytes  # NVM, boot page, marker page and key page
    wiring: Wiring
    origin: float
    cycles: int
    boots: int
    powered: bool

    def __deepcopy__(self, memo: dict[int, object]) -> CoreState:
        return self
