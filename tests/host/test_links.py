"""The link through nfcpy to an emulated PN532, and its errors."""

from __future__ import annotations

import os
import pty
import threading
from collections.abc import Iterator

import pytest

from jiaozi.wire import apdu
from jiaozi_host.errors import CardGone, ForeignCard, NoCard, ReaderMissing
from jiaozi_host.links import READER_VARIABLE, Link, enumerate_readers, nfc, open_link
from jiaozi_host.wallet import WalletClient
from tests.fixtures.reader_process import ReaderProcess


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(nfc.PATIENCE_VARIABLE, "20")


@pytest.fixture
def radio() -> Iterator[ReaderProcess]:
    process = ReaderProcess(fwi=6)
    yield process
    process.close()


@pytest.fixture
def link(radio: ReaderProcess) -> Iterator[Link]:
    with open_link(radio.path) as opened:
        yield opened


def echo(data: bytes) -> bytes:
    """Make the echo command of the test card."""
    return apdu.build_command(0x80, 0x10, 0, 0, data, apdu.LE_ANY)


@pytest.mark.parametrize("size", [1, 255, 256, 2000])
def test_apdus_go_through_short_and_extended(radio: ReaderProcess, link: Link, size: int) -> None:
    radio.do("place")
    link.wait_for_card(5)
    data = bytes(at & 0xFF for at in range(size))
    assert link.exchange(echo(data)) == data + b"\x90\x00"


def test_a_card_may_pause_within_a_long_answer(radio: ReaderProcess, link: Link) -> None:
    radio.do("place_chip")
    radio.do("card", processing=0.0, auto_wtx=True, pause=0.3)
    link.wait_for_card(5)
    data = bytes(at & 0xFF for at in range(600))
    assert link.exchange(echo(data)) == data + b"\x90\x00"
    assert "WTX" in radio.do("state")["kinds"]


def test_waiting_tells_the_time_that_is_left(radio: ReaderProcess, link: Link) -> None:
    left: list[float] = []
    with pytest.raises(NoCard, match=r"within 0\.3 s"):
        link.wait_for_card(0.3, left.append)
    assert left == sorted(left, reverse=True)
    assert 0 < left[0] <= 0.3


def test_a_card_that_leaves_is_gone_and_may_come_back(radio: ReaderProcess, link: Link) -> None:
    radio.do("place")
    link.wait_for_card(5)
    assert link.card_present()
    radio.do("remove")
    assert not link.card_present()
    with pytest.raises(CardGone):
        link.exchange(echo(b"x"))
    with pytest.raises(CardGone):
        link.exchange(echo(b"x"))
    radio.do("place")
    link.wait_for_card(5)
    assert link.exchange(echo(b"x")) == b"x\x90\x00"


def test_an_exchange_before_a_card_came_is_refused(link: Link) -> None:
    with pytest.raises(CardGone, match="no card"):
        link.exchange(echo(b"x"))


def test_a_card_with_another_application_is_foreign(radio: ReaderProcess, link: Link) -> None:
    radio.do("place")
    link.wait_for_card(5)
    with pytest.raises(ForeignCard):
        WalletClient(link).select()


def test_a_reader_that_is_unplugged_is_told(radio: ReaderProcess, link: Link) -> None:
    radio.do("place")
    link.wait_for_card(5)
    radio.close()
    with pytest.raises(ReaderMissing, match="stopped answering"):
        link.exchange(echo(b"x"))


def test_a_port_where_nobody_answers_is_no_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(nfc.PATIENCE_VARIABLE)
    master, slave = pty.openpty()
    try:
        with pytest.raises(ReaderMissing, match="no PN532 answers"):
            open_link(os.ttyname(slave))
    finally:
        os.close(master)
        os.close(slave)


def test_half_a_frame_is_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(nfc.PATIENCE_VARIABLE)
    master, slave = pty.openpty()
    writer = threading.Timer(0.02, os.write, [master, b"\x00\x00\xff"])
    writer.start()
    try:
        with pytest.raises(ReaderMissing):
            open_link(os.ttyname(slave))
    finally:
        writer.join()
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize("path", ["/dev/x; echo", "/dev/$(id)", "usb nonsense", "/dev/a`b`"])
def test_a_path_with_what_a_shell_reads_is_refused(path: str) -> None:
    with pytest.raises(ReaderMissing, match="is not the path of a reader"):
        open_link(path)


def test_nfcpys_own_paths_are_tried_by_nfcpy() -> None:
    with pytest.raises(ReaderMissing, match="no reader at tty:USB9:pn532"):
        open_link("tty:USB9:pn532")


def test_the_reader_comes_from_the_environment(
    radio: ReaderProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(READER_VARIABLE, radio.path)
    with open_link() as link:
        assert link.name == radio.path


def test_no_reader_at_all_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(READER_VARIABLE, raising=False)
    monkeypatch.setattr(nfc, "enumerate_readers", list)
    assert enumerate_readers() == []
    with pytest.raises(ReaderMissing, match="no reader was found"):
        open_link()


@pytest.mark.parametrize("text", ["0", "many", "1000"])
def test_patience_has_bounds(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(nfc.PATIENCE_VARIABLE, text)
    with pytest.raises(ReaderMissing, match=nfc.PATIENCE_VARIABLE):
        nfc.patience()


def test_apdus_never_reach_a_log(
    radio: ReaderProcess, link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    caplog.set_level(1, logger="nfc")  # as in a search for a fault
    radio.do("place")
    link.wait_for_card(5)
    link.exchange(echo(b"2468"))
    assert "32343638" not in caplog.text
