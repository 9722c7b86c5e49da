"""Every screen by its name: what it says, whatever the display looks like.

A page is (title, note, amount, lines, keys, role): the title at the top and a short note beside it;
either an amount in large figures and a line of text, or lines of text; what the keys do, as
(cancel, ok), each "" where the key does nothing; and the role of the colour of what is large.
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
    """The first bytes of a wallet id, enough for two people side by side."""
    return "".join([f"{byte:02x}" for byte in wallet[:3]])


def blank() -> tuple:
    """Never provisioned."""
    return "Jiaozi", "", "", ("Not set up yet.", "Bring it to an operator."), _NO_KEYS, INK


def home(balance: int, wallet: bytes, last: int = 0, bound: int = 0) -> tuple:
    """At rest. balance: general money; last: what the last payment of this day changed; bound: what
    purses with terms hold, which is more to know.
    """
    lines = (f"last {money(last, True)}",) if last else ("ready to tap",)
    if bound:
        lines = (f"and bound {money(bound)}",)
    return "Balance", _id(wallet), money(balance), lines, _NO_KEYS, INK


def armed_receive(amount: int) -> tuple:
    """The next tap asks for money; amount 0: as much as the payer likes."""
    lines = ("hold to the payer",)
    figure = money(amount) if amount else ""
    return "Receive", "", figure, lines if amount else ("any amount",) + lines, ("Cancel", ""), GOOD


def armed_pay(amount: int) -> tuple:
    """The next tap pays what was entered."""
    return "Pay", "", money(amount), ("hold to the payee",), ("Cancel", ""), INK


def consent(amount: int, wallet: bytes, bound: bool = False) -> tuple:
    """Somebody asks for money: a person decides. bound: from a purse with terms."""
    lines = ("bound",) if bound else ()
    return "Pay", f"to {_id(wallet)}", money(amount), lines, ("Cancel", "OK"), INK


def paid(amount: int) -> tuple:
    """A payment is finished."""
    return "Paid", "", money(-amount), ("done",), _NO_KEYS, INK


def received(amount: int) -> tuple:
    """Money came in."""
    return "Received", "", money(amount, True), ("done",), _NO_KEYS, GOOD


def refused(reason: "int | str") -> tuple:
    """A tap ended without a payment. reason: a status word, or words."""
    text = reason if isinstance(reason, str) else reason_text(reason)
    return "Not paid", "", "", (text,), _NO_KEYS, BAD


def pending(balance: int) -> tuple:
    """A payment left, its receipt has not come: nothing is lost."""
    return "Tap again", "to finish", money(balance), ("balance",), _NO_KEYS, INK


def blocked() -> tuple:
    """No PIN tries are left."""
    return "PIN blocked", "", "", ("Ask your operator", "to unblock it."), _NO_KEYS, BAD


def frozen() -> tuple:
    """The operator has frozen the wallet."""
    return "Frozen", "", "", ("Bring this wallet", "to your operator."), _NO_KEYS, BAD


def outdated() -> tuple:
    """A newer firmware has run in this wallet before."""
    return "Old firmware", "", "", ("Bring this wallet", "to your operator."), _NO_KEYS, BAD


PAGES: "dict[str, Callable[..., tuple]]" = {
    "armed_pay": armed_pay,
    "armed_receive": armed_receive,
    "blank": blank,
    "blocked": blocked,
    "consent": consent,
    "frozen": frozen,
    "home": home,
    "outdated": outdated,
    "paid": paid,
    "pending": pending,
    "received": received,
    "refused": refused,
}
