"""The wallet as its commands see it: book, PIN, consent, session and what the next tap is for."""

from _jzcrypto import ed25519_public
from jiaozi.wallet import payee
from jiaozi.wallet.book import Book
from jiaozi.wallet.store_keys import FIRST_SECRET, NETWORK_KEY, SECRETS_END, SEED_KEY
from jiaozi.wire.commands import (
    BLANK,
    DAMAGED,
    FROZEN,
    KEYED,
    OUTDATED,
    PAY_OUT,
    READY,
    RECEIVE,
)
from jiaozi.wire.errors import NOT_ALLOWED, Refused
from jiaozi.wire.terms import GENERAL
from micropython import const
from wallet.consent import Consent
from wallet.pin import Pin
from wallet.storage.errors import SecretDamaged
from wallet.ticks import elapsed_ms
from wallet.version import FIRMWARE, is_outdated

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from jiaozi.wallet.book import Store
    from jiaozi.wire.certificates import Certificate
    from jiaozi.wire.channel import Channel
    from jiaozi.wire.edhoc import Responder
    from jiaozi.wire.messages import Request

    class Person(Protocol):
        """What a device needs of a person (`wallet.person.person`)."""

        @property
        def can_answer(self) -> bool: ...
        def show(self, screen: str, **data: Any) -> None: ...

    class Port(Protocol):
        """What device and main loop need of `wallet.hal.port`."""

        def mark(self, phase: int) -> int: ...
        def wait(self, ms: int) -> bool: ...
        def ticks_ms(self) -> int: ...
        def ticks_add(self, ticks: int, ms: int) -> int: ...
        def ticks_diff(self, later: int, earlier: int) -> int: ...
        def report(self, fault: BaseException) -> None: ...
        def device_key(self) -> bytes: ...


_PAY_SECONDS = const(120)

# Seconds left of which the display is told: few, since each is a refresh of an e-paper.
_SHOWN_SECONDS = (120, 60, 30)


class Intent:
    """The operation the owner armed the next tap for.

    direction: RECEIVE or PAY_OUT; amount: minor units (0 when receiving: any); role: AUTO, READER
    or CARD; request: the open request when receiving; payee: hash of the only certificate to pay,
    b"" for any; since: when it was armed, in ticks. Arming to pay ends after two minutes.
    """

    def __init__(
        self,
        direction: int,
        amount: int,
        role: int,
        request: "Request | None" = None,
        payee: bytes = b"",
        since: int = 0,
    ) -> None:
        self.direction = direction
        self.amount = amount
        self.role = role
        self.request = request
        self.payee = payee
        self.shown_seconds = _PAY_SECONDS
        self._since = since

    def seconds_left(self, now: int) -> int:
        """Return for how many seconds more this is armed to pay, rounded up as shown; 0: over."""
        left_ms = _PAY_SECONDS * 1000 - elapsed_ms(self._since, now)
        if left_ms <= 0:
            return 0
        return min([seconds for seconds in _SHOWN_SECONDS if left_ms <= seconds * 1000])


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

    store: `wallet.storage.sealed.Sealed`; person: `wallet.person.person`; port: `wallet.hal.port`;
    on_air: the contact is over the air, where a PIN needs the person's gesture; outdated: newer
    firmware has run in this wallet; damaged: a secret is missing or does not open.
    """

    def __init__(self, store: "Store", person: "Person", port: "Port") -> None:
        self.store = store
        self.person = person
        self.port = port
        self.on_air = True
        self.pin = Pin(store)
        self.consent = Consent(port.ticks_ms)
        self.session = Session()
        self._intent: Intent | None = None
        self._book: Book | None = None
        self.outdated = is_outdated(store)
        self.damaged = not self.outdated and not _has_its_secrets(store)
        self.reload()

    @property
    def intent(self) -> "Intent | None":
        """What the next tap is armed for; None when its time is over."""
        intent = self._intent
        if intent is None or intent.direction == RECEIVE:
            return intent
        return intent if intent.seconds_left(self.port.ticks_ms()) else None

    @intent.setter
    def intent(self, intent: "Intent | None") -> None:
        self._intent = intent

    @property
    def provisioned(self) -> bool:
        """True if this device is a wallet."""
        if self._book is None:
            usable = not (self.outdated or self.damaged)
            return usable and self.store.get(NETWORK_KEY) is not None
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
        """BLANK, KEYED (a key, no certificate), READY, FROZEN, OUTDATED or DAMAGED."""
        if self.outdated:
            return OUTDATED
        if self.damaged:
            return DAMAGED
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

    def begin_contact(self, on_air: bool) -> None:
        """Start a session for a reader that has not sent SELECT yet. on_air: see the class."""
        self.session = Session()
        self.on_air = on_air
        if self.consent.begin_contact():
            self.home()

    def show(self, screen: str, **data: "Any") -> None:
        """Record which screen is due, and draw nothing. An open question is withdrawn by it."""
        self.consent.withdraw()
        self.person.show(screen, **data)

    def ask(self, subject: tuple, screen: str, **data: "Any") -> None:
        """Ask the person, unless this question is open already. Raises Refused(BUSY)."""
        if self.consent.ask(subject):
            self.person.show(screen, **data)

    def expire(self) -> bool:
        """End what has had its time: an armed payment, a question, an answer not used.

        Returns True if another screen is due.
        """
        changed = self.consent.expire()
        intent = self._intent
        if intent is not None and intent.direction == PAY_OUT:
            left = intent.seconds_left(self.port.ticks_ms())
            if left == 0:
                self._intent = None
                changed = True
            elif left != intent.shown_seconds and not self.consent.asking:
                intent.shown_seconds = left
                self.show_intent(intent)
                return True
        if changed and not self.consent.asking:
            self.home()
        return changed

    def show_intent(self, intent: Intent) -> None:
        """Show the screen of an operation that is armed."""
        if intent.direction == RECEIVE:
            self.show("armed_receive", amount=intent.amount)
        else:
            named = bool(intent.payee)
            self.show("armed_pay", amount=intent.amount, left=intent.shown_seconds, named=named)

    def reload(self) -> None:
        """Read the book again after the store was changed other than by a step.

        The old book is dropped first, since the heap may not hold two; if reading fails, the next
        use of the book repeats it. The book of an outdated or damaged wallet is not read.
        """
        self._book = None
        if self.provisioned:
            self._book = Book(self.store, FIRMWARE)

    def home(self) -> None:
        """Show the screen of an idle wallet."""
        if self.outdated:
            self.show("outdated")
        elif self.damaged:
            self.show("damaged")
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
        """Clear the armed operation and what was confirmed, and cancel every open request."""
        self.consent.forget()
        self.intent = None
        for request_hash in list(self.book.open):
            self.book.apply(payee.cancel(self.book, request_hash))
        self.home()


def _has_its_secrets(store: "Store") -> bool:
    """True if every secret in the store opens, and a wallet has its seed."""
    try:
        held = [key for key in range(FIRST_SECRET, SECRETS_END) if store.get(key) is not None]
    except SecretDamaged:
        return False
    return store.get(NETWORK_KEY) is None or SEED_KEY in held
