"""The wallet's question to the person, and the answer: for use once, soon.

A question has a subject, a tuple of all that an answer allows: `payment_subject` or `PIN_TRY`.
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

PIN_TRY = ("pin",)
"""Subject: one try of the PIN over the air, in this contact."""


def payment_subject(order: "Order", amount: int) -> tuple:
    """Return the subject of a payment: payee, request, amount and purse."""
    return order.payee.hash, order.request.hash, amount, order.purse


class Consent:
    """At most one open question, and at most one answer that is not used, each for a minute.

    ticks_ms: a wrapping millisecond counter; payments: how many payments the person has confirmed
    in this contact.
    """

    def __init__(self, ticks_ms: "Callable[[], int]") -> None:
        self._ticks_ms = ticks_ms
        self._questions = self.payments = 0
        self.forget()

    def forget(self) -> None:
        """Forget the question and the answer."""
        self._question: tuple = ()
        self._answer: tuple = ()
        self._granted = False
        self._asked_at = self._answered_at = 0

    def begin_contact(self) -> bool:
        """Begin a contact. Question and answer about payments stay, those about the PIN end.

        Returns True if there was one of the latter.
        """
        self._questions = self.payments = 0
        ended = PIN_TRY in (self._question, self._answer)
        if self._question == PIN_TRY:
            self._question = ()
        if self._answer == PIN_TRY:
            self._answer = ()
        return ended

    def ask(self, subject: tuple) -> bool:
        """Ask a question in place of one that is open.

        Returns False if it is open already. Raises Refused(BUSY) after too many in one contact.
        """
        if self.asking and self._question == subject:
            return False
        if self._questions == _QUESTIONS_A_CONTACT:
            raise Refused(BUSY)
        self._questions += 1
        self._question = subject
        self._asked_at = self._ticks_ms()
        return True

    @property
    def asking(self) -> bool:
        """True while a question is open."""
        return bool(self._question) and not self._is_over(self._asked_at)

    def answer(self, granted: bool) -> None:
        """Record the person's answer to the open question, if there is one."""
        if not self.asking:
            return
        self._answer, self._granted = self._question, granted
        self._question = ()
        self._answered_at = self._ticks_ms()
        if granted and self._answer != PIN_TRY:
            self.payments += 1

    def take(self, subject: tuple) -> "bool | None":
        """Return and use up the answer about this subject: True, False, or None if none."""
        if self._answer != subject or self._is_over(self._answered_at):
            return None
        self._answer = ()
        return self._granted

    def withdraw(self) -> None:
        """Forget a question that is open: the display shows something else."""
        self._question = ()

    def expire(self) -> bool:
        """Forget a question or an answer whose time is over; return True if there was one."""
        ended = False
        if self._question and self._is_over(self._asked_at):
            self._question = ()
            ended = True
        if self._answer and self._is_over(self._answered_at):
            self._answer = ()
            ended = True
        return ended

    def _is_over(self, since: int) -> bool:
        return elapsed_ms(since, self._ticks_ms()) > _LIFETIME_MS
