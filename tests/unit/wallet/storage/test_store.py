"""What the store promises while the power stays on, and what it refuses."""

from __future__ import annotations

import random
import struct
from binascii import crc32
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.fixtures.nvm_fake import Illegal, NvmFake
from tests.fixtures.store_driver import PAGES, Driver, blank, content
from wallet.storage.errors import (
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreGeometry,
    StoreNewer,
    StoreStale,
    StoreTooLarge,
)
from wallet.storage.pages import RESERVE
from wallet.storage.store import Store

UNITS = pytest.mark.parametrize("unit", [4, 256])


def board(unit: int = 4) -> NvmFake:
    """The memory of the boards: 128 KiB in pages of 4 KiB."""
    return NvmFake(131072, 4096, unit)


def tidy_up(store: Store) -> None:
    """Until there is nothing to do."""
    while store.tidy():
        pass


def commit_many(store: Store, count: int) -> None:
    """Small commits, tidying in between."""
    for _ in range(count):
        store.commit({2: bytes(20)})
        tidy_up(store)


@UNITS
def test_values_are_kept_replaced_and_deleted(unit: int) -> None:
    nvm = blank(unit)
    store = Store.mount(nvm)
    store.commit({1: b"one", 2: b"", 2**32 - 1: b"last"})
    store.commit({1: b"another", 2: None, 3: None})
    expected = {1: b"another", 2**32 - 1: b"last"}
    assert content(store) == expected
    assert store.get(2) is None
    assert store.keys(2) == [2**32 - 1]
    assert store.keys(0, 2) == [1]
    assert content(Store.mount(nvm)) == expected


def test_a_commit_of_nothing_writes_nothing() -> None:
    nvm = board()
    store = Store.mount(nvm)
    before = nvm.steps
    store.commit({})
    store.commit({5: None})
    assert nvm.steps == before


def test_a_mount_after_a_clean_stop_writes_nothing() -> None:
    nvm = board()
    Store.mount(nvm).commit({1: b"one"})
    before = nvm.steps
    Store.mount(nvm)
    assert nvm.steps == before


def test_a_commit_is_two_calls_and_no_erase() -> None:
    nvm = board()
    store = Store.mount(nvm)
    calls: list[int] = []
    program = nvm.program
    nvm.program = lambda offset, data: (calls.append(len(data)), program(offset, data))[1]  # type: ignore[assignment,func-returns-value]
    store.commit({1: bytes(750)})
    assert calls == [776, 8]


@pytest.mark.parametrize(
    "changes",
    [
        {1: bytes(4096)},
        {1: bytes(3000), 2: bytes(3000)},
        {2**32: b""},
        {-1: b""},
        {key: b"" for key in range(32)},
    ],
)
def test_what_no_record_can_hold_is_refused(changes: dict[int, bytes | None]) -> None:
    nvm = board()
    store = Store.mount(nvm)
    before = nvm.steps
    with pytest.raises(StoreTooLarge):
        store.commit(changes)
    assert nvm.steps == before
    store.commit({1: b"one"})


@UNITS
def test_large_values_fit(unit: int) -> None:
    store = Store.mount(board(unit))
    store.commit({1: b"v" * 2791})
    assert store.get(1) == b"v" * 2791


@UNITS
def test_a_full_store_refuses_before_it_writes_and_can_be_tidied(unit: int) -> None:
    nvm = blank(unit)
    store = Store.mount(nvm)
    while store.room() > store._log.cost(40):
        store.commit({1: bytes(20)})
    before, held = nvm.steps, content(store)
    with pytest.raises(StoreFull):
        store.commit({1: bytes(20), 2: bytes(20)})
    assert nvm.steps == before
    assert content(store) == held
    tidy_up(store)
    store.commit({1: b"again"})
    assert store.get(1) == b"again"


@UNITS
def test_live_values_up_to_the_capacity_can_always_be_tidied(unit: int, seed: int) -> None:
    rng = random.Random(seed)
    nvm = blank(unit)
    store = Store.mount(nvm)
    largest = nvm.page_size // 3
    key = 0
    while store._log.live + store._log.charge(largest) <= store.capacity:
        tidy_up(store)
        store.commit({key: rng.randbytes(rng.randrange(largest))})
        key += 1
    with pytest.raises(StoreFull):
        store.commit({key + n: bytes(largest) for n in range(2)})
    for _ in range(200):
        tidy_up(store)
        assert store._log.ready == RESERVE
        key = rng.choice(store.keys())
        value = store.get(key)
        assert value is not None
        store.commit({key: rng.randbytes(len(value))})


@UNITS
def test_wear_is_spread_evenly(unit: int) -> None:
    nvm = board(unit)
    store = Store.mount(nvm)
    for number in range(2500):
        store.commit({number % 7: bytes(300), 100: bytes(40)})
        tidy_up(store)
        if number % 10 == 0:
            store = Store.mount(nvm)
    assert min(nvm.erases) > 3
    assert max(nvm.erases) - min(nvm.erases) <= 1


