"""Stations of the simulated world: wallets with their chips, and readers for host programs."""

from __future__ import annotations

import selectors
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

from jiaozi_sim.board import Board
from jiaozi_sim.bridge import Bridge, BridgeError
from jiaozi_sim.chips.pn532 import Pn532
from jiaozi_sim.field import Field
from jiaozi_sim.machines.base import StillRunning
from jiaozi_sim.machines.engines import make_machine
from jiaozi_sim.machines.renode_wired import WiredMachine
from jiaozi_sim.scheduler import Scheduler
from jiaozi_sim.streams import PtyPort, Stream
from jiaozi_sim.wires import PtyWire, Wire

# UART roles that programs of the host may open; a debug image has its REPL on `log`.
_PORT_ROLES = ("host", "contact", "log")

# How many of the newest pieces of bridge traffic are kept.
_TRAFFIC_LIMIT = 10_000

# A machine writes to its bus bridge byte by byte, and a picture has 100 KiB: the bytes of this many
# seconds are read at once.
_BRIDGE_PAUSE = 0.001

# Interval at which a machine in another process is polled for a power cut.
_POLL_SECONDS = 0.05


class _MachineWire(Wire):
    """The UART between a machine and its PN532.

    A machine's socket has no baud rate, so both sides are assumed to agree. carried: number of
    bytes in both directions.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__(scheduler)
        self.carried = 0
        self.to_machine: Callable[[bytes], None] | None = None

    @property
    def host_baud(self) -> int:
        """Return the chip's baud rate."""
        return self._chip.baud if self._chip else 0

    def from_machine(self, data: bytes) -> None:
        """Forward bytes from the machine's UART to the chip."""
        self.carried += len(data)
        self._to_chip(data, self.host_baud)

    def _deliver(self, data: bytes) -> None:
        self.carried += len(data)
        if self.to_machine is not None:
            self.to_machine(data)


class WalletStation:
    """A wallet: its machine, its PN532 on the field, chips and buttons on the bus bridge.

    chip: the PN532; None on a board without one.

    Args:
        name: also the name of its files in `directory`.
        seed: seed of the randomness of its boots.
        speed: factor by which slow chips (e-paper) are faster than real ones.
        engine: engine of the machine; None: the default one (machines/engines.py).
    """

    def __init__(
        self,
        name: str,
        board: Board,
        elf: Path,
        seed: bytes,
        directory: Path,
        selector: selectors.BaseSelector,
        field: Field,
        speed: float,
        engine: str | None = None,
    ) -> None:
        self.name, self.board = name, board
        self._selector, self._scheduler = selector, field.scheduler
        directory.mkdir()
        self.machine = make_machine(elf, directory, board.uarts, seed, engine, board.name)
        self.log_path = directory / "log.txt"
        self._streams: dict[str, Stream] = {}
        self.bridge = Bridge(board, field.scheduler, partial(self._send, "bridge"), speed)
        self._wire = _MachineWire(field.scheduler)
        self.chip: Pn532 | None = None
        if board.contactless is not None:
            self.chip = Pn532(field, field.scheduler, self._wire.from_chip, name)
            self._wire.connect(self.chip)
            self._wire.to_machine = partial(self._send, "nfc")
        self.ports = {
            role: PtyPort(selector, partial(self._send, role))
            for role in _PORT_ROLES
            if role in board.uarts
        }
        self.complaints: list[str] = []
        self._traffic: deque[tuple[int, int]] = deque(maxlen=_TRAFFIC_LIMIT)

    def start(self) -> None:
        """Apply power to machine and chips. Raises StillRunning, MachineError."""
        if self.machine.running:
            raise StillRunning(f"{self.name} has power already")
        self._disconnect()
        self.bridge.power_on()
        self.machine.start()
        for role, wire in self.machine.wires.items():
            receiver = self._receiver(role)
            ended = self._on_wire_closed
            gather = self._schedule_read if role == "bridge" else None
            self._streams[role] = Stream(
                self._selector, wire.fileno(), receiver, ended, gather=gather
            )
        if isinstance(self.machine, WiredMachine):
            self._poll_power_cut(self.machine)

    def _poll_power_cut(self, machine: WiredMachine) -> None:
        if machine.running and machine.was_cut:
            self.cut_power()
        elif machine.running:
            self._scheduler.call_later(_POLL_SECONDS, self._poll_power_cut, machine)

    def cut_power(self) -> None:
        """Cut the power of machine and chips."""
        self._disconnect()
        self.machine.cut_power()

    def close(self) -> None:
        """Cut the power and release all resources; the log file stays."""
        self.cut_power()
        for port in self.ports.values():
            port.close()
        self.machine.close()

    def _disconnect(self) -> None:
        for stream in self._streams.values():
            stream.close()
        self._streams = {}
        self.bridge.power_off()
        if self.chip is not None:
            self.chip.power_cycle()

    def _schedule_read(self, look: Callable[[], None]) -> None:
        self._scheduler.call_later(_BRIDGE_PAUSE, look)

    def _on_wire_closed(self) -> None:
        """Cut the power after an ordered power cut or a crash of the machine closed a wire."""
        self.cut_power()

    def _send(self, role: str, data: bytes) -> None:
        if role in self._streams:
            self._streams[role].send(data)

    def _receiver(self, role: str) -> Callable[[bytes], None]:
        if role == "nfc":
            return self._wire.from_machine
        if role == "bridge":
            return self._from_bridge
        if role == "log":
            return self._write_log
        return self.ports[role].send

    def _from_bridge(self, data: bytes) -> None:
        self._traffic.append((time.monotonic_ns(), len(data)))
        try:
            self.bridge.receive(data)
        except BridgeError as error:
            self.complaints.append(str(error))

    def _write_log(self, data: bytes) -> None:
        with self.log_path.open("ab") as file:
            file.write(data)
        self.ports["log"].send(data)

    @property
    def nfc_bytes(self) -> int:
        """Number of bytes between machine and PN532, in both directions, over all starts."""
        return self._wire.carried

    def bridge_bytes(self, since: int, until: int) -> int:
        """Number of bytes that the firmware sent over the bus bridge between two moments.

        since, until: readings of the host's monotonic clock, in nanoseconds.
        """
        return sum(size for moment, size in self._traffic if since <= moment < until)

    def violations(self) -> list[str]:
        """List violations of the chips' data sheets by the firmware, and broken bridge frames."""
        return self.bridge.violations() + self.complaints


class ReaderStation:
    """A PN532 reader on a pseudo-terminal at `path`, for nfcpy and the command `jiaozi`."""

    def __init__(self, name: str, selector: selectors.BaseSelector, field: Field) -> None:
        self.name = name
        self._selector = selector
        self._wire = PtyWire(field.scheduler)
        self.chip = Pn532(field, field.scheduler, self._wire.from_chip, name)
        self._wire.connect(self.chip)
        self.path = self._wire.path
        selector.register(self._wire.fileno(), selectors.EVENT_READ, self._ready)

    def _ready(self, events: int) -> None:
        del events
        self._wire.on_readable()

    def close(self) -> None:
        """Close the port."""
        self.chip.set_carrier(False)
        self._selector.unregister(self._wire.fileno())
        self._wire.close()
