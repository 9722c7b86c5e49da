"""Renodes that go from one machine to the next instead of starting anew each time.

Starting Renode and having it translate its own code costs ten times what building one more machine
costs. Whoever runs many machines, one after the other and in many processes (a test session), holds
a `Lender`; machines of this process and of all its children then borrow from it.

One connection to the lender's socket is one loan. The lender sends one line of JSON: {"port",
"pid", "log", "log_begin"} or {"error"}. The borrower sends GIVEN_BACK and closes; if it closes or
dies without, that Renode is ended. If Renode ends, the lender closes.
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
GIVEN_BACK = b"+"
_LOOK_SECONDS = 0.05
_END_SECONDS = 10.0
# A payment takes two; each has some 300 MB.
_MOST_IDLE = 2


class Lender:
    """Lends Renodes for the `with` block, to this process and to those it starts in the block."""

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
            given_back = False
            try:
                given_back = _until_returned(loan, renode, log_begin)
            finally:
                self._put(renode, given_back)

    def _take(self) -> tuple[RenodeProcess, int]:
        """A Renode that runs, and where in its log the new borrower's part begins."""
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

    def _put(self, renode: RenodeProcess, given_back: bool) -> None:
        if given_back and renode.monitor is not None:
            with contextlib.suppress(MonitorError):
                renode.monitor.keyword("ResetEmulation")
                with self._lock:
                    if len(self._idle) < _MOST_IDLE and not self._closed:
                        self._idle.append(renode)
                        return
        renode.end()


def _until_returned(loan: socket.socket, renode: RenodeProcess, log_begin: int) -> bool:
    """Hand over and wait; whether it came back in order."""
    port = renode.monitor.port if renode.monitor is not None else 0
    told = {"port": port, "pid": renode.pid, "log": str(renode.log), "log_begin": log_begin}
    loan.sendall(json.dumps(told).encode() + b"\n")
    while renode.alive:
        if select.select([loan], [], [], _LOOK_SECONDS)[0]:
            return loan.recv(1) == GIVEN_BACK
    return False


class LentRenode:
    """A Renode of the lender's; what `RenodeProcess` is otherwise.

    Its own log and the commands of this loan go to `directory`.
    """

    def __init__(self, directory: Path) -> None:
        self.log = directory / "renode.log"
        self._monitor_log = directory / "monitor.log"
        self._loan: socket.socket | None = None
        self._told: dict[str, Any] = {}
        self._log_begin = 0
        self.monitor: Monitor | None = None

    @property
    def alive(self) -> bool:
        """Whether the loan lasts; the lender closes it when Renode ends."""
        return self._loan is not None and not select.select([self._loan], [], [], 0)[0]

    @property
    def pid(self) -> int | None:
        """The process that Renode lives and dies with."""
        return self._told["pid"] if self._told else None

    def start(self) -> Monitor:
        """Borrow one. Raises MachineError: Renode does not start."""
        self.end()
        self._loan = socket.socket(socket.AF_UNIX)
        try:
            self._loan.connect(os.environ[LENDER_VARIABLE])
            with self._loan.makefile("rb") as answer:
                line = answer.readline()
        except OSError as error:
            self.end()
            raise MachineError(f"nobody lends a Renode: {error}") from error
        self._told = json.loads(line) if line else {"error": "the lender has closed"}
        if "error" in self._told:
            why, self._told = self._told["error"], {}
            self.end()
            raise MachineError(why)
        self._log_begin = self._told["log_begin"]
        self.monitor = Monitor(self._told["port"], self._monitor_log)
        return self.monitor

    def tail(self) -> str:
        """The end of Renode's own log, as far as it is of this machine."""
        self._keep_log()
        return self.log.read_text(errors="replace")[-LOG_TAIL:] if self.log.exists() else ""

    def _keep_log(self) -> None:
        if not self._told:
            return
        with contextlib.suppress(FileNotFoundError):  # the lender has closed
            with Path(self._told["log"]).open("rb") as lent:
                lent.seek(self._log_begin)
                said = lent.read()
            self._log_begin += len(said)
            with self.log.open("ab") as file:
                file.write(said)

    def give_back(self) -> None:
        """It may serve somebody else."""
        if self._loan is not None:
            with contextlib.suppress(OSError):  # it has ended meanwhile
                self._loan.sendall(GIVEN_BACK)
        self.end()

    def end(self) -> None:
        """Have it killed, unless it was given back."""
        self.monitor = None
        self._keep_log()
        if self._loan is not None:
            self._loan.close()
        self._loan, self._told = None, {}


def renode_for(directory: Path) -> RenodeProcess | LentRenode:
    """The lender's, where there is one; else a Renode of one's own. Not started."""
    return LentRenode(directory) if LENDER_VARIABLE in os.environ else RenodeProcess(directory)
