"""The wallet as its commands see it: book, PIN, consent, session and what the next tap is for."""

from _jzcrypto import ed25519_public
from jiaozi.wallet import payee
from jiaozi.wallet.book import Book
from jiaozi.wallet.store_keys import NETWORK_KEY, SEED_KEY
from jiaozi.wire.commands import BLANK, FROZEN, KEYED, OUTDATED, READY
from jiaozi.wire.errors import NOT_ALLOWED, Refused
from jiaozi.wire.terms import GENERAL
from wallet.consent import Consent
from wallet.pin import Pin
from wallet.version import FIRMWARE, is_outdated

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from jiaozi.wallet.book import Store
    from jiaozi.wire.certificates import Certificate
    from jiaozi.wire.channel import Channel
    from jiaozi.wire.edhoc import Responder
    from jiaozi.wire.messages import Request

    Show = Callable[..., None]
    """`show` of a person (`wallet.person`)."""

    class Port(Protocol):
        """What device and main loop need of `wallet.hal.port`."""

        def mark(self, phase: int) -> int: ...
        def wait(self, ms: int) -> bool: ...
        def ticks_ms(self) -> int: ...
        def ticks_add(self, ticks: int, ms: int) -> int: ...
        def ticks_diff(self, later: int, earlier: int) -> int: ...
        def report(self, fault: BaseException) -> None: ...


class Intent:
    """The operation the owner armed the next tap for.

    direction: RECEIVE or PAY_OUT; amount: minor units (0 when receiving: any); role: AUTO, READER
    or CARD; request: the open request when receiving.
    """

    def __init__(self, direction: int, amount: int, role: int, request: "Request | None") -> None:
        self.direction = direction
        self.amount = amount
        self.role = role
        self.request = request


class Session:
    """State of a reader's session, reset by SELECT and whenever a reader comes.

    selected: SELECT succeeded; paying: a payment was sent and its outcome has not come;
    handshake: the EDHOC handshake under way; channel: the open channel; inside: the current
    command came through it; owner: the PIN was given in it; operator: the peer is a host of the
    wallet's operator; installer: the peer's channel certificate, unverified on a blank device;
    nonce: drawn by CHALLENGE for a settlement.
    """

    def __init__(self) -> None:
        self.selected = False
        self.paying = False
        self.close()

    def close(self) -> None:
        """Forget the channel and every permission given in it."""
        self.handshake: Responder | None = None
        self.channel: Channel | None = None
        self.inside = False
        self.owner = False
        self.operator = False
        self.installer: Certificate | None = None
        self.nonce: bytes | None = None


class Device:
    """One wallet.

    store: `wallet.storage.store.Store`; show: `show` of the wallet's person, which records the
    screen due and draws nothing; port: `wallet.hal.port`; intent: what the next tap is armed for;
    outdated: newer firmware has run in this wallet.
    """

    def __init__(self, store: "Store", show: "Show", port: "Port") -> None:
        self.store = store
        self.show = show
        self.port = port
        self.pin = Pin(store)
        self.consent = Consent(port.ticks_ms)
        self.session = Session()
        self.intent: Intent | None = None
        self._book: Book | None = None
        self.outdated = is_outdated(store)
        self.reload()

    @property
    def provisioned(self) -> bool:
        """True if this device is a wallet."""
        if self._book is None:
            return not self.outdated and self.store.get(NETWORK_KEY) is not None
        return True

    @property
    def book(self) -> Book:
        """The wallet's book. Raises Refused(NOT_ALLOWED) on a device that is not a wallet."""
        if self._book is None:
            if not self.provisioned:
                raise Refused(NOT_ALLOWED)
            self._book = Book(self.store, FIRMWARE)
        return self._book

    @property
    def status(self) -> int:
        """BLANK, KEYED (a key, no certificate), READY, FROZEN or OUTDATED."""
        if self.outdated:
            return OUTDATED
        if self.provisioned:
            return FROZEN if self.book.frozen else READY
        return KEYED if self.store.get(SEED_KEY) is not None else BLANK

    @property
    def public(self) -> bytes:
        """The device's public key. Raises Refused(NOT_ALLOWED) if it has none."""
        seed = self.store.get(SEED_KEY)
        if seed is None:
            raise Refused(NOT_ALLOWED)
        return ed25519_public(seed)

    def begin_contact(self) -> None:
        """Start a session for a reader that has not sent SELECT yet."""
        self.session = Session()

    def reload(self) -> None:
        """Read the book again after the store was changed other than by a step.

        The old book is dropped first, since the heap may not hold two; if reading fails, the next
        use of the book repeats it. A store that newer firmware has written is not read.
        """
        self._book = None
        if self.provisioned:
            self._book = Book(self.store, FIRMWARE)

    def home(self) -> None:
        """Show the screen of an idle wallet."""
        if self.outdated:
            self.show("outdated")
        elif not self.provisioned:
            self.show("blank")
        elif self.book.frozen:
            self.show("frozen")
        elif self.pin.tries() == 0:
            self.show("blocked")
        elif self.book.unresolved():
            self.show("pending", balance=self.book.state.balance)
        else:
            state = self.book.state
            general = state.held(GENERAL)
            shown = {"balance": general, "wallet": self.book.me.id}
            if state.balance > general:
                shown["bound"] = state.balance - general
            self.show("home", **shown)

    def disarm(self) -> None:
        """Clear the armed operation and cancel every open request."""
        self.intent = None
        for request_hash in list(self.book.open):
            self.book.apply(payee.cancel(self.book, request_hash))
        self.home()
