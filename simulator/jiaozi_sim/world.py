"""World process: one selectors loop that connects machines, chips, field and client.

A client starts it (see client.py) as `python -m jiaozi_sim.world FD DIRECTORY`. FD is one end of a
socket pair. Over it go JSON lines: requests {"do": name, …arguments}, each answered in turn by
{"ok": result} or {"error": type, "message": text}. When the client's end closes, also when
the client is killed, the world cuts all power, writes the frame log and ends.

No threads: every chip and the field run as events of one scheduler, between which machines' bytes
are passed on. The process asks for real-time scheduling where it is allowed, because a PN532 host
counts its time-outs in milliseconds; machines do not inherit it.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import os
import selectors
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from jiaozi_sim.board import BoardError, load_board
from jiaozi_sim.bridge import BridgeError
from jiaozi_sim.chips.pn532 import Pn532
from jiaozi_sim.faults import Fault
from jiaozi_sim.field import Field
from jiaozi_sim.lifetime import die_with_parent
from jiaozi_sim.machines.base import MachineError
from jiaozi_sim.machines.renode_wired import WiredMachine
from jiaozi_sim.scheduler import RealTimeScheduler
from jiaozi_sim.stations import ReaderStation, WalletStation
from jiaozi_sim.streams import READ_SIZE, Stream

_REAL_TIME_PRIORITY = 10
FRAME_LOG = "frames.jsonl"


class WorldError(Exception):
    """A request is invalid, such as one with an unknown name."""


class World:
    """All stations, the field between them, and the client's control connection."""

    def __init__(self, control: socket.socket, directory: Path) -> None:
        # epoll would round waits to whole milliseconds.
        self._selector = selectors.SelectSelector()
        self._scheduler = RealTimeScheduler()
        self._field = Field(self._scheduler)
        self._directory = directory
        self._wallets: dict[str, WalletStation] = {}
        self._readers: dict[str, ReaderStation] = {}
        self._requests = b""
        self._over = False
        control.setblocking(False)
        descriptor = control.fileno()
        self._control = Stream(self._selector, descriptor, self._hear, self.end, limit=None)
        self._wake, wakes = socket.socketpair()
        for end in (self._wake, wakes):
            end.setblocking(False)
        # A signal's handler runs between two events; this wakes the loop afterwards.
        signal.set_wakeup_fd(wakes.detach())
        self._selector.register(self._wake, selectors.EVENT_READ, self._woken)

    # -- loop ------------------------------------------------------------------------------------

    def run(self) -> None:
        """Run until the client's end closes."""
        try:
            while not self._over:
                ready = self._selector.select(self._scheduler.next_deadline())
                self._scheduler.run_due()
                for key, events in ready:
                    # An earlier handler may have taken this one out of the loop, or replaced it.
                    now = self._selector.get_map().get(key.fd)
                    if now is not None and now.data == key.data:
                        key.data(events)
        finally:
            self._close()

    def end(self) -> None:
        """Leave the loop after the present event."""
        self._over = True

    def _woken(self, events: int) -> None:
        self._wake.recv(READ_SIZE)

    def _close(self) -> None:
        for wallet in self._wallets.values():
            wallet.close()
        for reader in self._readers.values():
            reader.close()
        with (self._directory / FRAME_LOG).open("w") as file:
            file.writelines(json.dumps(line) + "\n" for line in self._frames(0))

    def _hear(self, data: bytes) -> None:
        *lines, self._requests = (self._requests + data).split(b"\n")
        for line in lines:
            self._control.send(json.dumps(self._answer(json.loads(line))).encode() + b"\n")

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request.pop("do")
        try:
            return {"ok": getattr(self, f"do_{name}")(**request)}
        except (WorldError, MachineError, BoardError, BridgeError, ValueError, OSError) as error:
            return {"error": type(error).__name__, "message": str(error)}

    # -- requests: stations ----------------------------------------------------------------------

    def do_add_wallet(
        self, name: str, board: str, elf: str, seed: str, speed: float, engine: str | None = None
    ) -> dict[str, Any]:
        """Add a wallet without power; return the paths of its files and serial ports."""
        self._refuse_known(name)
        wallet = WalletStation(
            name,
            load_board(board),
            Path(elf),
            bytes.fromhex(seed),
            self._directory / name,
            self._selector,
            self._field,
            speed,
            engine,
        )
        self._wallets[name] = wallet
        return {
            "counters": str(wallet.machine.counter_path),
            "log": str(wallet.log_path),
            "ports": {role: port.path for role, port in wallet.ports.items()},
            "buttons": [button.name for button in wallet.board.buttons],
        }

    def do_add_reader(self, name: str) -> str:
        """Add a reader; return its port's path."""
        self._refuse_known(name)
        self._readers[name] = ReaderStation(name, self._selector, self._field)
        return self._readers[name].path

    def _refuse_known(self, name: str) -> None:
        if name in self._wallets or name in self._readers:
            raise WorldError(f"there is a {name!r} already")
        if not name.isidentifier():
            raise WorldError(f"{name!r} is no name: letters, digits and _ only")

    def _wallet(self, name: str) -> WalletStation:
        if name not in self._wallets:
            raise WorldError(f"there is no wallet {name!r}")
        return self._wallets[name]

    # -- requests: one wallet --------------------------------------------------------------------

    def do_prepare(self, wallet: str, keep_ports: bool, without: str | None) -> dict[str, Any]:
        """Return what a robot suite needs to power a machine that it runs itself."""
        machine = self._wallet(wallet).machine
        if not isinstance(machine, WiredMachine):
            raise WorldError(f"{wallet} is run from here")
        return machine.prepare(keep_ports, without)

    def do_start(self, wallet: str) -> None:
        self._wallet(wallet).start()

    def do_cut_power(self, wallet: str) -> None:
        self._wallet(wallet).cut_power()

    def do_cut_after_stores(self, wallet: str, count: int | None) -> None:
        self._wallet(wallet).machine.cut_after_stores(count)

    def do_state(self, wallet: str) -> dict[str, Any]:
        station = self._wallet(wallet)
        machine = station.machine
        return {
            "running": machine.running,
            "boots": machine.boots,
            "said": machine.messages(),
            "nfc_bytes": station.nfc_bytes,
        }

    def do_engine_pid(self, wallet: str) -> int:
        """Return the process id of the wallet's engine."""
        return self._wallet(wallet).machine.pid

    def do_read_nvm(self, wallet: str, offset: int, size: int | None) -> str:
        return self._wallet(wallet).machine.read_nvm(offset, size).hex()

    def do_replace_nvm(self, wallet: str, data: str) -> None:
        self._wallet(wallet).machine.replace_nvm(bytes.fromhex(data))

    def do_read_key_page(self, wallet: str) -> str:
        return self._wallet(wallet).machine.read_key_page().hex()

    def do_replace_key_page(self, wallet: str, page: str) -> None:
        self._wallet(wallet).machine.replace_key_page(bytes.fromhex(page))

    def do_press(self, wallet: str, button: str) -> None:
        self._wallet(wallet).bridge.press(button)

    def do_release(self, wallet: str, button: str) -> None:
        self._wallet(wallet).bridge.release(button)

    def do_touch(self, wallet: str, x: int, y: int) -> None:
        self._wallet(wallet).bridge.touch(x, y)

    def do_lift(self, wallet: str) -> None:
        self._wallet(wallet).bridge.lift()

    def do_is_refreshing(self, wallet: str) -> bool:
        return self._wallet(wallet).bridge.is_refreshing()

    def do_picture(self, wallet: str) -> dict[str, Any]:
        picture = self._wallet(wallet).bridge.picture()
        pixels = base64.b64encode(picture.tobytes()).decode()
        return {"mode": picture.mode, "size": picture.size, "pixels": pixels}

    def do_bridge_bytes(self, wallet: str, since: int, until: int) -> int:
        return self._wallet(wallet).bridge_bytes(since, until)

    def do_auto_wtx(self, wallet: str, on: bool) -> None:
        self._chip(wallet).auto_wtx = on

    def do_violations(self, wallet: str) -> list[str]:
        return self._wallet(wallet).violations()

    # -- requests: field -------------------------------------------------------------------------

    def do_tap(self, names: list[str]) -> None:
        """Put these, and nothing else, into the field."""
        chips = [self._chip(name) for name in names]
        for other in self._field.placed:
            if other not in chips:
                self._field.remove(other)
        for chip in chips:
            self._field.place(chip)

    def do_untap(self, names: list[str]) -> None:
        """Take these out of the field."""
        for name in names:
            self._field.remove(self._chip(name))

    def _chip(self, name: str) -> Pn532:
        station = self._wallets.get(name) or self._readers.get(name)
        if station is None:
            raise WorldError(f"there is no wallet or reader {name!r}")
        if station.chip is None:
            raise WorldError(f"{name} has no contactless chip")
        return station.chip

    def do_frames(self, after: int) -> list[dict[str, Any]]:
        return self._frames(after)

    def _frames(self, after: int) -> list[dict[str, Any]]:
        records = list(self._field.log)[after:]
        return [dataclasses.asdict(record) | {"data": record.data.hex()} for record in records]

    def do_fault(self, **rule: Any) -> int:
        """Add a fault rule; return its number."""
        self._field.faults.append(Fault(**rule))
        return len(self._field.faults) - 1

    def do_struck(self) -> list[int]:
        """Return how often each fault rule was applied."""
        return [fault.struck for fault in self._field.faults]

    def do_clear_faults(self) -> None:
        self._field.faults.clear()

    def do_air(self) -> dict[str, Any]:
        return {
            "total": dataclasses.asdict(self._field.tap_totals()),
            "taps": [dataclasses.asdict(tap) for tap in self._field.taps],
        }


def _ask_for_real_time() -> None:
    """Ask for SCHED_FIFO. Machines must not inherit it: they would starve the world."""
    policy = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, policy, os.sched_param(_REAL_TIME_PRIORITY))


def main() -> None:
    """Run the world for the client at the other end of the given socket."""
    control, directory = socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])
    world = World(control, directory)
    signal.signal(signal.SIGTERM, lambda number, frame: world.end())
    die_with_parent(signal.SIGTERM)
    _ask_for_real_time()
    world.run()


if __name__ == "__main__":
    main()
