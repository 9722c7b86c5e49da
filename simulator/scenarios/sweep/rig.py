"""The operator's side of a sweep: provision, top up and arm wallets by a scripted reader.

The ledger is kept in memory, so that it goes back to any earlier state with the bench; the files in
the operator's folder stay as they are while flows are cut.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast
from unittest import mock

from jiaozi_host.errors import CardGone
from jiaozi_host.ledger.account import open_account
from jiaozi_host.ledger.ledger import Ledger
from jiaozi_host.links import Link, Progress
from jiaozi_host.provisioning import cash_out, provision, top_up
from jiaozi_host.sync.result import Synced
from jiaozi_host.sync.session import sync_wallet
from jiaozi_host.vault import Authority, Operator
from jiaozi_host.wallet import WalletClient
from jiaozi_sim.board import load_board
from jiaozi_sim.machines.unicorn_core import Core
from jiaozi_sim.sweep.bench import Bench
from jiaozi_sim.sweep.desk import CardLost, Desk

PIN = "1234"
ISSUED = 1_000_000_00
TIER = 3

_AT_REST = 0.5
_READY = 30.0


class DeskLink(Link):
    """A scripted reader as the host's links are used."""

    name = "desk"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def wait_for_card(self, timeout: float, progress: Progress | None = None) -> None:
        """Activate the card on the field. Raises CardGone."""
        try:
            self._desk.connect()
        except CardLost as lost:
            raise CardGone(str(lost)) from lost

    def exchange(self, command: bytes) -> bytes:
        """See Link."""
        try:
            return self._desk.exchange(bytes(command))
        except CardLost as lost:
            raise CardGone(str(lost)) from lost

    def card_present(self) -> bool:
        """See Link."""
        return True

    def close(self) -> None:
        """Take the reader away."""
        self._desk.release()


class SweepRig:
    """An operator beside a bench; everything random is drawn from a seed.

    served: whether a command at the desk has said that it is done, since that was last set False.
    """

    def __init__(self, elf: Path, seed: int, board: str = "visual_card") -> None:
        self._elf, self.seed = elf, seed
        self.board = load_board(board)
        self.bench = Bench()
        self.served = False
        self.home = Path(tempfile.mkdtemp(prefix="jiaozi-sweep-"))
        with self.drawing("the desk"):
            self.authority = Authority.init(self.home, None)
            self.operator = Operator.init(self.home, self.authority, None)
            self.ledger = Ledger("sqlite://")
            open_account(self.ledger, self.operator).issue(ISSUED)

    def copy(self, bench: Bench) -> SweepRig:
        """Another operator, with the same files and ledger, beside another bench."""
        other = SweepRig.__new__(SweepRig)
        other._elf, other.seed, other.board, other.bench = self._elf, self.seed, self.board, bench
        other.served = False
        other.home = Path(tempfile.mkdtemp(prefix="jiaozi-sweep-"))
        shutil.copytree(self.home, other.home, dirs_exist_ok=True)
        other.authority = Authority.open(other.home, None)
        other.operator = Operator.open(other.home, None)
        other.ledger = Ledger("sqlite://")
        other.put_ledger(self.get_ledger())
        return other

    def close(self) -> None:
        """Remove the operator's files."""
        self.ledger.close()
        shutil.rmtree(self.home, ignore_errors=True)

    @contextmanager
    def drawing(self, what: str) -> Iterator[None]:
        """Whatever the host draws meanwhile is determined by the seed and `what`."""
        with mock.patch("os.urandom", random.Random(f"{self.seed}:{what}").randbytes):
            yield

    # The ledger as a whole ------------------------------------------------------------------------

    def _database(self) -> sqlite3.Connection:
        pooled = self.ledger.engine.raw_connection()
        try:
            return cast(sqlite3.Connection, pooled.driver_connection)
        finally:
            pooled.close()

    def get_ledger(self) -> bytes:
        """The ledger's contents."""
        return self._database().serialize()

    def put_ledger(self, contents: bytes) -> None:
        """Go back to contents that `get_ledger` gave."""
        self._database().deserialize(contents)

    # Wallets --------------------------------------------------------------------------------------

    def add(self, name: str) -> None:
        """A blank device without power."""
        core = Core(self._elf, f"{self.seed}:{name}".encode())
        self.bench.add(name, core, self.board.uarts)

    def boot(self, name: str) -> None:
        """Apply power and wait until the wallet serves."""
        seat = self.bench.seats[name]
        seat.start()
        self.bench.run_until(lambda: seat.ready, _READY)

    @contextmanager
    def at_desk(self, name: str) -> Iterator[Link]:
        """The wallet on the operator's reader; at rest again afterwards."""
        chip = self.bench.seats[name].chip
        self.bench.field.place(chip)
        try:
            with DeskLink(Desk(self.bench)) as link:
                link.wait_for_card(10)
                yield link
            self.served = True
        finally:
            self.bench.field.remove(chip)
            self.bench.run_for(_AT_REST)

    def provision(self, name: str, category: int = 0) -> None:
        """Make a wallet of the device, a merchant's with a category."""
        with self.at_desk(name) as link:
            provision(link, self.operator, self.ledger, PIN, category=category)

    def top_up(self, name: str, amount: int, purse: int = 0) -> None:
        """Pay from the operator's account."""
        with self.at_desk(name) as link:
            top_up(link, self.operator, self.ledger, PIN, amount, purse)

    def cash_out(self, name: str, amount: int) -> None:
        """Pay to the operator's account."""
        with self.at_desk(name) as link:
            cash_out(link, self.operator, self.ledger, PIN, amount)

    def sync(self, name: str, rotate_after: int | None = None) -> Synced:
        """Post the wallet's journal to the ledger and settle."""
        with self.at_desk(name) as link:
            done = sync_wallet(link, self.operator, self.ledger, rotate_after=rotate_after)
        return done

    def update(self, name: str) -> None:
        """Give the wallet operators, policy and epoch as they are now."""
        operator = self.operator
        with self.at_desk(name) as link:
            client = WalletClient(link, operator.published.trust, operator.channel_identity())
            client.select()
            rules = operator.policy(TIER), operator.published.epoch.raw
            client.update(operator.operators, *rules)

    def receive(self, name: str, amount: int, role: int) -> None:
        """Arm the wallet to receive; amount 0: any."""
        with self.owner(name) as client:
            client.arm_receive(amount, role)

    def pay(self, name: str, amount: int, role: int) -> None:
        """Arm the wallet to pay."""
        with self.owner(name) as client:
            client.arm_pay(amount, role)

    def disarm(self, name: str) -> None:
        """Have the wallet forget what it was armed for and cancel its requests."""
        with self.owner(name) as client:
            client.disarm()

    @contextmanager
    def owner(self, name: str) -> Iterator[WalletClient]:
        """The wallet at a reader of its owner's, the PIN given."""
        with self.at_desk(name) as link:
            client = self.client(link)
            client.verify(PIN)
            yield client

    def client(self, link: Link) -> WalletClient:
        """The wallet on a reader, for a host that speaks for nobody in particular."""
        client = WalletClient(link, self.operator.published.trust)
        client.select()
        return client
