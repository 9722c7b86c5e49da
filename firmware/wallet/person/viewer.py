"""A person at a display, who answers by keys or touch."""

from wallet.screens import Screens


class Viewer:
    """A person (`wallet.person`).

    display: see `wallet.hal.display`; inputs: `Keys`, `TouchKeys` or alike, each with a `poll()`.
    """

    def __init__(self, display, *inputs):
        screens = Screens(display)
        self.show = screens.show
        self.refresh = screens.refresh
        self._inputs = inputs

    def poll(self) -> list:
        """Return the answers given by all inputs since the last call."""
        answers = []
        for source in self._inputs:
            answers += source.poll()
        return answers
