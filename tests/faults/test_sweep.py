"""A sample of the sweep: stores of a payment cut at random places, torn in every way."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from jiaozi_sim.board import load_board
from jiaozi_sim.sweep.boots import Boots
from jiaozi_sim.sweep.cuts import Cut, Store, cuts_of, torn_nvm, word_after
from jiaozi_sim.sweep.explore import Explorer
from scenarios.sweep import FLOWS, JUDGE, NO_FAULT, Stage
from scenarios.sweep_oracle import Broken, check_journal, read_book

SAMPLE = 1
UARTS = load_board("visual_card").uarts


@pytest.fixture(scope="module")
def stage(firmware_elf: Callable[[str], Path]) -> Stage:
    return Stage(firmware_elf("visual_card"), FLOWS["payee-reads"], 1)


@pytest.mark.parametrize("both", [False, True])
def test_a_cut_anywhere_is_healed_by_tapping_again(
    stage: Stage, both: bool, rng: random.Random
) -> None:
    events = stage.record(NO_FAULT)
    assert [event.seat for event in events] == ["payer", "payee", "payer"]
    explorer = Explorer(stage.boots, JUDGE, 1)
    chosen = {
        (number, index)
        for number, event in enumerate(events)
        for index in rng.sample(range(len(event.stores)), SAMPLE)
    }
    explorer.cut_everywhere(
        "payee-reads", NO_FAULT, events, both, wanted=lambda cut: (cut.event, cut.index) in chosen
    )
    assert explorer.tally.failures == []
    assert len(explorer.tally.points) == len(chosen)


@pytest.mark.parametrize("fault", ["lose-20", "truncate-29"])
def test_a_mistreated_frame_is_healed(stage: Stage, fault: str) -> None:
    stage.record(fault)


def test_a_start_from_a_known_beginning_is_a_start(
    stage: Stage, firmware_elf: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Boots shares what comes before the first load from NVM: RAM and registers agree."""
    core = stage.start.cores["payer"]
    seed = stage.start.bench.seats["payer"].core.seed
    event = stage.record(NO_FAULT)[0]
    images = [torn_nvm(event, Cut(0, index, "mix"), 1) for index in (0, 20)]
    shared, whole = (Boots(firmware_elf("visual_card"), UARTS) for _ in range(2))
    monkeypatch.setattr(whole, "_beginning", lambda *given: None)
    seen = [[boots.boot(seed, nvm, core.boots) for nvm in images] for boots in (shared, whole)]
    assert [(b.key, b.ram, b.said) for b in seen[0]] == [(b.key, b.ram, b.said) for b in seen[1]]
    assert seen[0][0].ram != seen[0][1].ram


def test_equal_runs_are_equal(stage: Stage) -> None:
    first, second = stage.record(NO_FAULT), stage.record(NO_FAULT)
    assert [(e.seat, e.nvm, e.stores, e.frames) for e in first] == [
        (e.seat, e.nvm, e.stores, e.frames) for e in second
    ]


def test_the_oracle_sees_a_lost_journal_and_a_wrong_word(stage: Stage) -> None:
    event = stage.record(NO_FAULT)[-1]
    whole = torn_nvm(event, list(cuts_of(0, event))[-3], 1)
    book = read_book(whole)
    check_journal(book)
    book.state.head = bytes(32)
    with pytest.raises(Broken, match="head"):
        check_journal(book)


def test_a_torn_word_never_rises() -> None:
    store = Store(0, 0xFFFF0000, 0x0F0F0000, erasing=False)
    for torn in ("old", "new", "mix", "noise"):
        assert word_after(store, torn, "a") & ~store.old == 0
