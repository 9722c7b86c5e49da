"""A board's processor and memories on Unicorn: run to the next sleep, cut at a store, snapshot.

Unicorn has no interrupts, so the image runs polled: it sleeps in WFI with interrupts masked and
polls when it wakes. `Core.run` executes until the firmware sleeps, resets itself or is cut; the
core's owner delivers bytes, lets time pass and runs it again when it has cause to wake (see
`wakes_at`). A run takes only the virtual time of the firmware's reads of SysTick, unless the owner
has a clock that goes on (`clock`).

Every store into the NVM is compared with the old contents: setting a bit outside a page whose erase
the firmware has announced is a fault of the firmware (:class:`IllegalStore`).
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

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
    CORE_HZ,
    ERASED,
    KEY_PAGE,
    KEY_PAGE_SIZE,
    MARK_PAGE_SIZE,
    MARK_WORD,
    NVM_BASE,
    NVM_SIZE,
    RAM_BASE,
    RAM_SIZE,
    MachineError,
    boot_page,
)
from jiaozi_sim.machines.firmware_image import program_unit, segments
from jiaozi_sim.machines.unicorn_native import (
    STATE_SIZE,
    NativeCore,
)
from jiaozi_sim.machines.unicorn_state import (
    PERIPHERALS,
    UART_AT,
    CoreFault,
    CoreState,
    Store,
    Wiring,
    in_units,
)

PERIPHERALS_SIZE = 0x10000
SYSTEM, SYSTEM_SIZE = 0xE000E000, 0x1000
_PAGE = 4096  # of Unicorn's translation

_CSR, _RVR, _CVR, _AIRCR = 0x010, 0x014, 0x018, 0xD0C
_ENABLE, _COUNTFLAG, _RESET_REQUEST = 1, 1 << 16, 0x05FA0004
_READ_CYCLES = 25  # reading the clock costs a microsecond, so that busy waiting ends
_RAM_END = RAM_BASE + RAM_SIZE
_STATE_END = NVM_BASE + STATE_SIZE
_NOWHERE = 0xFFFFFFF0
_UARTS = range(len(UART_AT))


def _blank_memory() -> mmap.mmap:
    memory = mmap.mmap(-1, STATE_SIZE)
    memory[:NVM_SIZE] = ERASED * NVM_SIZE
    return memory


_boot_page = lru_cache(maxsize=64)(boot_page)


class Core:
    """One board. A deep copy of an object that refers to it refers to the same core.

    on_store(store) is called before each store of a word into NVM takes effect, and may call `cut`.
    After a run, `stored` has its stores (by program units) and `marks` its phase marks without
    those of idle. clock() is the owner's time, if that goes on while the core runs.
    """

    def __init__(self, elf: Path, seed: bytes, memory: mmap.mmap | None = None) -> None:
        """memory: for the NVM and the pages after it; None: private and blank."""
        self.seed = seed
        self.unit = program_unit(elf)
        self.boots = 0
        self.powered = False
        self.reset_by_itself = False
        self.clock: Callable[[], float] | None = None
        self.moves = 0  # number of starts, restores, runs and deliveries
        self.stored: list[Store] = []
        self.marks: list[int] = []
        self._on_store: Callable[[Store], None] | None = None
        self._origin = 0.0  # time of power-on, in the owner's time
        self._cycles = 0  # since power-on
        self._pc = 0
        self._error: MachineError | None = None
        self._cut = False
        self._uc = uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        uc.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M4)
        uc.ctl_set_page_size(_PAGE)
        self._native = NativeCore(uc, memory or _blank_memory())
        for address, data in segments(elf):
            uc.mem_write(address, data)
        self._map_uarts()
        uc.mmio_map(SYSTEM, SYSTEM_SIZE, self._system_read, None, self._system_write, None)
        uc.hook_add(UC_HOOK_INTR, self._interrupt)
        for begin, end in ((0, RAM_BASE), (_RAM_END, NVM_BASE), (_STATE_END, 1 << 32)):
            # Not over RAM: Unicorn would then check for the hook at every store.
            uc.hook_add(UC_HOOK_MEM_INVALID, self._invalid, None, begin, end - 1)
        self._blank = uc.context_save()
        self._wiring = Wiring()

    def __deepcopy__(self, memo: dict[int, object]) -> Core:
        return self

    def _map_uarts(self) -> None:
        self._native.map_uarts(PERIPHERALS, PERIPHERALS_SIZE)

    # -- power -----------------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """Apply power, with a fresh boot page; `run` executes the first instruction."""
        self.boots += 1
        self._native.ram[:] = bytes(RAM_SIZE)
        boot, mark = BOOT_PAGE - NVM_BASE, MARK_WORD - NVM_BASE
        self._native.state[boot : boot + BOOT_PAGE_SIZE] = _boot_page(self.seed, self.boots)
        self._native.state[mark : mark + MARK_PAGE_SIZE] = bytes(MARK_PAGE_SIZE)
        self.reset(now)

    def reset(self, now: float) -> None:
        """Start from the vector table, with memory unchanged."""
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
        """Cut the power; memory stays until the next start."""
        self.moves += 1
        self.powered = False
        self._wire(Wiring())

    def cut(self) -> None:
        """Cut the power before the present store takes effect; called from `on_store`."""
        self._cut = True
        self._uc.emu_stop()

    def run(self, now: float) -> None:
        """Execute until the firmware sleeps, resets itself or is cut.

        Raises IllegalStore, CoreFault.
        """
        self.execute(now)
        if self._cut or self.reset_by_itself:
            self.cut_power()

    def run_and_cut(self, now: float, count: int) -> None:
        """Like `run`, but cut the power after `count` instructions at the latest."""
        # Blocks translated before do not count instructions, and blocks that do must not be kept.
        self._uc.ctl(UC_CTL_TB_FLUSH, UC_CTL_IO_WRITE)
        try:
            self.execute(now, count)
        finally:
            self._uc.ctl(UC_CTL_TB_FLUSH, UC_CTL_IO_WRITE)
        self.cut_power()

    def execute(self, now: float, count: int = 0) -> None:
        """Like `run`, but keep the power. count: maximum number of instructions, 0: no limit.

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
        """After `start`, execute like `run`, but stop before the first load from the NVM.

        Return True if it stopped there without having slept or stored into NVM: then its state does
        not depend on the NVM's contents.
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
        """Set the NVM's protection, and flush the address cache, which would bypass it."""
        self._uc.mem_protect(NVM_BASE, NVM_SIZE, protection)
        self._uc.ctl(UC_CTL_TLB_FLUSH, UC_CTL_IO_WRITE)

    # -- stores and UARTs ------------------------------------------------------------------------

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
        """Deliver bytes to a UART."""
        self.moves += 1
        self._native.deliver(number, data)

    def take_sent(self, number: int) -> bytes:
        """Return the bytes sent by a UART since the last call."""
        sent = self._held("sent", number)
        if sent:
            self._fill(number, self._held("received", number), b"")
        return sent

    def _held(self, which: str, number: int) -> bytes:
        return self._native.held(which, number)

    def _fill(self, number: int, received: bytes, sent: bytes) -> None:
        self._native.fill(number, received, sent)

    def _wire(self, wiring: Wiring) -> None:
        """Set UARTs and SysTick to a state; the UARTs then own its bytes."""
        self._wiring = wiring
        for number, (came, went) in enumerate(zip(wiring.received, wiring.sent, strict=True)):
            self._fill(number, bytes(came), bytes(went))

    @property
    def engine(self) -> Uc:
        """The Unicorn instance, for further hooks."""
        return self._uc

    @property
    def pc(self) -> int:
        """The program counter."""
        return int(self._uc.reg_read(UC_ARM_REG_PC))

    def wakes_at(self) -> float | None:
        """Return the time at which a sleeping core wakes if nothing arrives; None: never."""
        wiring = self._wiring
        if not wiring.csr & _ENABLE:
            return None
        wraps = wiring.seen + 1
        cycles = wiring.started + wraps * (wiring.reload + 1)
        return self._origin + cycles / CORE_HZ + 1e-7

    # -- memory ----------------------------------------------------------------------------------

    def read_nvm(self) -> bytes:
        """Return the whole non-volatile memory."""
        return self._native.state[:NVM_SIZE]

    def write_nvm(self, data: bytes) -> None:
        """Replace the non-volatile memory."""
        if len(data) != NVM_SIZE:
            raise MachineError("an NVM image has another size")
        self._native.state[:NVM_SIZE] = data

    def write_key_page(self, page: bytes) -> None:
        """Replace the key page; the part after `page` is zeros."""
        at = KEY_PAGE - NVM_BASE
        self._native.state[at : at + KEY_PAGE_SIZE] = page.ljust(KEY_PAGE_SIZE, b"\0")

    def snapshot(self) -> CoreState:
        """Return the whole state; the core must sleep or be without power."""
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
        """Seconds since power-on in the core's time."""
        return self._cycles / CORE_HZ

    def restore(self, state: CoreState, origin: float | None = None) -> None:
        """Restore a snapshot of this core, or of another one with the same image.

        origin: time of power-on to set; None: the snapshot's.
        """
        self.moves += 1
        # Not by a Unicorn context: it holds pointers and is valid in its own engine only.
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
        self._advance_to_clock()
        wiring = self._wiring
        if offset == _CSR:
            wraps = self._wraps()
            flag = _COUNTFLAG if wraps > wiring.seen else 0
            wiring.seen = wraps
            return wiring.csr | flag
        if offset == _CVR:
            self._cycles += _READ_CYCLES
            return wiring.reload - (self._cycles - wiring.started) % (wiring.reload + 1)
        return wiring.reload if offset == _RVR else 0

    def _wraps(self) -> int:
        wiring = self._wiring
        if not wiring.csr & _ENABLE:
            return wiring.seen
        return (self._cycles - wiring.started) // (wiring.reload + 1)

    def _advance_to_clock(self) -> None:
        if self.clock is not None:
            self._cycles = max(self._cycles, int((self.clock() - self._origin) * CORE_HZ))

    def _system_write(self, uc: Uc, offset: int, size: int, value: int, data: object) -> None:
        self._advance_to_clock()
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
