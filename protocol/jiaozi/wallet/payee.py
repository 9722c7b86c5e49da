"""The payee's rules of a tap: make a request, then credit or void what comes for it.

    book.apply(payee.request(book, amount))     # room is reserved, the number is burned
    step = payee.receive(book, payer_raw, payment_raw)
    book.apply(step)                            # one record, before the answer leaves

A payment that answers one's own request as it asks gets a receipt or a void; a refusal (an error)
is never an outcome. Voids are bounded; a payment refused beyond the bound ends at the operator. The
same payment is always answered by the same bytes.
"""

from jiaozi.wallet.book import ANSWER_LENGTH, ANSWER_SLOTS, OPEN_LIMIT, REQUEST_LENGTH, Book, Step
from jiaozi.wallet.purposes import may_ask, may_credit
from jiaozi.wallet.store_keys import open_key
from jiaozi.wire.certificates import ACCOUNT, Certificate
from jiaozi.wire.cose import RECEIPT, REQUEST, VOID, sign
from jiaozi.wire.errors import (
    AMOUNT_INVALID,
    EXPIRED,
    OTHER_REQUEST,
    OVER_CAP,
    PURSE_REFUSED,
    REQUEST_CLOSED,
    REVOKED,
    TOO_MANY_REQUESTS,
    Refused,
)
from jiaozi.wire.journal import CREDITED, VOIDED
from jiaozi.wire.messages import Payment, Request, read_payment, read_request
from jiaozi.wire.terms import ANY_PURPOSE, GENERAL


def request(book: Book, amount: int, ceiling: int = 0, purse: int = GENERAL) -> Step:
    """Raise a request for `amount`, or an open one for up to `ceiling`; the reply is the request.

    purse: the one to be funded (at an account: that pays); else who has a category takes general
    money and what the terms of a purse permit. Raises Refused (AMOUNT_INVALID, PURSE_REFUSED,
    OVER_CAP, TOO_MANY_REQUESTS, JOURNAL_FULL, FROZEN, FIRMWARE_OLDER).
    """
    book.check_free()
    policy, state = book.policy, book.state.copy()
    if min(amount, ceiling) < 0 or (amount > 0) == (ceiling > 0):
        raise Refused(AMOUNT_INVALID)
    if not may_ask(book, purse):
        raise Refused(PURSE_REFUSED)
    if state.balance + book.reserved + book.in_flight + (amount or ceiling) > policy.balance_cap:
        raise Refused(OVER_CAP)
    if len(book.open) >= OPEN_LIMIT:
        raise Refused(TOO_MANY_REQUESTS)
    book.check_room(ANSWER_SLOTS, [REQUEST_LENGTH, ANSWER_LENGTH])
    taken = [open_key(other.number) for other in book.open.values()]
    while open_key(state.next_request) in taken:
        state.next_request += 1
    expiry = book.epoch.number + policy.request_lifetime
    purses = [purse]
    if purse == GENERAL and book.me.category:
        purses.append(ANY_PURPOSE)
    body = [state.next_request, amount, ceiling, policy.currency, purses, expiry]
    signed = sign(REQUEST, body, book.key, book.me.hash, book.network, Request)
    state.next_request += 1
    return Step(state, signed.raw, opened=signed)


def cancel(book: Book, request_hash: bytes) -> Step:
    """Close an open request: a payment that still comes for it is voided."""
    return Step(book.state.copy(), closed=request_hash)


def receive(
    book: Book, payer_raw: bytes, payment_raw: bytes, request_raw: "bytes | None" = None
) -> "tuple[bytes | None, Step | None]":
    """Answer a payment: (reply, None) when it was answered before, else (None, step) to commit.

    `request_raw` is the request the payment is for, in case it is no longer open here.
    Raises Refused for what is not an authentic payment for a request of this wallet, as it asks
    (AMOUNT_INVALID, PURSE_REFUSED), and when it may give no more voids (TOO_MANY_VOIDS).
    """
    payment = read_payment(payment_raw, book.network)
    stored = book.outcome(payment.hash)
    if stored is not None:
        return stored, None
    wanted = _own_request(book, payment, request_raw)
    payer = book.trust.wallet(payer_raw)
    payment.verify(payer.public, payer.hash)
    if wanted.number < book.state.floor:
        raise Refused(REQUEST_CLOSED)
    # No honest payer signs these, so they deserve no record.
    if not wanted.accepts(payment.amount):
        raise Refused(AMOUNT_INVALID)
    if not wanted.takes(payment.purse):
        raise Refused(PURSE_REFUSED)
    if _creditable(book, payment, wanted, payer):
        return None, _credit(book, payment, wanted, payer)
    book.check_void(wanted.hash, payer.hash)
    # A request that has expired here can never be credited: the void takes its slot.
    closed = wanted.hash if wanted.hash in book.open and _expired(book, wanted) else None
    if closed is None:
        book.check_room(ANSWER_SLOTS, [ANSWER_LENGTH])
    return None, _void(book, payment, wanted, payer, closed)


def _own_request(book: Book, payment: Payment, request_raw: "bytes | None") -> Request:
    request = book.open.get(payment.request_hash)
    if request is not None:
        return request
    if request_raw is None:
        raise Refused(OTHER_REQUEST)
    request = read_request(request_raw, book.network)
    if request.hash != payment.request_hash or request.signer != book.me.hash:
        raise Refused(OTHER_REQUEST)
    request.verify(book.me.public, book.me.hash)
    return request


def _creditable(book: Book, payment: Payment, wanted: Request, payer: Certificate) -> bool:
    try:
        book.trust.check_current(payer, book.epoch, book.me)
    except Refused as refusal:
        if refusal.sw not in (EXPIRED, REVOKED):
            raise
        return False
    return (
        wanted.hash in book.open
        and not _expired(book, wanted)
        and may_credit(book, payer, payment)
        and payer.id != book.me.id
        and not book.has_twin(payment)
        and book.trust.operator(payer).currency == wanted.currency
    )


def _expired(book: Book, wanted: Request) -> bool:
    return wanted.expiry < book.epoch.number


def _credit(book: Book, payment: Payment, wanted: Request, payer: Certificate) -> Step:
    state = book.state.copy()
    body = [payment.hash, state.position, book.epoch.number]
    receipt = sign(RECEIPT, body, book.key, book.me.hash, book.network)
    # What comes back to an operator is seen by it at once, and starts anew.
    level = 0 if book.me.form == ACCOUNT else payment.hop + 1
    state.credit(level, payment.amount, payment.credited_purse(payer, book.me))
    entry = _entry(CREDITED, payment, wanted, payer, receipt.raw)
    return Step(state, receipt.raw, entry, closed=wanted.hash)


def _void(
    book: Book, payment: Payment, wanted: Request, payer: Certificate, closed: "bytes | None"
) -> Step:
    state = book.state.copy()
    body = [wanted.hash, payment.hash, state.position, book.epoch.number]
    void = sign(VOID, body, book.key, book.me.hash, book.network)
    entry = _entry(VOIDED, payment, wanted, payer, void.raw)
    return Step(state, void.raw, entry, closed=closed)


def _entry(
    kind: int, payment: Payment, wanted: Request, payer: Certificate, outcome: bytes
) -> list:
    return [kind, wanted.hash, payment.hash, payment.raw, wanted.raw, payer.raw, outcome]
