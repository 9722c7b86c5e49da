"""Contradictions in what wallets sign: each is found, stored, and blocks settlement."""

from __future__ import annotations

from pathlib import Path

import pytest

from _jzcbor import dumps, loads
from jiaozi.operator import evidence
from jiaozi.wallet.book import Book
from jiaozi.wallet.state import State
from jiaozi.wallet.store_keys import STATE_KEY
from jiaozi.wire import apdu, commands
from jiaozi.wire.errors import Refused
from jiaozi_host import provisioning
from jiaozi_host.errors import BadAnswer, CardGone, LedgerError
from jiaozi_host.ledger import findings
from jiaozi_host.ledger.account import AccountStore
from jiaozi_host.sync.own_wallet import set_pin
from jiaozi_host.wallet import WalletClient
from tests.fixtures import devices, wallets
from tests.fixtures.operator_counter import PIN, OperatorCounter, Reader


@pytest.fixture
def counter(tmp_path: Path) -> OperatorCounter:
    return OperatorCounter(tmp_path)


def kinds(counter: OperatorCounter) -> list[str]:
    return [found.kind for found in counter.report().findings]


def proven(kind: int) -> str:
    return findings.PROVEN[kind]


def transfer(source: devices.Wallet, target: devices.Wallet, amount: int) -> bytes:
    return wallets.transfer(source.device.book, target.device.book, amount)


def put_back(wallet: devices.Wallet, image: dict[int, bytes]) -> None:
    """Restore a memory image, as an attacker who opened the device can."""
    wallet.store.data = dict(image)
    wallet.restart()


def test_payments_between_wallets_reach_the_ledger_in_either_order(
    counter: OperatorCounter,
) -> None:
    first, second = counter.wallet(10_000), counter.wallet(10_000)
    counter.sync(first)
    transfer(first, second, 3_000)
    assert counter.sync(second).settled
    shown = counter.report()
    assert (shown.value_in_flight, shown.holds, shown.findings) == (-3_000, True, [])
    assert shown.in_flight[0].state == "credited, payer not synced"
    assert counter.sync(first).settled
    shown = counter.report()
    assert (shown.value_in_flight, shown.holds, shown.findings) == (0, True, [])
    transfer(second, first, 500)
    assert counter.sync(second).settled
    shown = counter.report()
    assert (shown.value_in_flight, shown.in_flight[0].state) == (500, "received, payee not synced")


def test_syncing_twice_posts_once(counter: OperatorCounter) -> None:
    wallet, other = counter.wallet(10_000), counter.wallet()
    transfer(wallet, other, 1_000)
    assert counter.sync(wallet).entries > 0
    again = counter.sync(wallet)
    assert (again.entries, again.settled) == (0, True)


def test_a_payment_that_never_arrived_is_delivered_at_the_payees_sync(
    counter: OperatorCounter,
) -> None:
    payer, payee = counter.wallet(10_000), counter.wallet()
    request = wallets.ask(payee.device.book, 4_000)
    wallets.answer(payer.device.book, payee.device.book.me.raw, request)
    assert counter.sync(payer).settled
    assert counter.report().value_in_flight == 4_000
    assert counter.sync(payee).delivered == 1
    assert payee.balance == 4_000
    assert counter.sync(payer).resolved == 1
    assert payer.device.book.unresolved() == 0
    assert counter.report().in_flight == []


def test_a_payment_for_a_cancelled_request_is_refunded_by_sync(counter: OperatorCounter) -> None:
    payer, payee = counter.wallet(10_000), counter.wallet()
    request = wallets.ask(payee.device.book, 4_000)
    wallets.answer(payer.device.book, payee.device.book.me.raw, request)
    payee.device.disarm()
    counter.sync(payer)
    counter.sync(payee)
    assert counter.report().in_flight[0].state == "voided, refund due"
    counter.sync(payer)
    assert (payer.balance, payee.balance) == (10_000, 0)
    assert counter.report().in_flight == []


