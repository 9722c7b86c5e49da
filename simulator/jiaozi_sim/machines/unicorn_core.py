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

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from elftools.elf.elffile import ELFFile
from unicorn import (
    UC_ARCH_ARM,
    UC_HOOK_INTR,
    UC_HOOK_MEM_INVALID,
    UC_HOOK_MEM_WRITE,
    UC_MODE_MCLASS,
    UC_MODE_THUMB,
    Uc,
    UcError,
)
from unicorn import arm_const as arm
from unicorn.arm_const import UC_ARM_REG_MSP, UC_ARM_REG_PC, UC_CPU_ARM_CORTEX_M4

from jiaozi_sim.machines.base import (
    BOOT_PAGE,
    ERASED,
    MARK_PAGE_SIZE,
    MARK_WORD,
    NVM_BASE,
    NVM_SIZE,
    MachineError,
    boot_page,
)
from jiaozi_sim.machines.marks import IDLE_ENTER
from jiaozi_sim.machines.unicorn_state import (
    UART_AT,
    CoreFault,
    CoreState,
    IllegalStore,
    Store,
    Wiring,
)

ROM_SIZE, RAM_BASE, RAM_SIZE = 1024 * 1024, 0x20000000, 256 * 1024
PERIPHERALS, PERIPHERALS_SIZE = 0x40000000, 0x10000
SYSTEM, SYSTEM_SIZE = 0xE000E000, 0x1000
CORE_HZ = 25_000_000
NVM_PAGE = 4096
UNIT = 4

_DATA, _STATE, _INTERRUPT = 0x00, 0x04, 0x0C
_RX_FULL, _RX_INTERRUPT = 0x02, 0x02
_CSR, _RVR, _CVR, _AIRCR = 0x010, 0x014, 0x018, 0xD0C
_ENABLE, _COUNTFLAG, _RESET_REQUEST = 1, 1 << 16, 0x05FA0004
_LOOK_CYCLES = 25  # a look at the clock costs a microsecond: waiting by looking ends
_NVM_END = NVM_BASE + NVM_SIZE
STATE_SIZE = MARK_WORD + MARK_PAGE_SIZE - NVM_BASE
_ERASE_WORD = MARK_WORD + 4
_NOWHERE = 0xFFFFFFF0
_XPSR_IT = 0x0600FC00
_REGISTERS = (
    arm.UC_ARM_REG_CONTROL,
    arm.UC_ARM_REG_MSP,
    arm.UC_ARM_REG_PSP,
    arm.UC_ARM_REG_XPSR,
    *(arm.UC_ARM_REG_R0 + n for n in range(13)),
    arm.UC_ARM_REG_LR,
    arm.UC_ARM_REG_PRIMASK,
    arm.UC_ARM_REG_BASEPRI,
    arm.UC_ARM_REG_FAULTMASK,
    arm.UC_ARM_REG_FPSCR,
    *(arm.UC_ARM_REG_D0 + n for n in range(16)),
)


@lru_cache(maxsize=4)
def _segments(elf: Path) -> tuple[tuple[int, bytes], ...]:
    with elf.open("rb") as file:
        return tuple(
            (segment["p_paddr"], segment.data())
            for segment in ELFFile(file).iter_segments()
            if segment["p_type"] == "PT_LOAD" and segment["p_filesz"]
        )


_boot_page = lru_cache(maxsize=64)(boot_page)


