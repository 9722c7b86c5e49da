"""Time, waiting, randomness and marks of the device this runs on, as one object to hand around.

mark(phase) -> previous phase; wait(ms) -> True when bytes or a pin change came, False when the time
passed; random(n) -> bytes of the hardware generator; report(exception) prints it where a debug
build has a console; sleep_ms, ticks_ms, ticks_add, ticks_diff as in `time`.
"""

from sys import print_exception as report
from time import sleep_ms, ticks_add, ticks_diff, ticks_ms

from _jzport import mark, wait

from _jzcrypto import random

__all__ = (
    "mark",
    "random",
    "report",
    "sleep_ms",
    "ticks_add",
    "ticks_diff",
    "ticks_ms",
    "wait",
)
