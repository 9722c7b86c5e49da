"""The process of one machine on Unicorn: a core, its wires, and the host's clock.

Run by machines/unicorn.py as `python -m jiaozi_sim.machines.unicorn_board ELF MEMORY COUNTERS
CONTROL UART=FD… [--resume STATE]`. Over the control socket come pairs of lines, the files for a
snapshot's state and counters, each pair answered by one byte; so is a STATE to go on from.

Unicorn interrupts nothing. When the firmware sleeps, the process waits until bytes come or SysTick
would wake it; when the firmware looks at a UART that has nothing, its wire is read.
"""

from __future__ import annotations

import argparse
import ctypes
import mmap
import os
import pickle
import select
import shutil
import signal
import socket
import time
from pathlib import Path
from typing import Any

from unicorn import UC_HOOK_BLOCK, UC_PROT_ALL, Uc, UcError
from unicorn import arm_const as arm
from unicorn.unicorn_py3.unicorn import uclib

from jiaozi_sim.machines.base import NVM_BASE
from jiaozi_sim.machines.plugin import built
from jiaozi_sim.machines.unicorn_core import (
    PERIPHERALS,
    PERIPHERALS_SIZE,
    ROM_SIZE,
    STATE_SIZE,
    Core,
)
from jiaozi_sim.machines.unicorn_state import UART_AT, CoreState, Store, Wiring

_HELD = 4096  # bytes in a UART that the firmware leaves full
_READ_SIZE = 4096
_DONE = b"."
_UARTS = range(len(UART_AT))


class Native:
    """`plugin/unicorn_board.c`, one a process."""

    def __init__(self) -> None:
        self.library = library = ctypes.CDLL(str(built("unicorn_board")))
        for name in ("jz_received", "jz_sent"):
            getattr(library, name).restype = ctypes.c_size_t
        library.jz_hear.restype = ctypes.c_bool

    def hook(self, uc: Uc, counters: Path) -> None:
        """Count what this engine executes. The binding could hook Python functions only."""
        self._rom = bytes(uc.mem_read(0, ROM_SIZE))
        if self.library.jz_open(os.fsencode(counters), self._rom):
            raise OSError(f"{counters} cannot be mapped")
        hook = ctypes.c_size_t()
        block = ctypes.cast(self.library.jz_block, ctypes.c_void_p)
        everywhere = (ctypes.c_uint64(1), ctypes.c_uint64(0))
        where = ctypes.byref(hook)
        _check(uclib.uc_hook_add(uc._uch, where, UC_HOOK_BLOCK, block, None, *everywhere))

    def map_uarts(self, uc: Uc) -> None:
        """Put the UARTs' registers into this engine."""
        read, write = (
            ctypes.cast(function, ctypes.c_void_p)
            for function in (self.library.jz_read, self.library.jz_write)
        )
        where = (ctypes.c_uint64(PERIPHERALS), ctypes.c_size_t(PERIPHERALS_SIZE))
        _check(uclib.uc_mmio_map(uc._uch, *where, read, None, write, None))

    def held(self, which: str, number: int) -> bytes:
        """What a UART has "received" and nobody read, or "sent" and nobody took."""
        at = ctypes.c_void_p()
        size = getattr(self.library, f"jz_{which}")(number, ctypes.byref(at))
        return ctypes.string_at(at, size) if size else b""


def _check(status: Any) -> None:
    if status:
        raise UcError(status)


