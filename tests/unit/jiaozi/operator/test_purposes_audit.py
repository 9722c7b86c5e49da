"""Audits and proofs of purses with terms: who uses one outside its terms is named."""

from __future__ import annotations

import pytest

from _jzcbor import dumps
from jiaozi.operator import audit, evidence, search
from jiaozi.wallet import book, payee, payer, purposes, settle
from jiaozi.wallet.store_keys import JOURNAL_KEY, STATE_KEY
from jiaozi.wire import certificates, cose, statements
from jiaozi.wire.journal import ADOPTED
from jiaozi.wire.terms import read_terms
from jiaozi.wire.trust import Trust
from tests.fixtures.purses import (
    BANK,
    NONCE,
    NUMBER,
    SEEDS,
    SHOP,
    later,
    pay,
    rich,
    shop,
    take_back,
)
from tests.fixtures.wallets import answer, ask, finish, key_of, take


def journal(wallet: book.Book) -> list[bytes]:
    return [wallet.entry(position) or b"" for position in range(wallet.state.position)]


def audited(wallet: book.Book) -> audit.Audit:
    trust = Trust(BANK.authority, [BANK.operator], BANK.network)
    return audit.Audit(wallet.me, trust).read(journal(wallet))


def proven(wallet: book.Book) -> int:
    """The kind of proof against a wallet that its journal gives, 0 for none."""
    trust = Trust(BANK.authority, [BANK.operator], BANK.network)
    raw = settle.statement(wallet, NONCE)
    taken = search.Journal(wallet.me, raw, journal(wallet), BANK.network)
    proofs = search.find([taken], trust)
    if not proofs:
        return 0
    verdict = evidence.verify(proofs[0], BANK.authority, BANK.network)
    assert verdict.wallet.hash == wallet.me.hash
    return verdict.kind


def test_an_honest_journal_adds_up_by_purse() -> None:
    alice, merchant, account = rich(), shop(), BANK.account("second")
    pay(alice, merchant, 400)
    request = ask(merchant, 70)
    payment = answer(alice, merchant.me.raw, request)
    merchant.apply(payee.cancel(merchant, next(iter(merchant.open))))
    finish(alice, take(merchant, alice.me.raw, payment, request))
    take_back(alice, account, 100)
    found = audited(alice)
    assert (found.fault, found.complete) == (0, True)
    assert (
        found.held
        == {0: 1_000, NUMBER: 2_500}
        == statements.read_statement(settle.statement(alice, NONCE), BANK.network).held
    )
    for wallet in (alice, merchant, account):
        assert proven(wallet) == 0


def without_rules(wallet: book.Book, taker: book.Book, amount: int, purse: int) -> None:
    """A payment as an opened wallet makes it, from whatever purse it likes."""
    request = ask(taker, amount)
    order = payer.read_order(wallet, taker.me.raw, request)
    order.purse = purse
    wallet.apply(payer.pay(wallet, order, amount, True))


@pytest.mark.parametrize(
    ("category", "amount", "epoch"),
    [(SEEDS, 50, 1), (SHOP, 2_001, 1), (SHOP, 50, 6)],
    ids=["category", "cap", "expiry"],
)
def test_a_payment_outside_its_terms_is_proven(category: int, amount: int, epoch: int) -> None:
    alice, merchant = rich(), shop(category=category)
    if epoch > 1:
        alice = later(alice, epoch)
    without_rules(alice, merchant, amount, NUMBER)
    assert proven(alice) == audit.OUTSIDE_TERMS


def test_a_payee_made_up_is_proven() -> None:
    """A certificate of the right category that no operator has signed."""
    alice, merchant = rich(), shop("friend", SEEDS)
    claims = [certificates.CARD, 3, SHOP, 100]
    forged = certificates.issue(
        cose.WALLET, b"FRIENDLY", merchant.key.public, claims, key_of("thief"), BANK.operator, 0
    )
    body = [1, 50, 0, "CNY", [0, 1], 2]
    request = cose.sign(cose.REQUEST, body, merchant.key, forged.hash, BANK.network).raw
    order = payer.read_order(alice, forged.raw, request)
    order.purse = NUMBER
    alice.apply(payer.pay(alice, order, 50, True))
    assert proven(alice) == audit.OUTSIDE_TERMS


def test_overdraft_is_by_purse() -> None:
    alice = rich(1_000, 100)
    state = alice.state.copy()
    state.purses[NUMBER], state.levels = [0, 600], [0, 500]
    alice.apply(book.Step(state))
    without_rules(alice, shop(), 500, NUMBER)
    assert alice.state.balance > 0
    assert proven(alice) == audit.OVERDRAFT


def test_a_statement_that_moves_money_between_purses_is_false() -> None:
    alice = rich(1_000, 100)
    state = alice.state.copy()
    state.levels, state.purses = [0, 1_100], {}
    alice.apply(book.Step(state))
    assert proven(alice) == evidence.FALSE_BALANCE


def test_terms_changed_under_the_money_are_proven() -> None:
    alice = rich()
    wider = cose.parse(cose.TERMS, BANK.terms(categories=[SHOP, SEEDS]), BANK.network)
    entry = [ADOPTED, wider.hash, wider.signer, wider.raw]
    alice.apply(book.Step(alice.state.copy(), entry=entry))
    assert proven(alice) == audit.OUTSIDE_TERMS


@pytest.mark.parametrize("place", [1, 2, 3])
def test_an_entry_of_terms_that_is_none(place: int) -> None:
    alice = BANK.wallet("alice")
    step = purposes.adopt(alice, BANK.terms())
    assert step is not None
    assert step.entry is not None
    step.entry[place] = bytes(32) if place < 3 else BANK.terms(key=key_of("thief"))
    alice.store.commit({JOURNAL_KEY: dumps(step.entry)})
    state = alice.state.copy()
    state.append(dumps(step.entry))
    alice.store.commit({STATE_KEY: state.encode()})
    assert proven(book.Book(alice.store)) == audit.FALSE_ENTRY


def test_money_taken_for_a_purse_without_terms_is_proven() -> None:
    alice, account = rich(0, 0), BANK.account()
    terms = read_terms(BANK.terms(), BANK.network)
    alice.terms[NUMBER] = terms  # of which the journal knows nothing
    request = alice.apply(payee.request(alice, 50, purse=NUMBER))
    take(alice, account.me.raw, answer(account, alice.me.raw, request))
    assert proven(alice) == audit.OUTSIDE_TERMS
