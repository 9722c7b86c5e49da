"""A board's processor and memories on Unicorn: run to the next sleep, cut at a store, snapshot.

Unicorn has no interrupts, so the image runs polled: it sleeps in WFI with interrupts masked and
looks round when it wakes. `Core.run` executes until the firmware sleeps, resets itself or is cut;
who owns the core delivers bytes, lets time pass and runs it again when it has cause to wake (see
`wakes_at`). A run takes no virtual time but what the firmware spends looking at SysTick, unless
the owner's clock goes on meanwhile (`clock`).

Every store into the NVM is compared with what was there: a bit that rises outside a page whose
erase the firmware has announced is a fault of the firmware (:class:`IllegalStore`).
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from unicorn import (
    UC_ARCH_ARM,
    UC_ERR_READ_PROT,
    UC_HOOK_INTR,
    UC_HOOK_MEM_INVALID,
    UC_MODE_MCLASS,
    UC_MODE_THUMB,
    UC_PROT_NONE,
    UC_PROT_READ,
    Uc,
    UcError,
)
from unicorn.arm_const import UC_ARM_REG_MSP, UC_ARM_REG_PC, UC_CPU_ARM_CORTEX_M4
from unicorn.unicorn_const import UC_CTL_IO_WRITE, UC_CTL_TB_FLUSH, UC_CTL_TLB_FLUSH

from jiaozi_sim.machines.base import (
    BOOT_PAGE,
    BOOT_PAGE_SIZE,
    ERASED,
    MARK_PAGE_SIZE,
    MARK_WORD,
    NVM_BASE,
    NVM_SIZE,
    MachineError,
    boot_page,
)
from jiaozi_sim.machines.unicorn_native import (
    RAM_BASE,
    RAM_SIZE,
    STATE_SIZE,
    NativeCore,
)
from jiaozi_sim.machines.unicorn_state import (
    UART_AT,
    WORD,
    CoreFault,
    CoreState,
    Store,
    Wiring,
    in_units,
)

PERIPHERALS, PERIPHERALS_SIZE = 0x40000000, 0x10000
SYSTEM, SYSTEM_SIZE = 0xE000E000, 0x1000
CORE_HZ = 25_000_000
_PAGE = 4096  # of Unicorn's translation

_CSR, _RVR, _CVR, _AIRCR = 0x010, 0x014, 0x018, 0xD0C
_ENABLE, _COUNTFLAG, _RESET_REQUEST = 1, 1 << 16, 0x05FA0004
_LOOK_CYCLES = 25  # a look at the clock costs a microsecond: waiting by looking ends
_RAM_END = RAM_BASE + RAM_SIZE
_STATE_END = NVM_BASE + STATE_SIZE
_NOWHERE = 0xFFFFFFF0
_UARTS = range(len(UART_AT))


@lru_cache(maxsize=4)
def program_unit(elf: Path) -> int:
    """How many bytes an image programs into NVM at a time; a word where it does not say."""
    with elf.open("rb") as file:
        symbols = ELFFile(file).get_section_by_name(".symtab")
        if not isinstance(symbols, SymbolTableSection):
            return WORD
        found = symbols.get_symbol_by_name("_nvm_unit")
        return int(found[0]["st_value"]) if found else WORD


@lru_cache(maxsize=4)
def _segments(elf: Path) -> tuple[tuple[int, bytes], ...]:
    with elf.open("rb") as file:
        return tuple(
            (segment["p_paddr"], segment.data())
            for segment in ELFFile(file).iter_segments()
            if segment["p_type"] == "PT_LOAD" and segment["p_filesz"]
        )


def _blank_memory() -> mmap.mmap:
    memory = mmap.mmap(-1, STATE_SIZE)
    memory[:NVM_SIZE] = ERASED * NVM_SIZE
    return memory


_boot_page = lru_cache(maxsize=64)(boot_page)


class Core:
    """One board. A deep copy of what refers to it refers to the same core: see `snapshot`.

    on_store(store) is called before each store of a word into NVM takes effect and may call `cut`;
    whether or not it is set, `stored` (by program units) and `marks` (without those of idling) hold
    what the last run stored and marked. clock() is the owner's time, if that goes on while the core
    runs.
    """

    def __init__(self, elf: Path, seed: bytes, memory: mmap.mmap | None = None) -> None:
        """memory: of the NVM and the two pages after it; None: its own, blank."""
        self.seed = seed
        self.unit = program_unit(elf)
        self.boots = 0
        self.powered = False
        self.reset_by_itself = False
        self.clock: Callable[[], float] | None = None
        self.moves = 0  # how often it was started, restored or run, or heard something
        self.stored: list[Store] = []
        self.marks: list[int] = []
        self._on_store: Callable[[Store], None] | None = None
        self._origin = 0.0  # when power came, in the owner's time
        self._cycles = 0  # since then
        self._pc = 0
        self._error: MachineError | None = None
        self._cut = False
        self._uc = uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        uc.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M4)
        uc.ctl_set_page_size(_PAGE)
        self._native = NativeCore(uc, memory or _blank_memory())
        for address, data in _segments(elf):
            uc.mem_write(address, data)
        self._map_uarts()
        uc.mmio_map(SYSTEM, SYSTEM_SIZE, self._system_read, None, self._system_write, None)
        uc.hook_add(UC_HOOK_INTR, self._interrupt)
        for begin, end in ((0, RAM_BASE), (_RAM_END, NVM_BASE), (_STATE_END, 1 << 32)):
            # Not where there is RAM: Unicorn then looks for the hook at every store.
            uc.hook_add(UC_HOOK_MEM_INVALID, self._invalid, None, begin, end - 1)
        self._blank = uc.context_save()
        self._wiring = Wiring()

    def __deepcopy__(self, memo: dict[int, object]) -> Core:
        return self

    def _map_uarts(self) -> None:
        self._native.map_uarts(PERIPHERALS, PERIPHERALS_SIZE)

    # -- power -----------------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """Power, with a fresh boot page; the first instruction is executed by `run`."""
        self.boots += 1
        self._native.ram[:] = bytes(RAM_SIZE)
        boot, mark = BOOT_PAGE - NVM_BASE, MARK_WORD - NVM_BASE
        self._native.state[boot : boot + BOOT_PAGE_SIZE] = _boot_page(self.seed, self.boots)
        self._native.state[mark : mark + MARK_PAGE_SIZE] = bytes(MARK_PAGE_SIZE)
        self.reset(now)

    def reset(self, now: float) -> None:
        """Begin at the vector table, with all memory as it is."""
        uc = self._uc
        self.moves += 1
        self.powered = True
        self.reset_by_itself = False
        self._wire(Wiring())
        self._origin, self._cycles = now, 0
        uc.context_restore(self._blank)
        stack, entry = (int.from_bytes(uc.mem_read(at, 4), "little") for at in (0, 4))
        uc.reg_write(UC_ARM_REG_MSP, stack)
        self._pc = entry & ~1

    def cut_power(self) -> None:
        """No instruction is executed any more."""
        self.moves += 1
        self.powered = False
        self._wire(Wiring())

    def cut(self) -> None:
        """From `on_store`: cut the power before this store takes effect."""
        self._cut = True
        self._uc.emu_stop()

    def run(self, now: float) -> None:
        """Execute until the firmware sleeps, or has reset itself, or was cut.

        Raises IllegalStore, CoreFault.
        """
        self.execute(now)
        if self._cut or self.reset_by_itself:
            self.cut_power()

    def run_and_cut(self, now: float, count: int) -> None:
        """The same, but the power fails after so many instructions, if not before."""
        # What is translated already does not count, and what counts is not to be kept.
        self._uc.ctl(UC_CTL_TB_FLUSH, UC_CTL_IO_WRITE)
        try:
            self.execute(now, count)
        finally:
            self._uc.ctl(UC_CTL_TB_FLUSH, UC_CTL_IO_WRITE)
        self.cut_power()

    def execute(self, now: float, count: int = 0) -> None:
        """What `run` does, but the power stays. count: at most so many instructions, 0: any number.

        Raises IllegalStore, CoreFault.
        """
        self._cycles = max(self._cycles, int((now - self._origin) * CORE_HZ))
        self._error = None
        self._cut = False
        self.moves += 1
        try:
            self._uc.emu_start(self._pc | 1, _NOWHERE, count=count)
        except UcError as error:
            why = self._error or self._native.refusal()
            if why is not None:
                raise why from error
            if not self._cut:
                raise CoreFault(f"{error} at {self.pc:#x}") from error
        self._pc = self._uc.reg_read(UC_ARM_REG_PC)
        self.stored = in_units(self._native.stores(), self.unit)
        self.marks = self._native.marks()
        if self._error is not None:
            raise self._error

    def run_to_first_load(self, now: float) -> bool:
        """After `start`, do what `run` does, but stop before the first load from the NVM.

        Returns whether it stands there and has not slept or stored into NVM before: then nothing
        that it did depends on what the NVM holds.
        """
        self._protect_nvm(UC_PROT_NONE)
        try:
            self.execute(now)
        except CoreFault as fault:
            cause = fault.__cause__
            if not (isinstance(cause, UcError) and cause.errno == UC_ERR_READ_PROT):
                raise
            self._pc = self.pc
        else:
            return False
        finally:
            self._protect_nvm(UC_PROT_READ)
        return not self._native.stores()

    def _protect_nvm(self, protection: int) -> None:
        """What was loaded before is in the engine's address cache, which must not answer."""
        self._uc.mem_protect(NVM_BASE, NVM_SIZE, protection)
        self._uc.ctl(UC_CTL_TLB_FLUSH, UC_CTL_IO_WRITE)

    # -- what happens ----------------------------------------------------------------------------

    @property
    def on_store(self) -> Callable[[Store], None] | None:
        """See the class."""
        return self._on_store

    @on_store.setter
    def on_store(self, tell: Callable[[Store], None] | None) -> None:
        self._on_store = tell
        self._native.call_at_stores(None if tell is None else self._ask)

    def _ask(self, store: Store) -> bool:
        if self._on_store is not None:
            self._on_store(store)
        return not self._cut

    def deliver(self, number: int, data: bytes) -> None:
        """Bytes arrive at a UART."""
        self.moves += 1
        self._native.deliver(number, data)

    def take_sent(self, number: int) -> bytes:
        """What it has sent by a UART since it was last asked."""
        sent = self._held("sent", number)
        if sent:
            self._fill(number, self._held("received", number), b"")
        return sent

    def _held(self, which: str, number: int) -> bytes:
        return self._native.held(which, number)

    def _fill(self, number: int, received: bytes, sent: bytes) -> None:
        self._native.fill(number, received, sent)

    def _wire(self, wiring: Wiring) -> None:
        """Have UARTs and SysTick be so; their bytes are then in the UARTs alone."""
        self._wiring = wiring
        for number, (came, went) in enumerate(zip(wiring.received, wiring.sent, strict=True)):
            self._fill(number, bytes(came), bytes(went))

    @property
    def engine(self) -> Uc:
        """The Unicorn instance, for further hooks."""
        return self._uc

    @property
    def pc(self) -> int:
        """Where it stands."""
        return int(self._uc.reg_read(UC_ARM_REG_PC))

    def wakes_at(self) -> float | None:
        """The moment at which a sleeping core wakes if nothing arrives; None: never."""
        wiring = self._wiring
        if not wiring.csr & _ENABLE:
            return None
        wraps = wiring.seen + 1
        cycles = wiring.started + wraps * (wiring.reload + 1)
        return self._origin + cycles / CORE_HZ + 1e-7

    # -- memory ----------------------------------------------------------------------------------

    def read_nvm(self) -> bytes:
        """All of the non-volatile memory."""
        return self._native.state[:NVM_SIZE]

    def write_nvm(self, data: bytes) -> None:
        """Replace the non-volatile memory."""
        if len(data) != NVM_SIZE:
            raise MachineError("an NVM image has another size")
        self._native.state[:NVM_SIZE] = data

    def snapshot(self) -> CoreState:
        """All of it; the core must sleep or be without power."""
        wiring = self._wiring.copy()
        wiring.received = [bytearray(self._held("received", n)) for n in _UARTS]
        wiring.sent = [bytearray(self._held("sent", n)) for n in _UARTS]
        return CoreState(
            self._native.registers(),
            self._pc,
            self._native.ram[:],
            self._native.state[:],
            wiring,
            self._origin,
            self._cycles,
            self.boots,
            self.powered,
        )

    @property
    def age(self) -> float:
        """Seconds since power came, as the core knows."""
        return self._cycles / CORE_HZ

    def restore(self, state: CoreState, origin: float | None = None) -> None:
        """Go back to a snapshot, of this core or of another with the same image.

        origin: the moment at which power is to have come; None: the snapshot's.
        """
        self.moves += 1
        # Not by a Unicorn context: those hold pointers and serve their own engine alone.
        self._uc.context_restore(self._blank)
        self._native.set_registers(state.registers)
        self._native.ram[:] = state.ram
        self._native.state[:] = state.state
        self._pc = state.pc
        self._wire(state.wiring.copy())
        self._origin = state.origin if origin is None else origin
        self._cycles = state.cycles
        self.boots = state.boots
        self.powered = state.powered
        self.reset_by_itself = False

    # -- hooks -----------------------------------------------------------------------------------

    def _stop(self, error: MachineError) -> None:
        if self._error is None:
            self._error = error
        self._uc.emu_stop()

    def _interrupt(self, uc: Uc, number: int, data: object) -> None:
        self._stop(CoreFault(f"exception {number} at {self.pc:#x}"))

    def _invalid(
        self, uc: Uc, access: int, address: int, size: int, value: int, data: object
    ) -> bool:
        self._stop(CoreFault(f"access to {address:#x} at {self.pc:#x}"))
        return False

    def _system_read(self, uc: Uc, offset: int, size: int, data: object) -> int:
        self._look_at_clock()
        wiring = self._wiring
        if offset == _CSR:
            wraps = self._wraps()
            flag = _COUNTFLAG if wraps > wiring.seen else 0
            wiring.seen = wraps
            return wiring.csr | flag
        if offset == _CVR:
            self._cycles += _LOOK_CYCLES
            return wiring.reload - (self._cycles - wiring.started) % (wiring.reload + 1)
        return wiring.reload if offset == _RVR else 0

    def _wraps(self) -> int:
        wiring = self._wiring
        if not wiring.csr & _ENABLE:
            return wiring.seen
        return (self._cycles - wiring.started) // (wiring.reload + 1)

    def _look_at_clock(self) -> None:
        if self.clock is not None:
            self._cycles = max(self._cycles, int((self.clock() - self._origin) * CORE_HZ))

    def _system_write(self, uc: Uc, offset: int, size: int, value: int, data: object) -> None:
        self._look_at_clock()
        wiring = self._wiring
        if offset == _CSR:
            wiring.csr = value & 0x7
        elif offset == _RVR:
            wiring.reload = value & 0xFFFFFF
        elif offset == _CVR:
            wiring.started, wiring.seen = self._cycles, 0
        elif offset == _AIRCR and value == _RESET_REQUEST:
            self.reset_by_itself = True
            uc.emu_stop()
