"""The client of Renode's monitor, tested with a scripted monitor."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jiaozi_sim.machines.renode_monitor import (
    Monitor,
    MonitorError,
    MonitorGone,
    MonitorTimeout,
    path_token,
)
from jiaozi_sim.machines.renode_process import free_ports
from tests.fixtures.renode_fake import FakeRenode, fake_renode


@pytest.fixture
def fake() -> Iterator[FakeRenode]:
    with fake_renode() as made:
        yield made


@pytest.fixture
def monitor(fake: FakeRenode, tmp_path: Path) -> Monitor:
    return Monitor(fake.port, tmp_path / "monitor.log")


def test_a_command_and_what_it_prints(fake: FakeRenode, monitor: Monitor) -> None:
    fake.script["sysbus.cpu ExecutedInstructions"] = "0x00000000000004D2\r\n"
    assert monitor.execute("sysbus.cpu ExecutedInstructions") == "0x00000000000004D2"
    assert monitor.keyword("ResetEmulation") == ""
    assert fake.asked == ["sysbus.cpu ExecutedInstructions", "ResetEmulation"]


def test_a_refusal_says_what_renode_said(
    fake: FakeRenode, monitor: Monitor, tmp_path: Path
) -> None:
    fake.script["machine Load"] = ValueError("no such file: x.repl")
    with pytest.raises(MonitorError, match=r"machine LoadPlatform.*no such file: x\.repl"):
        monitor.execute("machine LoadPlatformDescription @x.repl")
    noted = (tmp_path / "monitor.log").read_text()
    assert "machine LoadPlatformDescription @x.repl" in noted
    assert "no such file: x.repl" in noted


def test_an_unknown_keyword_is_an_error(fake: FakeRenode, monitor: Monitor) -> None:
    def unknown(command: str) -> str:
        raise LookupError(f"no keyword {command}")

    fake.script["DoNothing"] = unknown
    with pytest.raises(MonitorError, match="DoNothing"):
        monitor.keyword("DoNothing")


def test_silence_ends_in_time(fake: FakeRenode, monitor: Monitor) -> None:
    fake.script["emulation RunFor"] = 2.0
    with pytest.raises(MonitorTimeout, match=r"RunFor.*0\.1 s"):
        monitor.execute('emulation RunFor "1"', seconds=0.1)


def test_nobody_there(tmp_path: Path) -> None:
    [port] = free_ports(1)
    with pytest.raises(MonitorGone, match="version"):
        Monitor(port, tmp_path / "log").execute("version")


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 500 Oops\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"],
)
def test_somebody_else_there(tmp_path: Path, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        asked = []

        def drop() -> None:
            with contextlib.suppress(OSError):  # shut down at the end
                while True:
                    connection, _ = server.accept()
                    with connection:
                        asked.append(connection.recv(65536))
                        connection.sendall(answer)

        thread = threading.Thread(target=drop, daemon=True)
        thread.start()
        with pytest.raises(MonitorGone):
            Monitor(server.getsockname()[1], tmp_path / "log").execute("start", seconds=5)
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        assert len(asked) == 1  # a command must not run twice


WHOLE = (
    b"<?xml version='1.0'?><methodResponse><params><param><value><struct><member><name>status"
    b"</name><value><string>PASS</string></value></member></struct></value></param></params>"
    b"</methodResponse>"
)


@contextlib.contextmanager
def serve_once(directory: Path, answer: bytes, then_silent: bool) -> Iterator[Monitor]:
    """Return a monitor whose Renode sends these bytes, then closes or stays silent."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)
                if then_silent:
                    over.wait()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Monitor(server.getsockname()[1], directory / "log")
        over.set()
        thread.join()


def http(body: bytes, length: int) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n\r\n"
    return head.encode() + body


HALVES = {
    "half a status line": b"HTTP/1.",
    "half a header": http(b"", 100)[:40],
    "a head without a body": http(b"", len(WHOLE)),
    "half a body": http(WHOLE[:90], len(WHOLE)),
    "a body without its last byte": http(WHOLE[:-1], len(WHOLE)),
}


@pytest.mark.parametrize("answer", HALVES.values(), ids=HALVES.keys())
def test_half_an_answer_and_no_more(tmp_path: Path, answer: bytes) -> None:
    with (
        serve_once(tmp_path, answer, then_silent=False) as monitor,
        pytest.raises(MonitorGone, match="start"),
    ):
        monitor.execute("start", seconds=5)


@pytest.mark.parametrize("answer", HALVES.values(), ids=HALVES.keys())
def test_half_an_answer_and_silence(tmp_path: Path, answer: bytes) -> None:
    with (
        serve_once(tmp_path, answer, then_silent=True) as monitor,
        pytest.raises(MonitorTimeout, match=r"start.*0\.2 s"),
    ):
        monitor.execute("start", seconds=0.2)


def test_half_an_answer_in_full_length(tmp_path: Path) -> None:
    """The answer has the announced length but is not XML."""
    half = WHOLE[:90]
    with (
        serve_once(tmp_path, http(half, len(half)), then_silent=False) as monitor,
        pytest.raises(MonitorGone, match="not Renode"),
    ):
        monitor.execute("start", seconds=5)


def test_a_whole_answer_from_the_same_server(tmp_path: Path) -> None:
    with serve_once(tmp_path, http(WHOLE, len(WHOLE)), then_silent=True) as monitor:
        assert monitor.execute("start", seconds=5) == ""


def test_an_answer_without_a_status(fake: FakeRenode, monitor: Monitor) -> None:
    fake._do = lambda act, command: {"return": "1"}  # type: ignore[method-assign]
    fake.script["version"] = ""
    with pytest.raises(MonitorGone, match="not Renode"):
        monitor.execute("version")


def test_paths_with_spaces(tmp_path: Path) -> None:
    assert path_token(tmp_path / "a b") == f"@{tmp_path}/a\\ b"
