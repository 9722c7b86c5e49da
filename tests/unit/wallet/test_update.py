"""UPDATE changes the book in use: at once when it is committed, and not at all when it is not."""

from __future__ import annotations

from unittest import mock

import pytest

from _jzcbor import dumps
from jiaozi.wallet.book import Book
from jiaozi.wire import apdu, commands, errors
from tests.fixtures.devices import Wallet, open_session, provision
from tests.fixtures.wallets import Bank

BANK = Bank()


def at_the_desk() -> Wallet:
    wallet = provision(BANK, "alice")
    wallet.select()
    open_session(BANK, wallet)
    return wallet


def rules(wallet: Wallet, epoch: int, **limits: object) -> bytes:
    return dumps([[BANK.operator.raw], BANK.policy(**limits), BANK.epoch(epoch)])


def test_new_rules_are_used_at_once_by_the_same_book() -> None:
    wallet = at_the_desk()
    book = wallet.device.book
    with mock.patch.object(Book, "_index", side_effect=AssertionError("read anew")):
        wallet.must(commands.UPDATE, rules(wallet, 2, version=2, single=7))
    assert wallet.device.book is book
    wallet.restart()
    for known in (book, wallet.device.book):
        assert (known.epoch.number, known.policy.version, known.policy.single) == (2, 2, 7)
        assert list(known.trust.operators) == [BANK.operator.hash]
        assert known.operator.hash == BANK.operator.hash


def test_refused_rules_leave_the_book_as_it_was() -> None:
    wallet = at_the_desk()
    book = wallet.device.book
    before = (book.trust, book.operator, book.policy, book.epoch)
    _, sw = wallet.give(commands.UPDATE, rules(wallet, 2, version=0))
    assert sw == errors.POLICY_OLDER
    assert (book.trust, book.operator, book.policy, book.epoch) == before


def test_rules_that_are_not_committed_are_not_used() -> None:
    wallet = at_the_desk()
    book = wallet.device.book
    before = (book.trust, book.operator, book.policy, book.epoch)
    with (
        mock.patch.object(wallet.store, "commit", side_effect=MemoryError),
        pytest.raises(MemoryError),
    ):
        wallet.give(commands.UPDATE, rules(wallet, 2, version=2))
    assert (book.trust, book.operator, book.policy, book.epoch) == before


def test_a_book_that_could_not_be_read_is_read_when_it_is_used() -> None:
    wallet = at_the_desk()
    with (
        mock.patch.object(Book, "__init__", side_effect=MemoryError),
        pytest.raises(MemoryError),
    ):
        wallet.device.reload()
    assert wallet.device.status == commands.READY  # never a blank device that takes another owner
    assert wallet.give(commands.STATEMENT, bytes(16))[1] == apdu.SW_OK
