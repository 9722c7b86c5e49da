"""Restored memory on real images: found at the first sync that can show it, named, and frozen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jiaozi.operator import evidence
from jiaozi.wallet.store_keys import FIRMWARE_KEY
from jiaozi.wire import commands, errors
from jiaozi_host.errors import WalletRefused
from jiaozi_host.ledger import findings
from jiaozi_host.ledger.report import report
from jiaozi_host.sync.result import Synced
from jiaozi_host.wallet import WalletClient
from tests.sweep.engine.bench import BenchWallet
from tests.sweep.flows.operator_desk import OperatorDesk
from tests.sweep.flows.oracle import ImageNvm, Store, read_book
from wallet import version

FUNDS = 100_00


@pytest.fixture
def desk(firmware_elf: Callable[[str], Path]) -> Iterator[OperatorDesk]:
    made = OperatorDesk(firmware_elf("visual_card"), 1)
    yield made
    made.close()


def add(desk: OperatorDesk, name: str) -> BenchWallet:
    """A wallet with power, provisioned."""
    desk.add(name)
    desk.boot(name)
    desk.provision(name)
    return desk.bench.wallets[name]


def put_back(desk: OperatorDesk, wallet: BenchWallet, image: bytes) -> None:
    """Replace a wallet's NVM, as somebody who opened it would, and start it."""
    wallet.cut_power()
    wallet.core.write_nvm(image)
    desk.boot(wallet.name)


def tap(desk: OperatorDesk, payer: BenchWallet, payee: BenchWallet, amount: int) -> int:
    """The payee asks for an amount; what it holds more afterwards."""
    before = balance(payee)
    desk.receive(payee.name, amount, commands.AUTO)
    for wallet in (payer, payee):
        desk.bench.field.place(wallet.chip)
    desk.bench.run_for(6.0)
    for wallet in (payer, payee):
        desk.bench.field.remove(wallet.chip)
    desk.bench.run_for(2.0)
    return balance(payee) - before


def balance(wallet: BenchWallet) -> int:
    return read_book(wallet.core.read_nvm()).state.balance


def sync(desk: OperatorDesk, wallet: BenchWallet) -> Synced:
    return desk.sync(wallet.name)


def status(desk: OperatorDesk, wallet: BenchWallet) -> int:
    with desk.at_reader(wallet.name) as link:
        return WalletClient(link).select().status


def named(desk: OperatorDesk) -> dict[str, bytes]:
    return {found.kind: found.wallet for found in report(desk.ledger).findings}


def wallet_id(wallet: BenchWallet) -> bytes:
    return read_book(wallet.core.read_nvm()).me.id


def test_a_payer_put_back_is_named_and_frozen(desk: OperatorDesk) -> None:
    thief, first, second = (add(desk, name) for name in ("thief", "first", "second"))
    desk.top_up(thief.name, FUNDS)
    image = thief.core.read_nvm()
    assert tap(desk, thief, first, 60_00) == 60_00
    put_back(desk, thief, image)
    # The first tap that can know: this payee has answered the same number before.
    assert tap(desk, thief, first, 50_00) == 0
    put_back(desk, thief, image)
    assert tap(desk, thief, second, 70_00) == 70_00
    assert sync(desk, second).settled
    assert named(desk) == {}
    assert not sync(desk, first).frozen
    found = named(desk)
    assert found[findings.DOUBLE_SPEND] == wallet_id(thief)
    assert found[findings.PROVEN[evidence.FORKED_SEQUENCE]] == wallet_id(thief)
    done = sync(desk, thief)
    assert (done.settled, done.frozen) == (False, True)
    assert status(desk, thief) == commands.FROZEN
    desk.top_up(second.name, FUNDS)
    assert tap(desk, thief, second, 1_00) == 0
    with pytest.raises(WalletRefused) as caught:
        desk.receive(thief.name, 1_00, commands.READER)
    assert caught.value.status == errors.FROZEN


def test_a_payee_put_back_is_named_and_frozen(desk: OperatorDesk) -> None:
    payer, payee = add(desk, "payer"), add(desk, "payee")
    desk.top_up(payer.name, FUNDS)
    image = payee.core.read_nvm()
    assert tap(desk, payer, payee, 60_00) == 60_00
    put_back(desk, payee, image)
    assert sync(desk, payer).settled
    done = sync(desk, payee)
    assert (done.settled, done.frozen) == (False, True)
    assert named(desk)[findings.ROLLED_BACK] == wallet_id(payee)
    assert status(desk, payee) == commands.FROZEN


def test_older_firmware_refuses_what_newer_has_kept(desk: OperatorDesk) -> None:
    wallet = add(desk, "wallet")
    nvm = ImageNvm(wallet.core.read_nvm())
    newer = version.FIRMWARE + 1
    Store.mount(nvm).commit({FIRMWARE_KEY: newer.to_bytes(4, "little")})
    put_back(desk, wallet, nvm.read(0, nvm.size))
    assert status(desk, wallet) == commands.OUTDATED
    with pytest.raises(WalletRefused) as caught:
        desk.pay(wallet.name, 1, commands.READER)
    assert caught.value.status == errors.FIRMWARE_OLDER
