"""What a person presses, by name, whatever it is made of."""

from micropython import const

_BOUNCE_MS = const(25)


class Buttons:
    """Push buttons. keys: (name, pin, level when pressed) of each; port: time.

    A press counts at its first edge; what the contact does for some milliseconds after is ignored.
    """

    def __init__(self, keys: tuple, port):
        self._keys = keys
        self._port = port
        now = port.ticks_ms()
        self._down = [pin() == active for _, pin, active in keys]
        self._quiet_from = [now] * len(keys)

    def pressed(self) -> list:
        """The names of the buttons pressed since the last call."""
        names = []
        port = self._port
        for i, (name, pin, active) in enumerate(self._keys):
            down = pin() == active
            if down == self._down[i]:
                continue
            now = port.ticks_ms()
            if port.ticks_diff(now, self._quiet_from[i]) < 0:
                continue
            self._down[i] = down
            self._quiet_from[i] = port.ticks_add(now, _BOUNCE_MS)
            if down:
                names.append(name)
        return names


class TouchKeys:
    """Areas of a touch screen that act as buttons.

    touch: `taken()` returns the point of a new touch or None; keys: (name, left, top, right,
    bottom) of each, in pixels.
    """

    def __init__(self, touch, keys: tuple):
        self._touch = touch
        self._keys = keys

    def pressed(self) -> list:
        """The names of the areas touched since the last call."""
        point = self._touch.taken()
        if point is None:
            return []
        x, y = point
        return [
            name
            for name, left, top, right, bottom in self._keys
            if left <= x < right and top <= y < bottom
        ]


class Together:
    """Several of the above as one."""

    def __init__(self, *sources):
        self._sources = sources

    def pressed(self) -> list:
        """The names of all that was pressed since the last call."""
        names = []
        for source in self._sources:
            names += source.pressed()
        return names