@UNITS
def test_what_fits_promised_is_kept(unit: int, seed: int) -> None:
    rng = random.Random(seed)
    kept = 0
    for _ in range(150):
        driver = Driver(blank(unit))
        largest = driver.store._log.span // 4
        for _ in range(rng.randrange(60)):
            key = rng.randrange(6)
            try:
                driver.commit({key: rng.randbytes(rng.randrange(largest))})
            except StoreFull:
                driver.tidy_up()
            if rng.random() < 0.3:
                driver.tidy()
        if rng.random() < 0.6:
            driver.tidy_up()
        records = [[rng.randrange(largest)] for _ in range(rng.randrange(1, 5))]
        if not driver.store.fits(records):
            continue
        kept += 1
        for number, (length,) in enumerate(records):
            for _ in range(rng.randrange(4)):
                driver.mount() if rng.random() < 0.5 else driver.tidy()
            driver.commit({1000 + number: rng.randbytes(length)})
        driver.check()
    assert kept > 20


def test_a_failed_write_stops_the_store() -> None:
    nvm = board()
    store = Store.mount(nvm)
    store.commit({1: b"one"})
    program = nvm.program

    def fail(offset: int, data: bytes) -> None:
        raise OSError(5)

    nvm.program = fail  # type: ignore[assignment,method-assign]
    with pytest.raises(OSError, match="5"):
        store.commit({1: b"two"})
    nvm.program = program  # type: ignore[method-assign]
    with pytest.raises(StoreStale):
        store.commit({1: b"two"})
    with pytest.raises(StoreStale):
        store.tidy()
    assert Store.mount(nvm).get(1) == b"one"


def test_a_newer_format_is_refused_and_left_alone() -> None:
    nvm = board()
    Store.mount(nvm).commit({1: b"one"})
    header = b"JZS\2" + nvm.memory[4:12]
    nvm.memory[:16] = header + struct.pack("<I", crc32(header))
    before = bytes(nvm.memory)
    with pytest.raises(StoreNewer):
        Store.mount(nvm)
    assert nvm.memory == before


@pytest.mark.parametrize(("size", "unit"), [(131072, 8), (65536, 4)])
def test_a_store_of_another_memory_is_refused(size: int, unit: int) -> None:
    other = NvmFake(size, 4096, unit)
    Store.mount(other)
    nvm = board()
    nvm.memory[:size] = other.memory
    with pytest.raises(StoreGeometry):
        Store.mount(nvm)


@pytest.mark.parametrize(
    ("size", "page", "unit"),
    [
        (131072, 4096, 2),
        (131072, 4096, 12),
        (131072, 4096, 1024),
        (131072, 64, 4),
        (131072, 1024, 256),
        (32768, 4096, 4),
        (131072 + 4, 4096, 4),
        (1 << 21, 1 << 16, 4),
    ],
)
def test_an_unsuitable_memory_is_refused(size: int, page: int, unit: int) -> None:
    with pytest.raises(StoreGeometry):
        Store.mount(NvmFake(size, page, unit))


def test_other_contents_are_not_formatted() -> None:
    nvm = board()
    nvm.memory[5000] = 0
    with pytest.raises(StoreCorrupt):
        Store.mount(nvm)
    assert nvm.steps == 0


@pytest.mark.parametrize("back", [13, 20, 40])
def test_a_flipped_bit_in_the_newest_record_is_found(back: int) -> None:
    nvm = board()
    store = Store.mount(nvm)
    store.commit({1: bytes(20)})
    store.commit({1: bytes(40)})
    nvm.memory[store._log.at - back] ^= 0x10
    with pytest.raises(StoreCorrupt):
        Store.mount(nvm)


def test_a_flipped_bit_is_found_before_it_is_copied() -> None:
    nvm = blank(4)
    store = Store.mount(nvm)
    store.commit({1: b"kept"})
    nvm.memory[store._index[1] >> 12] ^= 1
    with pytest.raises(StoreCorrupt):
        commit_many(store, 50 * PAGES)


@UNITS
@given(
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=12)), max_size=8
    )
)
@example(changes=[(0.0, b"\0" * 12)])
def test_no_contents_of_the_memory_break_it(unit: int, changes: list[tuple[float, bytes]]) -> None:
    nvm = blank(unit)
    store = Store.mount(nvm)
    for number in range(12):
        tidy_up(store)
        store.commit({number % 3: bytes(20), 9: b"\xff" * 30})
    used = store._log.at + 64
    for where, data in changes:
        offset = int(where * (used if len(data) % 2 else nvm.size - len(data)))
        nvm.memory[offset : offset + len(data)] = data
    # Illegal is the fake's: what reads as erased was not erased. The hardware's write would fail.
    with suppress(StoreError, Illegal):
        store = Store.mount(nvm)
        content(store)
        for _ in range(20):
            store.tidy()


@UNITS
@given(noise=st.integers(0, 2**32 - 1))
def test_noise_is_refused(unit: int, noise: int) -> None:
    nvm = blank(unit)
    nvm.memory[:] = random.Random(noise).randbytes(nvm.size)
    with pytest.raises(StoreError):
        Store.mount(nvm)
