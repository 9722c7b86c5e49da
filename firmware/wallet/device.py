"""The wallet as its commands see it: memory, PIN, consent, what the next tap is for, its face."""

from _jzcrypto import ed25519_public
from jiaozi.wallet import payee, payer
from jiaozi.wallet.book import Book
from jiaozi.wallet.install import newer_epoch
from jiaozi.wallet.store_keys import NETWORK_KEY, SEED_KEY
from jiaozi.wire.commands import BLANK, FROZEN, KEYED, OUTDATED, PAY_OUT, READY
from jiaozi.wire.errors import NOT_ALLOWED, REQUEST_CLOSED, Refused
from jiaozi.wire.terms import GENERAL
from wallet.consent import Consent
from wallet.hal.phases import TAP_COMMITTED
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
    """Records which screen is due: a name of `wallet.screens.pages` and what its function takes."""

    class Port(Protocol):
        """`wallet.hal.port`, or its like in a test."""

        def mark(self, phase: int) -> int: ...
        def wait(self, ms: int) -> bool: ...
        def ticks_ms(self) -> int: ...
        def report(self, fault: BaseException) -> None: ...


class Intent:
    """What the owner has armed the next tap for.

    direction: RECEIVE or PAY_OUT; amount: minor units (0 when receiving: any); role: AUTO, READER
    or CARD; request: the open request when receiving.
    """

    def __init__(self, direction: int, amount: int, role: int, request: "Request | None") -> None:
        self.direction = direction
        self.amount = amount
        self.role = role
        self.request = request


class Session:
    """What a counterpart has shown since it selected the wallet; forgotten at the next SELECT, and
    when it leaves: another reader that sends no SELECT inherits nothing.

    channel: the open channel, handshake: the one that is being agreed on; inside: whether the
    command at hand came in it; operator: whether the host in it is the operator's; installer: the
    channel certificate it has shown, which on a blank device nobody has checked yet.
    """

    def __init__(self) -> None:
        self.selected = False
        self.paying = False  # a payment has left, its outcome has not come
        self.close()

    def close(self) -> None:
        """Forget the channel, and what was allowed to whom in it."""
        self.handshake: Responder | None = None
        self.channel: Channel | None = None
        self.inside = False
        self.owner = False
        self.operator = False
        self.installer: Certificate | None = None
        self.nonce: bytes | None = None


class Device:
    """One wallet.

    store: `wallet.storage.Store`; show(name, **data) records which screen is due and draws nothing;
    port: `wallet.hal.port`.
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
        """Whether this device is a wallet."""
        if self._book is None:
            return not self.outdated and self.store.get(NETWORK_KEY) is not None
        return True

    @property
    def book(self) -> Book:
        """What the wallet remembers. Raises Refused(NOT_ALLOWED) on a device that is none."""
        if self._book is None:
            if not self.provisioned:
                raise Refused(NOT_ALLOWED)
            self._book = Book(self.store, FIRMWARE)
        return self._book

    @property
    def status(self) -> int:
        """BLANK, KEYED (a key, no certificate yet), READY, FROZEN or OUTDATED."""
        if self.outdated:
            return OUTDATED
        if self.provisioned:
            return FROZEN if self.book.frozen else READY
        return KEYED if self.store.get(SEED_KEY) is not None else BLANK

    @property
    def public(self) -> bytes:
        """The public key of a device that has one. Raises Refused(NOT_ALLOWED) when it has none."""
        seed = self.store.get(SEED_KEY)
        if seed is None:
            raise Refused(NOT_ALLOWED)
        return ed25519_public(seed)

    def begin_contact(self) -> None:
        """A reader has come that has not selected this wallet yet."""
        self.session = Session()

    def reload(self) -> None:
        """Read the book anew after the store was changed other than by a step.

        The one in use goes first, for the heap need not hold two; should reading fail, the next
        use of the book reads it. What newer firmware has written is not read at all.
        """
        self._book = None
        if self.provisioned:
            self._book = Book(self.store, FIRMWARE)

    def request(self) -> "Request | None":
        """The open request the next tap is for: the armed one, else the newest still open."""
        if not self.provisioned:
            return None
        if self.intent is not None and self.intent.request is not None:
            return self.intent.request if self.intent.request.hash in self.book.open else None
        newest = None
        for request in self.book.open.values():
            if newest is None or request.number > newest.number:
                newest = request
        return newest

    def seeks(self) -> bool:
        """Whether this wallet wants a tap: it is armed, or a torn one is to be finished."""
        if not self.provisioned:
            return False
        return self.intent is not None or bool(self.book.open) or self.book.unresolved() > 0

    def home(self) -> None:
        """Show what a wallet shows when nothing happens."""
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

    # What both roles of a tap do ------------------------------------------------------------------

    def receive(
        self, payer_raw: bytes, payment_raw: bytes, request_raw: "bytes | None" = None
    ) -> bytes:
        """Answer a payment with a receipt or a void, committed before it leaves. Raises Refused."""
        reply, step = payee.receive(self.book, payer_raw, payment_raw, request_raw)
        if step is None:
            return reply or b""
        before = self.book.state.balance
        reply = self.book.apply(step)
        self.port.mark(TAP_COMMITTED)
        intent = self.intent
        if intent is not None and intent.request and intent.request.hash not in self.book.open:
            self.intent = None
        credited = self.book.state.balance - before
        if credited:
            self.show("received", amount=credited)
        else:
            self.show("refused", reason=REQUEST_CLOSED)
        return reply

    def resolve(self, outcome: bytes) -> None:
        """Take a receipt or void for a payment made. Raises Refused."""
        step = payer.resolve(self.book, outcome)
        self.session.paying = False
        if step is None:
            return
        before = self.book.state.balance
        self.book.apply(step)
        if self.book.state.balance > before:
            self.show("refused", reason="The money came back.")
        else:
            self.show("paid", amount=step.amount)

    def adopt_epoch(self, raw: bytes) -> None:
        """Go by a newer epoch that another wallet has handed over. Raises Refused."""
        epoch = newer_epoch(self.book, raw)
        if epoch is not None:
            self.book.adopt(epoch)

    def spent(self) -> None:
        """The armed payment has been committed: what was entered serves once."""
        if self.intent is not None and self.intent.direction == PAY_OUT:
            self.intent = None
        self.show("pending", balance=self.book.state.balance)

    def disarm(self) -> None:
        """Forget what was armed and cancel every open request."""
        self.intent = None
        for request_hash in list(self.book.open):
            self.book.apply(payee.cancel(self.book, request_hash))
        self.home()
