"""The PIN's tries when the power is cut at every NVM store of a wrong try: they never rise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from simulator.scenarios.rig import PIN, Rig

from jiaozi.wire.commands import PIN_TRIES
from jiaozi_host.errors import CardGone, PinBlocked, WrongPin
from jiaozi_sim.client import Wallet
from tests.emulated.pairs import memory, restart, until

WRONG = "9999"
MOST_STORES = 24


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(tmp_path_factory.mktemp("pin")) as made:
        yield made


@pytest.fixture(scope="module")
def wallet(rig: Rig, firmware_elf: Callable[[str], Path]) -> Wallet:
    alice = rig.add("alice", "visual_card", firmware_elf("visual_card"))
    rig.provision(alice)
    rig.balance(alice)  # it has made its key for channels: from now on only PINs are written
    return alice


def give(rig: Rig, wallet: Wallet, pin: str) -> None:
    with rig.at_reader(wallet) as link:
        client = rig.client(link)
        client.select()
        client.verify(pin)


def stores_of_a_wrong_try(rig: Rig, wallet: Wallet) -> int:
    before = wallet.counts().nvm_stores
    with pytest.raises(WrongPin):
        give(rig, wallet, WRONG)
    stores = wallet.counts().nvm_stores - before
    assert 0 < stores <= MOST_STORES
    return stores


def try_and_cut(rig: Rig, wallet: Wallet, pin: str, store: int) -> None:
    """Give a PIN to a wallet that loses its power at a store, and start it again."""
    wallet.cut_after_stores(store)
    with pytest.raises(CardGone):
        give(rig, wallet, pin)
    assert until(lambda: not wallet.running)
    restart(wallet)


def test_a_cut_costs_a_try_or_nothing_and_never_gives_one(rig: Rig, wallet: Wallet) -> None:
    wallet.cut_power()
    fresh = wallet.nvm_read()
    restart(wallet)
    stores_of_a_wrong_try(rig, wallet)
    wallet.cut_power()
    spent = wallet.nvm_read()  # one try less: one that is given back would show
    restart(wallet)
    stores = stores_of_a_wrong_try(rig, wallet)
    left = []
    for store in range(1, stores + 1):
        wallet.cut_power()
        wallet.nvm_write(spent)
        restart(wallet)
        try_and_cut(rig, wallet, WRONG, store)
        left.append(memory(wallet).tries)
    assert set(left) <= {PIN_TRIES - 1, PIN_TRIES - 2}
    assert left == sorted(left, reverse=True)  # gone once the record is there
    assert left[-1] == PIN_TRIES - 2
    wallet.cut_power()
    wallet.nvm_write(fresh)
    restart(wallet)


def test_guessing_with_cuts_ends_in_a_block_that_stays(rig: Rig, wallet: Wallet) -> None:
    answers = 0
    tries = [memory(wallet).tries]
    for _ in range(PIN_TRIES):
        try_and_cut(rig, wallet, WRONG, 2)  # before anything is spent: nothing was compared
        tries.append(memory(wallet).tries)
        with pytest.raises(WrongPin):
            give(rig, wallet, WRONG)
        answers += 1
        tries.append(memory(wallet).tries)
    assert tries == sorted(tries, reverse=True)
    assert (answers, tries[-1]) == (PIN_TRIES, 0)
    for _ in range(2):
        with pytest.raises(PinBlocked):
            give(rig, wallet, PIN)
        restart(wallet)
    assert memory(wallet).tries == 0
