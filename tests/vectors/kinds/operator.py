"""A wallet's dispatcher is given commands in a channel with the operator, as in `kinds.apdu`."""

from kinds.apdu import run as give

TAKES_STORE = True


def run(vector, raw, store):
    return give(vector, raw, store)
