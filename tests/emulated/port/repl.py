"""A debug image on an emulated board, and Python run on it through the REPL of its log UART."""

from __future__ import annotations

import contextlib
import select
import time
from pathlib import Path

from jiaozi_sim.machines.engines import make_machine, patience

INTERRUPT, RAW, EXECUTE, SOFT_RESET = b"\x03", b"\x01", b"\x04", b"\x04"
UARTS = {"host": 0, "nfc": 1, "bridge": 2, "contact": 3, "log": 4}


class DeviceError(Exception):
    """Code run on the device raised; the text is its traceback."""


class Repl:
    """One emulated board with a debug image.

    The application starts first, is interrupted, and the interpreter starts anew without it: tests
    find an empty heap.
    """

    def __init__(
        self, elf: Path, directory: Path, seed: bytes = b"a port test", engine: str | None = None
    ) -> None:
        self.machine = make_machine(elf, directory, UARTS, seed, engine)
        self.memory = directory / "memory.bin"
        self._received = b""

    def start(self) -> None:
        """Apply power and enter the raw REPL."""
        self.machine.start()
        self.restarted()

    def restarted(self) -> None:
        """Enter the raw REPL of a board that has just started."""
        self._received = b""
        self._until(b">>> ", again=INTERRUPT)
        self.send("log", RAW)
        self._until(b"raw REPL; CTRL-B to exit\r\n>")
        self.send("log", SOFT_RESET)
        self._until(b"raw REPL; CTRL-B to exit\r\n>")
        self._discard()

    def _discard(self) -> None:
        # What the application sent meanwhile; unread it would soon block the board's transmitters.
        for role, wire in self.machine.wires.items():
            with contextlib.suppress(BlockingIOError):
                while role != "log" and wire.recv(65536):
                    pass

    def begin(self, code: str) -> None:
        """Have `code` executed; `end` waits for it."""
        self.send("log", code.encode() + EXECUTE)
        self._until(b"OK")

    def end(self, seconds: float = 30) -> str:
        """What the code printed. Raises DeviceError when it raised."""
        printed = self._until(b"\x04", seconds)
        raised = self._until(b"\x04", seconds)
        self._until(b">")
        if raised:
            raise DeviceError(raised.decode())
        return printed.decode().replace("\r\n", "\n")

    def run(self, code: str, seconds: float = 30) -> str:
        """Execute `code` and return what it printed."""
        self.begin(code)
        return self.end(seconds)

    def send(self, role: str, data: bytes) -> None:
        """All of `data` down a wire."""
        wire = self.machine.wires[role]
        while data:
            select.select([], [wire], [], 10)
            data = data[wire.send(data) :]

    def receive(self, role: str, size: int, seconds: float = 10) -> bytes:
        """Exactly `size` bytes from a wire. Raises TimeoutError with what came instead."""
        wire, data, end = self.machine.wires[role], b"", time.monotonic() + seconds * patience()
        while len(data) < size:
            ready, _, _ = select.select([wire], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise TimeoutError(f"{role} gave {data!r}")
            data += wire.recv(size - len(data))
        return data

    def log(self, until: bytes, seconds: float = 10) -> bytes:
        """The log up to and with `until`."""
        return self._until(until, seconds)

    def _until(self, pattern: bytes, seconds: float = 10, again: bytes = b"") -> bytes:
        # `again` is repeated while waiting: an interrupt sent too early has nobody to interrupt.
        wire, end = self.machine.wires["log"], time.monotonic() + seconds * patience()
        while pattern not in self._received:
            if time.monotonic() > end:
                raise TimeoutError(f"no {pattern!r} in {self._received[-300:]!r}")
            if again:
                self.send("log", again)
                self._discard()
            ready, _, _ = select.select([wire], [], [], 0.05)
            if ready:
                data = wire.recv(4096)
                if not data:
                    raise EOFError(f"the machine died after {self._received[-300:]!r}")
                self._received += data
        found, _, self._received = self._received.partition(pattern)
        return found
