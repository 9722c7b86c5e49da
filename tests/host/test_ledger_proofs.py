"""Proofs of findings: each verifies with the authority's certificate alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from _jzcbor import loads
from jiaozi.operator import audit, evidence
from jiaozi.wallet.book import Step
from jiaozi.wallet.state import State
from jiaozi.wallet.store_keys import STATE_KEY
from jiaozi_host.ledger import findings
from tests.fixtures import devices, wallets
from tests.fixtures.operator_counter import OperatorCounter


@pytest.fixture
def counter(tmp_path: Path) -> OperatorCounter:
    return OperatorCounter(tmp_path)


def proven(counter: OperatorCounter) -> dict[int, bytes]:
    """Verify the proofs in the ledger; return the wallets they name, by kind."""
    trust = counter.operator.published.trust
    named = {}
    for found in counter.report().findings:
        if found.kind in findings.PROVEN.values():
            (proof,) = _list(found.evidence)
            verdict = evidence.verify(proof, trust.authority, trust.network)
            assert findings.PROVEN[verdict.kind] == found.kind
            assert verdict.wallet.id == found.wallet
            named[verdict.kind] = verdict.wallet.id
    return named


def _list(raw: bytes) -> Any:
    return loads(raw)


def put_back(wallet: devices.Wallet, image: dict[int, bytes]) -> None:
    wallet.store.data = dict(image)
    wallet.restart()


def test_money_spent_twice_is_proven(counter: OperatorCounter) -> None:
    thief, first, second = counter.wallet(10_000), counter.wallet(), counter.wallet()
    image = dict(thief.store.data)
    wallets.transfer(thief.device.book, first.device.book, 9_000)
    put_back(thief, image)
    wallets.transfer(thief.device.book, second.device.book, 8_000)
    counter.sync(first)
    counter.sync(second)
    assert proven(counter) == {evidence.FORKED_SEQUENCE: thief.device.book.me.id}


def test_a_debit_left_out_is_proven_by_the_question_that_named_it(counter: OperatorCounter) -> None:
    thief, victim = counter.wallet(10_000), counter.wallet()
    image = dict(thief.store.data)
    wallets.transfer(thief.device.book, victim.device.book, 9_000)
    put_back(thief, image)
    counter.sync(victim)
    counter.sync(thief)
    assert proven(counter) == {evidence.DEBIT_MISSING: thief.device.book.me.id}


def test_two_journals_of_one_length_are_proven(counter: OperatorCounter) -> None:
    thief, first, second = counter.wallet(10_000), counter.wallet(), counter.wallet()
    image = dict(thief.store.data)
    wallets.transfer(thief.device.book, first.device.book, 100)
    counter.sync(thief)
    put_back(thief, image)
    wallets.transfer(thief.device.book, second.device.book, 200)
    counter.sync(thief)
    assert proven(counter) == {evidence.FORKED_JOURNAL: thief.device.book.me.id}


def test_an_overdraft_is_proven(counter: OperatorCounter) -> None:
    thief, victim = counter.wallet(1_000), counter.wallet()
    state = State.decode(thief.store.data[STATE_KEY])
    state.credit(1, 5_000)
    thief.store.data[STATE_KEY] = state.encode()
    thief.restart()
    wallets.transfer(thief.device.book, victim.device.book, 4_000)
    counter.sync(thief)
    assert proven(counter) == {audit.OVERDRAFT: thief.device.book.me.id}


def test_an_entry_of_nobody_is_proven(counter: OperatorCounter) -> None:
    thief = counter.wallet(1_000)
    book = thief.device.book
    book.apply(Step(book.state.copy(), entry=[5, bytes(32), bytes(32), b"\x80"]))
    counter.sync(thief)
    assert proven(counter) == {audit.CREDIT_WITHOUT_DEBIT: book.me.id}


def test_honest_wallets_have_no_proofs_against_them(counter: OperatorCounter) -> None:
    first, second = counter.wallet(10_000), counter.wallet()
    wallets.transfer(first.device.book, second.device.book, 3_000)
    for wallet in (second, first, second):
        counter.sync(wallet)
    assert counter.report().findings == []
