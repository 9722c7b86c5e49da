"""A wallet at a desk whose PIN is tried: the kinds of attempts, and what may come of a cut one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from jiaozi.wire.commands import PIN_TRIES
from jiaozi.wire.errors import Refused
from jiaozi_host.errors import CardGone, PinBlocked, WrongPin
from jiaozi_host.wallet import WalletClient
from jiaozi_sim.machines.base import MachineError
from jiaozi_sim.machines.unicorn_core import Core
from jiaozi_sim.machines.unicorn_state import Store
from jiaozi_sim.sweep.bench import Bench, Snapshot
from jiaozi_sim.sweep.booted import Booted, Shelf
from jiaozi_sim.sweep.boots import Boots
from jiaozi_sim.sweep.desk import Desk
from jiaozi_sim.sweep.probe import Probe, Waking, Watch
from scenarios.sweep.oracle import read_store
from scenarios.sweep.rig import PIN, DeskLink, SweepRig
from wallet.pin import Pin  # type: ignore[import-not-found]  # path: oracle

WALLET = "card"
WRONG = ("9999", "1235", "0234")
NEW = "424242"
COMPARES = "sodium_memcmp"
"""The function of the image that compares in constant time; nothing else of an attempt calls it."""

_PATIENCE = 30.0

Act = Callable[[WalletClient], None]


@dataclass(frozen=True)
class Case:
    """One attempt. before: tries left; right: whether the PIN given is the wallet's; compares:
    whether a PIN is compared at all; pins: the PINs of which one must open the wallet afterwards.
    """

    name: str
    before: int
    act: Act
    right: bool
    compares: bool = True
    pins: tuple[str, ...] = (PIN,)

    @property
    def answer(self) -> str:
        """What the wallet must say."""
        if self.right:
            return "done"
        return f"wrong, {self.before - 1} left" if self.before else "blocked"

    def allows(self, tries: int, compared: bool) -> bool:
        """Whether so many tries may be left after a cut, before or after the comparison began."""
        if not self.compares:
            return tries in (self.before, PIN_TRIES)
        if self.right and compared and tries == PIN_TRIES:
            return True
        spent = self.before - 1
        return tries == spent if compared else tries in (spent, self.before)


def verify(pin: str) -> Act:
    return lambda client: client.verify(pin)


def _change(pin: str) -> Act:
    return lambda client: client.change(pin, NEW)


def _cases() -> Iterator[Case]:
    for left in (PIN_TRIES, 1):
        yield Case(f"verify-wrong-{left}", left, verify(WRONG[0]), False)
        yield Case(f"verify-right-{left}", left, verify(PIN), True)
        yield Case(f"change-wrong-{left}", left, _change(WRONG[0]), False)
        yield Case(f"change-right-{left}", left, _change(PIN), True, pins=(PIN, NEW))
    yield Case("verify-blocked", 0, verify(PIN), False)
    yield Case("change-blocked", 0, _change(PIN), False)
    yield Case("unblock", 0, lambda client: client.unblock(NEW), True, False, (PIN, NEW))


CASES = {case.name: case for case in _cases()}


@dataclass(frozen=True)
class Run:
    """An undisturbed attempt: the waking in which it stored (None: nothing was), and its answer."""

    waking: Waking | None
    answer: str


def tries_in(image: bytes) -> int:
    """The tries left by an NVM image, as the wallet's own code reads it. Raises Broken."""
    return int(Pin(read_store(image)).tries())


def opens(image: bytes, pin: str) -> bool:
    """Whether a PIN is the one of an NVM image, with all tries given back. Raises Broken."""
    store = read_store(image)
    keeper = Pin(store)
    changes = keeper.changes(pin.encode())
    [tries] = [key for key, value in changes.items() if len(value) == 1]
    store.commit({tries: changes[tries]})
    try:
        keeper.verify(pin.encode())
    except Refused:
        return False
    return True


class Stage:
    """A wallet with a PIN, at a desk, with 3, 1 and 0 tries left."""

    def __init__(self, elf: Path, seed: int) -> None:
        self.elf, self._seed = elf, seed
        self._name = f"{seed}:{WALLET}".encode()
        rig = SweepRig(elf, seed)
        rig.add(WALLET)
        with rig.drawing("PINs"):
            rig.boot(WALLET)
            rig.provision(WALLET)
            with rig.owner(WALLET):
                pass  # it has made its key for channels: from now on only PINs are written
        rig.close()
        self._trust = rig.operator.published.trust
        self._identity = rig.operator.channel_identity()
        self._uarts = rig.board.uarts
        self.boots = Boots(elf, self._uarts)
        self._core = Core(elf, self._name)
        self.probe = Probe(elf, COMPARES)
        self._ready: dict[int, Snapshot] = {}
        bench = rig.bench
        for left in range(PIN_TRIES, -1, -1):
            self._ready[left] = bench.snapshot()
            bench = self._ready[left].restored()
            self.attempt(bench, verify(WRONG[0]))
            bench.run_for(2.0)

    def attempt(self, bench: Bench, act: Act, watched: bool = True) -> Run:
        """Give the wallet commands at the desk; equal attempts are equal to the last bit.

        watched: whether to note what it stores, which one waking must do.
        """
        drawn = random.Random(f"{self._seed}:host").randbytes
        seat = bench.seats[WALLET]
        bench.field.place(seat.chip)
        with mock.patch("os.urandom", drawn), DeskLink(Desk(bench)) as link:
            link.wait_for_card(10)
            client = WalletClient(link, self._trust, self._identity)
            client.select()
            client.open_channel()
            watch = Watch(bench) if watched else None
            answer = answer_to(client, act)
            if watch is not None:
                watch.stop()
        bench.field.remove(seat.chip)
        wakings = [] if watch is None else watch.wakings
        if len(wakings) > 1:
            raise MachineError("an attempt was stored in several wakings")
        return Run(wakings[0] if wakings else None, answer)

    def run(self, case: Case) -> Run:
        """The attempt, undisturbed."""
        return self.attempt(self._ready[case.before].restored(), case.act)

    def restart(self, case: Case, booted: Booted) -> Bench:
        """The wallet, cut and started from what the cut left."""
        bench = self._ready[case.before].restored()
        seat = bench.seats[WALLET]
        seat.cut_power()
        bench.run_for(0.05)
        seat.start_booted(booted)
        return bench

    def boot(self, case: Case, nvm: bytes) -> Booted:
        """The start from an NVM image that a cut of this case has left."""
        core = self._ready[case.before].cores[WALLET]
        return self.boots.boot(self._name, nvm, core.boots)

    def cut_after(self, waking: Waking, instructions: int) -> tuple[list[Store], Booted]:
        """Cut the power after so many instructions of a waking, and start the same core again.

        Returns what it had stored, and the start.
        """
        core, bench = self._core, Bench()
        core.restore(waking.state)
        core.run_and_cut(waking.now, instructions)
        stored = core.stored
        seat = bench.add(WALLET, core, self._uarts)
        seat.said = []
        seat.start()
        bench.run_until(lambda: seat.ready, _PATIENCE)
        return stored, Shelf().keep(core.snapshot(), seat.said)


def answer_to(client: WalletClient, act: Act) -> str:
    try:
        act(client)
    except PinBlocked:
        return "blocked"
    except WrongPin as wrong:
        return f"wrong, {wrong.tries} left"
    except CardGone:
        return "nothing"
    return "done"
