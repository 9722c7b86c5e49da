"""The life of a wallet: wait for a tap, run it, then rest (clean up, draw) before the next one.

Nothing on a tap's path draws, erases NVM or collects garbage: all of that happens at rest.
"""

import gc

import board
from jiaozi.wire.commands import CARD, READER
from jiaozi.wire.errors import NO_REQUEST, Refused
from micropython import const
from wallet.device import Device
from wallet.dispatch import dispatch
from wallet.hal import port
from wallet.hal.errors import LinkError, TwoCards
from wallet.hal.phases import READY, TAP_END
from wallet.links.contactless import Contactless, Reader
from wallet.screens import Screens
from wallet.storage.errors import StoreFull
from wallet.storage.store import Store
from wallet.tap import read_tap

# How long one round of waiting lasts at most; bytes and buttons end it early.
_ROUND_MS = const(500)

# After a tap that came to nothing, how long the same card is left alone.
_PAUSE_MS = const(1500)

# Rounds of polling leave about 1 KiB of garbage each. A tap takes some 25 KiB of the 46 KiB that
# are free after a rest, and is not to be held up by a collection.
_POLLS_A_COLLECTION = const(8)


class Life:
    """One wallet between power-up and power-down."""

    def __init__(self) -> None:
        self._store = Store.mount(board.nvm())
        self._screens = Screens(board.display())
        self._buttons = board.buttons()
        self._device = Device(self._store, self._screens.show, port)
        self._link = Contactless(board.nfc(), port, self._device.begin_contact)
        self._pause_until = port.ticks_ms()
        self._restless = True
        self._polls = 0

    def begin(self) -> None:
        """Open the link at once: who powers the wallet may be waiting. The screen comes at rest."""
        self._device.home()
        gc.collect()
        try:
            self._link.serve(self._answer, 0)
        except LinkError:
            pass
        port.mark(READY)

    def step(self) -> None:
        """One round: meet somebody or wait, see to the buttons, then rest if there is cause."""
        try:
            reader = self._meet()
        except TwoCards:
            self._device.show("refused", reason="two cards")
            self._pause()
            reader = None
        except LinkError:
            reader = None
        if reader is not None:
            self._read(reader)
        for name in self._buttons.pressed():
            self._press(name)
        if self._restless and self._link.leave():
            self._rest()
        elif self._device.consent.asking:
            self._screens.refresh()
        elif self._polls >= _POLLS_A_COLLECTION and not self._link.in_session:
            self._collect()

    def _meet(self) -> Reader | None:
        """A card to read, or None; whoever reads us meanwhile is served."""
        intent = self._device.intent
        role = intent.role if intent is not None else None
        paused = port.ticks_diff(self._pause_until, port.ticks_ms()) > 0
        if paused or role == CARD or not self._device.seeks():
            self._link.serve(self._answer, _ROUND_MS)
            return None
        self._polls += 1
        if role == READER:
            return self._link.reach(_ROUND_MS)
        return self._link.meet(self._answer, _ROUND_MS)

    def _answer(self, command: memoryview) -> bytes:
        self._restless = True
        return dispatch(self._device, command)

    def _read(self, reader: Reader) -> None:
        """Run a tap as its reader; what is left open is told and finished at the next tap."""
        self._restless = True
        try:
            read_tap(self._device, reader.exchange, port.wait)
        except Refused as refusal:
            if refusal.sw != NO_REQUEST:
                self._device.show("refused", reason=refusal.sw)
        except (LinkError, StoreFull):
            if self._device.book.unresolved():
                self._device.show("pending", balance=self._device.book.state.balance)
        reader.release()
        self._pause()

    def _pause(self) -> None:
        self._restless = True
        self._pause_until = port.ticks_add(port.ticks_ms(), _PAUSE_MS)

    def _press(self, name: str) -> None:
        """OK and Cancel answer a question; Cancel alone takes back what was armed."""
        self._restless = True
        consent = self._device.consent
        if consent.asking:
            consent.answer(name == "ok")
            if name != "ok":
                self._device.home()
        elif name == "cancel" and self._device.intent is not None:
            self._link.stop()
            self._device.disarm()
        else:
            self._device.home()

    def _rest(self) -> None:
        """Between two taps, the link at rest: give store and heap room, and draw."""
        self._restless = False
        port.mark(TAP_END)
        while self._store.tidy():
            pass
        self._screens.refresh()
        self._collect()

    def _collect(self) -> None:
        self._polls = 0
        gc.collect()


def main() -> None:
    """Run for as long as there is power."""
    life = Life()
    life.begin()
    while True:
        life.step()
