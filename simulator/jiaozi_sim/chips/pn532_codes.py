"""Names of the numbers in the PN532 user manual (UM0701-02)."""

from __future__ import annotations

from enum import IntEnum


class Command(IntEnum):
    """Command codes (7.1); an answer carries the code plus one."""

    DIAGNOSE = 0x00
    GET_FIRMWARE_VERSION = 0x02
    GET_GENERAL_STATUS = 0x04
    READ_REGISTER = 0x06
    WRITE_REGISTER = 0x08
    READ_GPIO = 0x0C
    WRITE_GPIO = 0x0E
    SET_SERIAL_BAUD_RATE = 0x10
    SET_PARAMETERS = 0x12
    SAM_CONFIGURATION = 0x14
    POWER_DOWN = 0x16
    RF_CONFIGURATION = 0x32
    IN_DATA_EXCHANGE = 0x40
    IN_COMMUNICATE_THRU = 0x42
    IN_DESELECT = 0x44
    IN_LIST_PASSIVE_TARGET = 0x4A
    IN_PSL = 0x4E
    IN_RELEASE = 0x52
    IN_SELECT = 0x54
    TG_GET_DATA = 0x86
    TG_GET_INITIATOR_COMMAND = 0x88
    TG_GET_TARGET_STATUS = 0x8A
    TG_INIT_AS_TARGET = 0x8C
    TG_SET_DATA = 0x8E
    TG_RESPONSE_TO_INITIATOR = 0x90
    TG_SET_GENERAL_BYTES = 0x92
    TG_SET_META_DATA = 0x94


class Status(IntEnum):
    """Error codes in the low six bits of a status byte (7.1)."""

    OK = 0x00
    TIMEOUT = 0x01
    CRC = 0x02
    RF_FIELD_LATE = 0x0A
    RF_PROTOCOL = 0x0B
    INVALID_PARAMETER = 0x10
    INVALID_STATE = 0x25
    NOT_ALLOWED = 0x26
    WRONG_CONTEXT = 0x27
    RELEASED = 0x29


MORE = 0x40
"""MI: bit 6 of a status byte, and of Tg in InDataExchange."""
MAX_DATA = 262
"""Maximum data bytes in one command or answer of an exchange."""

# SetParameters (7.2.9)
AUTOMATIC_ATR_RES = 0x04
AUTOMATIC_RATS = 0x10
ISO14443_4_PICC = 0x20

# Registers that hosts read or that control this model
CIU_TX_MODE = 0x6302
CIU_RX_MODE = 0x6303
CIU_TX_CONTROL = 0x6304
CIU_FIFO_DATA = 0x6339
REQA = 0x26

BAUD_RATES = (9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 1288000)
"""By the parameter of SetSerialBaudRate (7.2.8)."""


class SyntaxFault(Exception):
    """The command is unknown or its parameters do not fit: the chip sends the error frame."""
