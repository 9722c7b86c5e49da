"""Interface of a person: who sees the wallet's screens and answers its questions."""

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Person(Protocol):
        """The wallet's only person, made by the board."""

        @property
        def can_answer(self) -> bool:
            """True if questions can be answered: there are keys or a touch screen."""

        def show(self, screen: str, **data: Any) -> None:
            """Record which screen is due: a name in `wallet.screens.pages` and its data.

            Cheap and allowed anywhere, also on a tap's path: presents nothing by itself.
            """

        def refresh(self) -> None:
            """Present the screen that is due. Slow: at idle, or while a question is open."""

        def poll(self, asking: bool) -> list[str]:
            """Return the answers given since the last call, each OK or CANCEL. Never waits.

            OK grants the open question. CANCEL refuses it; without a question it clears the armed
            operation. A pin or a byte announces an answer: it ends `port.wait`.

            asking: a question is open. Then only a press answers that began when the question was
            complete on the display, after a pause with all keys released.
            """

        def due_ms(self) -> int:
            """Return how many milliseconds `poll` is not needed, unless a pin or byte comes."""
