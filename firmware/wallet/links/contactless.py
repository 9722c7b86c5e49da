"""The contactless link: a wallet as card, as reader, or as whichever comes first.

Nothing here waits for long. The main loop calls `serve` (card), `reach` (reader) or `meet` (both)
again and again with the milliseconds it can spare; each returns soon when a button moves, and goes
on next time where it was. `leave` (unless a reader has us) and `stop` (in any case) end what runs
in the chip: call one before programming NVM outside a handler, and before sleeping.

Two wallets that both want to start a tap take turns at polling and listening, with windows of
random length, so that sooner or later one polls while the other listens.
"""

from jiaozi.wire.apdu import SW_WRONG_LENGTH, build_response, is_select
from micropython import const
from wallet.hal.errors import LinkError, LinkLost, TwoCards
from wallet.hal.phases import ANSWERED, LINK, PYTHON, TAP_BEGIN

_DOWN = const(0)  # the chip must be woken first
_QUIET = const(1)  # nothing runs in the chip
_LISTENING = const(2)  # waiting for a reader
_SERVING = const(3)  # a reader has us, its next command is awaited
_READING = const(4)  # our field is on

_WINDOW_LEAST = const(60)
_WINDOW_SPREAD = const(128)
_COMMANDS_AT_ONCE = const(8)
_POLLS_AT_ONCE = const(6)  # of some ten milliseconds each
_POLLS_A_FIELD = const(25)  # then off once: a card whose answer to RATS was lost waits for that
_RESTART_MS = const(3000)  # between two tries to wake a chip that does not work


