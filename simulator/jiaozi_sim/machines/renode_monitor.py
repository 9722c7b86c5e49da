"""Client of Renode's monitor, through the server that also serves Robot Framework.

`renode --robot-server-port PORT` answers XML-RPC: `run_keyword(name, [argument…])` returns a struct
with `status` PASS or FAIL, `return`, `error` and `traceback`. Unlike the monitor's terminal it
shows where an answer ends and whether a command failed.
"""

from __future__ import annotations

import http.client
import time
import xmlrpc.client
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from jiaozi_sim.machines.base import MachineError

COMMAND_SECONDS = 60.0
_KEPT = 2000


class MonitorError(MachineError):
    """Renode refused a command; the text has the command and Renode's message."""


class MonitorTimeout(MonitorError):
    """Renode did not answer in time."""


class MonitorGone(MonitorError):
    """There is no answer at Renode's port, or not one of Renode's."""


class _Transport(xmlrpc.client.Transport):
    """A new connection for every request, with a time limit, and no second try."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def make_connection(self, host: object) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(str(host), timeout=self._seconds)

    def request(
        self, host: Any, handler: str, request_body: Any, verbose: bool = False
    ) -> tuple[Any, ...]:
        # The base class retries when the connection drops, but a command must not run twice.
        return self.single_request(host, handler, request_body, verbose)


class Monitor:
    """The monitor of one Renode process.

    Args:
        port: of Renode's robot server on this machine.
        log: takes every command and its answer; created when missing, continued otherwise.
    """

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self._url = f"http://127.0.0.1:{port}/"
        self._log = log

    def execute(self, command: str, seconds: float = COMMAND_SECONDS) -> str:
        """Run one line as typed into the monitor; return what it printed, stripped.

        Raises MonitorError, MonitorTimeout, MonitorGone.
        """
        return self.keyword("ExecuteCommand", command, seconds=seconds)

    def keyword(self, name: str, *arguments: str, seconds: float = COMMAND_SECONDS) -> str:
        """Run a Robot keyword of Renode, such as "ResetEmulation"; return its result as text."""
        asked = " ".join((name, *arguments))
        try:
            answer = self._call(name, arguments, seconds)
        except MonitorError as error:
            self._note(asked, f"{type(error).__name__}: {error}")
            raise
        self._note(asked, answer)
        return answer

    def _call(self, name: str, arguments: tuple[str, ...], seconds: float) -> str:
        asked = " ".join((name, *arguments))
        try:
            with xmlrpc.client.ServerProxy(self._url, _Transport(seconds)) as server:
                answer = server.run_keyword(name, list(arguments))
        except TimeoutError as error:
            raise MonitorTimeout(f"Renode did not answer {asked!r} in {seconds} s") from error
        except xmlrpc.client.Fault as error:
            raise MonitorError(f"Renode refuses {asked!r}: {error.faultString}") from error
        except (ExpatError, xmlrpc.client.Error) as error:
            raise MonitorGone(f"what answers {asked!r} is not Renode: {error}") from error
        except (OSError, http.client.HTTPException) as error:
            raise MonitorGone(f"no answer to {asked!r}: {error!r}") from error
        if not isinstance(answer, dict) or answer.get("status") not in ("PASS", "FAIL"):
            raise MonitorGone(f"what answers {asked!r} is not Renode: {answer!r}")
        if answer["status"] == "FAIL":
            said = str(answer.get("error", "")).strip() or "(no reason given)"
            raise MonitorError(f"Renode fails at {asked!r}: {said}")
        return str(answer.get("return", "")).strip()

    def _note(self, asked: str, answer: str) -> None:
        with self._log.open("a") as file:
            file.write(f"{time.monotonic():.3f} > {asked}\n{answer[:_KEPT]}\n")


def path_token(path: Path) -> str:
    """Return a path in the monitor's syntax."""
    return "@" + str(path.resolve()).replace(" ", r"\ ")
