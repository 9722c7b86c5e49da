"""The contactless link: a wallet as a card, as a reader, or as both in turns.

Two wallets that both look for a peer take turns at polling and listening, with listening windows of
random length, so that soon one polls while the other listens.
"""

from jiaozi.wire.commands import AUTO, CARD, READER
from micropython import const
from wallet.hal.errors import LinkError
from wallet.links.contactless.card import CardSide
from wallet.links.contactless.radio import DOWN, IDLE, LISTENING, READING, SERVING, Radio
from wallet.links.contactless.reader import ReaderSide

_WINDOW_LEAST_MS = const(60)
_WINDOW_SPREAD_MS = const(128)
_LONG_MS = const(60000)


class Contactless:
    """A link (`wallet.links.link`) over one chip.

    chip: `wallet.drivers.pn532.Pn532` or alike; port: `wallet.hal.port` or alike.
    """

    can_read = True
    on_air = True

    def __init__(self, chip, port):
        self._radio = Radio(chip, port)
        self._reader = ReaderSide(self._radio)
        self._in_turns = False
        self._window_end = 0

    def connect(self, handler, begin_contact) -> None:
        """Connect the link to the wallet."""
        self._card = CardSide(self._radio, handler, begin_contact)

    @property
    def in_session(self) -> bool:
        """True while a reader session is active, or while one may be beginning."""
        state = self._radio.state
        return state == SERVING or (state == LISTENING and self._radio.chip.ready())

    def service(self, role: int):
        """Answer a reader's commands, look for a card, or both in turns; return a card or None.

        A field that is switched on to look for a card stays on, but for a moment now and then, so
        that a card that is powered by it can start.
        """
        self._in_turns = role == AUTO
        if role == CARD:
            return self._radio.run(self._card.serve)
        return self._radio.run(self._reader.search if role == READER else self._take_turns)

    def due_ms(self) -> int:
        """Return how many milliseconds no service is needed, 0 if it is needed now."""
        radio = self._radio
        state = radio.state
        if state == DOWN:
            return radio.restart_ms()
        if state in (IDLE, READING) or radio.chip.ready():
            return 0
        return self._window_ms() if self._in_turns and state == LISTENING else _LONG_MS

    def leave(self) -> bool:
        """Stop, or return False if a reader session is active. Never raises."""
        if self._radio.state > IDLE:
            try:
                return self._radio.run(self._card.leave)
            except LinkError:
                return True  # nothing runs in a chip that does not work
        return True

    def stop(self) -> None:
        """Stop the chip and end any session. Never raises."""
        if self._radio.state > IDLE:
            try:
                self._radio.run(self._stop)
            except LinkError:
                return  # as above

    def _stop(self, _) -> None:
        self._radio.stop()

    def _window_ms(self) -> int:
        """Return what is left of the listening window, in milliseconds."""
        port = self._radio.port
        return max(port.ticks_diff(self._window_end, port.ticks_ms()), 0)

    def _take_turns(self, _):
        """Listen to the end of the window, then poll once and open the next window."""
        radio = self._radio
        if (radio.state != LISTENING or not self._window_ms()) and self._card.leave():
            found = self._reader.poll()
            if found:
                return found
            self._card.listen()
            port = radio.port
            window = _WINDOW_LEAST_MS + port.random(1)[0] % _WINDOW_SPREAD_MS
            self._window_end = port.ticks_add(port.ticks_ms(), window)
        self._card.serve()
        return None
