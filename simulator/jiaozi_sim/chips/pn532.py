"""NXP PN532 V1.6 behind its high speed UART, as the user manual UM0701-02 describes it.

Give it a field, a scheduler and a function for the bytes it sends; call :meth:`Pn532.receive` with
the bytes of the host. All state is plain data: a deep copy taken together with field and scheduler
is a snapshot. Where the manual is silent this model chooses the stricter reading; the choices are
listed in ``simulator/README.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from jiaozi_sim.chips import hsu
from jiaozi_sim.chips.pn532_codes import (
    AUTOMATIC_ATR_RES,
    AUTOMATIC_RATS,
    BAUD_RATES,
    CIU_TX_CONTROL,
    Command,
    Status,
    SyntaxFault,
)
from jiaozi_sim.chips.pn532_reader import ReaderRole
from jiaozi_sim.chips.pn532_target import TargetRole
from jiaozi_sim.field import Field, Identity
from jiaozi_sim.scheduler import Scheduler

FIRMWARE_VERSION = bytes.fromhex("32010607")
POWER_UP_BAUD = 115200
WAKE_EDGES = 5
"""Rising edges on the UART that wake a sleeping chip."""
WAKE_BY_HSU, WAKE_BY_RF = 0x10, 0x08


class Power(Enum):
    """The chip's power modes. After power-up it is in low battery mode and asleep."""

    LOW_BATTERY = "low battery"
    NORMAL = "normal"


# Command: (method, least and most parameter bytes, allowed in low battery mode)
_COMMANDS: dict[int, tuple[str, int, int, bool]] = {
    Command.DIAGNOSE: ("_diagnose", 1, 263, True),
    Command.GET_FIRMWARE_VERSION: ("_firmware_version", 0, 0, True),
    Command.GET_GENERAL_STATUS: ("_general_status", 0, 0, True),
    Command.READ_REGISTER: ("_read_register", 2, 263, False),
    Command.WRITE_REGISTER: ("_write_register", 3, 263, False),
    Command.READ_GPIO: ("_read_gpio", 0, 0, False),
    Command.WRITE_GPIO: ("_write_gpio", 2, 2, False),
    Command.SET_SERIAL_BAUD_RATE: ("_set_baud_rate", 1, 1, True),
    Command.SET_PARAMETERS: ("_set_parameters", 1, 1, False),
    Command.SAM_CONFIGURATION: ("_sam_configuration", 1, 3, True),
    Command.POWER_DOWN: ("_power_down", 1, 2, True),
    Command.RF_CONFIGURATION: ("_rf_configuration", 2, 12, False),
    Command.IN_DATA_EXCHANGE: ("_in_data_exchange", 1, 263, False),
    Command.IN_COMMUNICATE_THRU: ("_in_communicate_thru", 1, 263, False),
    Command.IN_DESELECT: ("_in_deselect", 1, 1, False),
    Command.IN_LIST_PASSIVE_TARGET: ("_in_list_passive_target", 2, 14, False),
    Command.IN_PSL: ("_in_psl", 3, 3, False),
    Command.IN_RELEASE: ("_in_release", 1, 1, False),
    Command.IN_SELECT: ("_in_select", 1, 1, False),
    Command.TG_GET_DATA: ("_tg_get_data", 0, 0, False),
    Command.TG_GET_INITIATOR_COMMAND: ("_tg_get_initiator_command", 0, 0, False),
    Command.TG_GET_TARGET_STATUS: ("_tg_get_target_status", 0, 0, False),
    Command.TG_INIT_AS_TARGET: ("_tg_init_as_target", 37, 132, False),
    Command.TG_SET_DATA: ("_tg_set_data", 0, 263, False),
    Command.TG_RESPONSE_TO_INITIATOR: ("_tg_response_to_initiator", 1, 263, False),
    Command.TG_SET_GENERAL_BYTES: ("_tg_set_general_bytes", 0, 47, False),
    Command.TG_SET_META_DATA: ("_tg_set_meta_data", 0, 263, False),
}


def garble(data: bytes) -> bytes:
    """Garble bytes received at another baud rate: never a zero, so never a frame."""
    return bytes((byte * 5 + 0x33) & 0xFF | 0x80 for byte in data)


def _rising_edges(byte: int) -> int:
    """Count rising edges on the line for ``byte``, start and stop bit included."""
    line = byte << 1 | 0x200
    return (line & ~(line << 1) & 0x3FE).bit_count()


