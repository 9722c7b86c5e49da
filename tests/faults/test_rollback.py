"""Memories put back on real images: found at the first sync that can know, named, and frozen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jiaozi.operator import evidence
from jiaozi.wire import commands, errors
from jiaozi_host.errors import WalletRefused
from jiaozi_host.ledger import findings
from jiaozi_host.ledger.report import report
from jiaozi_host.sync.result import Synced
from jiaozi_host.wallet import WalletClient
from jiaozi_sim.sweep.bench import Seat
from scenarios.sweep.oracle import ImageNvm, Store, read_book
from scenarios.sweep.rig import SweepRig
from wallet import version

FUNDS = 100_00


@pytest.fixture
def rig(firmware_elf: Callable[[str], Path]) -> Iterator[SweepRig]:
    made = SweepRig(firmware_elf("visual_card"), 1)
    yield made
    made.close()


def add(rig: SweepRig, name: str) -> Seat:
    """A wallet with power, provisioned."""
    rig.add(name)
    rig.boot(name)
    rig.provision(name)
    return rig.bench.seats[name]


def put_back(rig: SweepRig, seat: Seat, image: bytes) -> None:
    """Replace a wallet's NVM, as somebody who opened it would, and start it."""
    seat.cut_power()
    seat.core.write_nvm(image)
    rig.boot(seat.name)


def tap(rig: SweepRig, payer: Seat, payee: Seat, amount: int) -> int:
    """The payee asks for an amount; what it holds more afterwards."""
    before = balance(payee)
    rig.receive(payee.name, amount, commands.AUTO)
    for seat in (payer, payee):
        rig.bench.field.place(seat.chip)
    rig.bench.run_for(6.0)
    for seat in (payer, payee):
        rig.bench.field.remove(seat.chip)
    rig.bench.run_for(2.0)
    return balance(payee) - before


def balance(seat: Seat) -> int:
    return read_book(seat.core.read_nvm()).state.balance


def sync(rig: SweepRig, seat: Seat) -> Synced:
    return rig.sync(seat.name)


def status(rig: SweepRig, seat: Seat) -> int:
    with rig.at_desk(seat.name) as link:
        return WalletClient(link).select().status


def named(rig: SweepRig) -> dict[str, bytes]:
    return {found.kind: found.wallet for found in report(rig.ledger).findings}


def wallet_id(seat: Seat) -> bytes:
    return read_book(seat.core.read_nvm()).me.id


def test_a_payer_put_back_is_named_and_frozen(rig: SweepRig) -> None:
    thief, first, second = (add(rig, name) for name in ("thief", "first", "second"))
    rig.top_up(thief.name, FUNDS)
    image = thief.core.read_nvm()
    assert tap(rig, thief, first, 60_00) == 60_00
    put_back(rig, thief, image)
    # The first tap that can know: this payee has answered the same number before.
    assert tap(rig, thief, first, 50_00) == 0
    put_back(rig, thief, image)
    assert tap(rig, thief, second, 70_00) == 70_00
    assert sync(rig, second).settled
    assert named(rig) == {}
    assert not sync(rig, first).frozen
    found = named(rig)
    assert found[findings.DOUBLE_SPEND] == wallet_id(thief)
    assert found[findings.PROVEN[evidence.FORKED_SEQUENCE]] == wallet_id(thief)
    done = sync(rig, thief)
    assert (done.settled, done.frozen) == (False, True)
    assert status(rig, thief) == commands.FROZEN
    rig.top_up(second.name, FUNDS)
    assert tap(rig, thief, second, 1_00) == 0
    with pytest.raises(WalletRefused) as caught:
        rig.receive(thief.name, 1_00, commands.READER)
    assert caught.value.status == errors.FROZEN


def test_a_payee_put_back_is_named_and_frozen(rig: SweepRig) -> None:
    payer, payee = add(rig, "payer"), add(rig, "payee")
    rig.top_up(payer.name, FUNDS)
    image = payee.core.read_nvm()
    assert tap(rig, payer, payee, 60_00) == 60_00
    put_back(rig, payee, image)
    assert sync(rig, payer).settled
    done = sync(rig, payee)
    assert (done.settled, done.frozen) == (False, True)
    assert named(rig)[findings.ROLLED_BACK] == wallet_id(payee)
    assert status(rig, payee) == commands.FROZEN


def test_older_firmware_refuses_what_newer_has_kept(rig: SweepRig) -> None:
    wallet = add(rig, "wallet")
    nvm = ImageNvm(wallet.core.read_nvm())
    newer = version.FIRMWARE + 1
    Store.mount(nvm).commit({version._FIRMWARE_KEY: newer.to_bytes(4, "little")})
    put_back(rig, wallet, nvm.read(0, nvm.size))
    assert status(rig, wallet) == commands.OUTDATED
    with pytest.raises(WalletRefused) as caught:
        rig.pay(wallet.name, 1, commands.READER)
    assert caught.value.status == errors.FIRMWARE_OLDER
