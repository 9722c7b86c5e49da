"""Oracle: conditions that wallets must meet at any time, checked on their NVM on the host.

The wallet's own storage code and book read the NVM on CPython, so the image under test does not
judge itself. Reading does not change an NVM image: recovery works on a copy. Results are cached.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import lru_cache
from zlib import crc32

from jiaozi.operator.audit import Audit, chain
from jiaozi.wallet.book import Book
from jiaozi.wallet.state import State
from jiaozi.wallet.store_keys import NETWORK_KEY, PIN_TRIES_KEY
from jiaozi.wire.cose import decode
from jiaozi.wire.errors import Refused
from jiaozi.wire.journal import CREDITED, KIND, OPENED, PAYMENT_HASH, TAKEN
from jiaozi_host.ledger.journal import read_entry
from jiaozi_sim.machines.unicorn_state import WORD
from tests import firmware_path  # noqa: F401  (for `wallet`)
from tests.sweep.engine.device_key import DEVICE_KEY
from wallet.storage.errors import StoreError  # type: ignore[import-not-found]
from wallet.storage.pages import RESERVE  # type: ignore[import-not-found]
from wallet.storage.sealed import Sealed  # type: ignore[import-not-found]
from wallet.storage.store import Store  # type: ignore[import-not-found]

_PAGE = 4096
_HEADER = struct.Struct("<4sIHHI")


class Broken(Exception):
    """A condition that must always hold is violated."""


def program_unit_of(image: bytes) -> int:
    """Return the program unit in bytes that an image's page headers name."""
    for at in range(0, len(image), _PAGE):
        lead, _, unit, _, check = _HEADER.unpack_from(image, at)
        if lead[:3] == b"JZS" and check == crc32(image[at : at + _HEADER.size - 4]):
            return int(unit)
    return WORD


class ImageNvm:
    """NVM driver over a copy of an NVM image."""

    page_size = _PAGE

    def __init__(self, image: bytes) -> None:
        self.program_unit = program_unit_of(image)
        self._memory = bytearray(image)
        self.size = len(image)

    def read(self, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset`."""
        return bytes(self._memory[offset : offset + size])

    def program(self, offset: int, data: bytes) -> None:
        """Clear bits. Raises Broken if a bit would be set."""
        old = self._memory[offset : offset + len(data)]
        if int.from_bytes(data, "big") & ~int.from_bytes(old, "big"):
            raise Broken(f"recovery programs ones over zeros at {offset}")
        self._memory[offset : offset + len(data)] = data

    def erase(self, offset: int) -> None:
        """Set a page to ones."""
        self._memory[offset : offset + _PAGE] = b"\xff" * _PAGE

    @property
    def image(self) -> bytes:
        """Its contents now."""
        return bytes(self._memory)


def read_store(image: bytes) -> Store:
    """Mount the store in an image. Raises Broken if it cannot be mounted."""
    try:
        return Store.mount(ImageNvm(image))
    except StoreError as error:
        raise Broken(f"the store does not mount: {error!r}") from error


def open_store(image: bytes) -> Sealed:
    """Mount the store in an image, with its secrets open. Raises Broken if it cannot be mounted."""
    return Sealed(read_store(image), DEVICE_KEY)


@lru_cache(maxsize=64)
def contents(image: bytes) -> dict[int, bytes]:
    """Return every value in an image, by key, secrets as they are sealed."""
    store = read_store(image)
    return {key: store.get(key) or b"" for key in sorted(store.keys())}


def is_tidy(image: bytes) -> bool:
    """True if the store has as many ready pages as tidying provides."""
    return read_store(image)._log.ready >= RESERVE


@lru_cache(maxsize=16)
def read_book(image: bytes) -> Book | None:
    """Read the book in an image; None if the device is not provisioned. Raises Broken."""
    store = open_store(image)
    if store.get(NETWORK_KEY) is None:
        return None
    try:
        return Book(store)
    except (KeyError, Refused, StoreError) as error:
        raise Broken(f"the book cannot be read: {error!r}") from error


def tries(image: bytes) -> int | None:
    """Return the PIN tries left, None where no PIN is set."""
    stored = contents(image).get(PIN_TRIES_KEY)
    return stored[0] if stored else None


def check_atomic(before: bytes, after: bytes, started: bytes) -> None:
    """Check that a start keeps every value as without the torn word or as with it complete.

    So no change is half done and no PIN try is gained. Raises Broken.
    """
    found = contents(started)
    if found not in (contents(before), contents(after)):
        old = contents(before)
        keys = sorted(
            hex(key) for key in found.keys() | old.keys() if found.get(key) != old.get(key)
        )
        raise Broken(f"the start made other values, under {', '.join(keys)}")


def in_flight(wallets: Iterable[Book]) -> int:
    """Return the sum of pending payments that no wallet has credited."""
    wallets = list(wallets)
    flying = 0
    for one in wallets:
        for entry in one.pending():
            payment_hash = entry[PAYMENT_HASH]
            if not any(_credited(other, payment_hash) for other in wallets if other is not one):
                flying += sum(entry[TAKEN])
    return flying


def _credited(book: Book, payment_hash: bytes) -> bool:
    return any(
        entry[KIND] == CREDITED and entry[PAYMENT_HASH] == payment_hash
        for _, entry in book.entries()
    )


def is_settled(wallets: Iterable[Book]) -> bool:
    """True if no wallet has a pending payment or an open request."""
    return not any(book.unresolved() or book.open for book in wallets)


def held(book: Book) -> dict[int, int]:
    """Return the balance by purse, empty purses left out."""
    state = book.state
    every = {number: state.held(number) for number in [0, *state.purses]}
    return {number: amount for number, amount in every.items() if amount}


def counters(state: State, settled_at: int) -> list[int]:
    """Return what was counted since the settlement at a position: nothing yet if it came last."""
    if state.settled_at != settled_at:
        state = State()
    offline = [state.offline_count, state.offline_total]
    return [*offline, state.unconfirmed_count, state.unconfirmed_total, state.counts_returned]


def check_journal(book: Book, settled: bool = False) -> None:
    """Check chain, signatures and sums of a complete journal. Raises Broken.

    settled: the wallet may have deleted settled entries; such a journal is not checked.
    """
    positions = book.positions()
    if settled and len(positions) < book.state.position:
        return
    if positions != list(range(book.state.position)):
        raise Broken(f"the journal has entries {positions}, the state says {book.state.position}")
    entries = [book.entry(position) or b"" for position in positions]
    for position, raw in enumerate(entries):
        try:
            read_entry(raw, position, book.me, book.trust)
        except Refused as refusal:
            raise Broken(f"journal entry {position} is not authentic: {refusal!r}") from refusal
    if chain(entries) != book.state.head:
        raise Broken("the journal's chain does not end in the state's head")
    audit = Audit(book.me, book.trust).read(entries)
    if not audit.complete:
        raise Broken(f"the journal fails its audit at {audit.position}: fault {audit.fault}")
    if audit.held != held(book):
        raise Broken(f"the journal adds up to {audit.held}, the state says {held(book)}")
    if entries and decode(entries[0])[KIND] == OPENED:
        return  # the counters came from the journal before
    counted = counters(audit.limits.counters, book.state.settled_at)
    if counted != counters(book.state, book.state.settled_at):
        raise Broken(f"the journal counts {counted}, the state says otherwise")
