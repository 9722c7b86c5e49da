"""The ledger holds payments to policy and settlements, whatever a wallet's memory says."""

from __future__ import annotations

from pathlib import Path

import pytest

from jiaozi.operator import audit, evidence
from jiaozi.wallet import payee, payer
from jiaozi.wallet.book import Book, Step
from jiaozi.wire.cose import PAYMENT, decode, sign
from jiaozi.wire.journal import SETTLED_AT
from jiaozi.wire.messages import Payment, read_payment, read_request
from jiaozi_host.ledger import findings
from jiaozi_host.ledger.report import report
from tests.fixtures import wallets
from tests.fixtures.devices import Wallet
from tests.fixtures.operator_counter import OperatorCounter


@pytest.fixture
def counter(tmp_path: Path) -> OperatorCounter:
    return OperatorCounter(tmp_path)


def kinds(counter: OperatorCounter, wallet: Wallet) -> set[str]:
    """Kinds of the findings against a wallet."""
    me = wallet.device.book.me.id
    return {found.kind for found in report(counter.ledger).findings if found.wallet == me}


def proven(counter: OperatorCounter, wallet: Wallet, kind: int) -> bool:
    """True if a proof of that kind against the wallet verifies for third parties."""
    trust = counter.operator.published.trust
    me = wallet.device.book.me.id
    for found in report(counter.ledger).findings:
        if found.kind == findings.PROVEN[kind] and found.wallet == me:
            (proof,) = decode(found.evidence)
            verdict = evidence.verify(proof, trust.authority, trust.network)
            return (verdict.kind, verdict.wallet.id) == (kind, me)
    return False


def pay(thief: Book, shop: Book, amount: int, confirmed: bool = True) -> None:
    """Pay without a look at any limit, as an opened chip does."""
    order = payer.read_order(thief, shop.me.raw, wallets.ask(shop, amount))
    payment = decode(thief.apply(payer.pay(thief, order, amount, confirmed)))[0]
    wallets.finish(thief, wallets.take(shop, thief.me.raw, payment))


def forget_counters(book: Book) -> None:
    """Edit the counters in the memory of an opened chip."""
    state = book.state.copy()
    state.offline_count = state.offline_total = 0
    state.unconfirmed_count = state.unconfirmed_total = 0
    book.apply(Step(state))


def test_a_payment_above_the_single_limit_is_found_and_proven(counter: OperatorCounter) -> None:
    thief, shop = counter.wallet(10_000_00), counter.wallet()
    pay(thief.device.book, shop.device.book, 6_000_00)
    assert not counter.sync(thief).settled
    assert findings.OVER_LIMITS in kinds(counter, thief)
    assert proven(counter, thief, audit.OVER_LIMITS)
    assert counter.sync(shop).settled
    assert kinds(counter, shop) == set()


def test_edited_counters_are_found_over_several_syncs(counter: OperatorCounter) -> None:
    """Four times 3,000.00, where 10,000.00 may be paid until a settlement."""
    thief, shop = counter.wallet(15_000_00), counter.wallet()
    for _ in range(4):
        pay(thief.device.book, shop.device.book, 3_000_00)
        forget_counters(thief.device.book)
    counter.sync(thief)
    assert proven(counter, thief, audit.OVER_LIMITS)


def test_a_settlement_that_was_not_made_is_found(counter: OperatorCounter) -> None:
    thief, shop = counter.wallet(15_000_00), counter.wallet()
    for _ in range(4):
        pay(thief.device.book, shop.device.book, 3_000_00)
        state = thief.device.book.state.copy()
        state.restart_counters(state.position)
        thief.device.book.apply(Step(state))
    assert not counter.sync(thief).settled
    assert kinds(counter, thief) == {findings.OVER_LIMITS}


def test_settlements_and_voids_make_room_again(counter: OperatorCounter) -> None:
    alice, shop = counter.wallet(18_000_00), counter.wallet()
    for _ in range(3):
        pay(alice.device.book, shop.device.book, 4_000_00)
        request = wallets.ask(shop.device.book, 4_000_00)
        payment = wallets.answer(alice.device.book, shop.device.book.me.raw, request)
        asked = read_request(request, alice.device.book.network).hash
        shop.device.book.apply(payee.cancel(shop.device.book, asked))
        me = alice.device.book.me.raw
        wallets.finish(alice.device.book, wallets.take(shop.device.book, me, payment, request))
        for wallet in (alice, shop):
            assert counter.sync(wallet).settled
    entry = decode(alice.device.book.store.get(0x10000 + alice.device.book.positions()[-2]) or b"")
    assert entry[SETTLED_AT] > 0
    assert report(counter.ledger).findings == []


def test_a_payment_of_another_amount_is_a_false_entry(counter: OperatorCounter) -> None:
    thief, shop = counter.wallet(10_000), counter.wallet()
    book = thief.device.book
    order = payer.read_order(book, shop.device.book.me.raw, wallets.ask(shop.device.book, 500))
    step = payer.pay(book, order, 500, True)
    assert step.entry is not None
    body = [*read_payment(step.entry[3], book.network).body]
    body[2] = 499
    lower = sign(PAYMENT, body, book.key, book.me.hash, book.network, Payment)
    step.entry[2:4], step.entry[6] = [lower.hash, lower.raw], [0, 499]
    state = book.state.copy()
    state.sequence += 1
    state.debit(499)
    book.apply(Step(state, entry=step.entry))
    assert not counter.sync(thief).settled
    assert findings.ENTRY_INVALID in kinds(counter, thief)
    assert proven(counter, thief, audit.FALSE_ENTRY)
