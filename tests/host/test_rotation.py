"""Rotation at sync: the ledger follows a wallet to its new key and id, torn anywhere."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from jiaozi.operator import audit
from jiaozi.wallet import payee
from jiaozi.wire import errors
from jiaozi_host.errors import CardGone, WalletRefused
from jiaozi_host.ledger import findings, tables
from jiaozi_host.sync.result import Synced
from jiaozi_host.sync.session import sync_wallet
from tests.fixtures import devices, wallets
from tests.fixtures.operator_counter import OperatorCounter, Reader


@pytest.fixture
def counter(tmp_path: Path) -> OperatorCounter:
    return OperatorCounter(tmp_path)


def rotate(
    counter: OperatorCounter, wallet: devices.Wallet, reader: Reader | None = None
) -> Synced:
    reader = reader or Reader(wallet)
    return sync_wallet(reader, counter.operator, counter.ledger, rotate_after=0)


def transfer(source: devices.Wallet, target: devices.Wallet, amount: int) -> bytes:
    return wallets.transfer(source.device.book, target.device.book, amount)


def adds_up(counter: OperatorCounter) -> None:
    shown = counter.report()
    assert (shown.findings, shown.holds) == ([], True)


def test_a_wallet_goes_on_under_a_new_id(counter: OperatorCounter) -> None:
    wallet, other = counter.wallet(10_000), counter.wallet()
    transfer(wallet, other, 1_000)
    before = wallet.device.book.me
    done = rotate(counter, wallet)
    now = wallet.device.book.me
    assert (done.settled, done.rotated, done.wallet) == (True, before.id, now.id)
    assert now.id != before.id
    assert now.public != before.public
    assert now.claims[:-1] == before.claims[:-1]
    assert (done.balance, wallet.balance) == (9_000, 9_000)
    adds_up(counter)
    old = counter.ledger.wallet(before.id)
    assert (old.status, old.balance, old.moved) == (tables.ROTATED, 0, 9_000)
    transfer(wallet, other, 500)
    counter.cash_out(wallet, 300)
    counter.top_up(wallet, 50)
    assert counter.sync(wallet).settled
    assert counter.sync(other).settled
    assert wallet.balance == 8_250
    adds_up(counter)
    assert rotate(counter, wallet).settled
    adds_up(counter)
    last = wallet.device.book.me.id
    for one in (before.id, now.id, last):
        assert counter.ledger.ids_of(one) == [before.id, now.id, last]


def test_rotation_waits_for_its_time(counter: OperatorCounter) -> None:
    wallet = counter.wallet(100)
    one, two = counter.operator, counter.ledger
    assert sync_wallet(Reader(wallet), one, two, rotate_after=2).rotated is None
    counter.advance()
    counter.advance()
    assert sync_wallet(Reader(wallet), one, two, rotate_after=2).rotated is not None
    adds_up(counter)


@pytest.mark.parametrize("delivers", [False, True])
@pytest.mark.parametrize("restarts", [False, True])
def test_torn_at_any_exchange_it_is_finished_by_the_next_sync(
    counter: OperatorCounter, delivers: bool, restarts: bool
) -> None:
    wallet, other = counter.wallet(10_000), counter.wallet()
    lost = 0
    while True:
        transfer(wallet, other, 10)
        reader = Reader(wallet)
        reader.lose, reader.delivers, reader.restarts = lost, delivers, restarts
        with suppress(CardGone):
            assert rotate(counter, wallet, reader).rotated
            break
        assert wallet.balance == 10_000 - 10 * (lost + 1)
        adds_up(counter)
        assert counter.sync(wallet).settled
        adds_up(counter)
        lost += 1
    assert lost > 8
    counter.sync(other)
    adds_up(counter)
    assert counter.report().value_in_flight == 0


def test_what_is_not_at_rest_keeps_its_id(counter: OperatorCounter) -> None:
    wallet = counter.wallet(10_000)
    wallets.ask(wallet.device.book, 100)
    with pytest.raises(WalletRefused) as refusal:
        rotate(counter, wallet)
    assert refusal.value.status == errors.NOT_AT_REST
    wallet.device.disarm()
    assert rotate(counter, wallet).rotated


def test_a_payment_the_old_id_never_got_is_refunded(counter: OperatorCounter) -> None:
    payer, wallet = counter.wallet(10_000), counter.wallet()
    request = wallets.ask(wallet.device.book, 4_000)
    wallets.answer(payer.device.book, wallet.device.book.me.raw, request)
    for known in list(wallet.device.book.open):
        wallet.device.book.apply(payee.cancel(wallet.device.book, known))
    assert rotate(counter, wallet).rotated
    counter.sync(payer)
    assert counter.sync(payer).settled
    assert payer.balance == 10_000
    assert counter.report().in_flight == []
    adds_up(counter)


def test_a_receipt_given_under_the_old_id_reaches_the_payer(counter: OperatorCounter) -> None:
    payer, wallet = counter.wallet(10_000), counter.wallet()
    request = wallets.ask(wallet.device.book, 4_000)
    payment = wallets.answer(payer.device.book, wallet.device.book.me.raw, request)
    wallets.take(wallet.device.book, payer.device.book.me.raw, payment)
    assert rotate(counter, wallet).rotated
    counter.sync(payer)
    assert payer.device.book.unresolved() == 0
    adds_up(counter)
    assert wallet.balance == 4_000


def test_the_old_key_put_back_is_found_at_its_payee_and_at_sync(counter: OperatorCounter) -> None:
    wallet, victim = counter.wallet(10_000), counter.wallet()
    image = dict(wallet.store.data)
    old = wallet.device.book.me.id
    rotate(counter, wallet)
    twin = devices.Wallet(wallets.MemoryStore())
    twin.store.data = image
    twin.restart()
    transfer(twin, victim, 9_000)
    assert counter.sync(victim).findings
    (found,) = counter.report().findings
    assert (found.kind, found.wallet) == (findings.OLD_KEY_USED, old)
    assert not counter.sync(wallet).settled, "it is the same wallet under its new id"
    assert not counter.sync(twin).settled


def test_a_rotation_that_others_made_up_brings_nothing(
    counter: OperatorCounter, tmp_path: Path
) -> None:
    """A balance moved twice, or from another wallet, is not credited."""
    wallet = counter.wallet(10_000)
    rotate(counter, wallet)
    entry = wallet.device.book.entry(0) or b""
    stranger = counter.wallet()
    book = stranger.device.book
    state = book.state.copy()
    state.credit(1, 10_000)
    state.append(entry)
    stranger.store.data[0x10000] = entry
    stranger.store.data[0x16] = state.encode()
    stranger.restart()
    assert not counter.sync(stranger).settled
    kinds = [found.kind for found in counter.report().findings]
    assert findings.ENTRY_INVALID in kinds
    assert findings.PROVEN[audit.CREDIT_WITHOUT_DEBIT] in kinds


def test_all_ids_of_a_wallet_are_revoked_together(counter: OperatorCounter) -> None:
    wallet, other = counter.wallet(), counter.wallet(10_000)
    old = wallet.device.book.me.id
    rotate(counter, wallet)
    counter.advance(*counter.ledger.ids_of(old))
    counter.sync(other)
    with pytest.raises(errors.Refused, match="9606"):
        transfer(other, wallet, 1)
