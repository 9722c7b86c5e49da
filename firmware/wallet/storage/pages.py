"""Ring of pages: the page being written, the pages ready to follow it, and how pages get ready.

Each page has a sequence number that never repeats; number s is at page `s % count`, so that the log
runs round the memory and every page is erased equally often. Layout, in order, U = program unit:

    header   max(16, U) bytes: "JZS", version u8, sequence u32, unit u16, pages u16, CRC-32 of these
    proof    one unit: "PAGE", programmed after the header was complete
    records  see `log`
    closing  the last unit; zero once the log has moved to the next page

The first 16 bytes keep this meaning in all future versions: older firmware refuses those.

A page is *ready* when it has header and proof. The header is programmed after a complete erase and
the proof after a complete header; before the page is erased again, first the proof and then the
header are zeroed. So neither a cut erase nor an uncertain header can be taken for a ready page.
The *active* page follows the last closed page. Its header may be uncertain until a record is
committed in it, since recovery prepares such a page again; from then on it is firm.
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
            """Read any range."""

        def program(self, offset: int, data: bytes) -> None:
            """Clear bits; offset and length are multiples of the program unit."""

        def erase(self, offset: int) -> None:
            """Set all bits of the page at an offset."""


VERSION = const(1)

# Pages that tidying keeps ready, and how many of them `Store.fits` does not promise: one that
# tidying may be using, and those that a commit leaves for tidying and for recovery.
RESERVE = const(5)
SPARE = const(3)

# The header's first word: "JZS" and the version.
_LEAD = const(VERSION << 24 | 0x535A4A)
_PROOF = b"PAGE"
_HEADER = const(16)
_CHUNK = const(256)
# A value's place is a u32: 20 bits of offset, 12 bits of length.
_LARGEST_MEMORY = const(1 << 20)
_LARGEST_UNIT = const(512)
_FEWEST_UNITS = const(8)
_SMALLEST_PAGE = const(128)


class Pages:
    """The ring over an NVM.

    active: sequence number of the page being written; ready: number of ready pages after it;
    first, last: offsets in a page of its first record and its closing unit; span: bytes between.
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
        """Return the offset of the page with a sequence number."""
        return seq % self.count * self.page

    def seq_at(self, offset: int) -> int:
        """Return the sequence number of the written page at an offset."""
        back = self.active % self.count - offset // self.page
        return self.active - back % self.count

    def prepare(self, seq: int) -> None:
        """Erase the page for sequence number `seq` and make it ready."""
        program = self.nvm.program
        base = self.base(seq)
        size = self.first - self.unit
        program(base + size, self.zero)
        program(base, bytes(size))
        self.nvm.erase(base)
        program(base, self._header(seq) + b"\xff" * (size - _HEADER))
        program(base + size, _PROOF + b"\xff" * (self.unit - len(_PROOF)))

    def _header(self, seq: int) -> bytes:
        header = pack("<IIHH", _LEAD, seq, self.unit, self.count)
        return header + pack("<I", crc32(header))

    def close(self, seq: int, at: int) -> None:
        """Zero a page from an offset to its end: the log never returns to it."""
        self.nvm.program(at, bytes(self.base(seq) + self.page - at))

    def is_erased(self, offset: int, size: int) -> bool:
        """True if a range reads as erased."""
        read = self.nvm.read
        ones = self._ones
        while size >= _CHUNK:
            if read(offset, _CHUNK) != ones:
                return False
            offset += _CHUNK
            size -= _CHUNK
        return read(offset, size) == ones[:size]

    def locate(self) -> "list[int]":
        """Find the active page and the ready ones.

        Returns the sequence number in each page's header, -1 for a page without one; a blank memory
        has none. Raises StoreCorrupt, StoreNewer, StoreGeometry.
        """
        found = self._headers()
        top = max(found)
        if top < 0 and not self.is_erased(self.page, (self.count - 1) * self.page):
            raise StoreCorrupt("no page with a header")
        self.active = seq = self._find_active(found, top) if top >= 0 else 0
        self.ready = 0
        while self.ready < self.count - 1:
            seq += 1
            if found[seq % self.count] != seq or not self._is_proven(seq):
                break
            self.ready += 1
        return found

    def _headers(self) -> "list[int]":
        """Return the sequence number in each page's header; only the highest is checked by CRC."""
        read = self.nvm.read
        count = self.count
        page = self.page
        found = []
        for index in range(count):
            lead, seq = unpack("<II", read(index * page, 8))
            if lead != _LEAD or seq % count != index:
                self._reject_foreign_header(read(index * page, _HEADER))
                seq = -1
            found.append(seq)
        top = max(found)
        while top >= 0 and read(self.base(top), _HEADER) != self._header(top):
            self._reject_foreign_header(read(self.base(top), _HEADER))
            found[top % count] = -1
            top = max(found)
        return found

    def _reject_foreign_header(self, header: bytes) -> None:
        """Raise if the page was written by another version or for another geometry."""
        lead, _, unit, count, check = unpack("<IIHHI", header)
        if lead & 0xFFFFFF == _LEAD & 0xFFFFFF and check == crc32(header[:12]):
            if lead >> 24 > VERSION:
                raise StoreNewer(lead >> 24)
            if (unit, count) != (self.unit, self.count):
                raise StoreGeometry("made for another memory")

    def _find_active(self, found: "list[int]", top: int) -> int:
        count = self.count
        for seq in range(top - 1, max(-1, top - count), -1):
            if (
                found[seq % count] == seq
                and found[(seq + 1) % count] == seq + 1
                and self.nvm.read(self.base(seq) + self.last, 4) != b"\xff\xff\xff\xff"
            ):
                return seq + 1
        if found[0] == 0:
            return 0
        raise StoreCorrupt("no active page")

    def _is_proven(self, seq: int) -> bool:
        """True if a page's header is proven complete."""
        at = self.base(seq) + self.first - self.unit
        return self.nvm.read(at, len(_PROOF)) == _PROOF