def test_a_payment_that_its_payee_can_answer_no_more_is_refunded(counter: OperatorCounter) -> None:
    payer, payee = counter.wallet(10_000), counter.wallet()
    request = wallets.ask(payee.device.book, 4_000)
    payment = wallets.answer(payer.device.book, payee.device.book.me.raw, request)
    counter.advance()
    counter.advance()
    assert counter.sync(payee).settled, "its request has expired and is closed"
    assert counter.sync(payer).refunded == 4_000
    assert (payer.balance, payer.device.book.unresolved()) == (10_000, 0)
    shown = counter.report()
    assert (shown.in_flight, shown.holds, shown.findings) == ([], True, [])
    with pytest.raises(Refused, match="9409"):
        wallets.take(payee.device.book, payer.device.book.me.raw, payment, request)
    assert counter.sync(payer).refunded == 0


def test_a_top_up_that_its_payee_can_answer_no_more_comes_back_to_the_account(
    counter: OperatorCounter,
) -> None:
    wallet = counter.wallet()
    reader = Reader(wallet)
    reader.lose = 6  # PAYMENT
    with pytest.raises(CardGone):
        provisioning.top_up(reader, counter.operator, counter.ledger, PIN, 4_000)
    assert counter.account().state.balance == 9_996_000
    wallet.device.disarm()
    state = wallet.device.book.state.copy()
    state.floor = state.next_request  # as a settlement by another host would leave it
    wallet.store.commit({STATE_KEY: state.encode()})
    wallet.restart()
    assert counter.sync(wallet).settled
    assert counter.account().state.balance == 10_000_000
    assert counter.report().in_flight == []
    assert counter.report().holds


def test_a_memory_put_back_is_seen(counter: OperatorCounter) -> None:
    wallet, other = counter.wallet(10_000), counter.wallet()
    image = dict(wallet.store.data)
    transfer(wallet, other, 1_000)
    counter.sync(wallet)
    put_back(wallet, image)
    assert not counter.sync(wallet).settled
    assert kinds(counter) == [findings.ROLLED_BACK]
    assert counter.report().holds, "what was posted before still adds up"


def test_money_spent_twice_names_the_payer(counter: OperatorCounter) -> None:
    thief, first, second = counter.wallet(10_000), counter.wallet(), counter.wallet()
    image = dict(thief.store.data)
    transfer(thief, first, 9_000)
    put_back(thief, image)
    transfer(thief, second, 8_000)
    assert counter.sync(first).settled, "an honest payee is not blamed"
    done = counter.sync(second)
    assert done.settled, "nor is the other"
    assert done.findings[0].certificate == thief.device.book.me.hash
    assert kinds(counter) == [findings.DOUBLE_SPEND, proven(evidence.FORKED_SEQUENCE)]
    signed = loads(counter.report().findings[0].evidence)
    assert len(signed) == 3
    done = counter.sync(thief)
    assert not done.settled
    assert findings.DEBIT_MISSING in {found.kind for found in done.findings}


def test_a_debit_left_out_is_seen_only_once_the_payer_has_spoken(counter: OperatorCounter) -> None:
    thief, victim = counter.wallet(10_000), counter.wallet()
    image = dict(thief.store.data)
    transfer(thief, victim, 9_000)
    put_back(thief, image)
    assert counter.sync(victim).settled
    assert kinds(counter) == []
    counter.sync(thief)
    assert kinds(counter) == [findings.DEBIT_MISSING, proven(evidence.DEBIT_MISSING)]


def test_a_credit_taken_out_of_the_journal_is_seen(counter: OperatorCounter) -> None:
    first, second, thief = counter.wallet(10_000), counter.wallet(10_000), counter.wallet()
    image = dict(thief.store.data)
    transfer(first, thief, 1_000)
    counter.sync(first)
    put_back(thief, image)
    transfer(second, thief, 1_000)
    counter.sync(thief)
    assert findings.CREDIT_MISSING in kinds(counter)


