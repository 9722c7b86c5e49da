"""A scripted stand-in for Renode's robot server: XML-RPC over HTTP, as much as the client uses."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer

Answer = Callable[[str, list[str]], dict[str, Any]]


class _Server(ThreadingMixIn, SimpleXMLRPCServer):
    daemon_threads = True


class FakeRenode:
    """Remembers what it was asked; `script` maps a command's beginning to what happens.

    A value is the text to return, an exception to fail with as Renode does, a number of seconds to
    sleep first, or a function that does more and returns the text.
    """

    def __init__(self, port: int = 0) -> None:
        self.asked: list[str] = []
        self.script: dict[str, str | Exception | float | Callable[[str], str]] = {}
        self._server = _Server(
            ("127.0.0.1", port), SimpleXMLRPCRequestHandler, logRequests=False, allow_none=True
        )
        self._server.register_function(self._run, "run_keyword")
        self.port = self._server.server_address[1]

    def _run(self, keyword: str, arguments: list[str]) -> dict[str, Any]:
        command = " ".join([keyword, *arguments]).removeprefix("ExecuteCommand ")
        self.asked.append(command)
        for beginning, act in self.script.items():
            if command.startswith(beginning):
                return self._do(act, command)
        return {"status": "PASS", "return": "\r\n"}

    def _do(self, act: Any, command: str) -> dict[str, Any]:
        if isinstance(act, Exception):
            error = f"KeywordException: {act}\n"
            return {"status": "FAIL", "error": error, "traceback": "at Antmicro"}
        if isinstance(act, float):
            time.sleep(act)
            return {"status": "PASS", "return": ""}
        return {"status": "PASS", "return": act(command) if callable(act) else act}

    def serve(self) -> None:
        """Answer until `stop`."""
        self._server.serve_forever(poll_interval=0.01)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def fake_renode() -> Iterator[FakeRenode]:
    """One that answers as long as the block."""
    fake = FakeRenode()
    thread = threading.Thread(target=fake.serve, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.stop()
        thread.join()
