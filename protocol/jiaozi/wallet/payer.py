"""The payer's rules of a tap: read the order, recall what was answered, check the limits, commit.

    order = payer.read_order(book, payee_raw, request_raw)
    answer = payer.recall(book, order)      # the same request is always answered by the same bytes
    payer.check(book, order, amount)        # the payee is genuine, the limits hold
    step = payer.pay(book, order, amount, confirmed)
    book.apply(step)                        # one record, before a byte leaves
    payer.resolve(book, receipt_or_void)

An answer is the array `[payment]`, or `[payment, request]` when it is a pending payment for another
request.
"""

from _jzcbor import dumps
from jiaozi.wallet.book import PAYMENT_LENGTH, PAYMENT_SLOTS, RESOLUTION_LENGTH, Book, Step
from jiaozi.wallet.purposes import choose, returns
from jiaozi.wire.certificates import ACCOUNT, Certificate, read
from jiaozi.wire.cose import PAYMENT, WALLET, sign
from jiaozi.wire.errors import (
    AMOUNT_INVALID,
    AMOUNT_MISMATCH,
    AMOUNT_NEEDED,
    OVER_HOPS,
    OVER_OFFLINE_COUNT,
    OVER_OFFLINE_TOTAL,
    OVER_SINGLE,
    REQUEST_CLOSED,
    REQUEST_EXPIRED,
    SAME_WALLET,
    SYNC_OVERDUE,
    UNKNOWN_PAYMENT,
    WRONG_CURRENCY,
    Refused,
)
from jiaozi.wire.journal import (
    CONFIRMED,
    COUNTED,
    OFFLINE,
    PAID,
    PAYMENT_HASH,
    PAYMENT_RAW,
    PEER_RAW,
    REFUNDED,
    REQUEST_HASH,
    REQUEST_RAW,
    RESOLVED,
    SETTLED_AT,
    TAKEN,
    UNCONFIRMED,
)
from jiaozi.wire.messages import Request, Void, read_outcome, read_request
from jiaozi.wire.terms import GENERAL


class Order:
    """A request and the certificate of who made it, read but not yet believed.

    purse: the one that pays, chosen by `check`.
    """

    def __init__(self, payee: Certificate, request: Request) -> None:
        self.payee = payee
        self.request = request
        self.purse = GENERAL


def read_order(book: Book, payee_raw: bytes, request_raw: bytes) -> Order:
    """Read the two parts of an order. Raises Refused(MALFORMED)."""
    payee = read(WALLET, payee_raw, book.network)
    return Order(payee, read_request(request_raw, book.network))


def recall(book: Book, order: Order) -> "bytes | None":
    """The stored answer to a request that was answered before, or None.

    Raises Refused(REQUEST_CLOSED) for a request whose payment was voided.
    """
    entry = book.paid(order.request.hash)
    if entry is None:
        return None
    resolution = book.resolution(entry[PAYMENT_HASH])
    if resolution is not None and resolution[0] == REFUNDED:
        raise Refused(REQUEST_CLOSED)
    return dumps([entry[PAYMENT_RAW]])


def unfinished(book: Book, payee: Certificate) -> "list | None":
    """The PAID entry of a payment to this payee whose outcome is not known yet, or None.

    One whose request has expired is left for sync: the payee may have forgotten it, and would stand
    in the way of paying it again for ever. That the certificate is not verified does no harm: the
    payment is good for its payee alone.
    """
    for entry in book.pending():
        if read(WALLET, entry[PEER_RAW], book.network).id != payee.id:
            continue
        if read_request(entry[REQUEST_RAW], book.network).expiry >= book.epoch.number:
            return entry
    return None


def resend(entry: list) -> bytes:
    """The answer that repeats a pending payment, with the request that it is for."""
    return dumps([entry[PAYMENT_RAW], entry[REQUEST_RAW]])


def amount_of(request: Request, entered: int) -> int:
    """The amount to pay, given what the person entered beforehand (0: nothing).

    Raises Refused (AMOUNT_MISMATCH, AMOUNT_NEEDED, AMOUNT_INVALID).
    """
    if request.amount:
        if entered and entered != request.amount:
            raise Refused(AMOUNT_MISMATCH)
        return request.amount
    if not entered:
        raise Refused(AMOUNT_NEEDED)
    if not request.accepts(entered):
        raise Refused(AMOUNT_INVALID)
    return entered


def check(book: Book, order: Order, amount: int) -> None:
    """Check that the payee is genuine and the payment within every limit; choose the purse.

    Raises Refused.
    """
    request, policy, state = order.request, book.policy, book.state
    _check_limits(book, order, amount)
    order.payee = book.trust.wallet(order.payee.raw)
    book.trust.check_current(order.payee, book.epoch)
    book.trust.check_current(book.me, book.epoch, order.payee)
    if book.trust.operator(order.payee).currency != policy.currency:
        raise Refused(WRONG_CURRENCY)
    request.verify(order.payee.public, order.payee.hash)
    if _is_offline(book, order):
        if state.offline_count >= policy.offline_count:
            raise Refused(OVER_OFFLINE_COUNT)
        if state.offline_total + amount > policy.offline_total:
            raise Refused(OVER_OFFLINE_TOTAL)


