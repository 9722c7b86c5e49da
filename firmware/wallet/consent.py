"""The person's consent to one payment, bound to request, amount and purse; for use once, soon."""

from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_LIFETIME_MS = const(60000)

_NONE = const(0)
_ASKED = const(1)
_GRANTED = const(2)
_REFUSED = const(3)


class Consent:
    """At most one question at a time; `ticks_ms` is a wrapping millisecond counter."""

    def __init__(self, ticks_ms: "Callable[[], int]") -> None:
        self._ticks_ms = ticks_ms
        self._forget()

    def _forget(self) -> None:
        self._state = _NONE
        self._request = b""
        self._amount = self._purse = 0
        self._since = 0

    def ask(self, request_hash: bytes, amount: int, purse: int) -> None:
        """Ask a question; it replaces an earlier one, answered or not."""
        self._state = _ASKED
        self._request = request_hash
        self._amount, self._purse = amount, purse
        self._since = self._ticks_ms()

    @property
    def asking(self) -> bool:
        """True while a question is open."""
        return self._state == _ASKED and not self._stale()

    def answer(self, granted: bool) -> None:
        """Record the person's answer to the open question, if there is one."""
        if self.asking:
            self._state = _GRANTED if granted else _REFUSED
            self._since = self._ticks_ms()

    def take(self, request_hash: bytes, amount: int, purse: int) -> "bool | None":
        """Return and use up the answer to exactly this question: True, False, or None if none."""
        if self._stale() or self._request != request_hash or self._state == _ASKED:
            return None
        if self._amount != amount or self._purse != purse:
            return None
        granted = self._state == _GRANTED
        self._forget()
        return granted

    def _stale(self) -> bool:
        if self._state != _NONE and (self._ticks_ms() - self._since) & 0x3FFFFFFF > _LIFETIME_MS:
            self._forget()
        return self._state == _NONE
