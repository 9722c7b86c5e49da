"""What must be true of wallets whatever happened to them, read from their NVM on the host.

The wallet's own store and book read the images here, on CPython: the image under test has no part
in judging itself. Reading never changes an image: recovery works on a copy. Whatever is read is
remembered by the image's digest.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from zlib import crc32

from jiaozi.operator.audit import Audit, chain
from jiaozi.wallet.book import Book
from jiaozi.wallet.store_keys import NETWORK_KEY
from jiaozi.wire.errors import Refused
from jiaozi.wire.journal import CREDITED, KIND, PAYMENT_HASH, TAKEN
from jiaozi_host.ledger.journal import read_entry
from jiaozi_sim.machines.unicorn_state import WORD

_FIRMWARE = Path(__file__).parents[3] / "firmware"
if str(_FIRMWARE) not in sys.path:
    sys.path.append(str(_FIRMWARE))

from wallet.storage.errors import StoreError  # type: ignore[import-not-found]  # noqa: E402
from wallet.storage.pages import RESERVE  # type: ignore[import-not-found]  # noqa: E402
from wallet.storage.store import Store  # type: ignore[import-not-found]  # noqa: E402

_PAGE = 4096
_HEADER = struct.Struct("<4sIHHI")
_TRIES_KEY = 0x21


class Broken(Exception):
    """A rule that must hold whatever happens does not."""


def program_unit_of(image: bytes) -> int:
    """The bytes programmed at a time, as the store in an image says in its pages' headers."""
    for at in range(0, len(image), _PAGE):
        lead, _, unit, _, check = _HEADER.unpack_from(image, at)
        if lead[:3] == b"JZS" and check == crc32(image[at : at + _HEADER.size - 4]):
            return int(unit)
    return WORD


class ImageNvm:
    """A copy of an NVM image as the store's memory."""

    page_size = _PAGE

    def __init__(self, image: bytes) -> None:
        self.program_unit = program_unit_of(image)
        self._memory = bytearray(image)
        self.size = len(image)

    def read(self, offset: int, size: int) -> bytes:
        """`size` bytes from `offset`."""
        return bytes(self._memory[offset : offset + size])

    def program(self, offset: int, data: bytes) -> None:
        """Clear bits; raises Broken where one would rise."""
        old = self._memory[offset : offset + len(data)]
        if int.from_bytes(data, "big") & ~int.from_bytes(old, "big"):
            raise Broken(f"recovery programs ones over zeros at {offset}")
        self._memory[offset : offset + len(data)] = data

    def erase(self, offset: int) -> None:
        """Set a page to ones."""
        self._memory[offset : offset + _PAGE] = b"\xff" * _PAGE

    @property
    def image(self) -> bytes:
        """What it holds now."""
        return bytes(self._memory)


def read_store(image: bytes) -> Store:
    """The store in an image. Raises Broken when it cannot be mounted."""
    try:
        return Store.mount(ImageNvm(image))
    except StoreError as error:
        raise Broken(f"the store does not mount: {error!r}") from error


@lru_cache(maxsize=64)
def contents(image: bytes) -> dict[int, bytes]:
    """Every value in an image, by key."""
    store = read_store(image)
    return {key: store.get(key) or b"" for key in sorted(store.keys())}


def is_tidy(image: bytes) -> bool:
    """Whether the store has all the ready pages that tidying gives it."""
    return read_store(image)._log.ready >= RESERVE


@lru_cache(maxsize=16)
def read_book(image: bytes) -> Book | None:
    """The book in an image, None in a device that is no wallet. Raises Broken."""
    store = read_store(image)
    if store.get(NETWORK_KEY) is None:
        return None
    try:
        return Book(store)
    except (KeyError, Refused) as error:
        raise Broken(f"the book cannot be read: {error!r}") from error


def tries(image: bytes) -> int | None:
    """Tries of the PIN that are left, None where no PIN is set."""
    stored = contents(image).get(_TRIES_KEY)
    return stored[0] if stored else None


def check_atomic(before: bytes, after: bytes, started: bytes) -> None:
    """A start keeps what was there without the torn word or with it whole. Raises Broken.

    So nothing is half done, and no try of a PIN is gained: what is compared is every value.
    """
    found = contents(started)
    if found not in (contents(before), contents(after)):
        old = contents(before)
        keys = sorted(
            hex(key) for key in found.keys() | old.keys() if found.get(key) != old.get(key)
        )
        raise Broken(f"the start made another memory, in {', '.join(keys)}")


def in_flight(wallets: Iterable[Book]) -> int:
    """The sum of payments made that no wallet has credited and their payer has not got back."""
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
    """Whether nothing is pending and no request is open anywhere."""
    return not any(book.unresolved() or book.open for book in wallets)


def held(book: Book) -> dict[int, int]:
    """What a wallet holds by purse, without those that are empty."""
    state = book.state
    every = {number: state.held(number) for number in [0, *state.purses]}
    return {number: amount for number, amount in every.items() if amount}


def check_journal(book: Book, settled: bool = False) -> None:
    """Chain, signatures and sums of a journal kept from its first entry. Raises Broken.

    settled: a settlement may have had the wallet forget entries that the ledger has.
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
        raise Broken("the journal's chain does not end in its head")
    audit = Audit(book.me, book.trust).read(entries)
    if not audit.complete:
        raise Broken(f"the journal fails its audit at {audit.position}: fault {audit.fault}")
    if audit.held != held(book):
        raise Broken(f"the journal comes to {audit.held}, the state says {held(book)}")
