"""What must be true of two wallets whatever happened to them, read from their NVM on the host.

The wallet's own store and book read the images here, on CPython: the image under test has no part
in judging itself. Reading never changes an image: recovery works on a copy.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

from jiaozi import book as books
from jiaozi.book import Book
from jiaozi.errors import Refused
from jiaozi_host.ledger.journal import read_entry

_FIRMWARE = Path(__file__).parents[2] / "firmware"
if str(_FIRMWARE) not in sys.path:
    sys.path.append(str(_FIRMWARE))

from wallet.storage.errors import StoreError  # type: ignore[import-not-found]  # noqa: E402
from wallet.storage.store import Store  # type: ignore[import-not-found]  # noqa: E402

_PAGE, _UNIT = 4096, 4


class Broken(Exception):
    """A rule that must hold whatever happens does not."""


class ImageNvm:
    """A copy of an NVM image as the store's memory."""

    page_size, program_unit = _PAGE, _UNIT

    def __init__(self, image: bytes) -> None:
        self._memory = bytearray(image)
        self.size = len(image)

    def read(self, offset: int, size: int) -> bytes:
        """`size` bytes from `offset`."""
        return bytes(self._memory[offset : offset + size])

    def program(self, offset: int, data: bytes) -> None:
        """Clear bits; raises Broken where one would rise."""
        old = self._memory[offset : offset + len(data)]
        if any(new & ~held for new, held in zip(data, old, strict=True)):
            raise Broken(f"recovery programs ones over zeros at {offset}")
        self._memory[offset : offset + len(data)] = data

    def erase(self, offset: int) -> None:
        """Set a page to ones."""
        self._memory[offset : offset + _PAGE] = b"\xff" * _PAGE


def read_store(image: bytes) -> Store:
    """The store in an image. Raises Broken when it cannot be mounted."""
    try:
        return Store.mount(ImageNvm(image))
    except StoreError as error:
        raise Broken(f"the store does not mount: {error!r}") from error


def read_book(image: bytes) -> Book:
    """The book in an image. Raises Broken when it cannot be read."""
    try:
        return Book(read_store(image))
    except (KeyError, Refused) as error:
        raise Broken(f"the book cannot be read: {error!r}") from error


@dataclass(frozen=True)
class Worth:
    """What a pair of wallets holds: balances, and what is on its way between them."""

    payer: int
    payee: int
    in_flight: int

    @property
    def total(self) -> int:
        return self.payer + self.payee + self.in_flight


def worth(payer: Book, payee: Book) -> Worth:
    """Balances and payments in flight: made by the payer, without an outcome at the payee."""
    flying = 0
    for one, other in ((payer, payee), (payee, payer)):
        for entry in one.pending():
            outcome = other.outcome(entry[books.PAYMENT_HASH])
            if outcome is None or _is_void(other, entry[books.PAYMENT_HASH]):
                flying += sum(entry[books.TAKEN])
    return Worth(payer.state.balance, payee.state.balance, flying)


def _is_void(book: Book, payment_hash: bytes) -> bool:
    return any(
        entry[books.KIND] == books.VOIDED and entry[books.PAYMENT_HASH] == payment_hash
        for _, entry in book.entries()
    )


def is_settled(payer: Book, payee: Book) -> bool:
    """Whether nothing is pending and no request is open on either side."""
    return not (payer.unresolved() or payee.unresolved() or payer.open or payee.open)


def check_journal(book: Book) -> None:
    """Chain and signatures of a journal kept from its first entry. Raises Broken."""
    head = bytes(32)
    positions = book.positions()
    if positions != list(range(book.state.position)):
        raise Broken(f"the journal has entries {positions}, the state says {book.state.position}")
    for position in positions:
        raw = book.entry(position) or b""
        head = hashlib.sha256(head + raw).digest()
        try:
            read_entry(raw, position, book.me, book.trust)
        except Refused as refusal:
            raise Broken(f"journal entry {position} is not authentic: {refusal!r}") from refusal
    if head != book.state.head:
        raise Broken("the journal's chain does not end in its head")
