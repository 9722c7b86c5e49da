"""A sample of the random histories that `make evidence` plays by the thousand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

import pytest

from jiaozi.operator import audit, evidence, search
from jiaozi.operator.limits import Limits
from jiaozi.wallet.book import Book
from jiaozi.wire.journal import KIND, PAID
from tests.evidence import cheats
from tests.evidence.caching import cached_signatures
from tests.evidence.history import Outcome, play
from tests.evidence.play_histories import play_batch

SAMPLE = 25


def test_every_cheat_is_named_and_nobody_else(seed: int) -> None:
    outcome = play_batch(range(seed, seed + SAMPLE))
    assert outcome.missed == []
    assert outcome.framed == []
    assert outcome.histories == SAMPLE
    assert sum(outcome.cheats.values()) > SAMPLE // 4


def test_a_history_is_the_same_each_time(seed: int) -> None:
    with cached_signatures():
        assert play(seed) == play(seed)


# Broken checks are detected -----------------------------------------------------------------------


def first_failure(
    sort: str, known: Sequence[cheats.Kind] = cheats.ALL, tries: int = 150
) -> Outcome:
    """Play histories until one has this failure; return it."""
    total = Outcome()
    with cached_signatures():
        for seed in range(tries):
            total.add(play(seed, known))
            if getattr(total, sort):
                break
    return total


def passing(name: str) -> Callable[..., Any]:
    """Return a check that always passes."""

    def passes(*_parts: object) -> None:
        return None

    passes.__name__ = name
    return passes


@pytest.mark.parametrize(
    ("owner", "name", "cheat"),
    [
        (audit.Audit, "_check_payer", cheats.Cheater.forge_a_credit),
        (audit.Audit, "_check_credited", cheats.Cheater.credit_again),
        (audit.Audit, "_check_credited", cheats.Cheater.steal_a_credit),
        (audit.Audit, "_check_resolution", cheats.Cheater.refund_oneself),
        (audit.Audit, "_check_paid", cheats.Cheater.lower_a_debit),
        (audit.Audit, "_check_paid", cheats.Cheater.pay_another_amount),
        (audit.Audit, "_check_voided", cheats.Cheater.void_too_often),
        (Limits, "pay", cheats.Cheater.pay_over_limits),
        (search.Search, "_compare", cheats.Cheater.rewrite_history),
        (search.Search, "_check_outcome", cheats.Cheater.hide_a_receipt),
        (search.Search, "_outcome", cheats.Cheater.receive_twice),
        (search.Search, "_outcome", cheats.Cheater.receipt_and_void),
        (audit, "_require", cheats.Cheater.void_amiss),
        (search.Search, "_payment", cheats.Cheater.pay_twice),
        (search.Search, "_payment", cheats.Cheater.wear_an_id),
        (search.Search, "_check_statement", cheats.Cheater.put_memory_back),
        (search, "fault", cheats.Cheater.overdraw),
        (search, "fault", cheats.Cheater.state_more),
        (search, "fault", cheats.Cheater.drop_a_debit),
    ],
)
def test_a_search_that_leaves_something_out_misses_a_cheat(
    owner: object, name: str, cheat: cheats.Kind
) -> None:
    with mock.patch.object(owner, name, passing(name)):
        assert first_failure("missed", [cheat]).missed


def debit_missing_without_order(parts: Any, wallet: Any, trust: Any) -> None:
    """The verifier's check without the nonce, which proves that the payment came first."""
    payment = evidence._payment(parts[2], wallet, trust.network)
    evidence._complete(evidence._statement(parts[0], wallet, trust.network), parts[1])
    evidence._unless(not audit.Audit(wallet, trust).read(parts[1]).has_paid(payment.hash))


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("_forked_sequence", passing("sequence")),
        ("_forked_outcome", passing("outcome")),
        ("_false_journal", passing("journal")),
        ("_follows", passing("follows")),
        ("_complete", passing("complete")),
        ("_debit_missing", debit_missing_without_order),
    ],
)
def test_a_verifier_that_checks_less_frames_the_honest(name: str, broken: object) -> None:
    with mock.patch.object(evidence, name, broken):
        assert first_failure("framed").framed


def test_a_wallet_that_forgets_what_it_has_signed_is_named() -> None:
    """Models a commit that fails after the payment was sent, which design and code prevent."""
    apply = Book.apply

    def forgetful(book: Book, step: Any) -> bytes:
        reply = apply(book, step)
        if step.entry is not None and step.entry[KIND] == PAID and book.state.sequence % 3 == 0:
            book.state.sequence -= 1
        return reply

    with mock.patch.object(Book, "apply", forgetful):
        assert first_failure("framed").framed


def test_a_wallet_that_voids_what_it_has_credited_is_named() -> None:
    with mock.patch.object(Book, "outcome", return_value=None):
        assert first_failure("framed").framed
