"""Power cuts at stores into NVM: the cut points, and the values of a word that a cut tears.

A *cut point* is one word stored (or erased) by one wallet. Earlier words are complete, later ones
untouched; the word being stored is *torn*: it reads as the old value, the new one, a mixture of
both, or any other value that sets no bit which the old one has cleared (while erasing: any value).
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jiaozi_sim.machines.unicorn_state import Store
from tests.sweep.engine.bench import Bench, BenchWallet, Snapshot

TORN = ("old", "new", "mix", "noise")
"""The outcomes tried at each cut point, where they differ."""


@dataclass(frozen=True)
class StoreEvent:
    """The words that one wallet stored between waking and sleeping.

    wallet: its name; nvm: its contents before the first store; frames: frames on the air since the
    flow began; snapshot: the bench after the stores, None where it is not recorded; beside: state
    outside the bench at that moment, as the recorder's owner supplies it.
    """

    wallet: str
    nvm: bytes
    stores: tuple[Store, ...]
    frames: int
    snapshot: Snapshot | None
    beside: Any = None


@dataclass(frozen=True)
class Cut:
    """A power cut in store `index` of an event, with one outcome for the torn word."""

    event: int
    index: int
    torn: str


def word_after(store: Store, torn: str, seed: str) -> int:
    """Return the value that a store's word reads as after a cut in it."""
    if torn in ("old", "new"):
        return store.old if torn == "old" else store.new
    chance = random.Random(seed).getrandbits(8 * store.size)
    if torn == "mix":
        return (store.old & ~chance) | (store.new & chance)
    return chance & (store.blank if store.erasing else store.old)


def clean_nvm(event: StoreEvent, stores: int) -> bytes:
    """Return the NVM with the first `stores` stores complete and the others not begun."""
    nvm = bytearray(event.nvm)
    for store in event.stores[:stores]:
        store.into(nvm)
    return bytes(nvm)


def torn_nvm(event: StoreEvent, cut: Cut, seed: int) -> bytes:
    """Return the NVM that a cut leaves."""
    nvm = bytearray(clean_nvm(event, cut.index))
    store = event.stores[cut.index]
    word = word_after(store, cut.torn, f"{seed}:{cut.event}:{cut.index}:{cut.torn}")
    store.into(nvm, word)
    return bytes(nvm)


def cuts_of(number: int, event: StoreEvent) -> Iterator[Cut]:
    """Yield every cut of an event: each outcome of each word."""
    for index in range(len(event.stores)):
        for torn in TORN:
            yield Cut(number, index, torn)


def digest(*parts: bytes) -> bytes:
    """Return a digest of NVM contents and other parts of a state."""
    whole = hashlib.blake2b(digest_size=16)
    for part in parts:
        whole.update(part)
    return whole.digest()


class Recorder:
    """Records the stores of a bench's wallets as events.

    beside() supplies each event's state outside the bench.
    """

    def __init__(
        self, bench: Bench, keep: bool = True, beside: Callable[[], Any] = lambda: None
    ) -> None:
        self.events: list[StoreEvent] = []
        self._bench, self._keep, self._beside = bench, keep, beside
        self._frames = len(bench.field.log)
        bench.on_stores = self._stored

    def _stored(self, wallet: BenchWallet, stores: Sequence[Store]) -> None:
        nvm = bytearray(wallet.core.read_nvm())
        for store in reversed(stores):
            store.into(nvm, store.old)
        frames = len(self._bench.field.log) - self._frames
        snapshot = self._bench.snapshot() if self._keep else None
        self.events.append(
            StoreEvent(wallet.name, bytes(nvm), tuple(stores), frames, snapshot, self._beside())
        )

    def stop(self) -> None:
        """Stop recording."""
        self._bench.on_stores = None
