"""Operator's desk on a test bench: provisions, tops up and arms wallets by a scripted reader.

The ledger is in memory, so that it can be restored together with the bench; the files in the
operator's folder do not change while flows are cut.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
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
from jiaozi_sim.board import Board, load_board
from tests.sweep.engine.bench import Bench
from tests.sweep.engine.device_key import keyed_core
from tests.sweep.engine.scripted_reader import CardLost, ScriptedReader

PIN = "1234"
ISSUED = 1_000_000_00
TIER = 3

_IDLE_SECONDS = 0.5
_BOOT_SECONDS = 30.0

# Until a question is drawn and the pause after an earlier press is over; and of a press.
DRAWN_SECONDS, _PRESS_SECONDS = 1.2, 0.1


def press_ok_at(bench: Bench, name: str, board: Board) -> None:
    """Press OK on a wallet that asks for it, once the question is on its display."""
    [pin] = [button.pin for button in board.buttons if button.name == "ok"]
    bench.run_for(DRAWN_SECONDS)
    bench.wallets[name].press(pin, _PRESS_SECONDS)
    bench.run_for(2 * _PRESS_SECONDS)


class ReaderLink(Link):
    """Link of the host's tools over a scripted reader."""

    name = "reader"

    def __init__(self, reader: ScriptedReader, press_ok: Callable[[], None]) -> None:
        self._reader = reader
        self.on_gesture = press_ok

    def wait_for_card(self, timeout: float, progress: Progress | None = None) -> None:
        """Activate the card on the field. Raises CardGone."""
        try:
            self._reader.connect()
        except CardLost as lost:
            raise CardGone(str(lost)) from lost

    def exchange(self, command: bytes) -> bytes:
        """See Link."""
        try:
            return self._reader.exchange(bytes(command))
        except CardLost as lost:
            raise CardGone(str(lost)) from lost

    def card_present(self) -> bool:
        """See Link."""
        return True

    def close(self) -> None:
        """Release the reader."""
        self._reader.release()


class OperatorDesk:
    """An operator with a reader on a bench; all random choices come from a seed.

    served: True once a command at the desk has completed; reset by whoever restores a state.
    """

    def __init__(self, elf: Path, seed: int, board: str = "visual_card") -> None:
        self._elf, self.seed = elf, seed
        self.board = load_board(board)
        self.bench = Bench()
        self.served = False
        self.home = Path(tempfile.mkdtemp(prefix="jiaozi-sweep-"))
        with self.seeded("the desk"):
            self.authority = Authority.init(self.home, None)
            self.operator = Operator.init(self.home, self.authority, None)
            self.ledger = Ledger("sqlite://")
            open_account(self.ledger, self.operator).issue(ISSUED)

    def copy(self, bench: Bench) -> OperatorDesk:
        """Copy the operator, its files and its ledger, to another bench."""
        other = OperatorDesk.__new__(OperatorDesk)
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
    def seeded(self, what: str) -> Iterator[None]:
        """Make `os.urandom` depend on the seed and `what` alone within the block."""
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
        """Return the ledger's contents."""
        return self._database().serialize()

    def put_ledger(self, contents: bytes) -> None:
        """Restore contents that `get_ledger` returned."""
        self._database().deserialize(contents)

    # Wallets --------------------------------------------------------------------------------------

    def add(self, name: str) -> None:
        """Add a blank device without power."""
        core = keyed_core(self._elf, f"{self.seed}:{name}".encode())
        self.bench.add(name, core, self.board.uarts)

    def boot(self, name: str) -> None:
        """Apply power and wait until the wallet is ready."""
        wallet = self.bench.wallets[name]
        wallet.start()
        self.bench.run_until(lambda: wallet.ready, _BOOT_SECONDS)

    @contextmanager
    def at_reader(self, name: str) -> Iterator[Link]:
        """Place the wallet on the operator's reader; wait until it is idle afterwards."""
        chip = self.bench.wallets[name].chip
        self.bench.field.place(chip)
        try:
            press_ok = partial(press_ok_at, self.bench, name, self.board)
            with ReaderLink(ScriptedReader(self.bench), press_ok) as link:
                link.wait_for_card(10)
                yield link
            self.served = True
        finally:
            self.bench.field.remove(chip)
            self.bench.run_for(_IDLE_SECONDS)

    def provision(self, name: str, category: int = 0) -> None:
        """Provision the device; a category makes it a merchant's."""
        with self.at_reader(name) as link:
            provision(link, self.operator, self.ledger, PIN, category=category)

    def top_up(self, name: str, amount: int, purse: int = 0) -> None:
        """Pay from the operator's account."""
        with self.at_reader(name) as link:
            top_up(link, self.operator, self.ledger, PIN, amount, purse)

    def cash_out(self, name: str, amount: int) -> None:
        """Pay to the operator's account."""
        with self.at_reader(name) as link:
            cash_out(link, self.operator, self.ledger, PIN, amount)

    def sync(self, name: str, rotate_after: int | None = None) -> Synced:
        """Post the wallet's journal to the ledger and settle."""
        with self.at_reader(name) as link:
            done = sync_wallet(link, self.operator, self.ledger, rotate_after=rotate_after)
        return done

    def update(self, name: str) -> None:
        """Update the wallet's operators, policy and epoch to the present ones."""
        operator = self.operator
        with self.at_reader(name) as link:
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
        """Clear the armed operation and cancel the open requests."""
        with self.owner(name) as client:
            client.disarm()

    @contextmanager
    def owner(self, name: str) -> Iterator[WalletClient]:
        """Place the wallet on a reader of its owner, with the PIN verified."""
        with self.at_reader(name) as link:
            client = self.client(link)
            client.verify(PIN)
            yield client

    def client(self, link: Link) -> WalletClient:
        """Select the wallet on a reader, without an identity of the host."""
        client = WalletClient(link, self.operator.published.trust)
        client.select()
        return client
