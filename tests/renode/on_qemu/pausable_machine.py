"""A QEMU machine with Renode's features: UARTs on TCP ports, resets, pauses."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

from jiaozi_sim.machines.base import BOOT_PAGE
from jiaozi_sim.machines.qemu import QemuMachine


class PausableMachine(QemuMachine):
    """A QEMU machine; boot_page: a file. Call `serve` for each UART before the start."""

    def __init__(self, elf: Path, directory: Path, uarts: Mapping[str, int]) -> None:
        super().__init__(elf, directory, uarts, b"")
        self.boot_page = directory / "none"
        self.paused = False
        self._relays: dict[str, _Relay] = {}

    def serve(self, role: str, port: int) -> None:
        """Serve a UART on a TCP port."""
        self._relays[role] = _Relay(port)

    def _spawn(self, theirs: Mapping[str, socket.socket]) -> subprocess.Popen[bytes]:
        self._write(BOOT_PAGE, self.boot_page.read_bytes())
        return super()._spawn(theirs)

    def go(self, counters: Path) -> None:
        """Apply power, or continue after a pause; `counters` becomes the counter page."""
        if self.running:
            os.kill(self.pid, signal.SIGCONT)
        else:
            self.start()
            counters.unlink()
            counters.hardlink_to(self.counter_path)
            self._rewire()
        self.paused = False

    def pause(self) -> None:
        """Pause until `go`."""
        if self.running:
            os.kill(self.pid, signal.SIGSTOP)
        self.paused = True

    def reset(self) -> None:
        """Reset the processor; keep memory, wires and counters."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        theirs = {}
        for role, wire in self._wires.items():
            wire.close()
            self._wires[role], theirs[role] = socket.socketpair()
        self._process = self._spawn(theirs)
        for end in theirs.values():
            end.close()
        self._rewire()

    def _rewire(self) -> None:
        for role, relay in self._relays.items():
            relay.machine = self._wires[role].dup()

    def close(self) -> None:
        for relay in self._relays.values():
            relay.close()
        super().close()


class _Relay:
    """Relays bytes between the client of a port and the current machine."""

    def __init__(self, port: int) -> None:
        self.machine: socket.socket | None = None
        self._server = socket.create_server(("127.0.0.1", port))
        self._over = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        client: socket.socket | None = None
        while not self._over:
            machine = self.machine
            ends = [end for end in (self._server, client, machine) if end is not None]
            ready, _, _ = select.select(ends, [], [], 0.02)
            if self._server in ready:
                client, _ = self._server.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if client in ready and not self._pass(client, machine):
                client = None
            # After a power cut the wire stays open, as in a pause.
            if machine in ready and not self._pass(machine, client) and self.machine is machine:
                self.machine = None
        for end in (client, self._server):
            if end is not None:
                end.close()

    @staticmethod
    def _pass(source: socket.socket | None, target: socket.socket | None) -> bool:
        data = b""
        with contextlib.suppress(OSError):
            data = source.recv(65536) if source is not None else b""
            if data and target is not None:
                target.setblocking(True)
                target.sendall(data)
        return bool(data)

    def close(self) -> None:
        """Stop listening."""
        self._over = True
        self._thread.join()
