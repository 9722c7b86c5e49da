"""The card's side of a tap: the commands that another wallet's reader may send.

Each takes the data of its command and returns the data of the response, or raises Refused.
"""

from _jzcbor import dumps
from jiaozi.wallet import payer
from jiaozi.wire.cose import BYTES, VERSION, decode, expect
from jiaozi.wire.errors import BUSY, CONSENT_NEEDED, CONSENT_REFUSED, MALFORMED, Refused
from jiaozi.wire.terms import GENERAL
from wallet.consent import payment_subject
from wallet.device import Device, Session
from wallet.roles import tap


def select(device: Device, data: bytes) -> bytes:
    """SELECT: begin a session; return `[version, status, epoch number, certificate, request]`.

    The reader takes it as a hint until it has verified signatures.
    """
    device.session = Session()
    device.session.selected = True
    if not device.provisioned:
        return dumps([VERSION, device.status, 0, None, None])
    book = device.book
    request = tap.open_request(device)
    return dumps(
        [
            VERSION,
            device.status,
            book.epoch.number,
            book.me.raw,
            None if request is None else request.raw,
        ]
    )


def pay(device: Device, data: bytes) -> bytes:
    """PAY: pay the reader's request.

    Takes `[payee's certificate, request]`; returns `[payment]`, or `[payment, request]` for an
    earlier payment that the payee has yet to receive.
    """
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

    entered = tap.entered_amount(device, order.payee)
    amount = payer.amount_of(order.request, entered)
    payer.check(book, order, amount)

    confirmed = amount == entered or _confirmed(device, order, amount)

    reply = tap.pay(device, order, amount, confirmed)
    device.session.paying = True
    return reply


def _confirmed(device: Device, order: payer.Order, amount: int) -> bool:
    """True if the person confirmed this payment, False if it needs no consent.

    A wallet that is armed for another payee always asks. Raises Refused: CONSENT_NEEDED after
    asking the person, CONSENT_REFUSED, BUSY after too many questions.
    """
    consent = device.consent
    subject = payment_subject(order, amount)
    answer = consent.take(subject)
    if answer is None:
        needed = payer.needs_consent(device.book, order, amount)
        if not needed and not tap.is_for_another(device, order.payee):
            return False
        shown = {"amount": amount, "wallet": order.payee.id}
        if order.purse != GENERAL:
            shown["bound"] = True
        if consent.payments:
            shown["number"] = consent.payments + 1
        device.ask(subject, "consent", **shown)
        raise Refused(CONSENT_NEEDED)
    if not answer:
        raise Refused(CONSENT_REFUSED)
    return True


def payment(device: Device, data: bytes) -> bytes:
    """PAYMENT: receive the reader's payment for a request of this wallet.

    Takes `[payer's certificate, payment]`, optionally with the request; returns the receipt or
    void.
    """
    body = decode(data)
    if type(body) is not list or len(body) not in (2, 3):
        raise Refused(MALFORMED)
    expect(body, (BYTES,) * len(body))
    return tap.receive(device, *body)


def resolve(device: Device, data: bytes) -> bytes:
    """RESOLVE: take the receipt or void for a payment this wallet made."""
    tap.resolve(device, data)
    return b""


def epoch(device: Device, data: bytes) -> bytes:
    """EPOCH: adopt a newer epoch between transactions; without data return the one in force."""
    if not data:
        return device.book.epoch.raw
    if device.session.paying or device.consent.asking:
        raise Refused(BUSY)
    tap.adopt_epoch(device, data)
    return b""
