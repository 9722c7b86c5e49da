"""A wallet's dispatcher is given commands; what it answers the last one counts.

`before`: the commands that come first, whatever is answered; `press`: what the person then presses;
`inside`: whether all but SELECT come in records of a channel with nobody in particular; `operator`:
whether of one with the operator.
"""

from binascii import hexlify, unhexlify

from jiaozi.wire import apdu
from jiaozi.wire.errors import Refused
from wallet.device import Device
from wallet.dispatch import dispatch

TAKES_STORE = True
TRIES_KEY = 0x21


class Port:
    """The board of a test: no time passes, and what a wallet would report comes out."""

    def mark(self, phase):
        return 0

    def ticks_ms(self):
        return 0

    def wait(self, ms):
        return False

    def report(self, fault):
        raise fault


def device_of(vector, store):
    """The wallet, after the commands that come first."""
    device = Device(store, show, Port())
    for command in vector["before"]:
        give(device, vector, unhexlify(command))
    if "press" in vector:
        device.consent.answer(vector["press"])
    return device


def give(device, vector, raw):
    """The response to a command, as it comes out of the air or out of a record."""
    outside = apdu.is_select(raw)
    device.session.inside = ("inside" in vector or "operator" in vector) and not outside
    device.session.operator = "operator" in vector and not outside
    return dispatch(device, raw)


def show(name, **data):
    pass


def run(vector, raw, store):
    device = device_of(vector, store)
    before = kept(device)
    answer, sw = apdu.split_response(give(device, vector, raw))
    if sw != apdu.SW_OK:
        if kept(device) != before:
            return {"note": "refused, but the wallet has changed"}
        raise Refused(sw)
    return {"answer": hexlify(answer).decode()}


def kept(device):
    """All that a refusal must leave: not the number of tries."""
    return {key: value for key, value in device.store.data.items() if key != TRIES_KEY}
