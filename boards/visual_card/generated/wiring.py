"""Pins, buses and keys. Written by boards/generate.py from board.toml: do not edit."""

PN532_UART = 1

SSD1680_SPI = 0
SSD1680_HZ = 4_000_000
SSD1680_CS = 5
SSD1680_DC = 6
SSD1680_RESET = 7
SSD1680_BUSY = 8

# Name, pin, level while pressed.
BUTTONS = (
    ("ok", 10, 0),
    ("cancel", 11, 0),
)
