"""Links to a wallet: find a reader, open it, wait for a card, exchange APDUs, close.

One kind of reader is one module beside this one; `open_link` chooses by the path. Contactless
readers are in `links.nfc`. Readers of other kinds (PC/SC, a development board's serial port) become
further modules.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType

from jiaozi_host.errors import ReaderMissing

READER_VARIABLE = "JIAOZI_READER"

Progress = Callable[[float], None]
"""Called while waiting, with the seconds that are left."""


class Link(ABC):
    """A reader that has been opened.

    name: how people know the reader.
    """

    name: str

    @abstractmethod
    def wait_for_card(self, timeout: float, progress: Progress | None = None) -> None:
        """Wait until a card is there to talk to, at most `timeout` seconds.

        Raises NoCard, ForeignCard (it cannot exchange APDUs), ReaderMissing.
        """

    @abstractmethod
    def exchange(self, command: bytes) -> bytes:
        """Send a command APDU (short or extended, ISO/IEC 7816-4 §5.1); return the response APDU.

        Raises CardGone, ReaderMissing.
        """

    @abstractmethod
    def card_present(self) -> bool:
        """Whether the card is still there. Raises ReaderMissing."""

    @abstractmethod
    def close(self) -> None:
        """Switch the field off and give the reader back."""

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
    """Paths of readers that might be there, the likeliest first; none has been opened."""
    from jiaozi_host.links import nfc

    return nfc.enumerate_readers()


def open_link(path: str | None = None) -> Link:
    """Open the reader at `path`: a serial device's path, or one of nfcpy's own such as "usb".

    Without a path: that of the environment variable JIAOZI_READER, else the first reader found.
    Raises ReaderMissing.
    """
    from jiaozi_host.links import nfc

    chosen = path or os.environ.get(READER_VARIABLE)
    if chosen:
        return nfc.open_reader(chosen)
    found = nfc.enumerate_readers()
    if not found:
        raise ReaderMissing("no reader found")
    return nfc.open_reader(found[0])
