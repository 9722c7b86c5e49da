"""The reader's side of a tap.

    SELECT               the card's certificate, epoch and request, if it has one
    1. a payment to the card is unresolved:      PAYMENT, with its request      (the payer resumes)
    2. this wallet has an open request:          PAY, then RESOLVE              (the payee reads)
    3. it is armed to pay, the card requests:    PAYMENT                        (the payer reads)

A tap that a link or a refusal ends early is finished by tapping again. After the transaction, EPOCH
gives the wallet with the older epoch the newer one; the outcome does not depend on it.
"""

from _jzcbor import dumps
from jiaozi.wallet import payer
from jiaozi.wire import apdu
from jiaozi.wire.certificates import read
from jiaozi.wire.commands import EPOCH, PAY, PAYMENT, RESOLVE
from jiaozi.wire.cose import BYTES, OPTIONAL_BYTES, UINT, VERSION, WALLET, decode, expect
from jiaozi.wire.epochs import LONGEST_EPOCH
from jiaozi.wire.errors import (
    CONSENT_NEEDED,
    MALFORMED,
    NO_REQUEST,
    NOT_ALLOWED,
    OTHER_PAYEE,
    Refused,
)
from jiaozi.wire.journal import PAYMENT_RAW, REQUEST_RAW
from micropython import const
from wallet.device import Device
from wallet.roles import tap

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Exchange = Callable[[bytes], bytes]
    Wait = Callable[[int], object]

# PAY is repeated while the payer's person has not answered.
_ASKS = const(100)
_ASK_AGAIN_MS = const(300)

# Unresolved payments of the same payer that are received before the new one.
_MOST_PENDING = const(8)


def read_tap(device: Device, exchange: "Exchange", wait: "Wait") -> None:
    """Run a tap over `exchange(command) -> response`; `wait(ms)` waits with the field on.

    Raises Refused when either side refuses, and what `exchange` raises.
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
    """Send the card our epoch or adopt the card's, if they differ; ignore a refusal."""
    own = device.book.epoch
    try:
        if theirs < own.number and len(own.raw) <= LONGEST_EPOCH:
            _data(exchange(_command(EPOCH, own.raw)))
        elif theirs > own.number:
            tap.adopt_epoch(device, _data(exchange(_command(EPOCH, b""))))
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
    own = tap.open_request(device)
    if unfinished is not None:
        _pay(device, exchange, unfinished[PAYMENT_RAW], unfinished[REQUEST_RAW])
    elif own is not None:
        _collect(device, exchange, wait, certificate, own.raw)
    elif tap.is_armed_to_pay(device) and request is not None:
        _pay_order(device, exchange, certificate, request)
    else:
        raise Refused(NO_REQUEST)


def _collect(
    device: Device, exchange: "Exchange", wait: "Wait", certificate: bytes, request: bytes
) -> None:
    """The payee reads: send PAY until the payment comes, credit it, send the outcome."""
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
        outcome = tap.receive(device, certificate, *answer)
        _data(exchange(_command(RESOLVE, outcome)))
        pending += 1
        if len(answer) == 1 or pending == _MOST_PENDING:
            return


def _pay_order(device: Device, exchange: "Exchange", certificate: bytes, request: bytes) -> None:
    """The payer reads: pay the entered amount for the card's request."""
    book = device.book
    order = payer.read_order(book, certificate, request)
    stored = payer.recall(book, order)
    if stored is None:
        if tap.is_for_another(device, order.payee):
            raise Refused(OTHER_PAYEE)
        amount = payer.amount_of(order.request, tap.entered_amount(device, order.payee))
        payer.check(book, order, amount)
        stored = tap.pay(device, order, amount, True)
    _pay(device, exchange, decode(stored)[0])


def _pay(device: Device, exchange: "Exchange", *parts: bytes) -> None:
    """Send a committed payment and resolve it."""
    outcome = _data(exchange(_command(PAYMENT, dumps((device.book.me.raw,) + parts))))
    tap.resolve(device, outcome)


def _command(ins: int, data: bytes) -> bytes:
    return apdu.build_command(apdu.CLA, ins, 0, 0, data, apdu.LE_ANY)


def _data(response: bytes) -> bytes:
    """Return the data of a response. Raises Refused with its status word unless that is 9000."""
    try:
        data, sw = apdu.split_response(response)
    except apdu.ApduError:
        raise Refused(MALFORMED) from None
    if sw != apdu.SW_OK:
        raise Refused(sw)
    return bytes(data)
