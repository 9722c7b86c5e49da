"""Host and simulator together: an authority, an operator, a reader, and wallets to provision.

Scenarios and emulated tests use it like this:

    with Rig(directory) as rig:
        alice = rig.add("alice")
        rig.provision(alice)
        rig.top_up(alice, 100_00)
        rig.receive(bob, 25_00, role=commands.READER)
        with rig.simulator.tapped("alice", "bob"):
            bob.wait_mark(Mark.TAP_COMMITTED)
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from unittest import mock

from jiaozi.wire import commands
from jiaozi_host.ledger.account import open_account
from jiaozi_host.ledger.ledger import Ledger
from jiaozi_host.ledger.report import Report, report
from jiaozi_host.links import Link, open_link
from jiaozi_host.links.nfc import PATIENCE_VARIABLE
from jiaozi_host.provisioning import cash_out, provision, top_up
from jiaozi_host.sync.result import Synced
from jiaozi_host.sync.session import sync_wallet
from jiaozi_host.vault import Authority, Operator
from jiaozi_host.wallet import WalletClient
from jiaozi_sim.client import Simulator, Wallet
from jiaozi_sim.machines.engines import patience
from jiaozi_sim.machines.marks import Mark

PIN = "1234"
READER = "desk"

# nfcpy gives a chip 100 ms to acknowledge, which is too short on a busy machine. There a wallet may
# also draw for seconds before it polls again.
_PATIENCE = "20"
_PATIENT_SECONDS = 60

# A wallet begins to draw its question within the first of these. A display at which nothing has
# arrived for the second shows all of its picture; a key is held for half of that. The third is
# longer than the pause that a wallet wants between two presses.
_DRAW_SECONDS, _REST_SECONDS, _PRESS_AGAIN_SECONDS = 0.3, 0.25, 1.2


class Rig:
    """One authority, one operator and one reader, with the wallets added to them.

    With a `seed` all random numbers of the host come from it, as those of emulated wallets come
    from theirs: signatures, and so the cost of verifying them, are then the same in each run.
    """

    def __init__(
        self, directory: Path, issue: int = 1_000_000_00, seed: bytes | None = None
    ) -> None:
        os.environ.setdefault(PATIENCE_VARIABLE, _PATIENCE)
        self._seeded = ExitStack()
        if seed is not None:
            drawn = random.Random(seed).randbytes
            self._seeded.enter_context(mock.patch("os.urandom", drawn))
        self._home = home = directory / "home"
        self.simulator = Simulator(directory / "simulator")
        self.ids: dict[str, bytes] = {}
        self._pressed: dict[str, float] = {}  # when each wallet's key was released
        self.authority = Authority.init(home, None)
        self.operator = Operator.init(home, self.authority, None)
        self.ledger = Ledger.open(home)
        open_account(self.ledger, self.operator).issue(issue)

    def __enter__(self) -> Rig:
        self.simulator.__enter__()
        self.reader = self.simulator.add_reader(READER)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.ledger.close()
        self._seeded.close()
        self.simulator.__exit__(kind, error, trace)

    def add(self, name: str, board: str = "visual_card", elf: Path | None = None) -> Wallet:
        """Add a wallet with power, ready for a tap."""
        wallet = self.simulator.add_wallet(name, board, elf)
        wallet.start()
        wallet.wait_mark(Mark.READY)
        return wallet

    @contextmanager
    def at_reader(self, wallet: Wallet) -> Iterator[Link]:
        """Place the wallet on the operator's reader; wait until it is idle afterwards."""
        before = wallet.marks()[-1].index
        with self.simulator.tapped(READER, wallet.name), open_link(self.reader.path) as link:
            link.wait_for_card(_PATIENT_SECONDS)
            link.on_gesture = lambda: self.press(wallet)
            yield link
        answers = [e.index for e in wallet.marks(before) if e.mark == Mark.ANSWERED]
        if answers:
            wallet.wait_mark(Mark.TAP_END, _PATIENT_SECONDS, answers[-1])

    def press(self, wallet: Wallet, button: str = "ok") -> None:
        """Press a button, as an owner does who reads the question first."""
        slow = patience()
        pause = _REST_SECONDS * slow
        again = self._pressed.get(wallet.name, 0.0) + _PRESS_AGAIN_SECONDS * slow
        time.sleep(max(_DRAW_SECONDS * slow, again - time.monotonic()))
        while True:
            now = time.monotonic_ns()
            since = now - int(pause * 1e9)
            if not wallet.is_refreshing() and not wallet.bridge_bytes(since, now):
                break
            time.sleep(pause)
        self.press_blindly(wallet, button, pause / 2)

    def press_blindly(self, wallet: Wallet, button: str, seconds: float) -> None:
        """Hold a button for some seconds, whatever the display shows."""
        wallet.press(button, seconds)
        self._pressed[wallet.name] = time.monotonic()

    def provision(self, wallet: Wallet, category: int = 0) -> bytes:
        """Provision the blank device, with a category as a merchant's; return its id."""
        with self.at_reader(wallet) as link:
            made = provision(link, self.operator, self.ledger, PIN, category=category)
            self.ids[wallet.name] = made.id
        return self.ids[wallet.name]

    def top_up(self, wallet: Wallet, amount: int, purse: int = 0) -> None:
        """Pay from the operator's account; purse: one whose terms the operator has made."""
        with self.at_reader(wallet) as link:
            top_up(link, self.operator, self.ledger, PIN, amount, purse)

    def cash_out(self, wallet: Wallet, amount: int) -> None:
        """Pay to the operator's account."""
        with self.at_reader(wallet) as link:
            cash_out(link, self.operator, self.ledger, PIN, amount)

    def sync(self, wallet: Wallet) -> Synced:
        """Post the wallet's journal to the ledger and settle."""
        with self.at_reader(wallet) as link:
            return sync_wallet(link, self.operator, self.ledger)

    def client(self, link: Link) -> WalletClient:
        """Return a client of the wallet on a reader, for an anonymous host."""
        return WalletClient(link, self.operator.published.trust)

    @contextmanager
    def _as_owner(self, wallet: Wallet) -> Iterator[WalletClient]:
        """Place the wallet on a reader of its owner, with the PIN verified."""
        with self.at_reader(wallet) as link:
            client = self.client(link)
            client.select()
            client.verify(PIN)
            yield client

    def receive(self, wallet: Wallet, amount: int, role: int = commands.AUTO) -> None:
        """Arm the wallet to receive; amount 0: any."""
        with self._as_owner(wallet) as client:
            client.arm_receive(amount, role)

    def pay(self, wallet: Wallet, amount: int, role: int = commands.AUTO) -> None:
        """Arm the wallet to pay."""
        with self._as_owner(wallet) as client:
            client.arm_pay(amount, role)

    def balance(self, wallet: Wallet) -> int:
        """Read the wallet's balance."""
        with self._as_owner(wallet) as client:
            balance = client.info().balance
            if balance is None:
                raise ValueError(f"{wallet.name} shows no balance")
            return balance

    def go_offline(self) -> None:
        """Close the ledger: what needs the operator fails until `go_online`."""
        self.ledger.close()

    def go_online(self) -> None:
        """Open the ledger again."""
        self.ledger = Ledger.open(self._home)

    def report(self) -> Report:
        """Return the ledger's report."""
        return report(self.ledger)
