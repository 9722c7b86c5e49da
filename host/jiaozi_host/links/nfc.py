"""Contactless readers through nfcpy: a PN532 by its device path, or a reader nfcpy finds.

nfcpy's own serial paths only match names in /dev, so a device given by path (also a pty) is opened
here and passed to nfcpy. Its `send_apdu` supports short lengths only, so APDUs go through the tag's
`transceive`.

On a busy machine an emulated reader may answer later than nfcpy allows (100 ms for an ACK). The
environment variable JIAOZI_NFC_PATIENCE multiplies nfcpy's read time-outs on a UART. Leave it unset
for hardware.
"""

from __future__ import annotations

import errno
import glob
import logging
import os
import re
import termios
import time
from typing import Any

from jiaozi_host.errors import CardGone, ForeignCard, NoCard, ReaderMissing
from jiaozi_host.links import Link, Progress

try:
    import nfc
    import nfc.clf
    import nfc.clf.device
    import nfc.clf.pn532
    import nfc.clf.transport
    import nfc.tag
    import nfc.tag.tt4
except (ImportError, OSError) as missing:  # without libusb; nfcpy needs it for serial readers too
    raise ReaderMissing(
        f"nfcpy cannot be loaded: {missing}",
        "install libusb-1.0 (Debian: apt-get install libusb-1.0-0)",
    ) from missing

# Exceptions that nfcpy and pyserial raise when the reader is unplugged.
_LOST = (OSError, nfc.clf.pn532.Chipset.Error, termios.error)

PATIENCE_VARIABLE = "JIAOZI_NFC_PATIENCE"

_SERIAL = (
    "/dev/serial/by-id/*",
    "/dev/ttyUSB*",
    "/dev/ttyACM*",
    "/dev/cu.usbserial*",
    "/dev/cu.usbmodem*",
)

# nfcpy passes the path to a shell (stty), so shell syntax is refused.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./:+@%=-]+")

# Pause between two polls, in seconds.
_PAUSE = 0.05

# First byte of S(WTX), a waiting time extension (ISO/IEC 14443-4, 7.3), without its block number.
_S_WTX = 0xF2

# Longest total wait for an answer, S(WTX) included, in seconds. A wallet needs less than one.
LONGEST_ANSWER = 20.0


class _PatientTty(nfc.clf.transport.TTY):
    """nfcpy's serial transport with longer time-outs; an incomplete frame is an I/O error."""

    def __init__(self, port: str, patience: float) -> None:
        self._patience = patience
        super().__init__(port)

    def read(self, timeout: float) -> bytearray:
        try:
            frame: bytearray = super().read(timeout * self._patience)
        except IndexError:
            raise OSError(errno.EIO, "incomplete frame from the reader") from None
        return frame


def _silence_nfcpy() -> None:
    """Disable nfcpy's loggers: its debug log holds every APDU."""
    for name in list(logging.root.manager.loggerDict):
        if name == "nfc" or name.startswith("nfc."):
            logging.getLogger(name).disabled = True


def enumerate_readers() -> list[str]:
    """Return paths of USB readers known to nfcpy, then of serial devices that may be a PN532."""
    known = nfc.clf.device.usb_device_map
    try:
        devices = nfc.clf.transport.USB.find("usb") or []
    except nfc.clf.transport.libusb.USBError:
        devices = []
    found = [f"usb:{bus:03}:{at:03}" for vid, pid, bus, at in devices if (vid, pid) in known]
    seen: set[str] = set()
    for pattern in _SERIAL:
        for path in sorted(glob.glob(pattern)):
            real = os.path.realpath(path)
            if real not in seen:
                seen.add(real)
                found.append(path)
    return found


def patience() -> float:
    """Return the factor on nfcpy's read time-outs. Raises ReaderMissing if not 1 to 100."""
    text = os.environ.get(PATIENCE_VARIABLE, "1")
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 1 <= factor <= 100:
        raise ReaderMissing(
            f"{PATIENCE_VARIABLE} is {text!r}",
            f"unset {PATIENCE_VARIABLE}, or set it from 1 to 100",
        )
    return factor


