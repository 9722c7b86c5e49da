"""nfcpy drives the emulated PN532 over a serial port and reads a card through the field.

This is the evidence that the chip model is what other people's software takes for a PN532.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.reader_process import AID, ReaderProcess

nfc = pytest.importorskip("nfc", reason="nfcpy needs libusb-1.0", exc_type=ImportError)
pn532 = pytest.importorskip("nfc.clf.pn532")
transport = pytest.importorskip("nfc.clf.transport")
tt4 = pytest.importorskip("nfc.tag.tt4")

PATIENCE_MS = 2000
"""nfcpy waits 100 ms for an ACK, too short on a busy machine."""
FAST_FWI = 6  # 20 ms, so that lost frames cost little time


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read with a longer time-out."""
    read = transport.TTY.read

    def patiently(self: Any, timeout: int) -> bytearray:
        return read(self, max(timeout, PATIENCE_MS))

    monkeypatch.setattr(transport.TTY, "read", patiently)


@pytest.fixture
def fwi() -> int:
    return 9


@pytest.fixture
def radio(fwi: int) -> Iterator[ReaderProcess]:
    process = ReaderProcess(fwi)
    yield process
    process.close()


def open_reader(radio: ReaderProcess) -> Any:
    """nfcpy's frontend on any serial port, which its path syntax does not allow."""
    frontend = nfc.ContactlessFrontend()
    frontend.device = pn532.init(transport.TTY(radio.path))
    frontend.device._path = radio.path
    return frontend


@pytest.fixture
def reader(radio: ReaderProcess) -> Iterator[Any]:
    frontend = open_reader(radio)
    yield frontend
    frontend.close()


def activate(reader: Any) -> Any:
    target = reader.sense(nfc.clf.RemoteTarget("106A"))
    assert target is not None
    return nfc.tag.activate(reader, target)


@pytest.fixture
def tag(radio: ReaderProcess, reader: Any) -> Any:
    radio.do("place")
    return activate(reader)