class Contactless:
    """The link over one chip.

    chip: `wallet.drivers.pn532.Pn532` or alike; port: `wallet.hal.port` or alike; contact() is
    called when a reader has chosen us, before its first command: nothing that an earlier one was
    allowed holds for it.
    """

    def __init__(self, chip, port, contact=None):
        self._chip = chip
        self._port = port
        self._contact = contact
        self._state = _DOWN
        self._window_end = 0
        self._polls = 0
        self._restart_at = port.ticks_ms()

    @property
    def in_session(self) -> bool:
        """Whether a reader has us as its card right now, or has just chosen us."""
        return self._state == _SERVING or (self._state == _LISTENING and self._chip.ready())

    def begin(self) -> None:
        """Wake and configure the chip, if it is not; the other calls do so when they need it.

        Raises LinkError when it does not work.
        """
        self._guarded(_nothing, None, 0)

    def serve(self, handler, ms: int) -> int:
        """Be a card for about `ms` milliseconds of waiting.

        Returns how many answers left whole.
        handler(command APDU) -> response APDU; what it is given holds until it returns.
        Raises LinkError when the chip does not work; the next call starts it again.
        """
        return self._guarded(self._serve, handler, ms) or 0

    def reach(self, ms: int):
        """Look for a card, for `ms` milliseconds or a few polls: a `Reader` on it, or None.

        Our field stays on until `stop`, `serve` or `meet`, but for a moment now and then, so that a
        card that lives from it can start. Raises TwoCards when more than one answers; LinkError
        when the chip does not work.
        """
        return self._guarded(self._reach, None, ms)

    def meet(self, handler, ms: int):
        """Be reached or reach, in turns, for about `ms` milliseconds: a `Reader`, or None.

        Commands of a reader that reached us are answered as by `serve`. Raises as `reach` does.
        """
        return self._guarded(self._meet, handler, ms)

    def leave(self) -> bool:
        """As `stop`, unless a reader has us or has just chosen us: False then, and `serve` is due.

        Never raises.
        """
        if self._state > _QUIET:
            try:
                return self._guarded(self._leave, None, 0)
            except LinkError:
                return True  # nothing runs in a chip that does not work
        return True

    def stop(self) -> None:
        """End what runs in the chip; our field is off and we are no card. Never raises."""
        if self._state > _QUIET:
            self._guarded(self._stop_quietly, None, 0)

    # Steps ----------------------------------------------------------------------------------------

    def _guarded(self, step, argument, ms: int):
        """Run a step under the LINK mark; a chip that failed is woken again before the next."""
        previous = self._port.mark(LINK)
        try:
            if self._state == _DOWN and not self._started(ms):
                return None
            return step(argument, ms)
        except TwoCards:
            self._stop()
            raise
        except LinkLost:
            raise
        except LinkError:
            self._state = _DOWN
            raise
        finally:
            self._port.mark(previous)

    def _started(self, ms: int) -> bool:
        """Wake the chip; where that failed not long ago, only let the time pass."""
        port = self._port
        if port.ticks_diff(self._restart_at, port.ticks_ms()) > 0:
            port.wait(ms)
            return False
        try:
            self._chip.begin()
        except LinkError:
            self._restart_at = port.ticks_add(port.ticks_ms(), _RESTART_MS)
            raise
        self._state = _QUIET
        return True

    def _stop(self) -> None:
        """Leave any role."""
        self._chip.abort()
        if self._state == _READING:
            self._chip.field_off()
        self._state = _QUIET

    def _leave(self, _, ms: int) -> bool:
        if self.in_session:
            return False
        if self._state == _LISTENING and not self._chip.withdraw():
            self._chosen()
            return False
        self._stop()
        return True

    def _stop_quietly(self, _, ms: int) -> None:
        try:
            self._stop()
        except LinkError:
            self._state = _DOWN

    def _serve(self, handler, ms: int) -> int:
        if self._state not in (_LISTENING, _SERVING):
            self._listen()
        answered = 0
        while answered < _COMMANDS_AT_ONCE and self._arrived(ms):
            if self._state == _LISTENING:
                self._activated()
            elif self._answer(handler):
                answered += 1
            else:
                self._listen()
        return answered

    def _listen(self) -> None:
        self._stop()
        self._chip.listen()
        self._state = _LISTENING

    def _arrived(self, ms: int) -> bool:
        """Wait for the chip, or less long if something else happens first."""
        if not self._chip.ready():
            self._port.wait(ms)
        return self._chip.ready()

    def _activated(self) -> None:
        if self._chip.activated():
            self._chosen()
        else:
            self._listen()

    def _chosen(self) -> None:
        if self._contact:
            self._contact()
        self._chip.expect_command()
        self._state = _SERVING

    def _answer(self, handler) -> bool:
        """Take one command and answer it. False when the reader has gone."""
        chip = self._chip
        mark = self._port.mark
        self._state = _QUIET  # should the handler raise
        try:
            command = chip.take_command()
            mark(PYTHON)
            response = build_response(SW_WRONG_LENGTH) if command is None else handler(command)
            mark(ANSWERED)
            mark(LINK)
            chip.answer(response)
            chip.expect_command()
        except LinkLost:
            return False
        self._state = _SERVING
        return True

    def _reach(self, _, ms: int):
        if self._state != _READING:
            self._stop()
        start = self._port.ticks_ms()
        for _ in range(_POLLS_AT_ONCE):
            reader = self._poll()
            if reader or self._port.ticks_diff(self._port.ticks_ms(), start) >= ms:
                return reader
        return None

    def _poll(self):
        self._state = _READING
        if self._polls == _POLLS_A_FIELD:
            self._polls = 0
            self._chip.field_off()
        self._polls += 1
        return Reader(self) if self._chip.poll() else None

    def _meet(self, handler, ms: int):
        left = self._port.ticks_diff(self._window_end, self._port.ticks_ms())
        if self._state != _LISTENING or left <= 0:
            left = ms
            if self._leave(None, 0):
                reader = self._poll()
                if reader:
                    return reader
                self._listen()
                left = _WINDOW_LEAST + self._port.random(1)[0] % _WINDOW_SPREAD
                self._window_end = self._port.ticks_add(self._port.ticks_ms(), left)
        self._serve(handler, min(ms, left))
        return None

    def _exchange(self, command, ms: int) -> bytes:
        if is_select(command):
            self._port.mark(TAP_BEGIN)
            self._port.mark(LINK)
        return self._chip.exchange(command)

    def _release(self, _, ms: int) -> None:
        self._stop()


class Reader:
    """A card in our field, until it is released. Made by `Contactless` alone."""

    def __init__(self, link: Contactless):
        self._link = link

    @property
    def _is_open(self) -> bool:
        return self._link._state == _READING

    def exchange(self, command) -> bytes:
        """Send a command APDU, return the response APDU.

        Raises LinkLost when the card has gone, another LinkError when the chip does not work. In
        either case release the card; a new tap starts from the beginning.
        """
        if not self._is_open:
            raise LinkLost("released")
        return self._link._guarded(self._link._exchange, command, 0)

    def release(self) -> None:
        """Let go of the card and switch our field off. Never raises."""
        if self._is_open:
            try:
                self._link._guarded(self._link._release, None, 0)
            except LinkError:
                return  # the chip is woken anew before it is used again


def _nothing(_, ms: int) -> None:
    """The step that does nothing."""
