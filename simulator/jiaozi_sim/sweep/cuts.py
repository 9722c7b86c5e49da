"""Power cuts at stores into NVM: where they are, and what a word may hold when power fails in it.

A *cut point* is one word stored (or erased) by one wallet. Words stored earlier are done and later
ones untouched; the word under way is *torn*: it reads as it was, as it was to be, as a mixture of
both, or as any other value whose bits do not rise above the old ones (above the new ones while
erasing).
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jiaozi_sim.machines.unicorn_state import Store
from jiaozi_sim.sweep.bench import Bench, Seat, Snapshot

TORN = ("old", "new", "mix", "noise")
"""The outcomes tried at each cut point, where they differ."""


@dataclass(frozen=True)
class Programmed:
    """The words that one wallet stored between waking and sleeping.

    seat: whose; nvm: before the first of them; frames: how many frames the field has carried since
    the flow began; snapshot: the bench at that moment, or None when the others' state is not kept;
    beside: what else there was then and is not on the bench, as the recorder's owner keeps it.
    """

    seat: str
    nvm: bytes
    stores: tuple[Store, ...]
    frames: int
    snapshot: Snapshot | None
    beside: Any = None


@dataclass(frozen=True)
class Cut:
    """One way of losing power: in store `index` of an event, with one outcome of its word."""

    event: int
    index: int
    torn: str


def word_after(store: Store, torn: str, seed: str) -> int:
    """What the word of a store reads as after a cut in it."""
    if torn in ("old", "new"):
        return store.old if torn == "old" else store.new
    chance = random.Random(seed).getrandbits(8 * store.size)
    if torn == "mix":
        return (store.old & ~chance) | (store.new & chance)
    return chance & (store.blank if store.erasing else store.old)


def clean_nvm(event: Programmed, stores: int) -> bytes:
    """The NVM when so many of the stores are whole and the others not begun."""
    nvm = bytearray(event.nvm)
    for store in event.stores[:stores]:
        store.into(nvm)
    return bytes(nvm)


def torn_nvm(event: Programmed, cut: Cut, seed: int) -> bytes:
    """The NVM that a cut leaves."""
    nvm = bytearray(clean_nvm(event, cut.index))
    store = event.stores[cut.index]
    word = word_after(store, cut.torn, f"{seed}:{cut.event}:{cut.index}:{cut.torn}")
    store.into(nvm, word)
    return bytes(nvm)


def cuts_of(number: int, event: Programmed) -> Iterator[Cut]:
    """Every cut of an event, each outcome of each word."""
    for index in range(len(event.stores)):
        for torn in TORN:
            yield Cut(number, index, torn)


def digest(*parts: bytes) -> bytes:
    """A name for NVM contents."""
    whole = hashlib.blake2b(digest_size=16)
    for part in parts:
        whole.update(part)
    return whole.digest()


class Recorder:
    """Records what the wallets of a bench program, and when.

    beside() is asked at each event for what goes with it.
    """

    def __init__(
        self, bench: Bench, keep: bool = True, beside: Callable[[], Any] = lambda: None
    ) -> None:
        self.events: list[Programmed] = []
        self._bench, self._keep, self._beside = bench, keep, beside
        self._frames = len(bench.field.log)
        bench.on_stores = self._stored

    def _stored(self, seat: Seat, stores: Sequence[Store]) -> None:
        nvm = bytearray(seat.core.read_nvm())
        for store in reversed(stores):
            store.into(nvm, store.old)
        frames = len(self._bench.field.log) - self._frames
        snapshot = self._bench.snapshot() if self._keep else None
        self.events.append(
            Programmed(seat.name, bytes(nvm), tuple(stores), frames, snapshot, self._beside())
        )

    def stop(self) -> None:
        """Record no more."""
        self._bench.on_stores = None
