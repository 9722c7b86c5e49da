"""PIN attempts: their kinds, their allowed results after a cut, and the wallet they are made on."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest import mock

from jiaozi.wire.commands import PIN_TRIES
from jiaozi.wire.errors import Refused
from jiaozi_host.errors import CardGone, PinBlocked, WrongPin
from jiaozi_host.wallet import WalletClient
from jiaozi_sim.machines.base import MachineError
from jiaozi_sim.machines.unicorn_state import Store
from tests.sweep.engine.bench import Bench, Snapshot
from tests.sweep.engine.device_key import keyed_core
from tests.sweep.engine.scripted_reader import ScriptedReader
from tests.sweep.engine.start_cache import StartCache
from tests.sweep.engine.started import PagePool, Started
from tests.sweep.engine.tracer import ActivePeriod, PeriodRecorder, Tracer
from tests.sweep.flows.operator_desk import PIN, OperatorDesk, ReaderLink, press_ok_at
from tests.sweep.flows.oracle import open_store
from wallet.pin import Pin  # type: ignore[import-not-found]

WALLET = "card"
WRONG = ("9999", "1235", "0234")
NEW = "424242"
COMPARES = "sodium_memcmp"
"""The image's constant-time comparison; during an attempt it is called for the PIN only."""

_PATIENCE = 30.0

Act = Callable[[WalletClient], None]


@dataclass(frozen=True)
class Case:
    """One kind of attempt.

    before: tries left; act: the host's command; right: the PIN given is the wallet's; compares: a
    PIN is compared at all; pins: exactly one of these must open the wallet afterwards.
    """

    name: str
    before: int
    act: Act
    right: bool
    compares: bool = True
    pins: tuple[str, ...] = (PIN,)

    @property
    def answer(self) -> str:
        """The expected answer, as `answer_to` returns it."""
        if self.right:
            return "done"
        return f"wrong, {self.before - 1} left" if self.before else "blocked"

    def allows(self, tries: int, compared: bool) -> bool:
        """True if `tries` may be left after a cut; compared: the comparison had begun by then."""
        if not self.compares:
            return tries in (self.before, PIN_TRIES)
        if self.right and compared and tries == PIN_TRIES:
            return True
        spent = self.before - 1
        return tries == spent if compared else tries in (spent, self.before)


def verify(pin: str) -> Act:
    """Return the act of giving a PIN."""
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
    """Result of an undisturbed attempt: the period in which it stored, if any, and the answer."""

    period: ActivePeriod | None
    answer: str


def tries_in(image: bytes) -> int:
    """Read the tries left from an NVM image with the wallet's own code. Raises Broken."""
    return int(Pin(open_store(image)).tries())


def opens(image: bytes, pin: str) -> bool:
    """True if an NVM image has this PIN, whatever its tries left. Raises Broken."""
    store = open_store(image)
    keeper = Pin(store)
    changes = keeper.changes(pin.encode())
    [tries] = [key for key, value in changes.items() if len(value) == 1]
    store.commit({tries: changes[tries]})
    try:
        keeper.verify(pin.encode())
    except Refused:
        return False
    return True


class PinWallet:
    """A wallet with a PIN, kept as one snapshot for each number of tries left."""

    def __init__(self, elf: Path, seed: int) -> None:
        self.elf, self._seed = elf, seed
        self._name = f"{seed}:{WALLET}".encode()
        desk = OperatorDesk(elf, seed)
        desk.add(WALLET)
        with desk.seeded("PINs"):
            desk.boot(WALLET)
            desk.provision(WALLET)
            with desk.owner(WALLET):
                pass  # makes the wallet's channel key: from now on only PINs are stored
        desk.close()
        self._trust = desk.operator.published.trust
        self._identity = desk.operator.channel_identity()
        self._uarts, self._board = desk.board.uarts, desk.board
        self._starts = StartCache(elf, self._uarts)
        self._core = keyed_core(elf, self._name)
        self.tracer = Tracer(elf, COMPARES)
        self._ready: dict[int, Snapshot] = {}
        bench = desk.bench
        for left in range(PIN_TRIES, -1, -1):
            self._ready[left] = bench.snapshot()
            bench = self._ready[left].restored()
            self.attempt(bench, verify(WRONG[0]))
            bench.run_for(2.0)

    def attempt(self, bench: Bench, act: Act, recorded: bool = True) -> Run:
        """Open a channel at the desk and act; equal attempts are equal to the last bit.

        recorded: record the stores, which must lie in one active period.
        """
        drawn = random.Random(f"{self._seed}:host").randbytes
        wallet = bench.wallets[WALLET]
        bench.field.place(wallet.chip)
        press_ok = partial(press_ok_at, bench, WALLET, self._board)
        reader = ScriptedReader(bench)
        with mock.patch("os.urandom", drawn), ReaderLink(reader, press_ok) as link:
            link.wait_for_card(10)
            client = WalletClient(link, self._trust, self._identity)
            client.select()
            client.open_channel()
            recorder = PeriodRecorder(bench) if recorded else None
            answer = answer_to(client, act)
            if recorder is not None:
                recorder.stop()
        bench.field.remove(wallet.chip)
        periods = [] if recorder is None else recorder.periods
        if len(periods) > 1:
            raise MachineError("an attempt was stored in several periods")
        return Run(periods[0] if periods else None, answer)

    def run(self, case: Case) -> Run:
        """Make an attempt without a cut."""
        return self.attempt(self._ready[case.before].restored(), case.act)

    def restart(self, case: Case, started: Started) -> Bench:
        """Return a bench with the wallet cut and resumed from a start."""
        bench = self._ready[case.before].restored()
        wallet = bench.wallets[WALLET]
        wallet.cut_power()
        bench.run_for(0.05)
        wallet.resume(started)
        return bench

    def start(self, case: Case, nvm: bytes) -> Started:
        """Start from an NVM image that a cut of this case has left."""
        core = self._ready[case.before].cores[WALLET]
        return self._starts.start(self._name, nvm, core.boots)

    def cut_after(self, period: ActivePeriod, instructions: int) -> tuple[list[Store], Started]:
        """Cut the power after `instructions` of a period, and start the same core again.

        Return its stores before the cut, and the start.
        """
        core, bench = self._core, Bench()
        core.restore(period.state)
        core.run_and_cut(period.now, instructions)
        stored = core.stored
        wallet = bench.add(WALLET, core, self._uarts)
        wallet.sent = []
        wallet.start()
        bench.run_until(lambda: wallet.ready, _PATIENCE)
        return stored, PagePool().add(core.snapshot(), wallet.sent)


def answer_to(client: WalletClient, act: Act) -> str:
    """Act, and return the wallet's answer in words."""
    try:
        act(client)
    except PinBlocked:
        return "blocked"
    except WrongPin as wrong:
        return f"wrong, {wrong.tries} left"
    except CardGone:
        return "nothing"
    return "done"
