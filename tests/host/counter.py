"""An operator's counter in a test: a vault and a ledger in a folder, a reader, wallets in memory.

The wallets run the firmware's own application (tests/fixtures/devices.py); the reader can lose any
exchange.
"""

from __future__ import annotations

from pathlib import Path

from jiaozi_host import provisioning, sync
from jiaozi_host.errors import CardGone, NoCard
from jiaozi_host.ledger import Ledger
from jiaozi_host.ledger.account import Account, open_account
from jiaozi_host.ledger.report import Report, report
from jiaozi_host.links import Link, Progress
from jiaozi_host.vault import Authority, Operator
from jiaozi_host.vault.published import copy_public
from tests.fixtures import devices
from tests.fixtures.wallets import MemoryStore

PIN = "1234"


class Reader(Link):
    """A reader with at most one wallet on it.

    lose: number of the exchange that is lost, counted from 0; hears: whether the wallet still gets
    the command of that exchange; restarts: whether the wallet loses its power with it.
    """

    name = "test reader"

    def __init__(self, wallet: devices.Wallet | None = None) -> None:
        self.wallet = wallet
        self.lose: int | None = None
        self.hears = False
        self.restarts = False
        self.exchanges = 0

    def wait_for_card(self, timeout: float, progress: Progress | None = None) -> None:
        if self.wallet is None:
            raise NoCard("nothing there")

    def exchange(self, command: bytes) -> bytes:
        number = self.exchanges
        self.exchanges += 1
        if self.wallet is None:
            raise CardGone("nothing there")
        if number != self.lose:
            return bytes(self.wallet.exchange(command))
        if self.hears:
            self.wallet.exchange(command)
        if self.restarts:
            self.wallet.restart()
        raise CardGone("pulled away")

    def card_present(self) -> bool:
        return self.wallet is not None

    def close(self) -> None:
        self.wallet = None


class Counter:
    """An authority and an operator that holds what was issued to it.

    authority: that of another counter, None for an own one.
    """

    def __init__(
        self, home: Path, issued: int = 10_000_000, authority: Authority | None = None
    ) -> None:
        self.home = home
        self.authority = authority or Authority.init(home, None)
        self.operator = Operator.init(home, self.authority, None)
        self.ledger = Ledger.open(home)
        if issued:
            self.account().issue(issued)

    def account(self) -> Account:
        return open_account(self.ledger, self.operator)

    def wallet(self, amount: int = 0, store: MemoryStore | None = None) -> devices.Wallet:
        """A provisioned wallet holding `amount`."""
        wallet = devices.Wallet(store)
        provisioning.provision(Reader(wallet), self.operator, self.ledger, PIN)
        if amount:
            self.top_up(wallet, amount)
        return wallet

    def top_up(self, wallet: devices.Wallet, amount: int) -> provisioning.Transfer:
        return provisioning.top_up(Reader(wallet), self.operator, self.ledger, PIN, amount)

    def cash_out(self, wallet: devices.Wallet, amount: int) -> provisioning.Transfer:
        return provisioning.cash_out(Reader(wallet), self.operator, self.ledger, PIN, amount)

    def sync(self, wallet: devices.Wallet) -> sync.Synced:
        return sync.sync_wallet(Reader(wallet), self.operator, self.ledger)

    def advance(self, *revoke: bytes) -> None:
        self.authority.advance(revoke)
        self.refresh()

    def refresh(self) -> None:
        """Hear what the authority has published."""
        if self.home != self.authority.home:
            copy_public(self.authority.home, self.home)
        self.operator.refresh()

    def report(self) -> Report:
        """The ledger's report, after the account has posted what it did."""
        self.account()
        return report(self.ledger)
