"""The card's side of the contactless link: be found by a reader and answer its commands."""

from jiaozi.wire.apdu import SW_WRONG_LENGTH, build_response
from micropython import const
from wallet.hal.errors import LinkLost
from wallet.hal.phases import ANSWERED, LINK, PYTHON
from wallet.links.contactless.radio import IDLE, LISTENING, SERVING

_EVENTS_AT_ONCE = const(8)


class CardSide:
    """A wallet as a card. handler, begin_contact: see `wallet.links.link`."""

    def __init__(self, radio, handler, begin_contact):
        self._radio = radio
        self._handler = handler
        self._begin_contact = begin_contact

    def serve(self, _=None) -> None:
        """Answer what has arrived; listen for a reader if no session is active."""
        radio = self._radio
        if radio.state not in (LISTENING, SERVING):
            self.listen()
        for _ in range(_EVENTS_AT_ONCE):
            if not radio.chip.ready():
                return
            if radio.state == LISTENING:
                if radio.chip.activated():
                    self._begin_session()
                else:
                    self.listen()
            elif not self._answer():
                self.listen()

    def listen(self) -> None:
        """Start to listen for a reader."""
        self._radio.stop()
        self._radio.chip.listen()
        self._radio.state = LISTENING

    def leave(self, _=None) -> bool:
        """Stop, or return False if a reader session is active or has begun in this moment."""
        radio = self._radio
        if radio.state == SERVING or (radio.state == LISTENING and radio.chip.ready()):
            return False
        if radio.state == LISTENING and not radio.chip.withdraw():
            self._begin_session()
            return False
        radio.stop()
        return True

    def _begin_session(self) -> None:
        self._begin_contact()
        self._radio.chip.expect_command()
        self._radio.state = SERVING

    def _answer(self) -> bool:
        """Take one command and answer it. Returns False when the reader has gone."""
        radio = self._radio
        chip = radio.chip
        mark = radio.port.mark
        radio.state = IDLE  # in case the handler raises
        try:
            command = chip.take_command()
            mark(PYTHON)
            if command is None:
                response = build_response(SW_WRONG_LENGTH)
            else:
                response = self._handler(command)
            mark(ANSWERED)
            mark(LINK)
            chip.answer(response)
            chip.expect_command()
        except LinkLost:
            return False
        radio.state = SERVING
        return True