class Board(Core):
    """A core whose NVM is a shared file, whose UARTs are wires, and which counts."""

    def __init__(
        self, elf: Path, memory: mmap.mmap, counters: Path, wires: dict[int, socket.socket]
    ) -> None:
        self._memory = memory
        self._native = Native()
        super().__init__(elf, b"")
        self.clock = time.monotonic
        self.on_store = self._stored
        self._wires = wires
        self._native.hook(self.engine, counters)
        for number, wire in wires.items():
            self._native.library.jz_wire(number, wire.fileno())

    def _map_state(self, uc: Uc) -> None:
        address = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        uc.mem_map_ptr(NVM_BASE, STATE_SIZE, UC_PROT_ALL, address)

    def _map_uarts(self, uc: Uc) -> None:
        self._native.map_uarts(uc)

    # -- wires -----------------------------------------------------------------------------------

    @property
    def wiring(self) -> Wiring:
        """UARTs and SysTick; a UART's bytes are in it only as it is set, and in a snapshot."""
        return self._wiring

    @wiring.setter
    def wiring(self, wiring: Wiring) -> None:
        self._wiring = wiring
        for number, (came, went) in enumerate(zip(wiring.received, wiring.sent, strict=True)):
            sizes = ctypes.c_size_t(len(came)), ctypes.c_size_t(len(went))
            fill = self._native.library.jz_fill
            fill(number, bytes(came), sizes[0], bytes(went), sizes[1])

    def snapshot(self) -> CoreState:
        wiring = self._wiring
        wiring.received = [bytearray(self._native.held("received", n)) for n in _UARTS]
        wiring.sent = [bytearray(self._native.held("sent", n)) for n in _UARTS]
        return super().snapshot()

    def flush(self) -> None:
        """Send what the firmware sent; what a far end does not take now waits."""
        self._native.library.jz_flush()

    # -- counting --------------------------------------------------------------------------------

    def _stored(self, store: Store) -> None:
        if self._native.library.jz_store():
            self._memory[store.offset : store.offset + 4] = store.new.to_bytes(4, "little")
            self.flush()
            os.kill(os.getpid(), signal.SIGKILL)

    def _mark_store(
        self, uc: Uc, access: int, address: int, size: int, value: int, data: object
    ) -> None:
        self._leave_it_block()
        self._native.library.jz_mark(value, uc.reg_read(arm.UC_ARM_REG_PC))

    # -- sleep -----------------------------------------------------------------------------------

    def waits(self) -> dict[socket.socket, int]:
        """The wires whose bytes wake it: not those of a UART that is left full."""
        held = self._native.held
        return {w: n for n, w in self._wires.items() if len(held("received", n)) < _HELD}

    def unsent(self) -> list[socket.socket]:
        """The wires whose far end has not taken all."""
        return [wire for n, wire in self._wires.items() if self._native.held("sent", n)]

    def hear(self, number: int) -> bool:
        """Read a wire that is ready; whether there was anything, or its far end is gone."""
        heard = bool(self._native.library.jz_hear(number))
        if not heard:
            del self._wires[number]
        return heard


def sleep(board: Board, control: socket.socket, counters: Path) -> None:
    """Until the board has cause to wake; meanwhile it may be asked for snapshots."""
    awake = False
    while not awake:
        moment = board.wakes_at()
        timeout = None if moment is None else max(0.0, moment - time.monotonic())
        waits, unsent = board.waits(), board.unsent()
        ready, takers, _ = select.select([*waits, control], unsent, [], timeout)
        if takers:
            board.flush()
        if control in ready:
            ready.remove(control)
            answer(board, control, counters)
        elif not (ready or takers):
            awake = True  # by SysTick
        heard = [board.hear(waits[wire]) for wire in ready]
        awake = awake or any(heard)


def answer(board: Board, control: socket.socket, counters: Path) -> None:
    """Write a snapshot where the next two lines say. The far end's end is ours."""
    asked = b""
    while asked.count(b"\n") < 2:
        data = control.recv(_READ_SIZE)
        if not data:
            os._exit(0)
        asked += data
    state, copied = asked.decode().splitlines()
    Path(state).write_bytes(pickle.dumps((board.snapshot(), board.age)))
    shutil.copyfile(counters, copied)
    control.sendall(_DONE)


def resume(board: Board, file: Path) -> None:
    """Be where the snapshot was, now."""
    state: CoreState
    state, age = pickle.loads(file.read_bytes())
    board.restore(state, time.monotonic() - age)


def main() -> None:
    """Until somebody kills us, or the firmware does what no hardware would do."""
    parser = argparse.ArgumentParser()
    for name in ("elf", "memory", "counters"):
        parser.add_argument(name, type=Path)
    parser.add_argument("control", type=int)
    parser.add_argument("wires", nargs="*")
    parser.add_argument("--resume", type=Path)
    asked = parser.parse_args()
    control = socket.socket(fileno=asked.control)
    pairs = (wire.split("=") for wire in asked.wires)
    wires = {int(number): socket.socket(fileno=int(fd)) for number, fd in pairs}
    with asked.memory.open("r+b") as file:
        memory = mmap.mmap(file.fileno(), STATE_SIZE)
    board = Board(asked.elf, memory, asked.counters, wires)
    if asked.resume is None:
        board.reset(time.monotonic())
    else:
        resume(board, asked.resume)
        control.sendall(_DONE)
        sleep(board, control, asked.counters)
    while True:
        board.execute(time.monotonic())
        board.flush()
        if board.reset_by_itself:
            board.reset(time.monotonic())
        else:
            sleep(board, control, asked.counters)


if __name__ == "__main__":
    main()
