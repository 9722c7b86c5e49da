"""Provision, top up, cash out: whole, refused, and torn at every exchange."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jiaozi.wire import certificates, commands
from jiaozi_host import provisioning
from jiaozi_host.errors import (
    AccountRefused,
    CardGone,
    ForeignCard,
    PinBlocked,
    WalletRefused,
    WrongPin,
)
from tests.fixtures import devices
from tests.fixtures.operator_counter import PIN, OperatorCounter, Reader


@pytest.fixture
def counter(tmp_path: Path) -> OperatorCounter:
    return OperatorCounter(tmp_path)


def test_a_device_becomes_a_wallet_with_its_tier_and_pin(counter: OperatorCounter) -> None:
    wallet = devices.Wallet()
    made = provisioning.provision(
        Reader(wallet), counter.operator, counter.ledger, "4711", certificates.WEARABLE, tier=4
    )
    me = wallet.device.book.me
    assert (me.id, me.form, me.tier) == (made.id, certificates.WEARABLE, 4)
    assert wallet.device.book.policy.single == 200_000
    wallet.select()
    wallet.open_channel()
    wallet.must(commands.VERIFY, b"4711")
    line = next(line for line in counter.report().lines if line.id == me.id)
    assert (line.status, line.balance) == ("installed", 0)


def test_a_command_waits_for_the_owners_gesture(counter: OperatorCounter) -> None:
    wallet = counter.wallet()
    reader = Reader(wallet)
    wallet.device.begin_contact(on_air=True)
    asked: list[str] = []

    def press() -> None:
        asked.append(wallet.screens[-1][0])
        if len(asked) == 2:
            wallet.device.consent.answer(True)

    reader.on_gesture = press
    done = provisioning.top_up(reader, counter.operator, counter.ledger, PIN, 1_000)
    assert (done.amount, wallet.balance) == (1_000, 1_000)
    assert asked == ["allow_pin", "allow_pin"]


def test_a_gesture_refused_ends_the_command(counter: OperatorCounter) -> None:
    wallet = counter.wallet()
    reader = Reader(wallet)
    wallet.device.begin_contact(on_air=True)
    reader.on_gesture = lambda: wallet.device.consent.answer(False)
    with pytest.raises(WalletRefused, match="GESTURE_REFUSED"):
        provisioning.top_up(reader, counter.operator, counter.ledger, PIN, 1_000)
    assert wallet.balance == 0


def test_a_cash_out_is_armed_for_the_account_alone(counter: OperatorCounter) -> None:
    wallet = counter.wallet(5_000)
    reader = Reader(wallet)
    payees: list[bytes] = []
    exchange = reader.exchange

    def seen(command: bytes) -> bytes:
        if wallet.device.intent is not None:
            payees.append(wallet.device.intent.payee)
        return exchange(command)

    reader.exchange = seen  # type: ignore[method-assign]
    done = provisioning.cash_out(reader, counter.operator, counter.ledger, PIN, 2_000)
    assert (done.amount, wallet.balance) == (2_000, 3_000)
    assert set(payees) == {counter.operator.account.hash}


def test_a_wallet_is_not_provisioned_twice(counter: OperatorCounter) -> None:
    wallet = counter.wallet()
    with pytest.raises(WalletRefused) as refusal:
        provisioning.provision(Reader(wallet), counter.operator, counter.ledger, PIN)
    assert refusal.value.name == "ALREADY_PROVISIONED"


@pytest.mark.parametrize("delivers", [False, True])
@pytest.mark.parametrize("lost", range(7))
def test_torn_provisioning_is_resumed_with_the_same_certificate(
    counter: OperatorCounter, lost: int, delivers: bool
) -> None:
    wallet = devices.Wallet()
    reader = Reader(wallet)
    reader.lose, reader.delivers, reader.restarts = lost, delivers, True
    with pytest.raises(CardGone):
        provisioning.provision(reader, counter.operator, counter.ledger, PIN)
    made = provisioning.provision(Reader(wallet), counter.operator, counter.ledger, PIN)
    assert made.resumed == (lost >= 5)
    assert wallet.device.book.me.id == made.id
    assert len(counter.report().lines) == 2


def test_money_goes_in_and_comes_out(counter: OperatorCounter) -> None:
    wallet = counter.wallet()
    assert counter.top_up(wallet, 30_000).amount == 30_000
    assert wallet.balance == 30_000
    assert counter.cash_out(wallet, 12_345).amount == 12_345
    assert wallet.balance == 17_655
    assert counter.account().state.balance == 10_000_000 - 17_655
    assert wallet.device.intent is None
    synced = counter.sync(wallet)
    assert synced.settled
    assert synced.balance == 17_655
    shown = counter.report()
    assert shown.holds
    assert shown.in_flight == []
    assert shown.findings == []


Act = Callable[[OperatorCounter, Reader, int], provisioning.Transfer]


def top_up(counter: OperatorCounter, reader: Reader, amount: int) -> provisioning.Transfer:
    return provisioning.top_up(reader, counter.operator, counter.ledger, PIN, amount)


def cash_out(counter: OperatorCounter, reader: Reader, amount: int) -> provisioning.Transfer:
    return provisioning.cash_out(reader, counter.operator, counter.ledger, PIN, amount)


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("delivers", [False, True])
@pytest.mark.parametrize(("act", "sign"), [(top_up, 1), (cash_out, -1)])
def test_a_transfer_torn_anywhere_happens_once(
    tmp_path: Path, act: Act, sign: int, delivers: bool, restarts: bool
) -> None:
    for lost in range(20):
        counter = OperatorCounter(tmp_path / str(lost))
        wallet = counter.wallet(50_000)
        reader = Reader(wallet)
        reader.lose, reader.delivers, reader.restarts = lost, delivers, restarts
        try:
            act(counter, reader, 20_000)
        except CardGone:
            moved = act(counter, Reader(wallet), 20_000)
        else:
            assert lost >= 7, "the last exchange was never lost"
            return
        assert wallet.balance == 50_000 + sign * 20_000, lost
        assert moved.amount + sum(moved.resumed) == 20_000
        assert wallet.device.intent is None
        assert counter.sync(wallet).settled
        shown = counter.report()
        assert shown.holds
        assert shown.in_flight == []
        assert shown.findings == []
        counter.ledger.close()
    pytest.fail("no end")


@pytest.mark.parametrize(("act", "sign"), [(top_up, 1), (cash_out, -1)])
@pytest.mark.parametrize("delivers", [False, True])
def test_a_torn_transfer_is_finished_by_sync(
    tmp_path: Path, act: Act, sign: int, delivers: bool
) -> None:
    for lost in range(20):
        counter = OperatorCounter(tmp_path / str(lost))
        wallet = counter.wallet(50_000)
        reader = Reader(wallet)
        reader.lose, reader.delivers = lost, delivers
        try:
            act(counter, reader, 20_000)
        except CardGone:
            counter.sync(wallet)
        else:
            return
        assert wallet.balance in (50_000, 50_000 + sign * 20_000), lost
        assert wallet.device.book.unresolved() == 0
        shown = counter.report()
        assert shown.holds
        assert shown.value_in_flight == 0
        assert shown.findings == []
        assert counter.account().state.balance + wallet.balance == 10_000_000
        counter.ledger.close()
    pytest.fail("no end")


def test_another_amount_after_a_torn_cash_out_gives_the_first_back(
    counter: OperatorCounter,
) -> None:
    wallet = counter.wallet(50_000)
    reader = Reader(wallet)
    reader.lose, reader.delivers = 5, True  # the answer to PAY
    with pytest.raises(CardGone):
        cash_out(counter, reader, 20_000)
    assert wallet.balance == 30_000
    moved = counter.cash_out(wallet, 5_000)
    assert (moved.amount, moved.voided, moved.resumed) == (5_000, [20_000], [])
    assert wallet.balance == 45_000
    assert counter.sync(wallet).settled
    assert counter.report().holds


def test_many_abandoned_cash_outs_do_not_block_the_counter(counter: OperatorCounter) -> None:
    wallets = [counter.wallet(10_000) for _ in range(6)]
    for wallet in wallets:
        reader = Reader(wallet)
        reader.lose, reader.delivers = 5, True  # the answer to PAY
        with pytest.raises(CardGone):
            cash_out(counter, reader, 1_000)
    for wallet in wallets:
        assert counter.sync(wallet).settled
    assert counter.report().holds
    assert counter.report().value_in_flight == 0


def test_the_wrong_pin_is_counted_and_blocks(counter: OperatorCounter) -> None:
    wallet = counter.wallet()
    for left in (2, 1, 0):
        with pytest.raises(WrongPin) as wrong:
            provisioning.top_up(Reader(wallet), counter.operator, counter.ledger, "9999", 1_000)
        assert wrong.value.tries == left
    with pytest.raises(PinBlocked):
        counter.top_up(wallet, 1_000)
    assert wallet.balance == 0


def test_the_account_pays_no_more_than_was_issued(tmp_path: Path) -> None:
    counter = OperatorCounter(tmp_path, issued=5_000)
    wallet = counter.wallet()
    with pytest.raises(AccountRefused) as refusal:
        counter.top_up(wallet, 5_001)
    assert refusal.value.name == "OVER_BALANCE"
    assert wallet.device.book.open == {}, "the wallet was armed in vain"
    counter.top_up(wallet, 5_000)
    assert counter.report().holds


def test_a_refused_cash_out_leaves_the_wallet_disarmed(counter: OperatorCounter) -> None:
    wallet = counter.wallet(900_000)
    with pytest.raises(WalletRefused) as refusal:
        counter.cash_out(wallet, 600_000)
    assert refusal.value.name == "OVER_SINGLE"
    assert wallet.device.intent is None


def test_a_wallet_of_an_old_epoch_is_brought_up_to_date_before_money_moves(
    counter: OperatorCounter,
) -> None:
    wallet = counter.wallet(10_000)
    for _ in range(3):
        counter.advance()
    assert counter.top_up(wallet, 1_000).amount == 1_000
    assert wallet.device.book.epoch.number == counter.operator.published.epoch.number
    for _ in range(3):
        counter.advance()
    assert counter.cash_out(wallet, 500).amount == 500
    assert wallet.balance == 10_500


def test_a_revoked_wallet_gets_no_money(counter: OperatorCounter) -> None:
    wallet = counter.wallet()
    counter.advance(wallet.device.book.me.id)
    with pytest.raises(AccountRefused) as refusal:
        counter.top_up(wallet, 1_000)
    assert refusal.value.name == "REVOKED"


class Foreign(Reader):
    """Answer as a card without the wallet application."""

    def exchange(self, command: bytes) -> bytes:
        return b"\x6a\x82"


def test_a_foreign_card_is_told_from_a_wallet(counter: OperatorCounter) -> None:
    with pytest.raises(ForeignCard):
        provisioning.provision(Foreign(), counter.operator, counter.ledger, PIN)
