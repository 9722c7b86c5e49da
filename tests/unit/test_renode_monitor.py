"""The client of Renode's monitor against a scripted one."""

from __future__ import annotations

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
from tests.unit.renode_fake import FakeRenode, fake_renode


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
            while True:
                connection, _ = server.accept()
                asked.append(connection.recv(65536))
                connection.sendall(answer)
                connection.close()

        threading.Thread(target=drop, daemon=True).start()
        with pytest.raises(MonitorGone):
            Monitor(server.getsockname()[1], tmp_path / "log").execute("start", seconds=5)
        assert len(asked) == 1  # a command must not run twice


def test_an_answer_without_a_status(fake: FakeRenode, monitor: Monitor) -> None:
    fake._do = lambda act, command: {"return": "1"}  # type: ignore[method-assign]
    fake.script["version"] = ""
    with pytest.raises(MonitorGone, match="not Renode"):
        monitor.execute("version")


def test_paths_with_spaces(tmp_path: Path) -> None:
    assert path_token(tmp_path / "a b") == f"@{tmp_path}/a\\ b"
