"""Run a wallet as reader; input: the card's answer to SELECT, answers: its later answers.

before: commands that the owner sent before the tap; sent: commands that it must send after SELECT.
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
