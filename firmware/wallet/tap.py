"""The reader's side of a tap.

    SELECT               who is there, and does it ask for money?
    1. a payment to this wallet is unfinished:   PAYMENT, with its request      (the payer resumes)
    2. we ask for money:                         PAY, then RESOLVE              (the payee reads)
    3. we are armed to pay and it asks:          PAYMENT                        (the payer reads)

Whatever a link or a refusal breaks off is finished by tapping again. Once nothing is under way any
more, EPOCH brings whoever is behind to the other's epoch; that is no part of the outcome.
"""

from _jzcbor import dumps
from jiaozi.wallet import payer
from jiaozi.wire import apdu
from jiaozi.wire.certificates import read
from jiaozi.wire.commands import EPOCH, PAY, PAYMENT, RESOLVE
from jiaozi.wire.cose import BYTES, OPTIONAL_BYTES, UINT, VERSION, WALLET, decode, expect
from jiaozi.wire.epochs import LONGEST_EPOCH
from jiaozi.wire.errors import CONSENT_NEEDED, MALFORMED, NO_REQUEST, NOT_ALLOWED, Refused
from jiaozi.wire.journal import PAYMENT_RAW, REQUEST_RAW
from micropython import const
from wallet.apps.pay.pay import entered_amount
from wallet.device import Device
from wallet.hal.phases import TAP_COMMIT_PAYER

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Exchange = Callable[[bytes], bytes]
    Wait = Callable[[int], object]

# How often, and how long after each other, a payer is asked whether the person has confirmed.
_ASKS = const(100)
_ASK_AGAIN_MS = const(300)

# Pending payments of the same payer are settled one after another before the new one.
_MOST_PENDING = const(8)


def read_tap(device: Device, exchange: "Exchange", wait: "Wait") -> None:
    """Run a tap over `exchange(command) -> response`; `wait(ms)` sleeps with the field on.

    Raises Refused for what either side refuses, and what `exchange` raises.
    """
    hello = decode(_data(exchange(apdu.select())))
    expect(hello, (UINT, UINT, UINT, OPTIONAL_BYTES, OPTIONAL_BYTES))
    version, _status, epoch, certificate, request = hello
    if version != VERSION or certificate is None:
        raise Refused(NOT_ALLOWED)
    try:
        _transact(device, exchange, wait, certificate, request)
    except Refused:
        _share_epoch(device, exchange, epoch)
        raise
    _share_epoch(device, exchange, epoch)


def _share_epoch(device: Device, exchange: "Exchange", theirs: int) -> None:
    """Give the card our epoch, or take its; a refusal leaves both as they are."""
    own = device.book.epoch
    try:
        if theirs < own.number and len(own.raw) <= LONGEST_EPOCH:
            _data(exchange(_command(EPOCH, own.raw)))
        elif theirs > own.number:
            device.adopt_epoch(_data(exchange(_command(EPOCH, b""))))
    except Refused:
        pass


def _transact(
    device: Device,
    exchange: "Exchange",
    wait: "Wait",
    certificate: bytes,
    request: "bytes | None",
) -> None:
    peer = read(WALLET, certificate, device.book.network)
    unfinished = payer.unfinished(device.book, peer)
    own = device.request()
    if unfinished is not None:
        _pay(device, exchange, unfinished[PAYMENT_RAW], unfinished[REQUEST_RAW])
    elif own is not None:
        _collect(device, exchange, wait, certificate, own.raw)
    elif entered_amount(device) and request is not None:
        _pay_order(device, exchange, certificate, request)
    else:
        raise Refused(NO_REQUEST)


def _collect(
    device: Device, exchange: "Exchange", wait: "Wait", certificate: bytes, request: bytes
) -> None:
    """Payee reads: ask for the payment until it comes, credit it, hand over the outcome."""
    data = dumps([device.book.me.raw, request])
    asks = pending = 0
    while True:
        try:
            answer = decode(_data(exchange(_command(PAY, data))))
        except Refused as refusal:
            asks += 1
            if refusal.sw != CONSENT_NEEDED or asks == _ASKS:
                raise
            wait(_ASK_AGAIN_MS)
            continue
        if type(answer) is not list or len(answer) not in (1, 2):
            raise Refused(MALFORMED)
        expect(answer, (BYTES,) * len(answer))
        outcome = device.receive(certificate, *answer)
        _data(exchange(_command(RESOLVE, outcome)))
        pending += 1
        if len(answer) == 1 or pending == _MOST_PENDING:
            return


def _pay_order(device: Device, exchange: "Exchange", certificate: bytes, request: bytes) -> None:
    """Payer reads: pay what was entered for the request the card shows."""
    book = device.book
    order = payer.read_order(book, certificate, request)
    stored = payer.recall(book, order)
    if stored is None:
        amount = payer.amount_of(order.request, entered_amount(device))
        payer.check(book, order, amount)
        stored = book.apply(payer.pay(book, order, amount, True))
        device.port.mark(TAP_COMMIT_PAYER)
        device.spent()
    _pay(device, exchange, decode(stored)[0])


def _pay(device: Device, exchange: "Exchange", *parts: bytes) -> None:
    outcome = _data(exchange(_command(PAYMENT, dumps((device.book.me.raw,) + parts))))
    device.resolve(outcome)


def _command(ins: int, data: bytes) -> bytes:
    return apdu.build_command(apdu.CLA, ins, 0, 0, data, apdu.LE_ANY)


def _data(response: bytes) -> bytes:
    """The data of a response. Raises Refused with its status word when that is not 9000."""
    try:
        data, sw = apdu.split_response(response)
    except apdu.ApduError:
        raise Refused(MALFORMED) from None
    if sw != apdu.SW_OK:
        raise Refused(sw)
    return bytes(data)
