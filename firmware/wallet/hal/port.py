"""The device itself: time, waiting, randomness and phase marks, passed around as one object.

    mark(phase)         return the previous phase
    wait(ms)            return True when bytes or a pin change arrived since it last returned, False
                        when the time passed
    random(n)           return bytes of the hardware generator
    device_key()        return the 32 bytes that only this device has, outside its NVM
    report(exception)   print it on the console of a debug build

sleep_ms, ticks_ms, ticks_add and ticks_diff are those of `time`.
"""

from sys import print_exception as report
from time import sleep_ms, ticks_add, ticks_diff, ticks_ms

from _jzkey import device_key
from _jzport import mark, wait

from _jzcrypto import random

__all__ = (
    "device_key",
    "mark",
    "random",
    "report",
    "sleep_ms",
    "ticks_add",
    "ticks_diff",
    "ticks_ms",
    "wait",
)
