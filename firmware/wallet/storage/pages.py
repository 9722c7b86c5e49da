"""The ring of pages: which page is written, which are prepared for it, how a page gets there.

A page carries a sequence number that never repeats; number s lies at page `s % count`, so the log
runs round the memory and every page is erased equally often. Layout, in order, U = program unit:

    header   max(16, U) bytes: "JZS", version u8, sequence u32, unit u16, pages u16, CRC-32 of these
    proof    one unit, zero: was programmed after the header was complete
    records  see `log`
    closing  the last unit, zero once the log has moved on to the next page

The first 16 bytes keep this meaning in every future version, so that it can be refused.

A page is *ready* when header and proof are there. Its header is programmed after a completed erase
and the proof after a completed header, so neither a cut erase nor an uncertain header can pass for
a ready page; an old header is zeroed before its page is erased.
The *active* page is the one behind the last closed page.
"""

from binascii import crc32
from struct import pack, unpack

from micropython import const
from wallet.storage.errors import StoreCorrupt, StoreGeometry, StoreNewer

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Nvm(Protocol):
        """Non-volatile memory; sizes and offsets in bytes."""

        size: int
        page_size: int
        program_unit: int

        def read(self, offset: int, size: int) -> bytes:
            """Any range."""

        def program(self, offset: int, data: bytes) -> None:
            """Clear bits; offset and length are multiples of the program unit."""

        def erase(self, offset: int) -> None:
            """Set all bits of the page at an offset."""


VERSION = const(1)

# Pages that tidying keeps ready, and how many of them are not promised to anyone (`Store.fits`).
RESERVE = const(4)
SPARE = const(2)

_MAGIC = b"JZS"
_HEADER = const(16)
_CHUNK = const(256)
# A value's place is a u32: 20 bits of offset, 12 of length.
_LARGEST_MEMORY = const(1 << 20)
_LARGEST_UNIT = const(512)
_FEWEST_UNITS = const(8)
_SMALLEST_PAGE = const(128)


class Pages:
    """The ring over an NVM.

    active: sequence number of the page being written; ready: number of ready pages behind it;
    first, last: where in a page its records begin and its closing unit lies; span: bytes between.
    """

    def __init__(self, nvm: "Nvm") -> None:
        self.nvm = nvm
        self.page = page = nvm.page_size
        self.unit = unit = nvm.program_unit
        self.count = count = nvm.size // page
        if unit < 4 or unit & (unit - 1) or unit > _LARGEST_UNIT:
            raise StoreGeometry("program unit")
        if page % unit or page < _FEWEST_UNITS * unit or page < _SMALLEST_PAGE:
            raise StoreGeometry("page size")
        if nvm.size % page or nvm.size > _LARGEST_MEMORY or not RESERVE + 4 <= count <= 255:
            raise StoreGeometry("memory size")
        self.first = max(_HEADER, unit) + unit
        self.last = page - unit
        self.span = self.last - self.first
        self.active = 0
        self.ready = 0
        self.zero = bytes(unit)
        self._ones = b"\xff" * _CHUNK

    def base(self, seq: int) -> int:
        """Where the page with a sequence number lies."""
        return seq % self.count * self.page

    def prepare(self, seq: int) -> None:
        """Erase the page that is to carry `seq` and make it ready."""
        nvm = self.nvm
        base = self.base(seq)
        size = self.first - self.unit
        header = pack("<3sBIHH", _MAGIC, VERSION, seq, self.unit, self.count)
        header += pack("<I", crc32(header))
        nvm.program(base, bytes(size))
        nvm.erase(base)
        nvm.program(base, header + b"\xff" * (size - _HEADER))
        nvm.program(base + size, self.zero)

    def close(self, seq: int) -> None:
        """Say for good that the log has moved on from a page."""
        self.nvm.program(self.base(seq) + self.last, self.zero)

    def is_erased(self, offset: int, size: int) -> bool:
        """Whether a range reads as erased."""
        read = self.nvm.read
        ones = self._ones
        while size >= _CHUNK:
            if read(offset, _CHUNK) != ones:
                return False
            offset += _CHUNK
            size -= _CHUNK
        return read(offset, size) == ones[:size]

    def locate(self) -> "list[int]":
        """Find the active page and the ready ones; a blank memory is formatted.

        Returns the sequence number that each page's header states, -1 where there is none.
        Raises StoreCorrupt, StoreNewer, StoreGeometry.
        """
        found = self._headers()
        top = max(found)
        if top < 0 or (top == 0 and not self._is_proven(0)):
            if not self.is_erased(self.page, (self.count - 1) * self.page):
                raise StoreCorrupt("no page with a header")
            self.prepare(0)
            found[0] = top = 0
        elif top == 0:
            # Format was cut: the proof must be firm before anything is built on it.
            self.nvm.program(self.first - self.unit, self.zero)
        self.active = seq = self._find_active(found, top)
        self.ready = 0
        while self.ready < self.count - 1:
            seq += 1
            if found[seq % self.count] != seq or not self._is_proven(seq):
                break
            self.ready += 1
        return found

    def _headers(self) -> "list[int]":
        """What each page's header states."""
        found = []
        for index in range(self.count):
            header = self.nvm.read(index * self.page, _HEADER)
            seq = -1
            if header[:3] == _MAGIC:
                _, version, stated, unit, count, check = unpack("<3sBIHHI", header)
                if check == crc32(header[:12]):
                    if version > VERSION:
                        raise StoreNewer(version)
                    if (unit, count) != (self.unit, self.count):
                        raise StoreGeometry("made for another memory")
                    if stated % count == index:
                        seq = stated
            found.append(seq)
        return found

    def _find_active(self, found: "list[int]", top: int) -> int:
        count = self.count
        for seq in range(top - 1, max(-1, top - count), -1):
            if (
                found[seq % count] == seq
                and found[(seq + 1) % count] == seq + 1
                and not self.is_erased(self.base(seq) + self.last, self.unit)
            ):
                return seq + 1
        if found[0] == 0:
            return 0
        raise StoreCorrupt("no active page")

    def _is_proven(self, seq: int) -> bool:
        """Whether a page's header is known to be complete."""
        return not self.is_erased(self.base(seq) + self.first - self.unit, self.unit)
