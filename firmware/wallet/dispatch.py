"""Dispatcher: from a command APDU to its response.

A command is refused unless it is in the table and the device's state and the session allow it. A
command in a record of the channel is dispatched like any other and its response sealed in a record.
A link that sends the response may replace the status word 9000 by another success of its own.
"""

from jiaozi.wire import apdu, commands
from jiaozi.wire.commands import BLANK, READY
from jiaozi.wire.errors import (
    BUSY,
    CHANNEL_NEEDED,
    CLA_UNKNOWN,
    FIRMWARE_OLDER,
    INS_UNKNOWN,
    INTERNAL,
    MEMORY_DAMAGED,
    NOT_ALLOWED,
    NOT_FOUND,
    PIN_NEEDED,
    SESSION_NEEDED,
    WRONG_P1P2,
    Refused,
)
from micropython import const
from wallet.apps.channel import agree, confirm
from wallet.apps.operator import (
    challenge,
    create,
    entry,
    freeze,
    install,
    rotate,
    settle,
    statement,
    successor,
    terms,
    unblock,
    update,
)
from wallet.apps.owner import arm, change, disarm, info, verify
from wallet.device import Device
from wallet.hal.phases import TAP_BEGIN
from wallet.roles import card
from wallet.storage.errors import StoreFull

# Who may send a command: anybody outside a channel; anybody; and in a channel only: anybody, the
# owner (who has given the PIN), or the operator.
_OUTSIDE = const(0)
_ANYBODY = const(1)
_INSIDE = const(2)
_OWNER = const(3)
_OPERATOR = const(4)


def _record(device: Device, data: bytes) -> bytes:
    """RECORD: dispatch the command in it. One that does not open closes the channel."""
    session = device.session
    channel = session.channel
    if channel is None:
        raise Refused(CHANNEL_NEEDED)
    try:
        command = channel.open(data)
    except Refused:
        session.close()
        raise
    session.inside = True
    try:
        response = dispatch(device, memoryview(command))
    finally:
        session.inside = False
    return channel.seal(response)


# Each command: its handler, the least state of the device, and who may send it.
_COMMANDS = {
    commands.INFO: (info.run, BLANK, _ANYBODY),
    commands.AGREE: (agree.run, BLANK, _OUTSIDE),
    commands.CONFIRM: (confirm.run, BLANK, _OUTSIDE),
    commands.RECORD: (_record, BLANK, _OUTSIDE),
    commands.CREATE: (create.run, BLANK, _INSIDE),
    commands.INSTALL: (install.run, commands.KEYED, _INSIDE),
    commands.PAY: (card.pay, READY, _ANYBODY),
    commands.RESOLVE: (card.resolve, READY, _ANYBODY),
    commands.PAYMENT: (card.payment, READY, _ANYBODY),
    commands.EPOCH: (card.epoch, READY, _ANYBODY),
    commands.VERIFY: (verify.run, READY, _INSIDE),
    commands.CHANGE: (change.run, READY, _INSIDE),
    commands.ARM: (arm.run, READY, _OWNER),
    commands.DISARM: (disarm.run, READY, _OWNER),
    commands.CHALLENGE: (challenge.run, READY, _OPERATOR),
    commands.UPDATE: (update.run, READY, _OPERATOR),
    commands.STATEMENT: (statement.run, READY, _OPERATOR),
    commands.ENTRY: (entry.run, READY, _OPERATOR),
    commands.SETTLE: (settle.run, READY, _OPERATOR),
    commands.TERMS: (terms.run, READY, _OPERATOR),
    commands.UNBLOCK: (unblock.run, READY, _OPERATOR),
    commands.FREEZE: (freeze.run, READY, _OPERATOR),
    commands.SUCCESSOR: (successor.run, READY, _OPERATOR),
    commands.ROTATE: (rotate.run, READY, _OPERATOR),
}


def dispatch(device: Device, command: "memoryview") -> bytes:
    """Run one command APDU and return its response; turn every exception into a status word."""
    try:
        return apdu.build_response(apdu.SW_OK, _run(device, command))
    except Refused as refusal:
        return apdu.build_response(refusal.sw)
    except apdu.ApduError as error:
        return apdu.build_response(error.status)
    except StoreFull:
        # Nothing was written: idle work makes room in the log.
        return apdu.build_response(BUSY)
    except Exception as fault:  # noqa: BLE001 - a bug, or no memory: opaque outside
        device.port.report(fault)
        return apdu.build_response(INTERNAL)


def _run(device: Device, command: "memoryview") -> bytes:
    """Parse a command and run its handler. Raises Refused, ApduError."""
    if apdu.is_select(command):
        device.port.mark(TAP_BEGIN)
    cla, ins, p1, p2, data, _le = apdu.parse_command(command)
    if cla == apdu.CLA_ISO and ins == commands.SELECT:
        if device.session.inside:
            raise Refused(NOT_ALLOWED)
        if p1 != apdu.P1_BY_NAME or data != apdu.AID:
            device.session.selected = False
            raise Refused(NOT_FOUND)
        return card.select(device, data)
    if cla != apdu.CLA:
        raise Refused(CLA_UNKNOWN)
    known = _COMMANDS.get(ins)
    if known is None:
        raise Refused(INS_UNKNOWN)
    if p1 or p2:
        raise Refused(WRONG_P1P2)
    run, state, access = known
    if device.outdated and ins != commands.INFO:
        raise Refused(FIRMWARE_OLDER)
    if device.damaged and ins != commands.INFO:
        raise Refused(MEMORY_DAMAGED)
    _gate(device, state, access)
    return run(device, bytes(data))


def _gate(device: Device, state: int, access: int) -> None:
    """Raise Refused unless the device's state and the session allow the command."""
    session = device.session
    if not session.selected or device.status < state:
        raise Refused(NOT_ALLOWED)
    if session.inside and access == _OUTSIDE:
        raise Refused(NOT_ALLOWED)
    if not session.inside and access >= _INSIDE:
        raise Refused(CHANNEL_NEEDED)
    if access == _OWNER and not session.owner:
        raise Refused(PIN_NEEDED)
    if access == _OPERATOR and not session.operator:
        raise Refused(SESSION_NEEDED)
