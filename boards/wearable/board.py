"""The wearable's drivers, with the wiring of board.toml."""

import _jznvm
from machine import I2C, SPI, UART, Pin

import wiring
from wallet.drivers.cst816s import Cst816s
from wallet.drivers.gc9a01 import Gc9a01
from wallet.drivers.pn532 import RECEIVE_RING, SLOW_BAUD, UID_SIZE, Pn532
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
    uart = UART(
        wiring.PN532_UART,
        SLOW_BAUD,
        rxbuf=RECEIVE_RING,
        timeout=QUANTUM_MS,
        timeout_char=QUANTUM_MS,
    )
    return Pn532(uart, port.random(UID_SIZE))


def display() -> Gc9a01:
    """The round screen, see `wallet.hal.display`."""
    return Gc9a01(
        SPI(wiring.GC9A01_SPI, baudrate=wiring.GC9A01_HZ),
        cs=Pin(wiring.GC9A01_CS, Pin.OUT, value=1),
        dc=Pin(wiring.GC9A01_DC, Pin.OUT, value=0),
        reset=Pin(wiring.GC9A01_RESET, Pin.OUT, value=1),
        port=port,
    )


def buttons() -> Keys:
    """The push buttons, which connect to ground."""
    keys = [(name, Pin(pin, Pin.IN, Pin.PULL_UP), level) for name, pin, level in wiring.BUTTONS]
    return Keys(tuple(keys), port)


def touch() -> TouchKeys:
    """The key areas of the touch screen."""
    Pin(wiring.CST816S_RESET, Pin.OUT, value=1)
    i2c = I2C(wiring.CST816S_I2C, freq=wiring.CST816S_HZ)
    controller = Cst816s(i2c, Pin(wiring.CST816S_INTERRUPT, Pin.IN, Pin.PULL_UP))
    return TouchKeys(controller, wiring.TOUCH_KEYS)


def links() -> "list[Contactless]":
    """The contactless link."""
    return [Contactless(nfc(), port)]


def person() -> Viewer:
    """The round screen, the button and the touch keys."""
    return Viewer(display(), port, buttons(), touch())
