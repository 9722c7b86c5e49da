"""The visual card: what hangs where. The same as data is `board.toml`."""

import _jznvm
from machine import SPI, UART, Pin

from wallet.drivers.pn532 import QUANTUM_MS, SLOW_BAUD, Pn532
from wallet.drivers.ssd1680 import Ssd1680
from wallet.hal import port
from wallet.hal.buttons import Buttons


def nvm():
    """The non-volatile memory, see `wallet.storage`."""
    return _jznvm


def nfc() -> Pn532:
    """The contactless chip."""
    uart = UART(1, SLOW_BAUD, rxbuf=1024, timeout=QUANTUM_MS, timeout_char=QUANTUM_MS)
    return Pn532(uart, port.random(3))


def display() -> Ssd1680:
    """The e-paper, see `wallet.hal.display`."""
    return Ssd1680(
        SPI(0, baudrate=4_000_000),
        cs=Pin(5, Pin.OUT, value=1),
        dc=Pin(6, Pin.OUT, value=0),
        reset=Pin(7, Pin.OUT, value=1),
        busy=Pin(8, Pin.IN, Pin.PULL_DOWN),
        port=port,
    )


def buttons() -> Buttons:
    """OK and Cancel, below the display on the right and on the left."""
    ok = Pin(10, Pin.IN, Pin.PULL_UP)
    cancel = Pin(11, Pin.IN, Pin.PULL_UP)
    return Buttons((("ok", ok, 0), ("cancel", cancel, 0)), port)
