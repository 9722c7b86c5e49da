"""Taps between two wallets: who reads, who has entered what, what it costs, what is left after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from pathlib import Path

import pytest

from jiaozi_sim.client import Wallet
from jiaozi_sim.machines.base import MarkEvent
from jiaozi_sim.machines.marks import Mark
from scenarios.rig import Rig
from tests.emulated.faces import await_screen
from tests.emulated.pairs import Followed, Pair, memory

MOST_EXCHANGES = 3
MOST_BYTES = 900
# Instructions of one stretch of NVM work: two commit words end a record; an erase stores, reads
# back and compares 1024 words.
COMMIT_WORDS, LEAST_OF_AN_ERASE = range(20, 100), 8 * 1024


@pytest.fixture(scope="module")
def pair(
    firmware_elf: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    with Rig(tmp_path_factory.mktemp("tap")) as rig:
        yield Pair.made(rig, firmware_elf)


def marks(events: list[MarkEvent]) -> list[int]:
    """The phases one after the other."""
    return [mark for mark, _ in groupby(event.mark for event in events)]


def assert_within_budget(tap: Followed) -> None:
    assert tap.exchanges <= MOST_EXCHANGES
    assert tap.apdu_bytes <= MOST_BYTES
    assert tap.bridge == 0
    for side, records in ((tap.payer, 2), (tap.payee, 1)):  # the payer records the outcome, too
        assert Mark.GC not in marks(side)
        work = [b.work - a.work for a, b in pairwise(side) if a.mark == Mark.COMMIT]
        assert max(work) < LEAST_OF_AN_ERASE
        assert sum(cost in COMMIT_WORDS for cost in work) == records


def assert_committed_before_told(tap: Followed, reader: str) -> None:
    """The payment leaves the payer, and the outcome the payee, only after its record is there."""
    for side, done, reads in (
        (marks(tap.payer), Mark.TAP_COMMIT_PAYER, reader == "payer"),
        (marks(tap.payee), Mark.TAP_COMMITTED, reader == "payee"),
    ):
        committed = side.index(done)
        assert Mark.COMMIT in side[:committed]
        if reads:
            # The answers to SELECT and PAY come in before; nothing goes out but these commands.
            asked = 1 if done == Mark.TAP_COMMIT_PAYER else 2
            assert side[:committed].count(Mark.LINK) == asked
            assert Mark.LINK in side[committed:]
        else:
            assert side[:committed].count(Mark.ANSWERED) == 1  # to SELECT
            assert Mark.ANSWERED in side[committed:]


def direction(pair: Pair, forth: bool) -> tuple[Wallet, Wallet]:
    return (pair.one, pair.other) if forth else (pair.other, pair.one)


@pytest.mark.parametrize("forth", [True, False], ids=["card-pays", "wearable-pays"])
@pytest.mark.parametrize(
    ("reader", "asked", "entered"),
    [
        ("payee", 2_500, 0),
        ("payee", 2_500, 2_500),
        ("payee", 0, 1_234),
        ("payer", 2_500, 2_500),
        ("payer", 0, 1_234),
        ("auto", 2_500, 2_500),
        ("auto", 0, 1_234),
    ],
)
def test_money_goes_from_one_to_the_other(
    pair: Pair, reader: str, asked: int, entered: int, forth: bool
) -> None:
    payer, payee = direction(pair, forth)
    amount = entered or asked
    before = {w.name: memory(w).balance for w in (payer, payee)}
    pair.arm(payer, payee, reader, asked, entered)
    if entered:
        await_screen(payer, "armed_pay", amount=entered, left=120)
    await_screen(payee, "armed_receive", amount=asked)
    tap = pair.follow(payer, payee)
    assert memory(payer).balance == before[payer.name] - amount
    assert memory(payee).balance == before[payee.name] + amount
    await_screen(payer, "paid", amount=amount)
    await_screen(payee, "received", amount=amount)
    assert_within_budget(tap)
    if reader != "auto":
        assert_committed_before_told(tap, reader)
    assert payer.violations() + payee.violations() == []


def test_wallets_and_ledger_agree(pair: Pair) -> None:
    """What the taps before have left adds up, by what the wallets say themselves too."""
    pair.new_day()
    assert (pair.rig.balance(pair.one), pair.rig.balance(pair.other)) == pair.balances
    state = memory(pair.one).book.state
    assert (state.offline_count, state.unconfirmed_count) == (0, 0)
