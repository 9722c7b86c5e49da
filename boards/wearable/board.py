"""The wearable: what hangs where. The same as data is `board.toml`."""

import _jznvm
from machine import I2C, SPI, UART, Pin

from wallet.drivers.cst816s import Cst816s
from wallet.drivers.gc9a01 import Gc9a01
from wallet.drivers.pn532 import SLOW_BAUD, Pn532
from wallet.drivers.pn532_hsu import QUANTUM_MS
from wallet.hal import port
from wallet.hal.buttons import Buttons, Together, TouchKeys


def nvm():
    """The non-volatile memory, see `wallet.storage`."""
    return _jznvm


def nfc() -> Pn532:
    """The contactless chip."""
    uart = UART(1, SLOW_BAUD, rxbuf=1024, timeout=QUANTUM_MS, timeout_char=QUANTUM_MS)
    return Pn532(uart, port.random(3))


def display() -> Gc9a01:
    """The round screen, see `wallet.hal.display`."""
    return Gc9a01(
        SPI(0, baudrate=40_000_000),
        cs=Pin(5, Pin.OUT, value=1),
        dc=Pin(6, Pin.OUT, value=0),
        reset=Pin(7, Pin.OUT, value=1),
        port=port,
    )


def buttons() -> Together:
    """The side button is OK; so is the right lower part of the screen, and the left is Cancel."""
    Pin(9, Pin.OUT, value=1)  # the touch controller's reset
    touch = Cst816s(I2C(0, freq=400_000), Pin(8, Pin.IN, Pin.PULL_UP))
    return Together(
        Buttons((("ok", Pin(10, Pin.IN, Pin.PULL_UP), 0),), port),
        TouchKeys(touch, (("cancel", 0, 160, 120, 240), ("ok", 120, 160, 240, 240))),
    )
