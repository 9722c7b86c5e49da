"""No person: a wallet without display and keys."""


class Nobody:
    """A person (`wallet.person`) who sees and answers nothing: payments that need consent fail."""

    def show(self, screen: str, **data) -> None:
        """Ignore the screen."""

    def refresh(self) -> None:
        """Present nothing."""

    def poll(self) -> list:
        """Return no answers."""
        return []
