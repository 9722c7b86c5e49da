"""Send commands to a wallet's dispatcher in the operator's channel, as in `kinds.apdu`."""

from kinds.apdu import run as give

TAKES_STORE = True


def run(vector, raw, store):
    return give(vector, raw, store)
