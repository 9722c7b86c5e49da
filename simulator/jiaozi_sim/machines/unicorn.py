"""The Unicorn engine: one process per wallet that runs unicorn_board.py (see process.py).

It computes faster than QEMU and has snapshots, but no interrupts: the firmware receives bytes when
it polls a UART or sleeps.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jiaozi_sim.machines.base import MachineError, NotRunning
from jiaozi_sim.machines.counters import CounterPage
from jiaozi_sim.machines.process import ProcessMachine

_CONTROL = "control"
_ANSWER_SECONDS = 10.0


@dataclass(frozen=True)
class UnicornSnapshot:
    """A whole machine in two files, which stay until the machine is closed."""

    state: Path
    counters: Path
    boots: int


class UnicornMachine(ProcessMachine):
    """One emulated board on Unicorn."""

    def __init__(self, elf: Path, directory: Path, uarts: Mapping[str, int], seed: bytes) -> None:
        super().__init__(elf, directory, uarts, seed)
        self._directory = directory
        self._control: socket.socket | None = None
        self._snapshots = 0
        self._resume: Path | None = None

    def _spawn(self, theirs: Mapping[str, socket.socket]) -> subprocess.Popen[bytes]:
        self._control, far = socket.socketpair()
        self._control.settimeout(_ANSWER_SECONDS)
        with far:
            return super()._spawn({**theirs, _CONTROL: far})

    def _command(self, wire_fds: Mapping[str, int]) -> list[str]:
        command = [sys.executable, "-m", "jiaozi_sim.machines.unicorn_board"]
        command += [str(self._elf), str(self._memory), str(self.counter_path)]
        command.append(str(wire_fds[_CONTROL]))
        command += [f"{number}={wire_fds[role]}" for role, number in self._uarts.items()]
        return command if self._resume is None else [*command, "--resume", str(self._resume)]

    def _drop_process(self) -> None:
        super()._drop_process()
        if self._control is not None:
            self._control.close()
            self._control = None

    def snapshot(self) -> UnicornSnapshot:
        """Take a snapshot at the next sleep. Bytes in transit on the wires are not part of it.

        Raises NotRunning; MachineError if it does not sleep in time.
        """
        if not self.running:
            raise NotRunning("the machine has no power")
        self._snapshots += 1
        state = self._directory / f"snapshot-{self._snapshots}.state"
        made = UnicornSnapshot(state, state.with_suffix(".counters"), self._boots)
        self._ask(f"{made.state}\n{made.counters}\n")
        return made

    def _ask(self, request: str) -> None:
        """Send a request to the process and wait for its answer. Raises MachineError."""
        answer, why = b"", "the engine has ended"
        if self._control is not None:
            try:
                self._control.sendall(request.encode())
                answer = self._control.recv(1)
            except OSError as error:
                why = repr(error)
        if not answer:
            raise MachineError(f"no snapshot: {why}\n{self.messages()}")

    def restore(self, snapshot: object) -> None:
        """Continue from a snapshot of this machine, with new wires. Raises MachineError."""
        if not isinstance(snapshot, UnicornSnapshot):
            raise MachineError("that is no snapshot of a Unicorn machine")
        self.cut_power()
        self._page.close()
        self.counter_path.unlink()
        shutil.copyfile(snapshot.counters, self.counter_path)
        self._page = CounterPage(self.counter_path)
        self._boots = snapshot.boots
        self._resume = snapshot.state
        try:
            self._launch()
            self._ask("")  # answered once the state is restored
        finally:
            self._resume = None

    def close(self) -> None:
        super().close()
        for snapshot in self._directory.glob("snapshot-*"):
            snapshot.unlink()