def test_money_from_nowhere_breaks_the_invariant_loudly(counter: OperatorCounter) -> None:
    wallet = counter.wallet(10_000)
    state = State.decode(wallet.store.data[STATE_KEY])
    state.credit(1, 5_000)
    wallet.store.data[STATE_KEY] = state.encode()
    wallet.restart()
    done = counter.sync(wallet)
    assert not done.settled
    shown = counter.report()
    assert kinds(counter) == [findings.BALANCE_MISMATCH, proven(evidence.FALSE_BALANCE)]
    assert not shown.holds


def test_false_entries_are_not_posted_and_the_wallet_is_not_blamed_for_long(
    counter: OperatorCounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallet = counter.wallet(10_000)
    told = WalletClient.entry
    with monkeypatch.context() as patched:
        patched.setattr(WalletClient, "entry", lambda *ask: told(*ask)[:-1] + b"?")
        done = counter.sync(wallet)
    assert [found.kind for found in done.findings] == [findings.CHAIN_BROKEN]
    assert done.entries == 0
    assert counter.sync(wallet).settled
    assert counter.report().holds


def test_an_old_statement_is_refused(
    counter: OperatorCounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallet = counter.wallet(10_000)
    told = WalletClient.statement
    first: list[bytes] = []

    def replayed(client: WalletClient, nonce: bytes) -> bytes:
        first.append(told(client, nonce))
        return first[0]

    monkeypatch.setattr(WalletClient, "statement", replayed)
    with pytest.raises(BadAnswer, match="another request"):
        counter.sync(wallet)


def test_a_certificate_missing_in_the_register_is_the_operators_fault(
    counter: OperatorCounter,
) -> None:
    known = counter.wallet(10_000)
    stranger = devices.Wallet()
    stranger.select()
    stranger.open_channel(counter.operator.channel_identity())
    certificate = counter.operator.certify(stranger.must(commands.CREATE), 1, 3)
    package = counter.operator.package(certificate)
    stranger.must(commands.INSTALL, dumps([package, b"1234"]))
    transfer(known, stranger, 1_000)
    done = counter.sync(known)
    assert (done.settled, done.frozen) == (True, False)
    (found,) = done.findings
    own = counter.operator.certificate
    assert (found.certificate, found.operator, found.wallet) == (own.hash, own.id, b"")
    assert certificate.id.hex() in found.detail
    with pytest.raises(LedgerError, match="not in this ledger"):
        counter.sync(stranger)
    assert kinds(counter) == [findings.UNREGISTERED]


def test_two_processes_cannot_both_change_the_account(counter: OperatorCounter) -> None:
    first, second = counter.account(), counter.account()
    first.issue(100)
    with pytest.raises(LedgerError, match="another process"):
        second.issue(100)
    assert counter.report().issued == 10_000_100
    assert counter.report().holds


def test_the_accounts_key_is_not_in_the_database(counter: OperatorCounter) -> None:
    seed = counter.operator.account_seed
    counter.ledger.close()
    files = [path.read_bytes() for path in counter.home.glob("ledger.sqlite*")]
    assert files
    assert not any(seed in content for content in files)
    assert Book(AccountStore(counter.ledger, seed)).me.id == counter.operator.account.id


def test_value_goes_back_to_the_authority(counter: OperatorCounter) -> None:
    counter.account().redeem(1_000_000)
    shown = counter.report()
    assert (shown.issued, shown.balances, shown.holds) == (9_000_000, 9_000_000, True)


def test_a_blocked_pin_is_set_anew_by_the_operator(counter: OperatorCounter) -> None:
    wallet = counter.wallet()
    wallet.select()
    wallet.open_channel()
    for _ in range(3):
        wallet.give(commands.VERIFY, b"0000")
    set_pin(Reader(wallet), counter.operator, "8642")
    wallet.select()
    wallet.open_channel()
    assert wallet.give(commands.VERIFY, b"8642") == (b"", apdu.SW_OK)
