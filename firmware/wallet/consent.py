"""The wallet's question to the person, and the answer: for use once, soon.

A question has a subject, a tuple of all that an answer to it allows: `payment_subject` or `PIN_TRY`.
"""

from jiaozi.wire.errors import BUSY, Refused
from micropython import const
from wallet.ticks import elapsed_ms

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from jiaozi.wallet.payer import Order

_LIFETIME_MS = const(60000)

# A reader must not make the display flicker for ever.
_QUESTIONS_A_CONTACT = const(8)

_NONE = const(0)
_ASKED = const(1)
_GRANTED = const(2)
_REFUSED = const(3)

PIN_TRY = ("pin",)
"""Subject: one try of the PIN over the air, in this contact."""


def payment_subject(order: "Order", amount: int) -> tuple:
    """Return the subject of a payment: payee, request, amount and purse."""
    return order.payee.hash, order.request.hash, amount, order.purse


class Consent:
    """At most one question or unused answer at a time, each for a minute.

    ticks_ms: a wrapping millisecond counter; payments: how many payments the person has confirmed
    in this contact.
    """

    def __init__(self, ticks_ms: "Callable[[], int]") -> None:
        self._ticks_ms = ticks_ms
        self.forget()
        self._questions = self.payments = 0

    def forget(self) -> None:
        """Forget the question or its answer."""
        self._state = _NONE
        self._subject: tuple = ()
        self._since = 0

    def begin_contact(self) -> bool:
        """Begin a contact. A payment's question or answer stays, the PIN's is forgotten.

        Returns True if there was one of the PIN's.
        """
        self._questions = self.payments = 0
        if self._subject != PIN_TRY:
            return False
        self.forget()
        return True

    def ask(self, subject: tuple) -> bool:
        """Ask a question in place of an earlier one, answered or not.

        Returns False if it is open already. Raises Refused(BUSY) after too many in one contact.
        """
        if self.asking and self._subject == subject:
            return False
        if self._questions == _QUESTIONS_A_CONTACT:
            raise Refused(BUSY)
        self._questions += 1
        self._state = _ASKED
        self._subject = subject
        self._since = self._ticks_ms()
        return True

    @property
    def asking(self) -> bool:
        """True while a question is open."""
        return self._state == _ASKED and not self._is_over()

    def answer(self, granted: bool) -> None:
        """Record the person's answer to the open question, if there is one."""
        if not self.asking:
            return
        self._state = _GRANTED if granted else _REFUSED
        self._since = self._ticks_ms()
        if granted and self._subject != PIN_TRY:
            self.payments += 1

    def take(self, subject: tuple) -> "bool | None":
        """Return and use up the answer about this subject: True, False, or None if none."""
        if self._state < _GRANTED or self._subject != subject or self._is_over():
            return None
        granted = self._state == _GRANTED
        self.forget()
        return granted

    def withdraw(self) -> None:
        """Forget a question that is open: the display shows something else."""
        if self._state == _ASKED:
            self.forget()

    def expire(self) -> bool:
        """Forget a question or an answer whose time is over; return True if there was one."""
        if self._state == _NONE or not self._is_over():
            return False
        self.forget()
        return True

    def _is_over(self) -> bool:
        return elapsed_ms(self._since, self._ticks_ms()) > _LIFETIME_MS
