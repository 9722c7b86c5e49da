"""Push buttons as keys."""

from micropython import const

_BOUNCE_MS = const(25)


class Keys:
    """keys: (answer, pin, level when pressed) of each; port: `wallet.hal.port`.

    A press counts at its first edge; further edges are ignored while the contact bounces.
    """

    def __init__(self, keys: tuple, port):
        self._keys = keys
        self._port = port
        now = port.ticks_ms()
        self._down = [pin() == active for _, pin, active in keys]
        self._quiet_from = [now] * len(keys)

    @property
    def held(self) -> bool:
        """True if a button was down when it was polled last."""
        return True in self._down

    def poll(self) -> list:
        """Return the answers of the buttons pressed since the last call."""
        answers = []
        port = self._port
        for i, (answer, pin, active) in enumerate(self._keys):
            down = pin() == active
            if down == self._down[i]:
                continue
            now = port.ticks_ms()
            if port.ticks_diff(now, self._quiet_from[i]) < 0:
                continue
            self._down[i] = down
            self._quiet_from[i] = port.ticks_add(now, _BOUNCE_MS)
            if down:
                answers.append(answer)
        return answers
