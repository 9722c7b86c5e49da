"""Late wallets: payments on hold for payees, and wallets whose certificates expired."""

from __future__ import annotations

from pathlib import Path

import pytest

from jiaozi.wire import errors
from jiaozi_host.errors import WalletRefused
from jiaozi_host.ledger.deliveries import GRACE
from jiaozi_host.vault import operator
from tests.fixtures import devices, wallets
from tests.fixtures.operator_counter import OperatorCounter

LIFE = 3


@pytest.fixture
def counter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OperatorCounter:
    """Make an operator whose wallets' certificates last LIFE epochs, with wide limits by epoch."""
    monkeypatch.setattr(operator, "WALLET_LIFE", LIFE)
    made = OperatorCounter(tmp_path)
    path = tmp_path / "operator" / "policies.toml"
    path.write_text(path.read_text().replace("epochs_since_sync = 30", "epochs_since_sync = 900"))
    return made


def age(counter: OperatorCounter, epochs: int) -> None:
    for _ in range(epochs):
        counter.advance()


def torn(counter: OperatorCounter, amount: int = 4_000) -> tuple[devices.Wallet, devices.Wallet]:
    """Make a payment that is in the ledger and has not reached its payee."""
    payer, payee = counter.wallet(10_000), counter.wallet()
    request = wallets.ask(payee.device.book, amount)
    wallets.answer(payer.device.book, payee.device.book.me.raw, request)
    assert counter.sync(payer).settled
    return payer, payee


def test_a_payment_to_who_never_returns_is_held(counter: OperatorCounter) -> None:
    payer, _ = torn(counter)
    age(counter, LIFE + GRACE)
    shown = counter.report()
    assert (shown.held, shown.holds) == (0, True)
    age(counter, 1)
    shown = counter.report()
    assert (shown.held, shown.holds, shown.findings) == (4_000, True, [])
    states = [payment.state for payment in shown.in_flight if payment.held]
    assert states == ["held for its payee"]
    assert counter.sync(payer).refunded == 0, "the payee's journal is not known yet"
    assert payer.device.book.unresolved() == 1
    assert counter.report().held == 4_000


def test_what_is_held_goes_where_the_payees_journal_says(counter: OperatorCounter) -> None:
    """The payee had credited the payment in its old epoch and syncs late."""
    payer, payee = torn(counter)
    request = next(iter(payee.device.book.open.values()))
    (paid,) = payer.device.book.pending()
    payer_raw = payer.device.book.me.raw
    wallets.take(payee.device.book, payer_raw, paid[3], request.raw)
    age(counter, LIFE + GRACE + 1)
    assert counter.report().held == 4_000
    assert counter.sync(payee).settled
    shown = counter.report()
    assert (shown.held, payee.balance, shown.holds, shown.findings) == (0, 4_000, True, [])
    counter.sync(payer)
    assert (payer.balance, payer.device.book.unresolved()) == (6_000, 0)


def test_what_is_held_comes_back_by_the_payees_void(counter: OperatorCounter) -> None:
    payer, payee = torn(counter)
    age(counter, LIFE + GRACE + 1)
    assert counter.report().held == 4_000
    assert counter.sync(payee).settled
    counter.sync(payer)
    assert (payer.balance, payee.balance) == (10_000, 0)
    shown = counter.report()
    assert (shown.held, shown.value_in_flight, shown.holds) == (0, 0, True)


def test_an_expired_wallet_gives_its_value_back_and_pays_nobody_else(
    counter: OperatorCounter,
) -> None:
    wallet = counter.wallet(10_000)
    age(counter, LIFE + 1)
    other = counter.wallet()
    counter.sync(wallet)
    request = wallets.ask(other.device.book, 100)
    with pytest.raises(errors.Refused) as refusal:
        wallets.answer(wallet.device.book, other.device.book.me.raw, request)
    assert refusal.value.sw == errors.EXPIRED
    assert counter.cash_out(wallet, 10_000).amount == 10_000
    assert wallet.balance == 0
    assert counter.sync(wallet).settled
    shown = counter.report()
    assert (shown.holds, shown.findings) == (True, [])


def test_a_revoked_wallet_gives_nothing_back_by_itself(counter: OperatorCounter) -> None:
    wallet = counter.wallet(10_000)
    counter.advance(wallet.device.book.me.id)
    with pytest.raises(WalletRefused) as refusal:
        counter.cash_out(wallet, 10_000)
    assert refusal.value.status == errors.REVOKED


def test_an_expired_wallet_gives_nothing_to_another_operator(
    counter: OperatorCounter, tmp_path: Path
) -> None:
    west = OperatorCounter(tmp_path / "west", 0, counter.authority)
    counter.refresh()
    wallet = counter.wallet(10_000)
    age(counter, LIFE + 1)
    west.refresh()
    counter.sync(wallet)
    with pytest.raises(WalletRefused) as refusal:
        west.cash_out(wallet, 100)
    assert refusal.value.status == errors.EXPIRED
