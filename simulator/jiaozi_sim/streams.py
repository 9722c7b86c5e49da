"""Byte streams inside the world's selectors loop: machines' sockets, programs' pseudo-terminals.

A stream never blocks and keeps the order. Bytes that the far end does not take are kept up to a
limit; further ones are dropped, as on a UART without a receiver.
"""

from __future__ import annotations

import os
import pty
import selectors
import termios
import tty
from collections.abc import Callable

READ_SIZE = 65536
KEPT_BYTES = 256 * 1024


class Stream:
    """One file descriptor in the loop.

    Args:
        selector: its keys' data is a function to call with the ready events.
        fd: a non-blocking file descriptor; the stream does not own it.
        received: called with the bytes read.
        ended: called once when the far end has closed; the stream has left the loop then.
        limit: maximum bytes kept for the far end; None: no limit.
        gather: schedules the next read a moment after each one, so that bytes written one by one
            come in larger pieces; called with a function. None: no pause.
    """

    def __init__(
        self,
        selector: selectors.BaseSelector,
        fd: int,
        received: Callable[[bytes], None],
        ended: Callable[[], None],
        limit: int | None = KEPT_BYTES,
        gather: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        self._selector, self._fd = selector, fd
        self._limit = limit
        self._received, self._ended = received, ended
        self._gather = gather
        self._waiting = bytearray()
        self._open = True
        self._pausing = False
        self.dropped = 0
        selector.register(fd, selectors.EVENT_READ, self._ready)

    def send(self, data: bytes) -> None:
        """Write as much as the far end takes now, and the rest when it takes more."""
        if not self._open:
            return
        room = len(data) if self._limit is None else self._limit - len(self._waiting)
        self.dropped += max(0, len(data) - room)
        self._waiting += data[:room]
        self._flush()

    def close(self) -> None:
        """Leave the loop; `ended` is not called."""
        if self._open:
            self._open = False
            self._listen(0)

    def _ready(self, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._flush()
        if events & selectors.EVENT_READ and self._open:
            self._read()

    def _read(self) -> None:
        try:
            data = os.read(self._fd, READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end()
            return
        self._received(data)
        if self._gather is not None and self._open:
            self._pausing = True
            self._set_events()
            self._gather(self._go_on)

    def _go_on(self) -> None:
        self._pausing = False
        if self._open:
            self._set_events()

    def _flush(self) -> None:
        try:
            while self._waiting:
                del self._waiting[: os.write(self._fd, self._waiting)]
        except BlockingIOError:
            pass
        except OSError:
            self._end()
            return
        self._set_events()

    def _set_events(self) -> None:
        reading = 0 if self._pausing else selectors.EVENT_READ
        self._listen(reading | (selectors.EVENT_WRITE if self._waiting else 0))

    def _listen(self, events: int) -> None:
        """Register these events with the loop; none takes the descriptor out of it."""
        key = self._selector.get_map().get(self._fd)
        if key is None and events:
            self._selector.register(self._fd, events, self._ready)
        elif key is not None and not events:
            self._selector.unregister(self._fd)
        elif key is not None and key.events != events:
            self._selector.modify(self._fd, events, self._ready)

    def _end(self) -> None:
        if self._open:
            self.close()
            self._ended()


class PtyPort:
    """A pseudo-terminal at `path` for a program that uses a serial port: raw, 115200 baud.

    Its slave is kept open here, so that it outlives the programs.
    """

    def __init__(self, selector: selectors.BaseSelector, received: Callable[[bytes], None]) -> None:
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        settings = termios.tcgetattr(self._slave)
        settings[4] = settings[5] = termios.B115200  # a fresh terminal runs at 38400
        termios.tcsetattr(self._slave, termios.TCSANOW, settings)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._stream = Stream(selector, self._master, received, self._never_ends)

    def send(self, data: bytes) -> None:
        """Send bytes to the program."""
        self._stream.send(data)

    def close(self) -> None:
        """Close both ends."""
        self._stream.close()
        os.close(self._master)
        os.close(self._slave)

    def _never_ends(self) -> None:
        """Ignore the end: the slave is open here, so the master sees none before `close`."""
