"""Interface of a link: a way for a wallet to meet another wallet or a host.

A link never waits. The main loop services every link in turn, then waits in `port.wait` for the
shortest time that any of them asks for; a byte on any link ends the wait early.
"""

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Peer(Protocol):
        """A card that a link has found, until it is released."""

        def exchange(self, command: bytes) -> bytes:
            """Send a command APDU and return the response APDU.

            Raises LinkError; the card must then be released.
            """

        def release(self) -> None:
            """End the session with the card. Never raises."""

    class Link(Protocol):
        """One link, made by the board."""

        @property
        def can_read(self) -> bool:
            """True if the link can look for a card as a reader: it takes every role."""

        @property
        def on_air(self) -> bool:
            """True if strangers can reach the wallet by this link, False for its contact line."""

        @property
        def in_session(self) -> bool:
            """True while a reader session is active, or while one may be beginning."""

        def connect(
            self, handler: Callable[[memoryview], bytes], begin_contact: Callable[[], None]
        ) -> None:
            """Connect the link to the wallet, once, before it is serviced.

            handler: takes a command APDU, valid until it returns, and returns the response APDU.
            The link sends that response and may replace its status word (T=0: 61xx or 91xx for
            9000). begin_contact: called when a reader has come, before its first command.
            """

        def service(self, role: int) -> Peer | None:
            """Do what can be done without waiting; return a card if one was found.

            role: CARD: answer a reader's commands; READER: look for a card; AUTO: both in turns.
            Raises TwoCards; another LinkError when the hardware does not work: a later call
            restarts it.
            """

        def due_ms(self) -> int:
            """Return how many milliseconds no service is needed, 0 if it is needed now."""

        def leave(self) -> bool:
            """Stop, or return False if a reader session is active. Never raises."""

        def stop(self) -> None:
            """Stop the hardware and end any session. Never raises.

            Nothing runs in the hardware after this or a `leave` that returned True, nor while
            `handler` runs: only then may NVM be programmed.
            """
