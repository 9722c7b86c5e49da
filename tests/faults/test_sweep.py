"""A sample of the sweep: stores of each flow cut at random places, torn in every way."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jiaozi_sim.board import load_board
from jiaozi_sim.machines.base import NVM_SIZE
from jiaozi_sim.machines.firmware_image import program_unit
from jiaozi_sim.machines.unicorn_state import IllegalStore, in_units
from tests.sweep.engine.cuts import Cut, Store, StoreEvent, cuts_of, torn_nvm, word_after
from tests.sweep.engine.explorer import Explorer, Run, images, restart
from tests.sweep.engine.memoized_core import MemoizedCore
from tests.sweep.engine.start_cache import StartCache
from tests.sweep.engine.started import Started
from tests.sweep.flows.catalogue import DESK, FLOWS, TAPS
from tests.sweep.flows.oracle import Broken, check_journal, read_book
from tests.sweep.flows.prepared import NO_FAULT, PreparedFlow, PreparedFlows
from tests.sweep.plan import points_of
from tests.sweep.replay import replay_one

SEED = 1
UARTS = load_board("visual_card").uarts


@pytest.fixture(scope="module")
def flows(firmware_elf: Callable[[str], Path]) -> Iterator[PreparedFlows]:
    made = PreparedFlows(firmware_elf("visual_card"), SEED)
    yield made
    made.close()


@pytest.fixture(scope="module")
def flow(flows: PreparedFlows) -> PreparedFlow:
    return flows.get(FLOWS["payee-reads"])


def cut_somewhere(flow: PreparedFlow, run: Run, rng: random.Random) -> None:
    """One store of each event, with one outcome."""
    chosen = {
        (number, rng.choice(points_of(event)), rng.choice(("old", "new", "mix", "noise")))
        for number, event in enumerate(run.events)
    }
    explorer = Explorer(flow.starts, flow, SEED)
    explorer.cut_everywhere(run, lambda cut: (cut.event, cut.index, cut.torn) in chosen)
    assert [(failure.cut, failure.what) for failure in explorer.tally.failures] == []
    assert len(explorer.tally.points) == len(run.events)


@pytest.mark.parametrize("name", [flow.name for flow in (*TAPS, *DESK) if flow.sampled])
def test_a_cut_anywhere_is_healed(flows: PreparedFlows, name: str, rng: random.Random) -> None:
    flow = flows.get(FLOWS[name])
    cut_somewhere(flow, flow.record(NO_FAULT), rng)


def test_a_cut_in_a_large_unit_is_healed(
    firmware_elf: Callable[[str], Path], rng: random.Random
) -> None:
    """The image whose memory is programmed 256 bytes at a time, which a cut tears all at once."""
    elf = firmware_elf("visual_card-unit256")
    assert (program_unit(firmware_elf("visual_card")), program_unit(elf)) == (4, 256)
    flows = PreparedFlows(elf, SEED)
    try:
        flow = flows.get(FLOWS["payer-reads"])
        run = flow.record(NO_FAULT)
        assert {store.size for event in run.events for store in event.stores} == {256}
        cut_somewhere(flow, run, rng)
    finally:
        flows.close()


def test_a_cut_of_both_is_healed(flow: PreparedFlow, rng: random.Random) -> None:
    run = flow.record(NO_FAULT)
    assert [event.wallet for event in run.events] == ["payer", "payee", "payer"]
    cut_somewhere(flow, Run(run.flow, run.fault, run.events, both=True), rng)


@pytest.mark.parametrize("fault", ["lose-20", "truncate-29"])
def test_a_mistreated_frame_is_healed(flow: PreparedFlow, fault: str) -> None:
    flow.record(fault)


def test_a_start_with_a_shared_prefix_equals_a_whole_start(
    flow: PreparedFlow, firmware_elf: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """StartCache shares what comes before the first load from NVM: RAM and registers agree."""
    core = flow.start.cores["payer"]
    seed = flow.start.bench.wallets["payer"].core.seed
    event = flow.record(NO_FAULT).events[0]
    images = [torn_nvm(event, Cut(0, index, "mix"), 1) for index in (0, 20)]
    shared, whole = (StartCache(firmware_elf("visual_card"), UARTS) for _ in range(2))
    monkeypatch.setattr(whole, "_prefix", lambda *given: None)
    seen = [[cache.start(seed, nvm, core.boots) for nvm in images] for cache in (shared, whole)]
    for first, second in zip(*seen, strict=True):
        assert (first.name, first.core_state()) == (second.name, second.core_state())
    assert seen[0][0].name != seen[0][1].name


def test_a_prefix_does_not_depend_on_the_image_before(
    flow: PreparedFlow, firmware_elf: Callable[[str], Path]
) -> None:
    """What a start is before it loads from NVM is taken on an engine that has run another one."""
    core = flow.start.cores["payer"]
    seed = flow.start.bench.wallets["payer"].core.seed
    blank, boots = b"\xff" * NVM_SIZE, core.boots + 1
    used, fresh = (StartCache(firmware_elf("visual_card"), UARTS) for _ in range(2))
    used.start(seed, flow.record(NO_FAULT).events[-1].nvm, core.boots)
    first, second = used.start(seed, blank, boots), fresh.start(seed, blank, boots)
    assert (first.name, first.core_state()) == (second.name, second.core_state())


def test_memoized_cores_do_what_cores_do(flow: PreparedFlow) -> None:
    """After each of some cuts, to the last frame, moment and bit of NVM, with much remembered."""
    event = flow.record(NO_FAULT).events[1]
    snapshot = event.snapshot
    assert snapshot is not None
    seed = snapshot.bench.wallets[event.wallet].core.seed
    boots = snapshot.cores[event.wallet].boots

    def end(started: Started, memoized: bool) -> object:
        assert snapshot is not None
        bench = snapshot.restored(memoized)
        restart(bench, {event.wallet: started})
        for wallet in bench.wallets.values():
            bench.field.place(wallet.chip)
        bench.run_for(4.0)  # a tap, if one is to be, and rest
        log = [(frame.time, frame.sender, frame.data) for frame in bench.field.log]
        return images(bench), bench.scheduler.now(), log

    for index in (10, 11, 12, len(event.stores) - 1):
        nvm = torn_nvm(event, Cut(1, index, "new"), SEED)
        started = flow.starts.start(seed, nvm, boots)
        assert end(started, True) == end(started, False)
    survivor = snapshot.restored(memoized=True).wallets["payer"].core
    assert isinstance(survivor, MemoizedCore)
    assert survivor.requested > survivor.executed


def test_equal_runs_are_equal(flow: PreparedFlow) -> None:
    first, second = flow.record(NO_FAULT), flow.record(NO_FAULT)
    assert [(e.wallet, e.nvm, e.stores, e.frames) for e in first.events] == [
        (e.wallet, e.nvm, e.stores, e.frames) for e in second.events
    ]


def test_the_oracle_sees_a_lost_journal(flow: PreparedFlow) -> None:
    event = flow.record(NO_FAULT).events[-1]
    book = read_book(torn_nvm(event, list(cuts_of(0, event))[-3], 1))
    assert book is not None
    check_journal(book)
    head, book.state.head = book.state.head, bytes(32)
    with pytest.raises(Broken, match="head"):
        check_journal(book)
    book.state.head = head


def test_the_oracle_sees_a_memory_that_no_commit_made(flow: PreparedFlow) -> None:
    first, _, last = flow.record(NO_FAULT).events
    with pytest.raises(Broken, match="other values"):
        flow.check_restart(first.nvm, first.nvm, last.nvm)


def test_a_cut_is_replayed_by_its_place(
    firmware_elf: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What breaks is said and kept; here the rule is, that nothing may ever be restarted."""
    elf, place = firmware_elf("visual_card"), "payee-reads:none:0:3:mix:0"
    assert replay_one(elf, SEED, place) == []
    with pytest.raises(ValueError, match="no flow"):
        replay_one(elf, SEED, "nothing:none:0:3:mix:0")

    def refuse(self: PreparedFlow, *images: bytes) -> None:
        raise Broken("restarted")

    monkeypatch.setattr(PreparedFlow, "check_restart", refuse)
    [what] = replay_one(elf, SEED, place, tmp_path)
    assert "restarted" in what
    [kept] = tmp_path.iterdir()
    assert len((kept / "payer-cut.nvm").read_bytes()) == NVM_SIZE
    assert len((kept / "frames.txt").read_text("utf-8").splitlines()) > 20
    assert "balance 100000" in (kept / "payer-cut-journal.txt").read_text("utf-8")


