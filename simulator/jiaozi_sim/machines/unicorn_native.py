"""Binding of `plugin/unicorn_core.c`: stores, marks and UARTs of one core, handled in C.

Unicorn's Python binding hooks Python functions only, so hooks and maps of C functions are set here
through Unicorn's library itself.
"""

from __future__ import annotations

import ctypes
import mmap
import weakref
from collections.abc import Callable
from typing import Any

from unicorn import (
    UC_HOOK_MEM_WRITE_PROT,
    UC_HOOK_TLB_FILL,
    UC_PROT_EXEC,
    UC_PROT_READ,
    UC_PROT_WRITE,
    UC_TLB_VIRTUAL,
    Uc,
    UcError,
)
from unicorn import arm_const as arm
from unicorn.unicorn_py3.unicorn import uclib

from jiaozi_sim.machines.base import (
    BOOT_PAGE,
    BOOT_PAGE_SIZE,
    KEY_PAGE,
    KEY_PAGE_SIZE,
    MARK_PAGE_SIZE,
    MARK_WORD,
    NVM_BASE,
    RAM_BASE,
    RAM_SIZE,
    ROM_SIZE,
)
from jiaozi_sim.machines.base import NVM_SIZE as _NVM_SIZE
from jiaozi_sim.machines.plugin import built
from jiaozi_sim.machines.unicorn_state import IllegalStore, Store

STATE_SIZE = KEY_PAGE + KEY_PAGE_SIZE - NVM_BASE

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
_WIDTH = 8  # bytes kept of each
_NO_WORD = 1  # enum refusal

_Callable = ctypes.c_void_p
_OnStore = ctypes.CFUNCTYPE(ctypes.c_int, *(ctypes.c_uint32,) * 4)
_OnMark = ctypes.CFUNCTYPE(None, ctypes.c_uint32)
_EVERYWHERE = (1, 0)


class _Store(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("offset", "old", "new", "erasing")]


class _Shared(ctypes.Structure):
    """The first members of `struct core`."""

    _fields_ = [
        ("read_register", _Callable),
        ("write_register", _Callable),
        ("xpsr", ctypes.c_int),
        ("state", ctypes.c_void_p),
        ("on_store", _Callable),
        ("on_mark", _Callable),
        ("refusal", ctypes.c_uint32),
        ("refused_at", ctypes.c_uint32),
        ("refused_size", ctypes.c_uint32),
        ("refused", _Store),
    ]


def check(status: Any) -> None:
    """Raise UcError for an error status of Unicorn's library."""
    if status:
        raise UcError(status)


def address_of(function: Any) -> ctypes.c_void_p:
    """Return a C function's address as Unicorn's library takes it."""
    return ctypes.cast(function, ctypes.c_void_p)


def hook(uc: Uc, kind: int, function: Any, user: int | None, begin: int, end: int) -> None:
    """Hook a C function into an engine."""
    where = ctypes.byref(ctypes.c_size_t())
    bounds = ctypes.c_uint64(begin), ctypes.c_uint64(end)
    check(uclib.uc_hook_add(uc._uch, where, kind, address_of(function), user, *bounds))


