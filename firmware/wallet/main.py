"""Main loop: wait, service the links, handle the person's answers, do idle work.

Nothing on a tap's path draws, erases NVM or collects garbage: all of that is idle work.
"""

import gc

import board
from jiaozi.wire.commands import AUTO, CARD
from jiaozi.wire.errors import NO_REQUEST, Refused
from micropython import const
from wallet.device import Device
from wallet.dispatch import dispatch
from wallet.hal import port
from wallet.hal.errors import LinkError, TwoCards
from wallet.hal.phases import READY, TAP_END
from wallet.person import CANCEL, OK
from wallet.roles import tap
from wallet.roles.reader import read_tap
from wallet.storage.errors import StoreFull
from wallet.storage.sealed import Sealed
from wallet.storage.store import Store

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from wallet.device import Port
    from wallet.links.link import Link, Peer
    from wallet.person.person import Person
    from wallet.storage.pages import Nvm

    class Board(Protocol):
        """See `firmware/stubs/board.pyi`."""

        def nvm(self) -> Nvm: ...
        def links(self) -> list[Link]: ...
        def person(self) -> Person: ...


# The longest wait; bytes and keys end it early.
_WAIT_MS = const(500)

# After a tap as a reader: how long to look for no card, so that the same one is not read again.
_PAUSE_MS = const(1500)

# A pass that polls leaves about 1 KiB of garbage. A tap takes some 25 KiB of the 46 KiB that are
# free after a collection, and must not be held up by one.
_POLLS_A_COLLECTION = const(8)


class MainLoop:
    """One wallet between power-up and power-down.

    board: the module of the board; port: `wallet.hal.port`. One transaction at a time: while one
    link has a session, the others are not serviced.
    """

    def __init__(self, board: "Board", port: "Port") -> None:
        # The store first: a mount leaves garbage, and allocations of a tap find that room sooner
        # if the buffers of display and links do not lie before it.
        self._store = Store.mount(board.nvm())
        sealed = Sealed(self._store, port.device_key())
        self._person = board.person()
        self._port = port
        self._device = Device(sealed, self._person, port)
        self._links = board.links()
        for link in self._links:
            link.connect(self._answer, self._beginner(link.on_air))
        self._busy: Link | None = None
        self._pause_until = port.ticks_ms()
        self._idle_work_due = True
        self._polls = 0

    def _beginner(self, on_air: bool) -> "Callable[[], None]":
        """Return the function that begins a contact over a link."""
        return lambda: self._device.begin_contact(on_air)

    def begin(self) -> None:
        """Open the links before the first screen: who powers the wallet may be waiting."""
        self._device.home()
        gc.collect()
        for link in self._links:
            try:
                link.service(CARD)
            except LinkError:
                pass
        self._port.wait(0)
        self._port.mark(READY)

    def step(self) -> None:
        """One pass of the main loop: wait, service the links, handle answers, do idle work."""
        self._wait()
        peer = self._service()
        if peer is not None:
            self._read(peer)
        # What arrived so far has been seen, or is by `poll` and `due_ms`: it must not end a wait.
        self._port.wait(0)
        for answer in self._person.poll(self._device.consent.asking):
            self._handle(answer)
        if self._device.expire():
            self._idle_work_due = True
        if self._busy is not None:
            if self._device.consent.asking:
                self._person.refresh()
        elif self._idle_work_due and self._leave(None):
            self._do_idle_work()
        elif self._device.consent.asking:
            self._person.refresh()
        elif self._polls >= _POLLS_A_COLLECTION and not self._in_session():
            self._collect()

    def _wait(self) -> None:
        """Wait until a link needs service; a byte or a key ends the wait early."""
        busy = self._busy
        ms = min(_WAIT_MS, self._person.due_ms())
        for link in self._links:
            if busy is None or link is busy:
                ms = min(ms, link.due_ms())
        if ms:
            self._port.wait(ms)

    def _service(self) -> "Peer | None":
        """Service every link, or only the one in session; return a card that one has found."""
        busy = self._busy
        if busy is not None and not busy.in_session:
            # A reader that came to another link meanwhile must not inherit the session.
            self._device.begin_contact(True)
            busy = self._busy = None
        if busy is not None:
            return self._service_link(busy, CARD)
        role = self._role()
        for link in self._links:
            peer = self._service_link(link, role if link.can_read else CARD)
            if peer is not None or link.in_session:
                self._leave(link)
                if peer is None:
                    self._busy = link
                return peer
        return None

    def _service_link(self, link: "Link", role: int) -> "Peer | None":
        try:
            return link.service(role)
        except TwoCards:
            self._device.show("refused", reason="two cards")
            self._pause()
        except LinkError:
            pass
        return None

    def _role(self) -> int:
        """Return the role of a link that can read: CARD unless the wallet looks for a card."""
        intent = self._device.intent
        role = intent.role if intent is not None else AUTO
        if role == CARD or self._is_paused() or not tap.wants_tap(self._device):
            return CARD
        self._polls += 1
        return role

    def _answer(self, command: memoryview) -> bytes:
        """Handle a command that came by any link."""
        self._idle_work_due = True
        return dispatch(self._device, command)

    def _read(self, peer: "Peer") -> None:
        """Run a tap as its reader; a tap that ends early is shown and finished by the next one."""
        self._idle_work_due = True
        try:
            read_tap(self._device, peer.exchange, self._port.wait)
        except Refused as refusal:
            if refusal.sw != NO_REQUEST:
                self._device.show("refused", reason=refusal.sw)
        except (LinkError, StoreFull):
            if self._device.book.unresolved():
                self._device.show("pending", balance=self._device.book.state.balance)
        peer.release()
        self._pause()

    def _pause(self) -> None:
        self._idle_work_due = True
        self._pause_until = self._port.ticks_add(self._port.ticks_ms(), _PAUSE_MS)

    def _is_paused(self) -> bool:
        return self._port.ticks_diff(self._pause_until, self._port.ticks_ms()) > 0

    def _handle(self, answer: str) -> None:
        """Answer the open question; without one, CANCEL clears what is armed or was confirmed."""
        self._idle_work_due = True
        consent = self._device.consent
        if consent.asking:
            consent.answer(answer == OK)
            if answer == OK:
                self._device.show("confirmed")
            else:
                self._device.home()
            return
        if answer == CANCEL:
            consent.forget()
        if answer == CANCEL and self._device.intent is not None:
            for link in self._links:
                link.stop()
            self._device.disarm()
        else:
            self._device.home()

    def _in_session(self) -> bool:
        for link in self._links:
            if link.in_session:
                return True
        return False

    def _leave(self, kept: "Link | None") -> bool:
        """Stop all links but one; return False if one of them has a session."""
        for link in self._links:
            if link is not kept and not link.leave():
                return False
        return True

    def _do_idle_work(self) -> None:
        """Make room in the store, draw and collect garbage, with all links stopped."""
        self._idle_work_due = False
        self._port.mark(TAP_END)
        while self._store.tidy():
            pass
        self._person.refresh()
        self._collect()

    def _collect(self) -> None:
        self._polls = 0
        gc.collect()


def main() -> None:
    """Run as long as there is power."""
    loop = MainLoop(board, port)
    loop.begin()
    while True:
        loop.step()
