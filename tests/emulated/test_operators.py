"""Two operators with real parts: their wallets pay each other, sync at home, and all is cleared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jiaozi.wire import commands
from jiaozi_host.ledger.account import open_account
from jiaozi_host.ledger.clearing import Clearing
from jiaozi_host.ledger.ledger import Ledger
from jiaozi_host.ledger.report import Report, report
from jiaozi_host.provisioning import provision, top_up
from jiaozi_host.sync.result import Synced
from jiaozi_host.sync.session import sync_wallet
from jiaozi_host.vault import Operator
from jiaozi_host.vault.published import copy_public
from jiaozi_sim.client import Wallet
from jiaozi_sim.machines.engines import patience
from jiaozi_sim.machines.marks import Mark
from scenarios.rig import PIN, Rig
from tests.emulated.pairs import memory

ISSUED = 100_000_00


class Desk:
    """An operator's desk at the rig's reader."""

    def __init__(self, rig: Rig, operator: Operator, ledger: Ledger) -> None:
        self._rig, self.operator, self.ledger = rig, operator, ledger

    def provision(self, wallet: Wallet, amount: int) -> None:
        with self._rig.at_reader(wallet) as link:
            provision(link, self.operator, self.ledger, PIN)
        if amount:
            with self._rig.at_reader(wallet) as link:
                top_up(link, self.operator, self.ledger, PIN, amount)

    def sync(self, wallet: Wallet, rotate: bool = False) -> Synced:
        with self._rig.at_reader(wallet) as link:
            after = 0 if rotate else None
            return sync_wallet(link, self.operator, self.ledger, rotate_after=after)

    def report(self) -> Report:
        """The ledger, once the account has posted what it did."""
        open_account(self.ledger, self.operator)
        return report(self.ledger)

    def send(self, other: Desk) -> None:
        desk = Clearing(other.ledger, other.operator)
        for _, raw in Clearing(self.ledger, self.operator).export(other.operator.certificate):
            desk.import_file(raw)


def pay(rig: Rig, payer: Wallet, payee: Wallet, amount: int) -> None:
    """A tap that the payee reads."""
    rig.receive(payee, amount, commands.READER)
    before = [len(wallet.marks()) for wallet in (payer, payee)]
    with rig.simulator.tapped(payer.name, payee.name):
        payee.wait_mark(Mark.TAP_COMMITTED, after=before[1])
        for wallet, after in zip((payer, payee), before, strict=True):
            wallet.wait_mark(Mark.TAP_END, after=after)
    assert memory(payer).pending == 0


@pytest.mark.timeout(300 * patience())
def test_two_operators_clear_and_a_wallet_pays_under_its_next_id(
    firmware_elf: Callable[[str], Path], tmp_path: Path
) -> None:
    image = firmware_elf("visual_card")
    with Rig(tmp_path, ISSUED) as rig:
        home = tmp_path / "west"
        west = Desk(rig, Operator.init(home, rig.authority, None), Ledger.open(home))
        open_account(west.ledger, west.operator).issue(ISSUED)
        rig.operator.refresh()
        east = Desk(rig, rig.operator, rig.ledger)
        copy_public(rig.authority.home, home)
        west.operator.refresh()
        alice, bob = (rig.add(name, "visual_card", image) for name in ("alice", "bob"))
        east.provision(alice, 1_000_00)
        west.provision(bob, 0)
        pay(rig, alice, bob, 300_00)
        pay(rig, bob, alice, 100_00)
        assert (memory(alice).balance, memory(bob).balance) == (800_00, 200_00)

        assert west.sync(bob).settled
        before = memory(alice).book.me
        done = east.sync(alice, rotate=True)
        after = memory(alice).book.me
        assert (done.settled, done.rotated, done.wallet) == (True, before.id, after.id)
        assert before.public != after.public
        pay(rig, alice, bob, 50_00)
        alice.cut_power()
        alice.start()
        alice.wait_mark(Mark.READY)
        assert memory(alice).book.me.raw == after.raw

        for desk, wallet in ((east, alice), (west, bob)):
            assert desk.sync(wallet).settled
        for _ in range(2):
            east.send(west)
            west.send(east)
        shown = [east.report(), west.report()]
        assert [(one.holds, one.findings, one.in_flight) for one in shown] == [(True, [], [])] * 2
        assert [one.cleared for one in shown] == [-250_00, 250_00]
        assert [one.balances for one in shown] == [ISSUED - 250_00, ISSUED + 250_00]
        assert (memory(alice).balance, memory(bob).balance) == (750_00, 250_00)
        west.ledger.close()