class NativeCore:
    """The memories of one engine, and the C code's state for it."""

    def __init__(self, uc: Uc, memory: mmap.mmap) -> None:
        self._uc = uc
        self._library = library = ctypes.CDLL(str(built("unicorn_core")))
        library.jz_new.restype = ctypes.c_void_p
        for name in ("jz_stores", "jz_marks", "jz_received", "jz_sent"):
            getattr(library, name).restype = ctypes.c_size_t
        self._core = ctypes.c_void_p(library.jz_new())
        weakref.finalize(self, library.jz_free, self._core)
        self._shared = shared = _Shared.from_address(self._core.value or 0)
        shared.read_register = address_of(uclib.uc_reg_read).value
        shared.write_register = address_of(uclib.uc_reg_write).value
        shared.xpsr = arm.UC_ARM_REG_XPSR
        self.ram = mmap.mmap(-1, RAM_SIZE)
        self.state = memory
        shared.state = self._at(memory)
        self._registers = ctypes.create_string_buffer(len(_REGISTERS) * _WIDTH)
        self._numbers = (ctypes.c_int * len(_REGISTERS))(*_REGISTERS)
        first = ctypes.addressof(self._registers)
        places = (first + _WIDTH * n for n in range(len(_REGISTERS)))
        self._places = (ctypes.c_void_p * len(_REGISTERS))(*places)
        self._map()

    @staticmethod
    def _at(memory: mmap.mmap) -> int:
        return ctypes.addressof(ctypes.c_char.from_buffer(memory))

    def _map(self) -> None:
        """Map the memories; NVM and marker page are not writable: see unicorn_core.c."""
        uc: Any = self._uc  # the types that come with Unicorn lack ctl_set_tlb_mode
        user = self._core.value
        uc.ctl_set_tlb_mode(UC_TLB_VIRTUAL)
        hook(uc, UC_HOOK_TLB_FILL, self._library.jz_translate, user, *_EVERYWHERE)
        uc.mem_map(0, ROM_SIZE, UC_PROT_READ | UC_PROT_EXEC)
        writable = UC_PROT_READ | UC_PROT_WRITE
        uc.mem_map_ptr(RAM_BASE, RAM_SIZE, writable, self._at(self.ram))
        state = self._at(self.state)
        for base, size, permissions, function in (
            (NVM_BASE, _NVM_SIZE, UC_PROT_READ, self._library.jz_store),
            (BOOT_PAGE, BOOT_PAGE_SIZE, writable, None),
            (KEY_PAGE, KEY_PAGE_SIZE, writable, None),
            (MARK_WORD, MARK_PAGE_SIZE, UC_PROT_READ, self._library.jz_mark),
        ):
            uc.mem_map_ptr(base, size, permissions, state + base - NVM_BASE)
            if function is not None:
                hook(uc, UC_HOOK_MEM_WRITE_PROT, function, user, base, base + size - 1)

    # -- stores and marks ------------------------------------------------------------------------

    def call_at_stores(self, ask: Callable[[Store], bool] | None) -> None:
        """Call `ask` before each store into NVM; False prevents the store."""

        def refuses(offset: int, old: int, new: int, erasing: int) -> int:
            return not (ask is None or ask(Store(offset, old, new, bool(erasing))))

        self._on_store = _OnStore(refuses)
        self._shared.on_store = None if ask is None else address_of(self._on_store).value

    def call_at_marks(self, tell: Callable[[int], None]) -> None:
        """Call `tell` at each mark, idle marks included; `marks` then returns none."""
        self._on_mark = _OnMark(tell)
        self._shared.on_mark = address_of(self._on_mark).value

    def stores(self) -> list[Store]:
        """Return the stores into NVM since the last call."""
        words = memoryview(self._taken("stores")).cast("I").tolist()
        each = [iter(words)] * 4
        return [Store(offset, old, new, bool(by)) for offset, old, new, by in zip(*each)]  # noqa: B905

    def marks(self) -> list[int]:
        """Return the marks since the last call, without idle marks."""
        return memoryview(self._taken("marks")).cast("I").tolist()

    def _taken(self, which: str) -> bytes:
        at = ctypes.c_void_p()
        size = getattr(self._library, f"jz_{which}")(self._core, ctypes.byref(at))
        return ctypes.string_at(at, size) if size else b""

    def refusal(self) -> IllegalStore | None:
        """Return the first store that the NVM refused since the last call."""
        shared = self._shared
        why, at, store = shared.refusal, shared.refused_at, shared.refused
        shared.refusal = 0
        if not why:
            return None
        if why == _NO_WORD:
            return IllegalStore(f"{shared.refused_size} bytes stored at {at:#x}")
        return IllegalStore(f"{store.new:08x} over {store.old:08x} at {at:#x}")

    # -- registers -------------------------------------------------------------------------------

    def registers(self) -> bytes:
        """Return all registers but the program counter."""
        count = len(_REGISTERS)
        check(uclib.uc_reg_read_batch(self._uc._uch, self._numbers, self._places, count))
        return self._registers.raw

    def set_registers(self, registers: bytes) -> None:
        """Set the registers that `registers` returned."""
        self._registers.raw = registers
        count = len(_REGISTERS)
        check(uclib.uc_reg_write_batch(self._uc._uch, self._numbers, self._places, count))

    # -- UARTs -----------------------------------------------------------------------------------

    def map_uarts(self, base: int, size: int) -> None:
        """Map the UARTs' registers into the engine."""
        map_registers(self._uc, base, size, self._library, self._core.value)

    def deliver(self, number: int, data: bytes) -> None:
        """Deliver bytes to a UART."""
        self._library.jz_deliver(self._core, number, data, ctypes.c_size_t(len(data)))

    def held(self, which: str, number: int) -> bytes:
        """Return a UART's "received" bytes not read yet, or "sent" bytes not taken yet."""
        at = ctypes.c_void_p()
        size = getattr(self._library, f"jz_{which}")(self._core, number, ctypes.byref(at))
        return ctypes.string_at(at, size) if size else b""

    def fill(self, number: int, received: bytes, sent: bytes) -> None:
        """Replace the bytes that a UART holds."""
        sizes = ctypes.c_size_t(len(received)), ctypes.c_size_t(len(sent))
        self._library.jz_fill(self._core, number, received, sizes[0], sent, sizes[1])


def map_registers(uc: Uc, base: int, size: int, library: Any, user: int | None) -> None:
    """Map the UARTs' registers of a library into an engine."""
    where = ctypes.c_uint64(base), ctypes.c_size_t(size)
    read, write = address_of(library.jz_read), address_of(library.jz_write)
    check(uclib.uc_mmio_map(uc._uch, *where, read, user, write, user))