def _check_limits(book: Book, order: Order, amount: int) -> None:
    """What can be refused before a signature is checked."""
    request, policy = order.request, book.policy
    book.check_free()
    if order.payee.id == book.me.id:
        raise Refused(SAME_WALLET)
    if request.currency != policy.currency:
        raise Refused(WRONG_CURRENCY)
    if not request.accepts(amount):
        raise Refused(AMOUNT_INVALID)
    if book.paid(request.hash) is not None:
        raise Refused(REQUEST_CLOSED)
    _check_epochs(book, request)
    # Before the balance: who asks for very much learns the limit, not what there is.
    if amount > policy.single and not any([returns(book, order.payee, n) for n in book.terms]):
        raise Refused(OVER_SINGLE)
    order.purse = choose(book, order.payee, request, amount)
    if amount > policy.single and not returns(book, order.payee, order.purse):
        raise Refused(OVER_SINGLE)
    kept = PAYMENT_LENGTH + len(request.raw) + len(order.payee.raw)
    book.check_room(PAYMENT_SLOTS, [kept, RESOLUTION_LENGTH])


def _check_epochs(book: Book, request: Request) -> None:
    policy, epoch = book.policy, book.epoch.number
    if request.expiry < epoch:
        raise Refused(REQUEST_EXPIRED)
    if epoch > book.state.synced_epoch + policy.epochs_since_sync:
        raise Refused(SYNC_OVERDUE)
    # An answer is kept until its request has expired. A payee whose epoch is further ahead than one
    # may stay away from sync, or that says so, would take up room in the journal for ever.
    if request.expiry > epoch + policy.epochs_since_sync + policy.request_lifetime:
        raise Refused(SYNC_OVERDUE)


def _is_offline(book: Book, order: Order) -> bool:
    """True unless it goes to the own operator's account, or back to the purse's funder.

    They see it at once. Another operator's account is a payee like any other.
    """
    payee, terms = order.payee, book.terms.get(order.purse)
    if terms is not None and terms.is_funder(payee):
        return False
    return payee.form != ACCOUNT or book.trust.operator(payee).id != book.operator.id


def needs_consent(book: Book, order: Order, amount: int) -> bool:
    """Whether the policy wants the person to confirm this payment on the wallet.

    Money past the expiry of its purse is its funder's. Call `check` first.
    """
    policy, state = book.policy, book.state
    if returns(book, order.payee, order.purse):
        return False
    return (
        amount > policy.unconfirmed_single
        or state.unconfirmed_count >= policy.unconfirmed_count
        or state.unconfirmed_total + amount > policy.unconfirmed_total
    )


def pay(book: Book, order: Order, amount: int, confirmed: bool) -> Step:
    """Debit and sign: the step holds payment, request and payee's certificate. Call `check` first.

    Raises Refused(OVER_HOPS), Refused(OVER_BALANCE).
    """
    state = book.state.copy()
    taken = state.debit(amount, GENERAL if book.me.form == ACCOUNT else order.purse)
    hop = max(level for level, part in enumerate(taken) if part)
    if hop > book.policy.hops and _is_offline(book, order):
        raise Refused(OVER_HOPS)
    body = [
        state.sequence,
        order.request.hash,
        amount,
        order.purse,
        hop,
        book.epoch.number,
        book.policy.version,
    ]
    payment = sign(PAYMENT, body, book.key, book.me.hash, book.network)
    state.sequence += 1
    counted = _counted(book, order, confirmed)
    state.count(amount, counted)
    entry = [
        PAID,
        order.request.hash,
        payment.hash,
        payment.raw,
        order.request.raw,
        order.payee.raw,
        taken,
        counted,
        state.settled_at,
        book.policy.hash,
    ]
    return Step(state, dumps([payment.raw]), entry)


def _counted(book: Book, order: Order, confirmed: bool) -> int:
    """What a payment counts, as its PAID entry records it."""
    counted = OFFLINE if _is_offline(book, order) else 0
    if confirmed:
        return counted | CONFIRMED
    if returns(book, order.payee, order.purse):
        return counted
    return counted | UNCONFIRMED


def resolve(book: Book, raw: bytes) -> "Step | None":
    """Take a receipt or a void for a payment made; a void refunds. None if it was resolved before.

    A void also gives back what the payment counted, if no settlement has come since.
    Raises Refused (UNKNOWN_PAYMENT, BAD_SIGNATURE, WRONG_SIGNER, MALFORMED).
    """
    outcome = read_outcome(raw, book.network)
    paid = book.paid_hash(outcome.payment_hash)
    if paid is None:
        raise Refused(UNKNOWN_PAYMENT)
    payee = read(WALLET, paid[PEER_RAW], book.network)
    outcome.verify(payee.public, payee.hash)
    if book.resolution(outcome.payment_hash) is not None:
        return None
    state = book.state.copy()
    kind = RESOLVED
    if isinstance(outcome, Void):
        if outcome.request_hash != paid[REQUEST_HASH]:
            raise Refused(UNKNOWN_PAYMENT)
        kind = REFUNDED
        state.refund(paid[TAKEN], book.source(paid))
        if paid[SETTLED_AT] == state.settled_at:
            state.uncount(sum(paid[TAKEN]), paid[COUNTED])
    entry = [kind, paid[REQUEST_HASH], outcome.payment_hash, outcome.raw]
    return Step(state, b"", entry, amount=sum(paid[TAKEN]))
