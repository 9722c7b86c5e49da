"""PAY: the payee's reader asks this wallet to pay its request."""

from jiaozi.wallet import payer
from jiaozi.wire.commands import PAY_OUT
from jiaozi.wire.cose import BYTES, decode, expect
from jiaozi.wire.errors import CONSENT_NEEDED, CONSENT_REFUSED, Refused
from jiaozi.wire.terms import GENERAL
from wallet.device import Device
from wallet.hal.phases import TAP_COMMIT_PAYER


def run(device: Device, data: bytes) -> bytes:
    """Take `[payee's certificate, request]`; answer `[payment]`, or `[payment, request]`."""
    body = decode(data)
    expect(body, (BYTES, BYTES))
    book = device.book
    order = payer.read_order(book, body[0], body[1])
    stored = payer.recall(book, order)
    if stored is not None:
        return stored
    unfinished = payer.unfinished(book, order.payee)
    if unfinished is not None:
        return payer.resend(unfinished)

    entered = entered_amount(device)
    amount = payer.amount_of(order.request, entered)
    payer.check(book, order, amount)

    confirmed = amount == entered or _confirmed(device, order, amount)

    step = payer.pay(book, order, amount, confirmed)
    reply = book.apply(step)
    device.port.mark(TAP_COMMIT_PAYER)
    device.session.paying = True
    device.spent()
    return reply


def entered_amount(device: Device) -> int:
    """What the owner armed this wallet to pay, 0 for nothing."""
    intent = device.intent
    return intent.amount if intent is not None and intent.direction == PAY_OUT else 0


def _confirmed(device: Device, order: payer.Order, amount: int) -> bool:
    """Whether the person confirmed on the wallet. Raises Refused when that is needed and not so."""
    request_hash = order.request.hash
    answer = device.consent.take(request_hash, amount, order.purse)
    if answer is None:
        if not payer.needs_consent(device.book, order, amount):
            return False
        if not device.consent.asking:
            device.consent.ask(request_hash, amount, order.purse)
            shown = {"amount": amount, "wallet": order.payee.id}
            if order.purse != GENERAL:
                shown["bound"] = True
            device.show("consent", **shown)
        raise Refused(CONSENT_NEEDED)
    if not answer:
        raise Refused(CONSENT_REFUSED)
    return True
