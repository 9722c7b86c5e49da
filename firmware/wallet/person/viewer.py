"""A person at a display, who answers by keys or touch."""


class Viewer:
    """A person (`wallet.person.person`).

    display: see `wallet.hal.display`; inputs: `Keys`, `TouchKeys` or alike, each with a `poll()`.
    """

    def __init__(self, display, *inputs):
        self._display = display
        self._inputs = inputs
        self._screens = None
        self._due = None
        self._last = 0

    def show(self, screen: str, **data) -> None:
        """Record which screen is due."""
        self._due = (screen, data)
        if screen == "paid":
            self._last = -data["amount"]
        elif screen == "received":
            self._last = data["amount"]

    def refresh(self) -> None:
        """Draw the screen that is due, unless the display shows it already."""
        if self._due is None:
            return
        if self._screens is None:
            # Here, since a wallet must answer its first reader before it draws.
            from wallet.screens import Screens

            self._screens = Screens(self._display)
        screen, data = self._due
        if screen == "home":
            data = dict(data, last=self._last)
        self._screens.draw(screen, **data)

    def poll(self) -> list:
        """Return the answers given by all inputs since the last call."""
        answers = []
        for source in self._inputs:
            answers += source.poll()
        return answers
