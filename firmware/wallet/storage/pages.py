"""The ring of pages: which page is written, which are prepared for it, how a page gets there.

A page carries a sequence number that never repeats; number s lies at page `s % count`, so the log
runs round the memory and every page is erased equally often. Layout, in order, U = program unit:

    header   max(16, U) bytes: "JZS", version u8, sequence u32, unit u16, pages u16, CRC-32 of these
    proof    one unit: "PAGE", programmed after the header was complete
    records  see `log`
    closing  the last unit; once it is zero the log has moved on to the next page

The first 16 bytes keep this meaning in every future version, so that it can be refused.

A page is *ready* when header and proof are there. The header is programmed after a completed erase
and the proof after a completed header; before the page is erased again, first proof and then header
become zero. So neither a cut erase nor an uncertain header can pass for a ready page.
The *active* page is the one behind the last closed page. Until a record is committed there its
header may be uncertain, for recovery prepares such a page anew; from then on it is firm.
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

# Pages that tidying keeps ready, and how many of them are not promised to anyone (`Store.fits`):
# one that tidying may be using meanwhile, and those a commit leaves to tidying and to recovery.
RESERVE = const(5)
SPARE = const(3)

# The header's first word: "JZS" and the version.
_LEAD = const(VERSION << 24 | 0x535A4A)
_PROOF = b"PAGE"
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

    def seq_at(self, offset: int) -> int:
        """Sequence number of the written page at an offset."""
        back = self.active % self.count - offset // self.page
        return self.active - back % self.count

    def prepare(self, seq: int) -> None:
        """Erase the page that is to carry `seq` and make it ready."""
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
        """Zero a page from an offset to its end: the log has moved on from it for good."""
        self.nvm.program(at, bytes(self.base(seq) + self.page - at))

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
        """Find the active page and the ready ones.

        Returns the sequence number that each page's header states, -1 where there is none: nowhere
        if the memory is blank. Raises StoreCorrupt, StoreNewer, StoreGeometry.
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
        """What each page's header states, without its CRC but for the highest."""
        read = self.nvm.read
        count = self.count
        page = self.page
        found = []
        for index in range(count):
            lead, seq = unpack("<II", read(index * page, 8))
            if lead != _LEAD or seq % count != index:
                self._check_stranger(read(index * page, _HEADER))
                seq = -1
            found.append(seq)
        top = max(found)
        while top >= 0 and read(self.base(top), _HEADER) != self._header(top):
            self._check_stranger(read(self.base(top), _HEADER))
            found[top % count] = -1
            top = max(found)
        return found

    def _check_stranger(self, header: bytes) -> None:
        """Whether what is not our header is one all the same."""
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
        """Whether a page's header is known to be complete."""
        at = self.base(seq) + self.first - self.unit
        return self.nvm.read(at, len(_PROOF)) == _PROOF
