"""A main loop in memory: the real application and store, fake links, and a person who records."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any

from jiaozi.wire import apdu
from jiaozi.wire.commands import CARD
from tests.fixtures import devices
from tests.fixtures.nvm_fake import NvmFake
from wallet.storage.sealed import Sealed
from wallet.storage.store import Store


def main_module() -> ModuleType:
    """`wallet.main`, whose imports of the board and its port only a device has."""
    absent = ("board", "wallet.hal.port")
    sys.modules.update((name, ModuleType(name)) for name in absent)
    try:
        return import_module("wallet.main")
    finally:
        for name in absent:
            del sys.modules[name]


MainLoop = main_module().MainLoop


class Port(devices.Port):
    """Keeps what was waited for; `events` is shared with links and person."""

    def __init__(self, events: list[tuple]) -> None:
        super().__init__()
        self.events = events
        self.waits: list[int] = []

    def wait(self, ms: int) -> bool:
        if ms:
            self.waits.append(ms)
        return super().wait(ms)


class FakeLink:
    """A link whose reader sends the commands in `queue`, and whose field has the card `peer`."""

    def __init__(self, name: str, events: list[tuple], can_read: bool = False) -> None:
        self.name, self.events, self.can_read = name, events, can_read
        self.on_air = False
        self.queue: list[bytes] = []
        self.responses: list[bytes] = []
        self.in_session = False
        self.due = 1000
        self.peer: Any = None
        self.failure: Exception | None = None
        self.chosen_at_leave = False
        self.success = b"\x90\x00"

    def connect(self, handler: Callable, begin_contact: Callable) -> None:
        self.handler, self.begin_contact = handler, begin_contact

    def come(self, *commands: bytes) -> None:
        """A reader comes and sends these."""
        self.queue += commands
        self.due = 0

    def service(self, role: int = CARD) -> Any:
        self.events.append((self.name, "service", role))
        if self.failure:
            raise self.failure
        if self.queue and not self.in_session:
            self.begin_contact()
            self.in_session = True
        while self.queue:
            response = self.handler(memoryview(self.queue.pop(0)))
            if response[-2:] == b"\x90\x00":
                response = bytes(response[:-2]) + self.success
            self.responses.append(response)
        self.due = 1000
        peer, self.peer = self.peer, None
        return peer if role != CARD else None

    def due_ms(self) -> int:
        return self.due

    def leave(self) -> bool:
        self.events.append((self.name, "leave"))
        if self.chosen_at_leave:
            self.chosen_at_leave = False
            self.begin_contact()
            self.in_session = True
        return not self.in_session

    def stop(self) -> None:
        self.events.append((self.name, "stop"))
        self.in_session = False


class RecordingPerson:
    """A person (`wallet.person.person`) who gives the answers put into `answers`."""

    can_answer = True

    def __init__(self, events: list[tuple]) -> None:
        self.events = events
        self.screens: list[tuple[str, dict[str, object]]] = []
        self.answers: list[str] = []

    def show(self, screen: str, **data: object) -> None:
        self.screens.append((screen, data))

    def refresh(self) -> None:
        self.events.append(("person", "refresh"))

    def poll(self, asking: bool) -> list[str]:
        answers, self.answers = self.answers, []
        return answers

    def due_ms(self) -> int:
        return 1000


class Peer:
    """Another wallet as a card in the field."""

    def __init__(self, exchange: Callable[[bytes], bytes]) -> None:
        self.exchange = exchange
        self.released = False

    def release(self) -> None:
        self.released = True


class Loop:
    """A main loop over the store of a provisioned wallet, with the links `names`."""

    def __init__(
        self,
        wallet: devices.Wallet | None = None,
        names: str = "ab",
        can_read: str = "",
        person: Any = None,
    ) -> None:
        self.events: list[tuple] = []
        nvm = NvmFake(131072, 4096, 4)
        store = Sealed(Store.mount(nvm), devices.DEVICE_KEY)
        for key, value in (wallet.store.data if wallet else {}).items():
            store.commit({key: value})
        self.links = [FakeLink(name, self.events, name in can_read) for name in names]
        self.person = person or RecordingPerson(self.events)
        self.port = Port(self.events)
        board = SimpleNamespace(
            nvm=lambda: nvm, links=lambda: self.links, person=lambda: self.person
        )
        self.loop = MainLoop(board, self.port)
        self.device = self.loop._device
        self.loop.begin()

    def step(self) -> list[tuple]:
        """Run one pass; return what happened in it."""
        del self.events[:]
        self.loop.step()
        return list(self.events)

    def settle(self) -> None:
        """Run passes until only waiting is left to do."""
        while any(event[1] != "service" for event in self.step()):
            pass

    def status(self, link: FakeLink) -> int:
        """Status word of a link's last response."""
        return apdu.split_response(link.responses[-1])[1]
