"""The wearable: what hangs where. The same as data is `board.toml`."""

import _jznvm
from machine import I2C, SPI, UART, Pin

from wallet.drivers.cst816s import Cst816s
from wallet.drivers.gc9a01 import Gc9a01
from wallet.drivers.pn532 import SLOW_BAUD, Pn532
from wallet.drivers.pn532_hsu import QUANTUM_MS
from wallet.hal import port
from wallet.links.contactless import Contactless
from wallet.person.keys import Keys
from wallet.person.touch import TouchKeys
from wallet.person.viewer import Viewer


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


def buttons() -> Keys:
    """The side button: OK."""
    return Keys((("ok", Pin(10, Pin.IN, Pin.PULL_UP), 0),), port)


def touch() -> TouchKeys:
    """The lower part of the screen: Cancel on the left, OK on the right."""
    Pin(9, Pin.OUT, value=1)  # the touch controller's reset
    controller = Cst816s(I2C(0, freq=400_000), Pin(8, Pin.IN, Pin.PULL_UP))
    return TouchKeys(controller, (("cancel", 0, 160, 120, 240), ("ok", 120, 160, 240, 240)))


def links() -> "list[Contactless]":
    """The contactless link."""
    return [Contactless(nfc(), port)]


def person() -> Viewer:
    """The round screen, the button and the touch keys."""
    return Viewer(display(), buttons(), touch())
