"""ARM: set what the next tap is for."""

from jiaozi.wallet import payee
from jiaozi.wire.commands import AUTO, CARD, PAY_OUT, READER, RECEIVE
from jiaozi.wire.cose import UINT, decode, expect
from jiaozi.wire.errors import AMOUNT_INVALID, MALFORMED, OVER_BALANCE, Refused
from jiaozi.wire.terms import GENERAL
from wallet.device import Device, Intent


def run(device: Device, data: bytes) -> bytes:
    """Take `[direction, amount, role]`, when receiving optionally a purse.

    Returns the request made when receiving, else nothing.
    """
    body = decode(data)
    if type(body) is list and len(body) == 3:
        body.append(GENERAL)
    expect(body, (UINT,) * 4)
    direction, amount, role, purse = body
    if direction not in (RECEIVE, PAY_OUT) or role not in (AUTO, READER, CARD):
        raise Refused(MALFORMED)
    if direction == PAY_OUT and purse != GENERAL:
        raise Refused(MALFORMED)
    if direction == PAY_OUT:
        return _pay(device, amount, role)
    return _receive(device, amount, role, purse)


def _pay(device: Device, amount: int, role: int) -> bytes:
    if amount == 0:
        raise Refused(AMOUNT_INVALID)
    device.book.check_free()
    state = device.book.state
    if amount > max([state.held(purse) for purse in [GENERAL] + list(state.purses)]):
        raise Refused(OVER_BALANCE)
    device.intent = Intent(PAY_OUT, amount, role, None)
    device.show("armed_pay", amount=amount)
    return b""


def _receive(device: Device, amount: int, role: int, purse: int) -> bytes:
    book = device.book
    ceiling = 0 if amount else book.policy.balance_cap - book.state.balance - book.reserved
    step = payee.request(book, amount, max(ceiling, 0), purse)
    reply = book.apply(step)
    device.intent = Intent(RECEIVE, amount, role, step.opened)
    device.show("armed_receive", amount=amount)
    return reply
