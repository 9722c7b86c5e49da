"""Send commands to a wallet's dispatcher; the answer to the last one is the result.

`before`: the commands that come first, whatever is answered, and what the person presses ("ok" or
"cancel") among them; `air`: the contact is over the air, not on the contact line; `keyless`: the
person has nothing to press; `inside`: whether all but SELECT come in records of a channel with
nobody in particular; `operator`: whether of one with the operator.
"""

from binascii import hexlify, unhexlify

from jiaozi.wallet.store_keys import PIN_TRIES_KEY
from jiaozi.wire import apdu
from jiaozi.wire.errors import Refused
from wallet.device import Device
from wallet.dispatch import dispatch

TAKES_STORE = True


class Port:
    """The board's port in tests: no time passes, and a reported fault is raised."""

    def mark(self, phase):
        return 0

    def ticks_ms(self):
        return 0

    def wait(self, ms):
        return False

    def report(self, fault):
        raise fault


class Person:
    """A person whose display is not looked at."""

    def __init__(self, can_answer=True):
        self.can_answer = can_answer

    def show(self, screen, **data):
        pass


def device_of(vector, store):
    """The wallet, after the commands that come first."""
    device = Device(store, Person("keyless" not in vector), Port())
    device.begin_contact("air" in vector)
    for command in vector["before"]:
        if command in ("ok", "cancel"):
            device.consent.answer(command == "ok")
        else:
            give(device, vector, unhexlify(command))
    return device


def give(device, vector, raw):
    """Send a command, plain or in a record; return the response."""
    outside = apdu.is_select(raw)
    device.session.inside = ("inside" in vector or "operator" in vector) and not outside
    device.session.operator = "operator" in vector and not outside
    return dispatch(device, raw)


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
    """Return all that a refusal must not change: everything except the PIN tries."""
    return {key: value for key, value in device.store.data.items() if key != PIN_TRIES_KEY}
