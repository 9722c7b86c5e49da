"""Areas of a touch screen as keys."""


class TouchKeys:
    """touch: its `taken()` returns the point of a new touch or None, and `is_down` is True while it
    lasts; areas: (answer, left, top, right, bottom) of each, in pixels.
    """

    def __init__(self, touch, areas: tuple):
        self._touch = touch
        self._areas = areas

    @property
    def held(self) -> bool:
        """True if the screen was touched, anywhere, when it was polled last."""
        return self._touch.is_down

    def poll(self) -> list:
        """Return the answer of the area touched since the last call, in a list."""
        point = self._touch.taken()
        if point is None:
            return []
        x, y = point
        return [
            answer
            for answer, left, top, right, bottom in self._areas
            if left <= x < right and top <= y < bottom
        ]
