"""Send a wallet epochs and policies between and within taps, as in `kinds.apdu`."""

from kinds.apdu import run as give

TAKES_STORE = True


def run(vector, raw, store):
    return give(vector, raw, store)
