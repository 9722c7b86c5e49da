"""The reader's side of the contactless link: find a card and send it commands."""

from jiaozi.wire.apdu import is_select
from micropython import const
from wallet.hal.errors import LinkError, LinkLost
from wallet.hal.phases import LINK, TAP_BEGIN
from wallet.links.contactless.radio import READING

_POLLS_A_FIELD = const(25)  # then off once: a card whose answer to RATS was lost waits for that
_POLLS_AT_ONCE = const(6)  # of some ten milliseconds each
_POLLING_MS = const(500)  # fewer polls if they take longer


class ReaderSide:
    """A wallet as a reader. Its field stays on from the first poll until the radio stops."""

    def __init__(self, radio):
        self._radio = radio
        self._polls = 0

    def search(self, _=None):
        """Poll a few times; return a `Card` or None. Raises TwoCards when two cards answer."""
        if self._radio.state != READING:
            self._radio.stop()
        port = self._radio.port
        start = port.ticks_ms()
        for _ in range(_POLLS_AT_ONCE):
            card = self.poll()
            if card or port.ticks_diff(port.ticks_ms(), start) >= _POLLING_MS:
                return card
        return None

    def poll(self):
        """Poll once; return a `Card` or None. Raises as `search` does."""
        radio = self._radio
        radio.state = READING
        if self._polls == _POLLS_A_FIELD:
            self._polls = 0
            radio.chip.field_off()
        self._polls += 1
        return Card(radio) if radio.chip.poll() else None


class Card:
    """A card in our field, until it is released."""

    def __init__(self, radio):
        self._radio = radio

    def exchange(self, command) -> bytes:
        """Send a command APDU and return the response APDU.

        Raises LinkLost when the card has gone, another LinkError when the chip does not work. The
        card must then be released; a new tap starts from the beginning.
        """
        if self._radio.state != READING:
            raise LinkLost("released")
        return self._radio.run(self._exchange, command)

    def release(self) -> None:
        """Release the card and switch our field off. Never raises."""
        if self._radio.state == READING:
            try:
                self._radio.run(self._release)
            except LinkError:
                return  # the chip is started again before its next use

    def _exchange(self, command) -> bytes:
        if is_select(command):
            self._radio.port.mark(TAP_BEGIN)
            self._radio.port.mark(LINK)
        return self._radio.chip.exchange(command)

    def _release(self, _) -> None:
        self._radio.stop()
