"""Arithmetic with the wrapping millisecond counter of `wallet.hal.port`."""

from micropython import const

_PERIOD_MASK = const(0x3FFFFFFF)


def elapsed_ms(since: int, now: int) -> int:
    """Return the milliseconds from `since` to `now`, at most 12 days."""
    return (now - since) & _PERIOD_MASK
