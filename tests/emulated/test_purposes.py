"""Bound money between emulated wallets, and a revocation that passes from one to the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jiaozi.wire import commands, errors
from jiaozi_sim.client import Wallet
from scenarios.rig import Rig
from tests.emulated.faces import await_screen
from tests.emulated.pairs import HOLD, memory

GROCER, DINER = 5411, 5812
NUMBER, EXPIRY, CAP = 7, 9, 20_00
_SECONDS = 60.0


@dataclass
class Town:
    """A person, and two merchants of different categories."""

    rig: Rig
    alice: Wallet
    grocer: Wallet
    diner: Wallet

    def tap(self, merchant: Wallet, amount: int, until: Callable[[], bool]) -> None:
        """A merchant's reader asks alice for an amount; held together until something is so."""
        self.rig.receive(merchant, amount, commands.READER)
        with self.rig.simulator.tapped(merchant.name, self.alice.name):
            end = time.monotonic() + _SECONDS
            while not until():
                assert time.monotonic() < end, f"nothing came of the tap with {merchant.name}"
                time.sleep(0.05)

    def held(self) -> tuple[int, int]:
        """Alice's general and bound money."""
        state = memory(self.alice).book.state
        return state.held(0), state.held(NUMBER)


@pytest.fixture(scope="module")
def town(
    firmware_elf: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    elf = firmware_elf("visual_card")
    with Rig(tmp_path_factory.mktemp("purposes")) as rig:
        names = ("alice", "grocer", "diner")
        made = Town(rig, *(rig.add(name, elf=elf) for name in names))
        for wallet, category in ((made.alice, 0), (made.grocer, GROCER), (made.diner, DINER)):
            rig.provision(wallet, category)
        rig.operator.make_terms(NUMBER, [GROCER], EXPIRY, CAP)
        rig.top_up(made.alice, 30_00, NUMBER)
        yield made


def test_bound_money_is_spent_where_its_terms_permit(town: Town) -> None:
    assert town.held() == (0, 30_00)
    town.tap(town.grocer, 12_00, lambda: memory(town.grocer).balance == 12_00)
    await_screen(town.grocer, "received", amount=12_00)
    assert town.held() == (0, 18_00)


def test_it_is_not_spent_elsewhere(town: Town) -> None:
    known = town.held()
    town.rig.receive(town.diner, 5_00, commands.READER)
    with town.rig.simulator.tapped("diner", "alice"):
        await_screen(town.diner, "refused", reason=errors.OVER_BALANCE)
    town.diner.press("cancel", HOLD)
    assert town.held() == known
    assert memory(town.diner).balance == 0


def test_a_revocation_passes_in_a_tap(town: Town) -> None:
    """The diner is revoked; only the grocer has synced since; alice learns of it from him."""
    rig = town.rig
    rig.top_up(town.alice, 10_00)
    newest = rig.authority.advance([rig.ids["diner"]]).number
    rig.operator.refresh()
    rig.sync(town.grocer)
    assert memory(town.alice).book.epoch.number == newest - 1
    town.tap(town.grocer, 3_00, lambda: memory(town.alice).book.epoch.number == newest)
    assert town.held() == (10_00, 15_00)
    rig.receive(town.diner, 5_00, commands.READER)
    with rig.simulator.tapped("diner", "alice"):
        await_screen(town.diner, "refused", reason=errors.REVOKED)
    assert town.held() == (10_00, 15_00)


def test_the_ledger_adds_up_by_purse(town: Town) -> None:
    for wallet in (town.alice, town.grocer):
        assert town.rig.sync(wallet).findings == []
    shown = town.rig.report()
    assert shown.holds
    assert [line.purses for line in shown.lines if line.purses] == [[(NUMBER, 15_00, 15_00)]]
