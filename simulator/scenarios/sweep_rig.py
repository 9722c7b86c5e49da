"""The operator's side of a sweep: provision, top up and arm wallets by a scripted reader."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from jiaozi_host.ledger import Ledger
from jiaozi_host.ledger.account import open_account
from jiaozi_host.links import Link, Progress
from jiaozi_host.provisioning import cash_out, provision, top_up
from jiaozi_host.vault import Authority, Operator
from jiaozi_host.wallet import WalletClient
from jiaozi_sim.board import load_board
from jiaozi_sim.machines.unicorn_core import Core
from jiaozi_sim.sweep.bench import Bench, Seat
from jiaozi_sim.sweep.desk import Desk

PIN = "1234"
ISSUED = 1_000_000_00


class DeskLink(Link):
    """A scripted reader as the host's links are used."""

    name = "desk"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def wait_for_card(self, timeout: float, progress: Progress | None = None) -> None:
        """Activate the card on the field."""
        self._desk.connect()

    def exchange(self, command: bytes) -> bytes:
        """See Link."""
        return self._desk.exchange(bytes(command))

    def card_present(self) -> bool:
        """See Link."""
        return True

    def close(self) -> None:
        """Take the reader away."""
        self._desk.release()


class SweepRig:
    """An operator beside a bench; everything random is drawn from `seed`."""

    def __init__(self, directory: Path, elf: Path, seed: int, board: str = "visual_card") -> None:
        self._elf, self._seed = elf, seed
        self._board = load_board(board)
        self.uarts = self._board.uarts
        drawn = random.Random(seed).randbytes
        self._patch = mock.patch("os.urandom", drawn)
        self._patch.start()
        self.bench = Bench()
        self.authority = Authority.init(directory, None)
        self.operator = Operator.init(directory, self.authority, None)
        self.ledger = Ledger.open(directory)
        open_account(self.ledger, self.operator).issue(ISSUED)

    def close(self) -> None:
        """Give back the ledger and the system's randomness."""
        self.ledger.close()
        self._patch.stop()

    def add(self, name: str) -> Seat:
        """A wallet with power, provisioned."""
        core = Core(self._elf, f"{self._seed}:{name}".encode())
        seat = self.bench.add(name, core, self._board.uarts)
        self.boot(seat)
        with self.at_desk(seat) as link:
            provision(link, self.operator, self.ledger, PIN)
        return seat

    def boot(self, seat: Seat) -> None:
        """Apply power and wait until the wallet serves."""
        seat.start()
        self.bench.run_until(lambda: seat.ready, 30)

    @contextmanager
    def at_desk(self, seat: Seat) -> Iterator[Link]:
        """The wallet on the operator's reader."""
        self.bench.field.place(seat.chip)
        with DeskLink(Desk(self.bench)) as link:
            link.wait_for_card(10)
            yield link
        self.bench.field.remove(seat.chip)
        self.bench.run_for(2.0)

    def top_up(self, seat: Seat, amount: int) -> None:
        """Pay from the operator's account."""
        with self.at_desk(seat) as link:
            top_up(link, self.operator, self.ledger, PIN, amount)

    def cash_out(self, seat: Seat, amount: int) -> None:
        """Pay to the operator's account."""
        with self.at_desk(seat) as link:
            cash_out(link, self.operator, self.ledger, PIN, amount)

    def receive(self, seat: Seat, amount: int, role: int) -> None:
        """Arm the wallet to receive."""
        with self.owner(seat) as client:
            client.arm_receive(amount, role)

    def pay(self, seat: Seat, amount: int, role: int) -> None:
        """Arm the wallet to pay."""
        with self.owner(seat) as client:
            client.arm_pay(amount, role)

    @contextmanager
    def owner(self, seat: Seat) -> Iterator[WalletClient]:
        """The wallet at a reader of its owner's, the PIN given."""
        with self.at_desk(seat) as link:
            client = WalletClient(link, self.operator.published.trust)
            client.select()
            client.verify(PIN)
            yield client
