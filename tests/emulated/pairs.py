"""Two wallets of one operator, what their memories hold, and how a tap of theirs is followed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jiaozi.wallet.book import Book
from jiaozi.wire import commands
from jiaozi_sim.client import Wallet
from jiaozi_sim.machines.base import DEVICE_KEY_SIZE, MarkEvent
from jiaozi_sim.machines.engines import patience
from jiaozi_sim.machines.marks import Mark
from scenarios.rig import Rig
from tests.fixtures.nvm_fake import NvmFake
from wallet.pin import Pin
from wallet.storage.errors import StoreError
from wallet.storage.sealed import Sealed
from wallet.storage.store import Store

NVM_PAGE, NVM_UNIT = 4096, 4
FUNDS = 10_000_00
"""What each wallet is given to begin with."""

HOLD = 0.6
"""Seconds for which a key is pressed: it is looked at between commands, which take their time."""

_REST_NS = 50_000_000
_LOOK = 0.01
_A_TAP = 6.0
"""Seconds for which two wallets are held together at first before they are taken apart again."""

_BUSY = 60.0
"""Seconds for what must come, however busy the machine is."""


@dataclass(frozen=True)
class Memory:
    """What a wallet's non-volatile memory says, power or not."""

    book: Book
    tries: int

    @property
    def balance(self) -> int:
        return self.book.state.balance

    @property
    def pending(self) -> int:
        """Payments made whose outcome is not known."""
        return self.book.unresolved()

    @property
    def open(self) -> int:
        """Requests that may still be paid."""
        return len(self.book.open)

    @property
    def content(self) -> dict[int, bytes]:
        """Everything that is kept, by key."""
        store = self.book.store
        return {key: store.get(key) for key in store.keys()}  # noqa: SIM118  (not a dict)


def device_key(wallet: Wallet) -> bytes:
    """Read the key that the wallet has made for itself."""
    return wallet.key_page_read()[:DEVICE_KEY_SIZE]


def memory(wallet: Wallet) -> Memory:
    """Read a wallet's memory as its own firmware would after a start, without touching it."""
    for _ in range(5):
        raw = wallet.nvm_read()
        nvm = NvmFake(len(raw), NVM_PAGE, NVM_UNIT)
        nvm.memory[:] = raw
        try:
            store = Sealed(Store.mount(nvm), device_key(wallet))
        except StoreError:  # a page was being erased while it was read
            continue
        return Memory(Book(store), Pin(store).tries())
    raise AssertionError(f"{wallet.name}'s memory cannot be read")


def restart(*wallets: Wallet) -> None:
    """Cut the power, if it is there, and give it back."""
    for wallet in wallets:
        wallet.cut_power()
        wallet.start()
    for wallet in wallets:
        wallet.wait_mark(Mark.READY)