def open_reader(path: str) -> NfcLink:
    """Open a PN532 by its device path, or any reader by an nfcpy path. Raises ReaderMissing."""
    if _PLAIN_PATH.fullmatch(path) is None:
        raise ReaderMissing(f"{path!r} is not the path of a reader")
    if not path.startswith(("/", "./", "COM")):
        return _open_by_nfcpy(path)
    tty = None
    try:
        tty = _PatientTty(path, patience())
        device = nfc.clf.pn532.init(tty)
    except _LOST as error:
        if tty is not None:
            tty.close()
        raise ReaderMissing(f"no PN532 answers at {path}: {_reason(error)}") from error
    device._path = path
    frontend = nfc.clf.ContactlessFrontend()
    frontend.device = device
    return NfcLink(frontend, path)


def _open_by_nfcpy(path: str) -> NfcLink:
    try:
        return NfcLink(nfc.clf.ContactlessFrontend(path), path)
    except (OSError, nfc.clf.transport.libusb.USBError) as error:
        raise ReaderMissing(f"there is no reader at {path}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__


class _Bounded:
    """nfcpy's frontend for the blocks of one card, with a deadline (`end`, monotonic seconds).

    It answers S(WTX) itself. nfcpy would grant extensions without end, even from a chip whose
    wallet has crashed, and treats one between the blocks of a long answer as an error.
    """

    def __init__(self, frontend: Any) -> None:
        self._frontend = frontend
        self.end = 0.0
        self.waiting_time = 0.0  # the card's frame waiting time, in seconds

    def exchange(self, data: bytes, timeout: float) -> Any:
        answer = self._exchange_once(data, timeout)
        while len(answer) > 1 and answer[0] & 0xFE == _S_WTX:
            answer = self._exchange_once(answer, (answer[1] & 0x3F) * self.waiting_time)
        return answer

    def _exchange_once(self, data: bytes, timeout: float) -> Any:
        if time.monotonic() > self.end:
            raise nfc.clf.TimeoutError("the card extends its answer time too often")
        return self._frontend.exchange(data, timeout)


class NfcLink(Link):
    """An nfcpy reader and the ISO-DEP card in its field.

    longest_answer: longest wait for an answer, in seconds.
    """

    def __init__(self, frontend: Any, path: str) -> None:
        _silence_nfcpy()  # by now all drivers in use are loaded
        self.name = path
        self.longest_answer = LONGEST_ANSWER
        self._frontend = frontend
        self._blocks = _Bounded(frontend)
        self._tag: Any = None

    def wait_for_card(self, timeout: float, progress: Progress | None = None) -> None:
        """See `Link.wait_for_card`. A failed activation is tried again."""
        self._tag = None
        end = time.monotonic() + timeout
        while True:
            if self._activate():
                return
            left = end - time.monotonic()
            if left <= 0:
                raise NoCard(f"no card was put on {self.name} within {timeout:g} s")
            if progress is not None:
                progress(left)
            time.sleep(min(_PAUSE, left))

    def _activate(self) -> bool:
        try:
            target = self._frontend.sense(nfc.clf.RemoteTarget("106A"))
            if target is None:
                return False
            tag = nfc.tag.activate(self._frontend, target)
        except (nfc.clf.CommunicationError, IndexError):  # IndexError: an incomplete answer
            return False
        except _LOST as error:
            raise self._lost(error) from error
        if tag is None:
            return False
        if not isinstance(tag, nfc.tag.tt4.Type4Tag):
            raise ForeignCard("the card cannot exchange APDUs (it is not ISO-DEP)")
        self._blocks.waiting_time = tag._dep.fwt
        tag._dep.clf = self._blocks
        self._tag = tag
        return True

    def exchange(self, command: bytes) -> bytes:
        """See `Link.exchange`."""
        if self._tag is None:
            raise CardGone("no card has been activated")
        self._blocks.end = time.monotonic() + self.longest_answer
        try:
            answer = self._tag.transceive(command)
        except (nfc.tag.TagCommandError, nfc.clf.CommunicationError, IndexError) as error:
            self._tag = None
            raise CardGone("the card was removed before the command was done") from error
        except _LOST as error:
            raise self._lost(error) from error
        return bytes(answer)

    def card_present(self) -> bool:
        """See `Link.card_present`."""
        if self._tag is None:
            return False
        self._blocks.end = time.monotonic() + self.longest_answer
        try:
            return bool(self._tag.is_present)
        except _LOST as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """See `Link.close`. A reader that was unplugged before is no error."""
        self._tag = None
        try:
            self._frontend.close()
        except _LOST:
            logging.getLogger(__name__).debug("the reader was unplugged before it was closed")

    def _lost(self, error: Exception) -> ReaderMissing:
        self._tag = None
        return ReaderMissing(f"the reader at {self.name} stopped answering: {_reason(error)}")
