"""Send a wallet with an open channel a command, plain or in a record; or a host an answer's record.

commands, answers: the keys of the channel; operator: true if the host is the operator's; before:
commands or records sent first, whose results are ignored.
"""

from binascii import hexlify, unhexlify

from kinds.apdu import Person, Port

from jiaozi.wire import apdu, channel
from jiaozi.wire.errors import Refused
from wallet.device import Device
from wallet.dispatch import dispatch

TAKES_STORE = True


class Keys:
    """Stands in for a finished handshake: exports the keys of a vector."""

    def __init__(self, vector):
        self.keys = {channel.COMMANDS: vector["commands"], channel.ANSWERS: vector["answers"]}

    def export(self, label, context, length):
        return unhexlify(self.keys[label])


def at_host(vector, raw):
    """Decrypt the answer in a record at the host."""
    end = channel.Channel(Keys(vector), channel.COMMANDS, channel.ANSWERS)
    for record in vector["before"]:
        try:
            end.open(unhexlify(record))
        except Refused:
            continue
    return {"text": hexlify(end.open(raw)).decode()}


def run(vector, raw, store):
    if not store.data:
        return at_host(vector, raw)
    device = Device(store, Person(), Port())
    device.begin_contact(False)
    session = device.session
    session.selected = True
    session.channel = channel.Channel(Keys(vector), channel.ANSWERS, channel.COMMANDS)
    session.operator = vector["operator"]
    for command in vector["before"]:
        dispatch(device, unhexlify(command))
    before = dict(device.store.data)
    answer, sw = apdu.split_response(dispatch(device, raw))
    if sw != apdu.SW_OK:
        if device.store.data != before:
            return {"note": "refused, but the wallet has changed"}
        raise Refused(sw)
    return {"answer": hexlify(answer).decode()}
