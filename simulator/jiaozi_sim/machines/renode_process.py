"""A Renode process: find the program, start it, end it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from jiaozi_sim.machines import renode_guard
from jiaozi_sim.machines.base import MachineError
from jiaozi_sim.machines.renode_monitor import (
    Monitor,
    MonitorError,
    MonitorGone,
    MonitorTimeout,
)

DIRECTORY_VARIABLE = "RENODE_DIR"
START_SECONDS = 90.0
# In Renode's log. On .NET, Renode ends if a client connects before its server is complete.
_LISTENS = "listening on port {}"
_POLL_SECONDS = 0.2
_END_SECONDS = 10.0
LOG_TAIL = 3000


class RenodeMissing(MachineError):
    """Renode is not installed on this machine."""


def find_program(name: str) -> Path:
    """Find `renode` or `renode-test`: in RENODE_DIR if that is set, else on the PATH.

    Raises:
        RenodeMissing: it is not there.
    """
    directory = os.environ.get(DIRECTORY_VARIABLE)
    found = shutil.which(name, path=directory) if directory else shutil.which(name)
    if found is None:
        where = f"{DIRECTORY_VARIABLE}={directory}" if directory else "on the PATH"
        raise RenodeMissing(f"Renode is not installed: no {name} {where} (make renode-install)")
    return Path(found)


def version() -> str:
    """Return the output of `renode --version` on one line. Raises RenodeMissing."""
    command = [str(find_program("renode")), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return " ".join((done.stdout or done.stderr).split())


def free_ports(count: int) -> list[int]:
    """Return TCP ports of this machine that are free now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class RenodeProcess:
    """One Renode with its monitor; logs go to `directory`, which must exist.

    Renode and its children are killed when this process ends, even by a signal.
    """

    def __init__(self, directory: Path) -> None:
        self.log = directory / "renode.log"
        self._monitor_log = directory / "monitor.log"
        self._guard: subprocess.Popen[bytes] | None = None
        self.monitor: Monitor | None = None

    @property
    def alive(self) -> bool:
        return self._guard is not None and self._guard.poll() is None

    @property
    def pid(self) -> int | None:
        """Process id of Renode's guard (renode_guard.py)."""
        return self._guard.pid if self._guard is not None else None

    def start(self) -> Monitor:
        """Start Renode headless and wait for its monitor.

        Raises:
            RenodeMissing: it is not installed.
            MachineError: it ends, or its monitor does not answer in START_SECONDS.
        """
        renode = find_program("renode")
        [port] = free_ports(1)
        options = ["--disable-gui", "--plain", "--robot-server-port", str(port)]
        command = [sys.executable, renode_guard.__file__, str(renode), *options]
        with self.log.open("ab") as log:
            begin = log.tell()
            self._guard = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, process_group=0
            )
        self.monitor = Monitor(port, self._monitor_log)
        self._wait(self.monitor, begin)
        return self.monitor

    def _wait(self, monitor: Monitor, log_begin: int) -> None:
        end = time.monotonic() + START_SECONDS
        last: MonitorError | str = "its log does not say that it listens"
        listens = False
        while self.alive and time.monotonic() < end:
            listens = listens or self._logged(_LISTENS.format(monitor.port), log_begin)
            try:
                if listens:
                    monitor.execute("version", seconds=10)
                    return
            except (MonitorGone, MonitorTimeout) as error:
                last = error
            time.sleep(_POLL_SECONDS)
        how = "does not answer" if self.alive else "ended"
        self.end()
        raise MachineError(f"Renode {how} ({last}); its log ends with: {self.tail()}")

    def _logged(self, text: str, log_begin: int) -> bool:
        with self.log.open("rb") as log:
            log.seek(log_begin)
            return text.encode() in log.read()

    def tail(self) -> str:
        """Return the end of Renode's log."""
        return self.log.read_text(errors="replace")[-LOG_TAIL:] if self.log.exists() else ""

    def release(self) -> None:
        """Release it for other machines, of which a private Renode has none: end it."""
        self.end()

    def end(self) -> None:
        """Kill Renode if it runs."""
        self.monitor = None
        if self._guard is None:
            return
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        try:
            self._guard.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()
        self._guard = None
