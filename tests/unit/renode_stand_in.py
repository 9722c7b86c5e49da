"""Stands in for the program `renode` in tests of the engine.

It answers the robot server's port, opens the sockets that a board's script would open, and moves
NVM files about. It emulates nothing.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import threading
from pathlib import Path

from tests.unit.renode_fake import FakeRenode

STORES = 40  # in the counter page, and the order to cut right after it


class StandIn:
    """The state of an emulation that does not exist."""

    def __init__(self, port: int) -> None:
        self.fake = FakeRenode(port)
        self.fake.script = {"": self.act}
        self.ports: dict[str, int] = {}
        self.sockets: list[socket.socket] = []
        self.nvm, self.files = bytearray(), [""]
        self.orders = 0

    def act(self, command: str) -> str:
        """What the monitor would print."""
        with Path(os.environ["RENODE_STAND_IN_LOG"]).open("a") as log:
            log.write(command + "\n")
        refused = os.environ.get("RENODE_STAND_IN_REFUSES")
        if refused and command.startswith(refused):
            raise RuntimeError("refused on order")
        if port := re.fullmatch(r"\$(\w+)_port=(\d+)", command):
            self.ports[port[1]] = int(port[2])
        elif command.startswith("include"):
            for number in self.ports.values():
                self.listen(number)
        elif wire := re.fullmatch(r'jiaozi_wire "\w+" "uart\d" (\d+)', command):
            self.listen(int(wire[1]))
        elif command.startswith("jiaozi_"):
            self.files = [word.removeprefix("@") for word in command.split()[1:]]
            getattr(self, command.split()[0], lambda: None)()
        elif command.startswith("Save"):
            Path(command.split("@")[1]).touch()
        return ""

    def listen(self, port: int) -> None:
        self.sockets.append(socket.create_server(("127.0.0.1", port)))

    def jiaozi_load_nvm(self) -> None:
        self.nvm[:] = Path(self.files[0]).read_bytes()
        self.nvm[0] = (self.nvm[0] + 1) % 256

    def jiaozi_save_nvm(self) -> None:
        Path(self.files[0]).write_bytes(self.nvm)

    def jiaozi_watch(self) -> None:
        self.counters = Path(self.files[0])

    def jiaozi_cut(self) -> None:
        self.orders += 1
        if self.files[0] == "666":
            print("dying", flush=True)
            end_soon(1)
        if self.orders == 2:
            with self.counters.open("r+b") as page:
                page.seek(STORES)
                page.write((1).to_bytes(8, "little") * 2)


def end_soon(status: int) -> None:
    """End once the answer is on its way."""
    threading.Timer(0.1, os._exit, [status]).start()


def break_if_asked(port: int, seconds: float) -> None:
    """End when somebody connects, as Renode on .NET does until its server is complete."""
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(seconds)
        try:
            server.accept()
        except TimeoutError:
            return
    print("asked too early", flush=True)
    os._exit(1)


def main() -> None:
    """As `renode` with the options that the engine gives it."""
    if "--version" in sys.argv:
        print("Renode, version 0.0\n  (stand-in)")
        return
    print("standing in", flush=True)
    with Path(os.environ["RENODE_STAND_IN_LOG"]).open("a") as log:
        log.write(f"pid {os.getpid()}\n")
    port = int(sys.argv[sys.argv.index("--robot-server-port") + 1])
    break_if_asked(port, seconds=0.3)
    stand_in = StandIn(port)
    print(f"Robot Framework remote server is listening on port {port}", flush=True)
    stand_in.fake.serve()


if __name__ == "__main__":
    main()
