"""A wallet reads: `input` is what the card answers SELECT with, `answers` what it answers then.

`before`: the commands its owner gave it before; `sent`: what it must send after SELECT.
"""

from binascii import unhexlify

from kinds.apdu import device_of

from jiaozi.wire import apdu
from wallet.roles.reader import read_tap

TAKES_STORE = True


def run(vector, raw, store):
    script = [raw] + [unhexlify(one) for one in vector["answers"]]
    sent = []

    def exchange(command):
        sent.append(bytes(command))
        return script[len(sent) - 1]

    try:
        read_tap(device_of(vector, store), exchange, lambda ms: None)
    finally:
        wanted = [apdu.select()] + [unhexlify(one) for one in vector["sent"]]
        if sent != wanted:
            raise ValueError("sent other commands")
    return {}