def activate_when_there(reader: Any, limit: float = 30.0) -> Any:
    """Activate a card whose host may still be in the last tap."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        target = reader.sense(nfc.clf.RemoteTarget("106A"))
        if target is not None:
            return nfc.tag.activate(reader, target)
    raise AssertionError("the card does not come back")


def echo(data: bytes) -> bytes:
    return b"\x80\x10\x00\x00\x00" + len(data).to_bytes(2, "big") + data + b"\x00\x00"


def test_nfcpy_takes_the_model_for_a_pn532_and_raises_the_baud_rate(
    radio: ReaderProcess, reader: Any
) -> None:
    assert reader.device.chipset_name == "PN532v1.6"
    assert radio.do("state")["baud"] == 921600
    reader.close()
    assert radio.do("state")["baud"] == 115200


def test_the_port_can_be_opened_again_and_again(radio: ReaderProcess) -> None:
    for _ in range(3):
        open_reader(radio).close()


def test_an_empty_field_holds_no_target(reader: Any) -> None:
    assert reader.sense(nfc.clf.RemoteTarget("106A")) is None


def test_select_and_short_apdus(radio: ReaderProcess, tag: Any) -> None:
    assert isinstance(tag, tt4.Type4ATag)
    assert tag.send_apdu(0, 0xA4, 4, 0, AID, 256) == b""
    assert tag.send_apdu(0x80, 0x10, 0, 0, b"jiaozi", 256) == b"jiaozi"
    assert tag.is_present


@pytest.mark.parametrize("size", [253, 254, 300, 1000, 1500])
def test_extended_apdus_both_ways(
    radio: ReaderProcess, tag: Any, rng: random.Random, size: int
) -> None:
    data = rng.randbytes(size)
    assert tag.transceive(echo(data)) == data + b"\x90\x00"
    tap = radio.do("state")["tap"]
    assert (tap["exchanges"], tap["apdu_bytes"]) == (1, 2 * size + 9 + 2)
    assert tap["frame_bytes"] > tap["apdu_bytes"]


def test_a_card_pulled_away_ends_the_tap_and_comes_back(
    radio: ReaderProcess, reader: Any, tag: Any
) -> None:
    radio.do("remove", after=0.03)
    with pytest.raises(tt4.Type4TagCommandError):
        tag.transceive(echo(bytes(1500)))
    assert not tag.is_present
    assert reader.sense(nfc.clf.RemoteTarget("106A")) is None
    radio.do("place")
    assert activate(reader).transceive(echo(b"again")) == b"again\x90\x00"


def test_a_slow_card_is_waited_for(radio: ReaderProcess, tag: Any) -> None:
    radio.do("card", processing=0.3, auto_wtx=True)
    start = time.monotonic()
    assert tag.transceive(echo(b"slow")) == b"slow\x90\x00"
    assert time.monotonic() - start >= 0.3
    assert "WTX" in radio.do("state")["kinds"]


class TestChipAsCard:
    """The card is a second PN532 with ISO-DEP in the chip, tested by nfcpy's block protocol."""

    @pytest.fixture
    def tag(self, radio: ReaderProcess, reader: Any) -> Any:
        radio.do("place_chip")
        return activate(reader)

    @pytest.mark.parametrize("size", [1, 61, 250, 1500])
    def test_apdus_both_ways(self, tag: Any, rng: random.Random, size: int) -> None:
        assert tag.send_apdu(0, 0xA4, 4, 0, AID, 256) == b""
        data = rng.randbytes(size)
        assert tag.transceive(echo(data)) == data + b"\x90\x00"

    def test_a_slow_wallet_is_kept_alive_by_the_chip(self, radio: ReaderProcess, tag: Any) -> None:
        radio.do("card", processing=1.2, auto_wtx=True)
        assert tag.transceive(echo(b"slow")) == b"slow\x90\x00"
        assert radio.do("state")["kinds"].count("WTX") >= 14

    def test_without_the_chips_help_it_fails_cleanly(
        self, radio: ReaderProcess, reader: Any, tag: Any
    ) -> None:
        radio.do("card", processing=6.0, auto_wtx=False)  # nfcpy asks six times, 0.2 s each
        with pytest.raises(tt4.Type4TagCommandError):
            tag.transceive(echo(b"slow"))
        radio.do("card", processing=0.0, auto_wtx=True)
        assert activate_when_there(reader).transceive(echo(b"again")) == b"again\x90\x00"

    def test_pulled_away_and_back(self, radio: ReaderProcess, reader: Any, tag: Any) -> None:
        radio.do("remove_chip")
        with pytest.raises(tt4.Type4TagCommandError):
            tag.transceive(echo(b"gone"))
        radio.do("place_chip")
        assert activate_when_there(reader).transceive(echo(b"again")) == b"again\x90\x00"


class TestWithShortWaits:
    """Cards whose frame waiting time is 20 ms."""

    @pytest.fixture
    def fwi(self) -> int:
        return FAST_FWI

    def test_a_slow_card_that_asks_for_no_time_fails_cleanly(
        self, radio: ReaderProcess, reader: Any, tag: Any
    ) -> None:
        radio.do("card", processing=0.3, auto_wtx=False)
        with pytest.raises(tt4.Type4TagCommandError):
            tag.transceive(echo(b"slow"))
        assert "WTX" not in radio.do("state")["kinds"]
        radio.do("card", processing=0.0, auto_wtx=True)
        assert activate(reader).transceive(echo(b"again")) == b"again\x90\x00"

    @pytest.mark.parametrize("loss_seed", [1, 2])  # nfcpy gives up after five: not any seed goes
    def test_ten_percent_frame_loss_is_recovered(
        self, radio: ReaderProcess, tag: Any, loss_seed: int, rng: random.Random
    ) -> None:
        radio.do("fault", action="lose", rate=0.1, seed=loss_seed)
        for size in (1, 40, 250, 600):
            data = rng.randbytes(size)
            for _ in range(3):
                assert tag.transceive(echo(data)) == data + b"\x90\x00"
        assert radio.do("heal") > 0
