"""No person: a wallet without display and keys."""

from micropython import const

_LONG_MS = const(60000)


class Nobody:
    """A person (`wallet.person`) who sees and answers nothing: what needs consent fails."""

    can_answer = False

    def show(self, screen: str, **data) -> None:
        """Ignore the screen."""

    def refresh(self) -> None:
        """Present nothing."""

    def poll(self, asking: bool) -> list:
        """Return no answers."""
        return []

    def due_ms(self) -> int:
        """Return a long time: nothing is awaited."""
        return _LONG_MS