class Pn532:
    """One chip. ``send(data)`` takes its bytes for the host; ``baud`` is its UART's rate.

    ``auto_wtx``: the chip's ISO-DEP sends S(WTX) by itself.
    """

    def __init__(
        self,
        field: Field,
        scheduler: Scheduler,
        send: Callable[[bytes], None],
        name: str = "pn532",
    ) -> None:
        self.field, self.scheduler, self.name = field, scheduler, name
        self._send = send
        self._decoder = hsu.Decoder()
        self.reader = ReaderRole(self)
        self.target = TargetRole(self)
        self._power_on_state()

    def _power_on_state(self) -> None:
        self.power = Power.LOW_BATTERY
        self.baud = POWER_UP_BAUD
        self.pending_baud: int | None = None
        self.parameters = AUTOMATIC_ATR_RES | AUTOMATIC_RATS
        self.registers: dict[int, int] = {}
        self.carrier = False
        self.auto_rfca = False
        self.passive_retries = 0xFF
        self.com_retries = 0
        self.exchange_timeout = 51.2e-3
        self.running: int | None = None
        self._asleep = True
        self._wake_by = WAKE_BY_HSU
        self._edges = 0
        self._last_answer = b""
        self._gpio = [0xFF, 0xFF]

    @property
    def auto_wtx(self) -> bool:
        """See the class."""
        return self.target.link.auto_wtx

    @auto_wtx.setter
    def auto_wtx(self, on: bool) -> None:
        self.target.link.auto_wtx = on

    def power_cycle(self) -> None:
        """Interrupt the supply."""
        self._abort()
        self.set_carrier(False)
        self.reader.forget()
        self.target.stop()
        self._decoder.reset()
        self._power_on_state()

    # Host side

    def receive(self, data: bytes, baud: int | None = None) -> None:
        """Receive bytes that the host sent at ``baud`` (None: the right one, others garble)."""
        if baud is not None and baud != self.baud:
            data = garble(data)
        if self._asleep:
            data = self._wake(data)
        for frame in self._decoder.feed(data):
            if frame.kind is hsu.Kind.ACK:
                self._host_ack()
            elif frame.kind is hsu.Kind.NAK and self._last_answer:
                self._send(self._last_answer)
            elif frame.kind is hsu.Kind.PACKET:
                self._command(frame.body)
            # A broken frame gets no answer: the host repeats it after a time-out.

    def _wake(self, data: bytes) -> bytes:
        """Count edges; return the bytes after those that woke the chip."""
        if not self._wake_by & WAKE_BY_HSU:
            return b""
        for index, byte in enumerate(data):
            self._edges += _rising_edges(byte)
            if self._edges >= WAKE_EDGES:
                self._asleep = False
                return data[index + 1 :]
        return b""

    def _host_ack(self) -> None:
        if self.pending_baud is not None:
            self.baud, self.pending_baud = self.pending_baud, None
        self._abort()

    def _abort(self) -> None:
        if self.running is not None:
            self.running = None
            self.reader.cancel()
            self.target.cancel()

    def _command(self, body: bytes) -> None:
        self._abort()
        self._send(hsu.ACK)
        code, data = (body[1], body[2:]) if len(body) > 1 else (-1, b"")
        method, least, most, early = _COMMANDS.get(code, ("", 0, -1, True))
        allowed = early or self.power is Power.NORMAL
        if body[0] != hsu.HOST_TO_CHIP or not least <= len(data) <= most or not allowed:
            self._answer(hsu.ERROR_FRAME)
            return
        self.running = code
        try:
            answer = getattr(self, method)(data)
        except SyntaxFault:
            self.running = None
            self._answer(hsu.ERROR_FRAME)
            return
        if answer is not None:
            self.finish(code, answer)

    def finish(self, code: int, answer: bytes) -> None:
        """End the running command with its answer; stale calls are ignored."""
        if self.running == code:
            self.running = None
            self._answer(hsu.encode(bytes((hsu.CHIP_TO_HOST, code + 1)) + answer))

    def _answer(self, frame: bytes) -> None:
        self._last_answer = frame
        self._send(frame)

    # Field side

    def set_carrier(self, on: bool) -> None:
        """Switch the chip's own carrier; without it the target is forgotten."""
        self.carrier = on
        self.field.set_carrier(self, on)
        if not on:
            self.reader.forget()

    def carrier_for_reader(self) -> None:
        """Switch the carrier on, unless collision avoidance finds another one."""
        if not (self.auto_rfca and self.field.feels_carrier(self)):
            self.set_carrier(True)

    def field_changed(self, present: bool) -> None:
        """See :class:`jiaozi_sim.field.Endpoint`."""
        if present and self._asleep and self._wake_by & WAKE_BY_RF:
            self._asleep = False
        self.target.field_changed(present)

    def receive_frame(self, frame: bytes, bit_rate: int, intact: bool) -> None:
        """See :class:`jiaozi_sim.field.Endpoint`."""
        if self.carrier:
            self.reader.receive_frame(frame, bit_rate, intact)
        else:
            self.target.receive_frame(frame, bit_rate, intact)

    def identity(self, wake: bool) -> Identity | None:
        """Return None with the chip's own carrier on: it then receives no reader."""
        return None if self.carrier or self._asleep else self.target.identity(wake)

    def select(self) -> None:
        """See :class:`jiaozi_sim.field.Endpoint`."""
        self.target.select()

    # Miscellaneous commands (7.2)

    def _diagnose(self, data: bytes) -> bytes | None:
        if data[0] == 0x00:
            return data
        if data[0] == 0x06:
            return self.reader.presence()
        if data[0] in (0x01, 0x02, 0x07):
            return b"\x00"
        raise SyntaxFault

    def _firmware_version(self, data: bytes) -> bytes:
        return FIRMWARE_VERSION

    def _general_status(self, data: bytes) -> bytes:
        rates = {106: 0, 212: 1, 424: 2}
        known = self.reader.target
        targets = b"\x00"
        if known:
            targets = bytes((1, 1, rates[known.rx_rate], rates[known.tx_rate], 0))
        return bytes((0, self.field.feels_carrier(self))) + targets + b"\x00"

    def _read_register(self, data: bytes) -> bytes:
        if len(data) % 2:
            raise SyntaxFault
        addresses = [data[i] << 8 | data[i + 1] for i in range(0, len(data), 2)]
        return bytes(self._register(address) for address in addresses)

    def _register(self, address: int) -> int:
        if address == CIU_TX_CONTROL:
            return 0x80 | (0x03 if self.carrier else 0)
        return self.registers.get(address, 0)

    def _write_register(self, data: bytes) -> bytes:
        if len(data) % 3:
            raise SyntaxFault
        for i in range(0, len(data), 3):
            self.registers[data[i] << 8 | data[i + 1]] = data[i + 2]
        return b""

    def _read_gpio(self, data: bytes) -> bytes:
        return bytes((self._gpio[0] & 0x3F, self._gpio[1] & 0x06, 0))

    def _write_gpio(self, data: bytes) -> bytes:
        for port in (0, 1):
            if data[port] & 0x80:  # validation bit
                self._gpio[port] = data[port]
        return b""

    def _set_baud_rate(self, data: bytes) -> bytes:
        if data[0] >= len(BAUD_RATES):
            raise SyntaxFault
        self.pending_baud = BAUD_RATES[data[0]]
        return b""

    def _set_parameters(self, data: bytes) -> bytes:
        self.parameters = data[0]
        return b""

    def _sam_configuration(self, data: bytes) -> bytes:
        if not 1 <= data[0] <= 4:
            raise SyntaxFault
        self.power = Power.NORMAL
        return b""

    def _power_down(self, data: bytes) -> bytes:
        self.set_carrier(False)
        self.target.stop()
        self._asleep, self._wake_by, self._edges = True, data[0], 0
        return b"\x00"

    def _rf_configuration(self, data: bytes) -> bytes:
        item, values = data[0], data[1:]
        expected = {0x01: 1, 0x02: 3, 0x04: 1, 0x05: 3, 0x0A: 11, 0x0B: 8, 0x0C: 3, 0x0D: 9}
        if expected.get(item) != len(values):
            raise SyntaxFault
        if item == 0x01:
            self.auto_rfca = bool(values[0] & 2)
            self.set_carrier(bool(values[0] & 1))
        elif item == 0x02:
            # 100 µs times a power of two; 0 means none, which an hour stands for here.
            self.exchange_timeout = 100e-6 * 2 ** (values[2] - 1) if values[2] else 3600.0
        elif item == 0x04:
            self.com_retries = values[0]
        elif item == 0x05:
            self.passive_retries = values[2]
        return b""

    # Reader (7.3) and target (7.3.14 on) commands

    def _in_list_passive_target(self, data: bytes) -> None:
        self.target.stop()
        self.reader.list_passive_target(data)

    def _in_data_exchange(self, data: bytes) -> bytes | None:
        return self.reader.data_exchange(data)

    def _in_communicate_thru(self, data: bytes) -> None:
        self.reader.communicate_thru(data)

    def _in_deselect(self, data: bytes) -> bytes | None:
        return self.reader.deselect(data)

    def _in_psl(self, data: bytes) -> bytes | None:
        return self.reader.set_bit_rate(data)

    def _in_release(self, data: bytes) -> bytes | None:
        return self.reader.release(data)

    def _in_select(self, data: bytes) -> bytes | None:
        return self.reader.select(data)

    def _tg_init_as_target(self, data: bytes) -> None:
        self.reader.forget()
        self.target.init(data)

    def _tg_get_data(self, data: bytes) -> bytes | None:
        return self.target.get_data()

    def _tg_set_data(self, data: bytes) -> bytes | None:
        return self.target.set_data(data, more=False)

    def _tg_set_meta_data(self, data: bytes) -> bytes | None:
        return self.target.set_data(data, more=True)

    def _tg_set_general_bytes(self, data: bytes) -> bytes:
        return bytes((Status.WRONG_CONTEXT,))  # these belong to NFCIP-1, which is not modelled

    def _tg_get_initiator_command(self, data: bytes) -> bytes | None:
        return self.target.get_initiator_command()

    def _tg_response_to_initiator(self, data: bytes) -> bytes:
        return self.target.response_to_initiator(data)

    def _tg_get_target_status(self, data: bytes) -> bytes:
        return self.target.status()
