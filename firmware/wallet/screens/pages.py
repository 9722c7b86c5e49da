"""Every screen by name, as data independent of the display.

A page is (title, note, amount, lines, keys, role): the title at the top with a short note; either
an amount in large figures with a line of text, or lines of text; the labels of the keys (cancel,
ok), "" for a key without function; and the colour role of the large text.
"""

from wallet.hal.display import BAD, GOOD, INK
from wallet.screens.amounts import amount as money
from wallet.screens.reasons import reason_text

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_NO_KEYS = ("", "")


def _id(wallet: bytes) -> str:
    """Return the first bytes of a wallet id, enough to tell two wallets apart in person."""
    return "".join([f"{byte:02x}" for byte in wallet[:3]])


def blank() -> tuple:
    """The device is not provisioned."""
    return "Jiaozi", "", "", ("Not set up yet.", "Bring it to an operator."), _NO_KEYS, INK


def home(balance: int, wallet: bytes, last: int = 0, bound: int = 0) -> tuple:
    """The wallet is idle.

    balance: general money; last: change by the last payment since the start; bound: money in purses
    with terms, shown instead of `last`.
    """
    lines = (f"last {money(last, True)}",) if last else ("ready to tap",)
    if bound:
        lines = (f"and bound {money(bound)}",)
    return "Balance", _id(wallet), money(balance), lines, _NO_KEYS, INK


def armed_receive(amount: int) -> tuple:
    """The next tap requests money. amount: 0 for any."""
    lines = ("hold to the payer",)
    figure = money(amount) if amount else ""
    return "Receive", "", figure, lines if amount else ("any amount",) + lines, ("Cancel", ""), GOOD


def armed_pay(amount: int, left: int, named: bool = False) -> tuple:
    """The next tap pays the entered amount.

    left: seconds until this ends; named: only a payee that the owner chose is paid.
    """
    note = "chosen payee" if named else ""
    time = f"{left // 60} min" if left >= 60 else f"{left} s"
    return "Pay", note, money(amount), (f"tap within {time}",), ("Cancel", ""), INK


def consent(amount: int, wallet: bytes, bound: bool = False, number: int = 1) -> tuple:
    """Ask the person to confirm a payment.

    bound: it is from a purse with terms; number: counts the confirmations of one contact.
    """
    lines = ("bound",) if bound else ()
    title = "Pay" if number == 1 else f"Payment {number}"
    return title, f"to {_id(wallet)}", money(amount), lines, ("Cancel", "OK"), INK


def confirmed() -> tuple:
    """The person has confirmed, and the reader has gone or not asked again yet."""
    return "Confirmed", "", "", ("Hold to the reader", "within a minute."), ("Cancel", ""), INK


def allow_pin() -> tuple:
    """Ask the person to allow one try of the PIN over the air."""
    return "PIN", "", "", ("Press OK to allow the PIN.", "one try"), ("Cancel", "OK"), INK


def paid(amount: int) -> tuple:
    """A payment was completed."""
    return "Paid", "", money(-amount), ("done",), _NO_KEYS, INK


def received(amount: int) -> tuple:
    """Money was received."""
    return "Received", "", money(amount, True), ("done",), _NO_KEYS, GOOD


def refused(reason: "int | str") -> tuple:
    """A tap ended without a payment. reason: a status word or a text."""
    text = reason if isinstance(reason, str) else reason_text(reason)
    return "Not paid", "", "", (text,), _NO_KEYS, BAD


def pending(balance: int) -> tuple:
    """A payment was sent and its receipt has not come; nothing is lost."""
    return "Tap again", "to finish", money(balance), ("balance",), _NO_KEYS, INK


def blocked() -> tuple:
    """No PIN tries are left."""
    return "PIN blocked", "", "", ("Ask your operator", "to unblock it."), _NO_KEYS, BAD


def frozen() -> tuple:
    """The operator has frozen the wallet."""
    return "Frozen", "", "", ("Bring this wallet", "to your operator."), _NO_KEYS, BAD


def outdated() -> tuple:
    """Newer firmware has run in this wallet."""
    return "Old firmware", "", "", ("Bring this wallet", "to your operator."), _NO_KEYS, BAD


def damaged() -> tuple:
    """A secret of the wallet does not open, so it can neither sign nor check a PIN."""
    return "Damaged", "", "", ("Bring this wallet", "to your operator."), _NO_KEYS, BAD


PAGES: "dict[str, Callable[..., tuple]]" = {
    "allow_pin": allow_pin,
    "armed_pay": armed_pay,
    "armed_receive": armed_receive,
    "blank": blank,
    "blocked": blocked,
    "confirmed": confirmed,
    "consent": consent,
    "damaged": damaged,
    "frozen": frozen,
    "home": home,
    "outdated": outdated,
    "paid": paid,
    "pending": pending,
    "received": received,
    "refused": refused,
}
