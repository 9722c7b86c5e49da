"""The contactless chip, its state and its failures: what both roles share."""

from micropython import const
from wallet.hal.errors import LinkError, LinkLost, TwoCards
from wallet.hal.phases import LINK

DOWN = const(0)  # the chip must be started
IDLE = const(1)  # nothing runs in the chip
LISTENING = const(2)  # as a card, waiting for a reader
SERVING = const(3)  # as a card, waiting for the next command of a reader session
READING = const(4)  # as a reader: our field is on

_RESTART_MS = const(3000)  # between two attempts to start a chip that does not work


class Radio:
    """One chip.

    chip: `wallet.drivers.pn532.Pn532` or alike; port: `wallet.hal.port` or alike; state: one of the
    constants above.
    """

    def __init__(self, chip, port):
        self.chip = chip
        self.port = port
        self.state = DOWN
        self._restart_at = port.ticks_ms()

    def run(self, step, argument=None):
        """Return step(argument), run under the LINK mark with the chip started.

        Returns None while a chip that failed is left alone. Raises TwoCards, LinkLost; after any
        other LinkError the chip is down.
        """
        previous = self.port.mark(LINK)
        try:
            if self.state == DOWN and not self._start():
                return None
            return step(argument)
        except TwoCards:
            self.stop()
            raise
        except LinkLost:
            raise
        except LinkError:
            self.state = DOWN
            raise
        finally:
            self.port.mark(previous)

    def restart_ms(self) -> int:
        """Return for how many milliseconds a chip that is down is still left alone."""
        port = self.port
        return max(port.ticks_diff(self._restart_at, port.ticks_ms()), 0)

    def _start(self) -> bool:
        """Start the chip. Returns False if that failed less than `_RESTART_MS` ago."""
        if self.restart_ms():
            return False
        try:
            self.chip.begin()
        except LinkError:
            port = self.port
            self._restart_at = port.ticks_add(port.ticks_ms(), _RESTART_MS)
            raise
        self.state = IDLE
        return True

    def stop(self) -> None:
        """Leave any role; our field is off and we are no card. Raises LinkError."""
        self.chip.abort()
        if self.state == READING:
            self.chip.field_off()
        self.state = IDLE
