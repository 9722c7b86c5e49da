"""Rules that both sides of a tap follow: which request it is for, paying, receiving, resolving."""

from jiaozi.wallet import payee, payer
from jiaozi.wallet.install import newer_epoch
from jiaozi.wire.commands import PAY_OUT
from jiaozi.wire.errors import REQUEST_CLOSED
from wallet.hal.phases import TAP_COMMIT_PAYER, TAP_COMMITTED

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from jiaozi.wire.certificates import Certificate
    from jiaozi.wire.messages import Request
    from wallet.device import Device


def open_request(device: "Device") -> "Request | None":
    """Return the open request the next tap is for: the armed one, else the newest still open."""
    if not device.provisioned:
        return None
    requests = device.book.open
    intent = device.intent
    if intent is not None and intent.request is not None:
        return intent.request if intent.request.hash in requests else None
    newest = None
    for request in requests.values():
        if newest is None or request.number > newest.number:
            newest = request
    return newest


def wants_tap(device: "Device") -> bool:
    """True if this wallet looks for a peer: it is armed, or has a torn tap to finish."""
    if not device.provisioned:
        return False
    book = device.book
    return device.intent is not None or bool(book.open) or book.unresolved() > 0


def is_armed_to_pay(device: "Device") -> bool:
    """True if the owner entered an amount to pay."""
    intent = device.intent
    return intent is not None and intent.direction == PAY_OUT


def is_for_another(device: "Device", payee: "Certificate") -> bool:
    """True if the owner named a payee other than this one."""
    intent = device.intent
    return intent is not None and bool(intent.payee) and intent.payee != payee.hash


def entered_amount(device: "Device", payee: "Certificate") -> int:
    """Return the amount the owner armed this wallet to pay to this payee, 0 if none."""
    intent = device.intent
    if intent is None or intent.direction != PAY_OUT or is_for_another(device, payee):
        return 0
    return intent.amount


def pay(device: "Device", order: payer.Order, amount: int, confirmed: bool) -> bytes:
    """Commit the payment of an order and return the reply that carries it. Raises Refused.

    An entered amount is used up by it.
    """
    book = device.book
    step = payer.pay(book, order, amount, confirmed)
    reply = book.apply(step)
    device.port.mark(TAP_COMMIT_PAYER)
    if entered_amount(device, order.payee):
        device.intent = None
    device.show("pending", balance=book.state.balance)
    return reply


def receive(
    device: "Device", payer_raw: bytes, payment_raw: bytes, request_raw: "bytes | None" = None
) -> bytes:
    """Commit the receipt or void for a payment, then return it. Raises Refused."""
    book = device.book
    reply, step = payee.receive(book, payer_raw, payment_raw, request_raw)
    if step is None:
        return reply or b""
    before = book.state.balance
    reply = book.apply(step)
    device.port.mark(TAP_COMMITTED)
    intent = device.intent
    if intent is not None and intent.request and intent.request.hash not in book.open:
        device.intent = None
    credited = book.state.balance - before
    if credited:
        device.show("received", amount=credited)
    else:
        device.show("refused", reason=REQUEST_CLOSED)
    return reply


def resolve(device: "Device", outcome: bytes) -> None:
    """Commit the receipt or void for a payment this wallet made. Raises Refused."""
    book = device.book
    step = payer.resolve(book, outcome)
    device.session.paying = False
    if step is None:
        return
    before = book.state.balance
    book.apply(step)
    if book.state.balance > before:
        device.show("refused", reason="The money came back.")
    else:
        device.show("paid", amount=step.amount)


def adopt_epoch(device: "Device", raw: bytes) -> None:
    """Adopt another wallet's epoch if it is newer than the one in force. Raises Refused."""
    epoch = newer_epoch(device.book, raw)
    if epoch is not None:
        device.book.adopt(epoch)