class Core:
    """One board. A deep copy of what refers to it refers to the same core: see `snapshot`.

    on_store(store) is called before each store into NVM takes effect and may call `cut`;
    on_mark(mark) at each store to the marker word, idle marks left out. clock() is the owner's
    time, if that goes on while the core runs.
    """

    def __init__(self, elf: Path, seed: bytes) -> None:
        self.seed = seed
        self.boots = 0
        self.powered = False
        self.reset_by_itself = False
        self.on_store: Callable[[Store], None] | None = None
        self.on_mark: Callable[[int], None] | None = None
        self.clock: Callable[[], float] | None = None
        self.wiring = Wiring()
        self.stores = 0
        self._origin = 0.0  # when power came, in the owner's time
        self._cycles = 0  # since then
        self._pc = 0
        self._error: MachineError | None = None
        self._cut = False
        self._uc = uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        uc.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M4)
        uc.mem_map(0, ROM_SIZE)
        uc.mem_map(RAM_BASE, RAM_SIZE)
        for address, data in _segments(elf):
            uc.mem_write(address, data)
        self._map_state(uc)
        self._map_uarts(uc)
        uc.mmio_map(SYSTEM, SYSTEM_SIZE, self._system_read, None, self._system_write, None)
        uc.hook_add(UC_HOOK_MEM_WRITE, self._nvm_store, None, NVM_BASE, _NVM_END - 1)
        uc.hook_add(UC_HOOK_MEM_WRITE, self._mark_store, None, MARK_WORD, MARK_WORD + 3)
        uc.hook_add(UC_HOOK_INTR, self._interrupt)
        uc.hook_add(UC_HOOK_MEM_INVALID, self._invalid)
        self._blank = uc.context_save()

    def __deepcopy__(self, memo: dict[int, object]) -> Core:
        return self

    def _map_state(self, uc: Uc) -> None:
        """Map the NVM, blank, and the two pages after it."""
        uc.mem_map(NVM_BASE, STATE_SIZE)
        uc.mem_write(NVM_BASE, ERASED * NVM_SIZE)

    def _map_uarts(self, uc: Uc) -> None:
        uc.mmio_map(PERIPHERALS, PERIPHERALS_SIZE, self._uart_read, None, self._uart_write, None)

    # -- power -----------------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """Power, with a fresh boot page; the first instruction is executed by `run`."""
        self.boots += 1
        self._uc.mem_write(RAM_BASE, bytes(RAM_SIZE))
        self._uc.mem_write(BOOT_PAGE, _boot_page(self.seed, self.boots))
        self._uc.mem_write(MARK_WORD, bytes(MARK_PAGE_SIZE))
        self.reset(now)

    def reset(self, now: float) -> None:
        """Begin at the vector table, with all memory as it is."""
        uc = self._uc
        self.powered = True
        self.reset_by_itself = False
        self.wiring = Wiring()
        self._origin, self._cycles = now, 0
        uc.context_restore(self._blank)
        stack, entry = (int.from_bytes(uc.mem_read(at, 4), "little") for at in (0, 4))
        uc.reg_write(UC_ARM_REG_MSP, stack)
        self._pc = entry & ~1

    def cut_power(self) -> None:
        """No instruction is executed any more."""
        self.powered = False
        self.wiring = Wiring()

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

    def execute(self, now: float) -> None:
        """What `run` does, but the power stays. Raises IllegalStore, CoreFault."""
        self._cycles = max(self._cycles, int((now - self._origin) * CORE_HZ))
        self._error = None
        self._cut = False
        try:
            self._uc.emu_start(self._pc | 1, _NOWHERE)
        except UcError as error:
            raise self._error or CoreFault(f"{error} at {self.pc:#x}") from error
        self._pc = self._uc.reg_read(UC_ARM_REG_PC)
        if self._error is not None:
            raise self._error

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
        wiring = self.wiring
        if not wiring.csr & _ENABLE:
            return None
        wraps = wiring.seen + 1
        cycles = wiring.started + wraps * (wiring.reload + 1)
        return self._origin + cycles / CORE_HZ + 1e-7

    # -- memory ----------------------------------------------------------------------------------

    def read_nvm(self) -> bytes:
        """All of the non-volatile memory."""
        return bytes(self._uc.mem_read(NVM_BASE, NVM_SIZE))

    def write_nvm(self, data: bytes) -> None:
        """Replace the non-volatile memory."""
        if len(data) != NVM_SIZE:
            raise MachineError("an NVM image has another size")
        self._uc.mem_write(NVM_BASE, data)

    def snapshot(self) -> CoreState:
        """All of it; the core must sleep or be without power."""
        uc = self._uc
        return CoreState(
            tuple(uc.reg_read(number) for number in _REGISTERS),
            self._pc,
            bytes(uc.mem_read(RAM_BASE, RAM_SIZE)),
            bytes(uc.mem_read(NVM_BASE, STATE_SIZE)),
            self.wiring.copy(),
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
        uc = self._uc
        # Not by a Unicorn context: those hold pointers and serve their own engine alone.
        uc.context_restore(self._blank)
        for number, value in zip(_REGISTERS, state.registers, strict=True):
            uc.reg_write(number, value)
        uc.mem_write(RAM_BASE, state.ram)
        uc.mem_write(NVM_BASE, state.state)
        self._pc = state.pc
        self.wiring = state.wiring.copy()
        self._origin = state.origin if origin is None else origin
        self._cycles = state.cycles
        self.boots = state.boots
        self.powered = state.powered
        self.reset_by_itself = False

    # -- hooks -----------------------------------------------------------------------------------

    def _nvm_store(
        self, uc: Uc, access: int, address: int, size: int, value: int, data: object
    ) -> None:
        old = int.from_bytes(uc.mem_read(address, 4), "little")
        new = value & 0xFFFFFFFF
        page = int.from_bytes(uc.mem_read(_ERASE_WORD, 4), "little")
        erasing = page != 0 and page <= address < page + NVM_PAGE
        if size != UNIT or address % UNIT:
            self._stop(IllegalStore(f"{size} bytes stored at {address:#x}"))
        elif (new != 0xFFFFFFFF) if erasing else (new & ~old):
            self._stop(IllegalStore(f"{new:08x} over {old:08x} at {address:#x}"))
        self.stores += 1
        self._leave_it_block()
        if self.on_store is not None:
            self.on_store(Store(address - NVM_BASE, old, new, erasing))

    def _mark_store(
        self, uc: Uc, access: int, address: int, size: int, value: int, data: object
    ) -> None:
        self._leave_it_block()
        if value < IDLE_ENTER and self.on_mark is not None:
            self.on_mark(value)

    def _leave_it_block(self) -> None:
        # Unicorn 2.1 restores the state of IT blocks before it calls a hook of a store, and does
        # not clear it again: the instructions after a store in such a block would be skipped.
        status = self._uc.reg_read(arm.UC_ARM_REG_XPSR)
        if status & _XPSR_IT:
            self._uc.reg_write(arm.UC_ARM_REG_XPSR, status & ~_XPSR_IT)

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

    def _uart_read(self, uc: Uc, offset: int, size: int, data: object) -> int:
        number = _UART_OF.get(offset & 0xF000)
        if number is None:
            return 0
        received = self.wiring.received[number]
        register = offset & 0xFFF
        if register == _DATA:
            return received.pop(0) if received else 0
        if register == _STATE:
            return _RX_FULL if received else 0
        return _RX_INTERRUPT if register == _INTERRUPT and received else 0

    def _uart_write(self, uc: Uc, offset: int, size: int, value: int, data: object) -> None:
        number = _UART_OF.get(offset & 0xF000)
        if number is not None and offset & 0xFFF == _DATA:
            self.wiring.sent[number].append(value & 0xFF)

    def _system_read(self, uc: Uc, offset: int, size: int, data: object) -> int:
        self._look_at_clock()
        wiring = self.wiring
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
        wiring = self.wiring
        if not wiring.csr & _ENABLE:
            return wiring.seen
        return (self._cycles - wiring.started) // (wiring.reload + 1)

    def _look_at_clock(self) -> None:
        if self.clock is not None:
            self._cycles = max(self._cycles, int((self.clock() - self._origin) * CORE_HZ))

    def _system_write(self, uc: Uc, offset: int, size: int, value: int, data: object) -> None:
        self._look_at_clock()
        wiring = self.wiring
        if offset == _CSR:
            wiring.csr = value & 0x7
        elif offset == _RVR:
            wiring.reload = value & 0xFFFFFF
        elif offset == _CVR:
            wiring.started, wiring.seen = self._cycles, 0
        elif offset == _AIRCR and value == _RESET_REQUEST:
            self.reset_by_itself = True
            uc.emu_stop()


_UART_OF = {at & 0xF000: number for number, at in enumerate(UART_AT)}
