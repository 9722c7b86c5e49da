"""Time, waiting and marks of the device this runs on, as one object to hand to those who need them.

mark(phase) -> previous phase; wait(ms) -> True when bytes or a pin change came, False when the time
passed; report(exception) prints it where a debug build has a console; ticks_ms, ticks_add,
ticks_diff as in `time`; random_byte() from the hardware generator.
"""

from sys import print_exception as report
from time import ticks_add, ticks_diff, ticks_ms

from _jzport import mark, wait

from _jzcrypto import random

__all__ = ("mark", "random_byte", "report", "ticks_add", "ticks_diff", "ticks_ms", "wait")


def random_byte() -> int:
    """One byte of the hardware generator."""
    return random(1)[0]
