"""Rolled-back memory: found at the first possible sync, proven, and the wallet frozen."""

from __future__ import annotations

from pathlib import Path

import pytest

from jiaozi.operator import evidence
from jiaozi.wire import commands, errors
from jiaozi.wire.errors import Refused
from jiaozi_host.errors import HostError, WalletRefused
from jiaozi_host.ledger import findings
from tests.fixtures import devices, wallets
from tests.fixtures.operator_counter import OperatorCounter

PROVEN_FORK = findings.PROVEN[evidence.FORKED_JOURNAL]


@pytest.fixture
def counter(tmp_path: Path) -> OperatorCounter:
    return OperatorCounter(tmp_path)


def pay(source: devices.Wallet, target: devices.Wallet, amount: int) -> bytes:
    return wallets.transfer(source.device.book, target.device.book, amount)


def put_back(wallet: devices.Wallet, image: dict[int, bytes]) -> None:
    wallet.store.data = dict(image)
    wallet.restart()


def named(counter: OperatorCounter) -> dict[str, bytes]:
    return {found.kind: found.wallet for found in counter.report().findings}


def is_frozen(counter: OperatorCounter, wallet: devices.Wallet, other: devices.Wallet) -> bool:
    """True if the wallet reports to be frozen and refuses payments and requests."""
    with pytest.raises(Refused) as caught:
        pay(wallet, other, 1)
    assert caught.value.sw == errors.FROZEN
    return wallet.select()[1] == commands.FROZEN


def test_an_honest_wallet_is_not_frozen(counter: OperatorCounter) -> None:
    wallet, other = counter.wallet(10_000), counter.wallet()
    pay(wallet, other, 1_000)
    for one in (wallet, other, wallet):
        done = counter.sync(one)
        assert (done.settled, done.frozen, done.firmware) == (True, False, 1)
    assert wallet.select()[1] == commands.READY


def test_a_journal_shorter_than_before_is_seen(counter: OperatorCounter) -> None:
    wallet, other = counter.wallet(10_000), counter.wallet()
    image = dict(wallet.store.data)
    pay(wallet, other, 1_000)
    counter.sync(wallet)
    put_back(wallet, image)
    done = counter.sync(wallet)
    assert (done.settled, done.frozen) == (False, True)
    assert named(counter) == {findings.ROLLED_BACK: wallet.device.book.me.id}
    assert is_frozen(counter, wallet, other)
    again = counter.sync(wallet)
    assert (again.settled, again.frozen) == (False, True), "a frozen wallet is still read"


@pytest.mark.parametrize("later", [1, 2, 3])
def test_a_journal_that_went_another_way_is_proven(counter: OperatorCounter, later: int) -> None:
    wallet, other, third = counter.wallet(10_000), counter.wallet(), counter.wallet()
    image = dict(wallet.store.data)
    pay(wallet, other, 1_000)
    counter.sync(wallet)
    put_back(wallet, image)
    for number in range(later):
        pay(wallet, third, 500 + number)
    counter.sync(wallet)
    assert named(counter)[PROVEN_FORK] == wallet.device.book.me.id
    assert is_frozen(counter, wallet, other)


def test_money_spent_twice_freezes_the_payer_at_its_next_sync(counter: OperatorCounter) -> None:
    thief, first, second = counter.wallet(10_000), counter.wallet(), counter.wallet()
    image = dict(thief.store.data)
    pay(thief, first, 9_000)
    put_back(thief, image)
    pay(thief, second, 8_000)
    assert counter.sync(first).settled
    assert not counter.sync(second).frozen, "an honest payee is not frozen"
    done = counter.sync(thief)
    assert (done.settled, done.frozen) == (False, True)
    assert named(counter)[findings.PROVEN[evidence.FORKED_SEQUENCE]] == thief.device.book.me.id
    assert is_frozen(counter, thief, first)
    assert counter.sync(second).settled


def test_a_receipt_of_the_life_put_back_is_seen(counter: OperatorCounter) -> None:
    payer, payee = counter.wallet(10_000), counter.wallet()
    image = dict(payee.store.data)
    pay(payer, payee, 1_000)
    put_back(payee, image)
    assert counter.sync(payer).settled, "who has a receipt is honest"
    done = counter.sync(payee)
    assert (done.settled, done.frozen) == (False, True)
    assert named(counter)[findings.ROLLED_BACK] == payee.device.book.me.id
    assert is_frozen(counter, payee, payer)


@pytest.mark.parametrize("pays", [True, False])
def test_an_epoch_of_the_life_put_back_is_seen(counter: OperatorCounter, pays: bool) -> None:
    """Only the last sync is undone: no number and no journal head is used twice."""
    wallet, other = counter.wallet(10_000), counter.wallet(10_000)
    image = dict(wallet.store.data)
    counter.advance()
    assert counter.sync(wallet).settled
    put_back(wallet, image)
    pay(*((wallet, other) if pays else (other, wallet)), 1_000)
    done = counter.sync(wallet)
    assert (done.settled, done.frozen) == (False, True)
    assert named(counter) == {findings.ROLLED_BACK: wallet.device.book.me.id}
    assert is_frozen(counter, wallet, other)


def test_an_epoch_heard_of_between_syncs_is_no_fault(counter: OperatorCounter) -> None:
    wallet, other = counter.wallet(10_000), counter.wallet(10_000)
    assert counter.sync(wallet).settled
    counter.advance()
    assert counter.sync(other).settled
    wallet.device.book.adopt(other.device.book.epoch)
    pay(wallet, other, 1_000)
    pay(other, wallet, 500)
    assert counter.sync(wallet).settled
    assert counter.sync(other).settled
    assert named(counter) == {}


def test_a_receipt_that_is_only_newer_is_no_fault(counter: OperatorCounter) -> None:
    payer, payee = counter.wallet(10_000), counter.wallet()
    counter.sync(payee)
    pay(payer, payee, 1_000)
    pay(payer, payee, 1_000)
    assert counter.sync(payer).settled
    assert counter.sync(payee).settled


def test_firmware_below_the_policys_is_told_and_kept_out(counter: OperatorCounter) -> None:
    wallet, other = counter.wallet(10_000), counter.wallet()
    limits = counter.operator.folder / "policies.toml"
    text = limits.read_text(encoding="utf-8")
    limits.write_text(text.replace("version = 1", "version = 2\nfirmware = 2"), encoding="utf-8")
    done = counter.sync(wallet)
    assert (done.settled, done.outdated) == (True, True)
    with pytest.raises(Refused) as caught:
        pay(wallet, other, 1)
    assert caught.value.sw == errors.FIRMWARE_OLDER
    with pytest.raises(HostError, match="firmware 1, its policy requires 2"):
        counter.wallet()


def test_a_lower_policy_version_is_refused(counter: OperatorCounter) -> None:
    wallet = counter.wallet(10_000)
    kept = counter.operator.folder / "policies" / "3.cbor"
    older = kept.read_bytes()
    limits = counter.operator.folder / "policies.toml"
    text = limits.read_text(encoding="utf-8")
    limits.write_text(text.replace("version = 1", "version = 2"), encoding="utf-8")
    assert counter.sync(wallet).settled
    limits.write_text(text, encoding="utf-8")  # as if the operator's folder were put back
    kept.write_bytes(older)
    with pytest.raises(WalletRefused) as caught:
        counter.sync(wallet)
    assert caught.value.status == errors.POLICY_OLDER
