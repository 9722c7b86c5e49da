"""Links to a wallet: find a reader, open it, wait for a card, exchange APDUs, close.

Each kind of reader is a module of this package; `open_link` chooses it by the path. Today there is
`links.nfc`, contactless readers.
"""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType

from jiaozi_host.errors import ReaderMissing

READER_VARIABLE = "JIAOZI_READER"

GESTURE_POLL_SECONDS = 0.3

Progress = Callable[[float], None]
"""Called while waiting, with the seconds left."""


class Link(ABC):
    """An open reader.

    name: its path, for messages; on_gesture: called again and again while the wallet waits for its
    owner to press a key; it may wait for that itself.
    """

    name: str
    on_gesture: Callable[[], None] | None = None

    @abstractmethod
    def wait_for_card(self, timeout: float, progress: Progress | None = None) -> None:
        """Wait until a card is in the field and activated, at most `timeout` seconds.

        Raises NoCard, ForeignCard (it cannot exchange APDUs), ReaderMissing.
        """

    @abstractmethod
    def exchange(self, command: bytes) -> bytes:
        """Send a command APDU (short or extended, ISO/IEC 7816-4 §5.1); return the response APDU.

        Raises CardGone, ReaderMissing.
        """

    @abstractmethod
    def card_present(self) -> bool:
        """Return True if the card is still in the field. Raises ReaderMissing."""

    @abstractmethod
    def close(self) -> None:
        """Switch off the field and release the reader."""

    def await_gesture(self) -> None:
        """Let some time pass in which the owner may press a key on the wallet."""
        if self.on_gesture is None:
            time.sleep(GESTURE_POLL_SECONDS)
        else:
            self.on_gesture()

    def __enter__(self) -> Link:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def enumerate_readers() -> list[str]:
    """Return paths of possible readers, the likeliest first, without opening any."""
    from jiaozi_host.links import nfc

    return nfc.enumerate_readers()


def open_link(path: str | None = None) -> Link:
    """Open the reader at `path`: a serial device's path, or one of nfcpy's own such as "usb".

    None takes the path in the environment variable JIAOZI_READER, else the first reader found.
    Raises ReaderMissing.
    """
    from jiaozi_host.links import nfc

    chosen = path or os.environ.get(READER_VARIABLE)
    if chosen:
        return nfc.open_reader(chosen)
    found = nfc.enumerate_readers()
    if not found:
        raise ReaderMissing("no reader was found")
    return nfc.open_reader(found[0])