def test_a_torn_word_never_rises() -> None:
    store = Store(0, 0xFFFF0000, 0x0F0F0000, erasing=False)
    for torn in ("old", "new", "mix", "noise"):
        assert word_after(store, torn, "a") & ~store.old == 0


def test_words_make_up_units() -> None:
    words = [Store(256 + 4 * n, 0xFFFFFFFF, n, erasing=False) for n in range(64)]
    [unit] = in_units(words, 256)
    assert (unit.offset, unit.size, unit.old) == (256, 256, unit.blank)
    memory = bytearray(1024)
    unit.into(memory)
    assert memory[256:512] == b"".join(n.to_bytes(4, "little") for n in range(64))
    torn = [word_after(unit, torn, "a") for torn in ("mix", "noise")]
    assert all(value not in (unit.old, unit.new) for value in torn)
    assert in_units(words, 4) is words


@pytest.mark.parametrize(
    "words",
    [
        [Store(4 * n, 0xFFFFFFFF, 0, erasing=False) for n in range(63)],
        [Store(4 + 4 * n, 0xFFFFFFFF, 0, erasing=False) for n in range(64)],
        [Store(4 * n, 0xFFFFFFFF, 0, erasing=False) for n in (1, 0, *range(2, 64))],
        [Store(4 * n, 0xFFFFFFFF, 0, erasing=n > 9) for n in range(64)],
    ],
    ids=["not whole", "not aligned", "not in order", "half erased"],
)
def test_a_unit_is_programmed_whole(words: list[Store]) -> None:
    with pytest.raises(IllegalStore):
        in_units(words, 256)


def test_of_blank_words_that_are_erased_few_are_cut_points() -> None:
    stores = tuple(Store(4 * at, 0xFFFFFFFF, 0xFFFFFFFF, erasing=True) for at in range(128))
    event = StoreEvent("payer", b"", stores, 0, None)
    assert points_of(event) == (0, 64)
