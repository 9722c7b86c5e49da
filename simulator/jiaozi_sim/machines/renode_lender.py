"""Lender of Renode processes, which machines use one after the other.

Starting Renode takes ten times as long as building another machine in a running one. A program that
runs many machines in many processes (a test session) holds a `Lender`; machines of this process and
of its children then borrow from it.

One connection to the lender's socket is one loan. The lender sends one line of JSON: {"port",
"pid", "log", "log_begin"} or {"error"}. The borrower sends RETURNED and closes; if it closes
without that, the lender kills this Renode. If Renode ends, the lender closes the connection.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from jiaozi_sim.machines.base import MachineError
from jiaozi_sim.machines.renode_monitor import Monitor, MonitorError
from jiaozi_sim.machines.renode_process import LOG_TAIL, RenodeProcess

LENDER_VARIABLE = "JIAOZI_RENODE_LENDER"
RETURNED = b"+"
_POLL_SECONDS = 0.05
_END_SECONDS = 10.0
# A payment takes two machines; each uses some 300 MB.
_MAX_IDLE = 2


class Lender:
    """Lends Renodes within a `with` block, to this process and to those it starts there."""

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="jiaozi-renode-"))
        self._lock = threading.Lock()
        self._all: list[RenodeProcess] = []
        self._idle: list[RenodeProcess] = []
        self._loans: list[threading.Thread] = []
        self._closed = False
        self._server = socket.socket(socket.AF_UNIX)

    def __enter__(self) -> Lender:
        path = str(self._home / "socket")
        self._server.bind(path)
        self._server.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        os.environ[LENDER_VARIABLE] = path
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        del os.environ[LENDER_VARIABLE]
        with self._lock:
            self._closed = True
            for renode in self._all:
                renode.end()
        self._server.close()
        for loan in self._loans:
            loan.join(_END_SECONDS)
        shutil.rmtree(self._home, ignore_errors=True)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed at the end
            while True:
                loan, _ = self._server.accept()
                lending = threading.Thread(target=self._lend, args=(loan,), daemon=True)
                self._loans = [each for each in self._loans if each.is_alive()] + [lending]
                lending.start()

    def _lend(self, loan: socket.socket) -> None:
        with loan, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            try:
                renode, log_begin = self._take()
            except MachineError as error:
                loan.sendall(json.dumps({"error": str(error)}).encode() + b"\n")
                return
            returned = False
            try:
                returned = _await_return(loan, renode, log_begin)
            finally:
                self._put(renode, returned)

    def _take(self) -> tuple[RenodeProcess, int]:
        """Return a running Renode, and the offset in its log of the new borrower's part."""
        with self._lock:
            while self._idle:
                renode = self._idle.pop()
                if renode.alive:
                    return renode, renode.log.stat().st_size
            if self._closed:
                raise MachineError("the lender has closed")
            directory = self._home / str(len(self._all))
            directory.mkdir()
            renode = RenodeProcess(directory)
            self._all.append(renode)
        renode.start()
        return renode, 0

    def _put(self, renode: RenodeProcess, returned: bool) -> None:
        if returned and renode.monitor is not None:
            with contextlib.suppress(MonitorError):
                renode.monitor.keyword("ResetEmulation")
                with self._lock:
                    if len(self._idle) < _MAX_IDLE and not self._closed:
                        self._idle.append(renode)
                        return
        renode.end()


def _await_return(loan: socket.socket, renode: RenodeProcess, log_begin: int) -> bool:
    """Describe the Renode to the borrower and wait; True if it was returned, not abandoned."""
    port = renode.monitor.port if renode.monitor is not None else 0
    terms = {"port": port, "pid": renode.pid, "log": str(renode.log), "log_begin": log_begin}
    loan.sendall(json.dumps(terms).encode() + b"\n")
    while renode.alive:
        if select.select([loan], [], [], _POLL_SECONDS)[0]:
            return loan.recv(1) == RETURNED
    return False


class LentRenode:
    """A Renode borrowed from the lender, with the interface of `RenodeProcess`.

    Its log during this loan and the monitor's log go to `directory`.
    """

    def __init__(self, directory: Path) -> None:
        self.log = directory / "renode.log"
        self._monitor_log = directory / "monitor.log"
        self._loan: socket.socket | None = None
        self._terms: dict[str, Any] = {}
        self._log_begin = 0
        self.monitor: Monitor | None = None

    @property
    def alive(self) -> bool:
        """True while the loan lasts; the lender closes it when Renode ends."""
        return self._loan is not None and not select.select([self._loan], [], [], 0)[0]

    @property
    def pid(self) -> int | None:
        """Process id of Renode's guard."""
        return self._terms["pid"] if self._terms else None

    def start(self) -> Monitor:
        """Borrow a Renode. Raises MachineError if it does not start."""
        self.end()
        self._loan = socket.socket(socket.AF_UNIX)
        try:
            self._loan.connect(os.environ[LENDER_VARIABLE])
            with self._loan.makefile("rb") as answer:
                line = answer.readline()
        except OSError as error:
            self.end()
            raise MachineError(f"the lender of Renodes does not answer: {error}") from error
        self._terms = json.loads(line) if line else {"error": "the lender has closed"}
        if "error" in self._terms:
            why, self._terms = self._terms["error"], {}
            self.end()
            raise MachineError(why)
        self._log_begin = self._terms["log_begin"]
        self.monitor = Monitor(self._terms["port"], self._monitor_log)
        return self.monitor

    def tail(self) -> str:
        """Return the end of Renode's log of this loan."""
        self._copy_log()
        return self.log.read_text(errors="replace")[-LOG_TAIL:] if self.log.exists() else ""

    def _copy_log(self) -> None:
        if not self._terms:
            return
        with contextlib.suppress(FileNotFoundError):  # the lender has closed
            with Path(self._terms["log"]).open("rb") as lent:
                lent.seek(self._log_begin)
                new = lent.read()
            self._log_begin += len(new)
            with self.log.open("ab") as file:
                file.write(new)

    def release(self) -> None:
        """Return it to the lender for the next borrower."""
        if self._loan is not None:
            with contextlib.suppress(OSError):  # Renode has ended meanwhile
                self._loan.sendall(RETURNED)
        self.end()

    def end(self) -> None:
        """End the loan; the lender kills this Renode unless it was returned."""
        self.monitor = None
        self._copy_log()
        if self._loan is not None:
            self._loan.close()
        self._loan, self._terms = None, {}


def renode_for(directory: Path) -> RenodeProcess | LentRenode:
    """Return a Renode of the lender, if there is one, else a private one; it is not started."""
    return LentRenode(directory) if LENDER_VARIABLE in os.environ else RenodeProcess(directory)
