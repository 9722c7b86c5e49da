"""Pins, buses and keys. Written by boards/generate.py from board.toml: do not edit."""

PN532_UART = 1

GC9A01_SPI = 0
GC9A01_HZ = 40_000_000
GC9A01_CS = 5
GC9A01_DC = 6
GC9A01_RESET = 7

CST816S_I2C = 0
CST816S_HZ = 400_000
CST816S_INTERRUPT = 8
CST816S_RESET = 9

MOTOR_PIN = 12

# Name, pin, level while pressed.
BUTTONS = (("ok", 10, 0),)
# Name, left, top, right, bottom.
TOUCH_KEYS = (
    ("cancel", 0, 160, 120, 240),
    ("ok", 120, 160, 240, 240),
)