def until(true: Callable[[], bool], seconds: float = _BUSY) -> bool:
    """Wait until something is true; False if it does not become so in time."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(_LOOK)
    return True


@dataclass
class Followed:
    """A tap that has come to its end: the marks of either side from its SELECT up to its rest.

    exchanges: after SELECT; apdu_bytes: of everything from SELECT on; bridge: bytes that went to
    displays and pins meanwhile.
    """

    payer: list[MarkEvent]
    payee: list[MarkEvent]
    exchanges: int
    apdu_bytes: int
    bridge: int


class Pair:
    """Two wallets and the operator's desk. A reader is "payer", "payee" or "auto"."""

    def __init__(self, rig: Rig, one: Wallet, other: Wallet) -> None:
        self.rig = rig
        self.one, self.other = one, other

    @classmethod
    def made(
        cls,
        rig: Rig,
        image: Callable[[str], Path],
        boards: tuple[str, str] = ("visual_card", "wearable"),
    ) -> Pair:
        """Two wallets, provisioned, with FUNDS in each."""
        wallets = [
            rig.add(name, board, image(board))
            for name, board in zip(("alice", "bob"), boards, strict=True)
        ]
        for wallet in wallets:
            rig.provision(wallet)
            rig.top_up(wallet, FUNDS)
        return cls(rig, *wallets)

    @property
    def balances(self) -> tuple[int, int]:
        return memory(self.one).balance, memory(self.other).balance

    def arm(self, payer: Wallet, payee: Wallet, reader: str, amount: int, entered: int = 0) -> None:
        """Have the payee ask for `amount` (0: any), and the payer pay what is entered, if it is."""
        roles = {
            "payee": (commands.READER, commands.CARD),
            "payer": (commands.CARD, commands.READER),
            "auto": (commands.AUTO, commands.AUTO),
        }
        payee_role, payer_role = roles[reader]
        self.rig.receive(payee, amount, payee_role)
        if entered:
            self.rig.pay(payer, entered, payer_role)

    @contextmanager
    def together(self) -> Iterator[None]:
        """The two held together for the block."""
        with self.rig.simulator.tapped(self.one.name, self.other.name):
            yield

    def id(self, wallet: Wallet) -> bytes:
        """A wallet's id."""
        return bytes(memory(wallet).book.me.id)

    def settled(self) -> bool:
        """Whether nothing is left to do between the two."""
        return all(not (m.pending or m.open) for m in (memory(self.one), memory(self.other)))

    def settle(self, taps: int = 4) -> int:
        """Tap until nothing is pending and no request is open; the number of taps it took.

        Each try is longer than the one before, for a machine that is only slow.
        """
        for tap in range(1, taps + 1):
            with self.together():
                if until(self.settled, min(_A_TAP * 2 ** (tap - 1), _BUSY)):
                    return tap
        left = [(m.pending, m.open) for m in (memory(self.one), memory(self.other))]
        raise AssertionError(f"(pending, open) is {left} after {taps} taps")

    def follow(self, payer: Wallet, payee: Wallet) -> Followed:
        """Hold an armed pair together until both are at rest again."""
        until(lambda: self._bridge_rests(payer, payee))
        sides = ((payer, Mark.TAP_COMMIT_PAYER), (payee, Mark.TAP_COMMITTED))
        before = [len(wallet.marks()) for wallet, _ in sides]
        with self.together():
            spans = [
                _span(wallet, done, after)
                for (wallet, done), after in zip(sides, before, strict=True)
            ]
        assert self.settled()
        air = [tap for tap in self.rig.simulator.air()["taps"] if tap["exchanges"] > 1][-1]
        bridge = sum(
            wallet.bridge_bytes(span[0].host_ns, span[-1].host_ns)
            for (wallet, _), span in zip(sides, spans, strict=True)
        )
        return Followed(*spans, air["exchanges"] - 1, air["apdu_bytes"], bridge)

    @staticmethod
    def _bridge_rests(*wallets: Wallet) -> bool:
        now = time.monotonic_ns()
        since = now - _REST_NS * patience()
        return not any(wallet.bridge_bytes(since, now) for wallet in wallets)

    def sync(self) -> None:
        """Sync both, the payments' order at the ledger being of no importance; all adds up."""
        for wallet in (self.one, self.other, self.one):
            done = self.rig.sync(wallet)
            assert done.settled, done
            assert done.balance == memory(wallet).balance
        report = self.rig.report()
        assert report.holds, report
        assert (report.in_flight, report.findings) == ([], [])

    def new_day(self) -> None:
        """Two epochs later, and synced: what was settled before is forgotten."""
        for _ in range(2):
            self.rig.authority.advance()
        self.rig.operator.refresh()
        self.sync()


def _span(wallet: Wallet, done: Mark, after: int) -> list[MarkEvent]:
    """The marks of a tap that comes to its end: from the SELECT before `done` up to the rest."""
    committed = wallet.wait_mark(done, after=after)
    end = wallet.wait_mark(Mark.TAP_END, after=committed.index)
    events = wallet.marks(after)
    begin = [e.index for e in events if e.mark == Mark.TAP_BEGIN and e.index < committed.index]
    return [event for event in events if begin[-1] <= event.index <= end.index]
