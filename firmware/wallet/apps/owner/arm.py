"""ARM: set what the next tap is for."""

from jiaozi.wallet import payee
from jiaozi.wire.commands import AUTO, CARD, PAY_OUT, READER, RECEIVE
from jiaozi.wire.cose import HASH_LENGTH, UINT, decode, expect
from jiaozi.wire.errors import AMOUNT_INVALID, MALFORMED, OVER_BALANCE, Refused
from jiaozi.wire.terms import GENERAL
from wallet.device import Device, Intent


def run(device: Device, data: bytes) -> bytes:
    """Take `[direction, amount, role]`; when receiving optionally a purse, when paying a payee.

    Returns the request made when receiving, else nothing.
    """
    body = decode(data)
    if type(body) is not list or len(body) not in (3, 4):
        raise Refused(MALFORMED)
    expect(body[:3], (UINT,) * 3)
    direction, amount, role = body[:3]
    if direction not in (RECEIVE, PAY_OUT) or role not in (AUTO, READER, CARD):
        raise Refused(MALFORMED)
    if direction == PAY_OUT:
        expect(body[3:], (HASH_LENGTH,) * (len(body) - 3))
        return _pay(device, amount, role, body[3] if len(body) == 4 else b"")
    expect(body[3:], (UINT,) * (len(body) - 3))
    return _receive(device, amount, role, body[3] if len(body) == 4 else GENERAL)


def _pay(device: Device, amount: int, role: int, payee_hash: bytes) -> bytes:
    if amount == 0:
        raise Refused(AMOUNT_INVALID)
    device.book.check_free()
    state = device.book.state
    if amount > max([state.held(purse) for purse in [GENERAL] + list(state.purses)]):
        raise Refused(OVER_BALANCE)
    intent = Intent(PAY_OUT, amount, role, None, payee_hash, device.port.ticks_ms())
    device.intent = intent
    device.show_intent(intent)
    return b""


def _receive(device: Device, amount: int, role: int, purse: int) -> bytes:
    book = device.book
    ceiling = 0 if amount else book.policy.balance_cap - book.state.balance - book.reserved
    step = payee.request(book, amount, max(ceiling, 0), purse)
    reply = book.apply(step)
    device.intent = intent = Intent(RECEIVE, amount, role, step.opened)
    device.show_intent(intent)
    return reply
