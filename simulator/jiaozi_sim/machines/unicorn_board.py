"""Process of one machine on Unicorn: a core, its wires, and the host's clock.

Run by machines/unicorn.py as `python -m jiaozi_sim.machines.unicorn_board ELF MEMORY COUNTERS
CONTROL UART=FD… [--resume STATE]`. A request on the control socket is two lines, the files for a
snapshot's state and counters; it is answered by one byte, as is the start from a STATE.

There are no interrupts. When the firmware sleeps, the process waits until bytes come or SysTick
would wake it; when the firmware polls an empty UART, its wire is read.
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

from unicorn import UC_HOOK_BLOCK, Uc

from jiaozi_sim.machines.base import ROM_SIZE
from jiaozi_sim.machines.plugin import built
from jiaozi_sim.machines.unicorn_core import PERIPHERALS, PERIPHERALS_SIZE, Core
from jiaozi_sim.machines.unicorn_native import STATE_SIZE, hook, map_registers
from jiaozi_sim.machines.unicorn_state import UART_AT, WORD, CoreState, Store

_FULL = 4096  # bytes in a UART above which its wire is not read
_READ_SIZE = 4096
_DONE = b"."
_UARTS = range(len(UART_AT))


class Native:
    """Binding of `plugin/unicorn_board.c`, one a process."""

    def __init__(self) -> None:
        self.library = library = ctypes.CDLL(str(built("unicorn_board")))
        for name in ("jz_received", "jz_sent"):
            getattr(library, name).restype = ctypes.c_size_t
        library.jz_read_wire.restype = ctypes.c_bool

    def count(self, uc: Uc, counters: Path) -> None:
        """Count this engine's instructions."""
        self._rom = bytes(uc.mem_read(0, ROM_SIZE))
        if self.library.jz_open(os.fsencode(counters), self._rom):
            raise OSError(f"{counters} cannot be mapped")
        hook(uc, UC_HOOK_BLOCK, self.library.jz_block, None, 1, 0)

    def map_uarts(self, uc: Uc) -> None:
        """Map the UARTs' registers into this engine."""
        map_registers(uc, PERIPHERALS, PERIPHERALS_SIZE, self.library, None)

    def held(self, which: str, number: int) -> bytes:
        """Return a UART's "received" bytes not read yet, or "sent" bytes not taken yet."""
        at = ctypes.c_void_p()
        size = getattr(self.library, f"jz_{which}")(number, ctypes.byref(at))
        return ctypes.string_at(at, size) if size else b""


class Board(Core):
    """A core whose NVM is a shared file, whose UARTs are wires, and which counts."""

    def __init__(
        self, elf: Path, memory: mmap.mmap, counters: Path, wires: dict[int, socket.socket]
    ) -> None:
        self._board = Native()
        super().__init__(elf, b"", memory)
        self._memory = memory
        self.clock = time.monotonic
        self.on_store = self._last_store
        self._native.call_at_marks(self._mark)
        self._wires = wires
        self._board.count(self.engine, counters)
        for number, wire in wires.items():
            self._board.library.jz_wire(number, wire.fileno())

    # -- wires -----------------------------------------------------------------------------------

    def _map_uarts(self) -> None:
        self._board.map_uarts(self.engine)

    def _held(self, which: str, number: int) -> bytes:
        return self._board.held(which, number)

    def _fill(self, number: int, received: bytes, sent: bytes) -> None:
        sizes = ctypes.c_size_t(len(received)), ctypes.c_size_t(len(sent))
        self._board.library.jz_fill(number, received, sizes[0], sent, sizes[1])

    def flush(self) -> None:
        """Send the firmware's bytes; those that a far end does not take now stay."""
        self._board.library.jz_flush()

    # -- counting --------------------------------------------------------------------------------

    def _last_store(self, store: Store) -> None:
        if self._board.library.jz_store():
            self._memory[store.offset : store.offset + WORD] = store.new.to_bytes(WORD, "little")
            self.flush()
            os.kill(os.getpid(), signal.SIGKILL)

    def _mark(self, mark: int) -> None:
        self._board.library.jz_mark(mark, self.pc)

    # -- sleep -----------------------------------------------------------------------------------

    def waits(self) -> dict[socket.socket, int]:
        """Return the wires whose bytes wake it: all but those of a full UART."""
        held = self._board.held
        return {w: n for n, w in self._wires.items() if len(held("received", n)) < _FULL}

    def unsent(self) -> list[socket.socket]:
        """Return the wires with bytes that the far end has not taken."""
        return [wire for n, wire in self._wires.items() if self._board.held("sent", n)]

    def read_wire(self, number: int) -> bool:
        """Read a wire that is ready; False if its far end is closed."""
        is_open = bool(self._board.library.jz_read_wire(number))
        if not is_open:
            del self._wires[number]
        return is_open


def sleep(board: Board, control: socket.socket, counters: Path) -> None:
    """Wait until the board has cause to wake, answering requests for snapshots."""
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
        received = [board.read_wire(waits[wire]) for wire in ready]
        awake = awake or any(received)


def answer(board: Board, control: socket.socket, counters: Path) -> None:
    """Write a snapshot to the two files requested; exit if the far end has closed."""
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
    """Continue from a snapshot, as of now."""
    state: CoreState
    state, age = pickle.loads(file.read_bytes())
    board.restore(state, time.monotonic() - age)


def main() -> None:
    """Run until terminated, or until a fault of the firmware."""
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
