"""A person at a display, who answers by keys or touch."""

from micropython import const
from wallet.person import CANCEL
from wallet.ticks import elapsed_ms

# After any press all keys stay released for this long before one answers a question: a second
# press of the same hand belongs to the question before.
_PAUSE_MS = const(1000)

_LOOK_AGAIN_MS = const(50)
_LONG_MS = const(60000)


class Viewer:
    """A person (`wallet.person.person`).

    display: see `wallet.hal.display`; port: `wallet.hal.port`; inputs: `Keys`, `TouchKeys` or
    alike, each with `poll()` and `held`.
    """

    can_answer = True

    def __init__(self, display, port, *inputs):
        self._display = display
        self._port = port
        self._inputs = inputs
        self._screens = None
        self._due = None
        self._drawn = None
        self._last = 0
        self._released_at = None
        self._asking = self._may_answer = False

    def show(self, screen: str, **data) -> None:
        """Record which screen is due."""
        self._due = (screen, data)
        self._may_answer = False
        if screen == "paid":
            self._last = -data["amount"]
        elif screen == "received":
            self._last = data["amount"]

    def refresh(self) -> None:
        """Draw the screen that is due, unless the display shows it already."""
        due = self._due
        if due is None or due is self._drawn:
            return
        if self._screens is None:
            # Here, since a wallet must answer its first reader before it draws.
            from wallet.screens import Screens

            self._screens = Screens(self._display)
        screen, data = due
        if screen == "home":
            data = dict(data, last=self._last)
        self._drawn = due if self._screens.draw(screen, **data) else None

    def poll(self, asking: bool) -> list:
        """Return the answers given by all inputs since the last call.

        When a press began is not known, only that it was not there at the call before: so what
        must be true before a press is checked there.
        """
        pressed = []
        held = False
        for source in self._inputs:
            pressed += source.poll()
            held = held or source.held
        answers = pressed if self._may_answer or not asking else []
        if held or pressed:
            self._released_at = None
        elif self._released_at is None:
            self._released_at = self._port.ticks_ms()
        self._asking = asking
        self._may_answer = asking and not answers and self._is_ready()
        return [CANCEL] if CANCEL in answers else answers[:1]

    def due_ms(self) -> int:
        """Return how many milliseconds `poll` is not needed, unless a pin or byte comes."""
        return _LOOK_AGAIN_MS if self._asking and not self._may_answer else _LONG_MS

    def _is_ready(self) -> bool:
        """True if the screen due is complete on the display and all keys have had their pause."""
        if self._released_at is None or self._drawn is not self._due:
            return False
        if elapsed_ms(self._released_at, self._port.ticks_ms()) < _PAUSE_MS:
            return False
        return self._screens is not None and self._screens.is_drawn()
