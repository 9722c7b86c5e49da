"""An operator for tests: vault and ledger in a folder, wallets in memory, and their reader.

The wallets run the firmware's application (tests/fixtures/devices.py). The reader can lose any
exchange.
"""

from __future__ import annotations

from pathlib import Path

from jiaozi_host import provisioning
from jiaozi_host.errors import CardGone, NoCard
from jiaozi_host.ledger.account import Account, open_account
from jiaozi_host.ledger.ledger import Ledger
from jiaozi_host.ledger.report import Report, report
from jiaozi_host.links import Link, Progress
from jiaozi_host.sync.result import Synced
from jiaozi_host.sync.session import sync_wallet
from jiaozi_host.vault import Authority, Operator
from jiaozi_host.vault.published import copy_public
from tests.fixtures import devices
from tests.fixtures.wallets import MemoryStore

PIN = "1234"


class Reader(Link):
    """A reader with at most one wallet on it.

    lose: number of the exchange that is lost, counted from 0; delivers: True if only its answer is
    lost; restarts: True if the wallet loses its power too.
    """

    name = "test reader"

    def __init__(self, wallet: devices.Wallet | None = None) -> None:
        self.wallet = wallet
        self.lose: int | None = None
        self.delivers = False
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
        if self.delivers:
            self.wallet.exchange(command)
        if self.restarts:
            self.wallet.restart()
        raise CardGone("pulled away")

    def card_present(self) -> bool:
        return self.wallet is not None

    def close(self) -> None:
        self.wallet = None


class OperatorCounter:
    """An authority and an operator with `issued` on its account.

    authority: of another operator, None for a new one.
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

    def sync(self, wallet: devices.Wallet) -> Synced:
        return sync_wallet(Reader(wallet), self.operator, self.ledger)

    def advance(self, *revoke: bytes) -> None:
        self.authority.advance(revoke)
        self.refresh()

    def refresh(self) -> None:
        """Copy what the authority has published."""
        if self.home != self.authority.home:
            copy_public(self.authority.home, self.home)
        self.operator.refresh()

    def report(self) -> Report:
        """Return the ledger's report, with the account's journal posted."""
        self.account()
        return report(self.ledger)
