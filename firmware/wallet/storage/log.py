"""Log of records in a ring of pages: writing one record, reading a page's records, recovery.

A record lies within one page and starts at a program unit (U bytes):

    size u16      bytes up to the end of the values; never 0 (void) or 0xFFFF (erased)
    flags u8      bits 0-4 number of entries; bit 5 last copy that tidying makes from a page; bit 6
                  some entry deletes; bit 7 copy made by tidying, with more to come from that page;
                  bits 5 and 7: an index, with keys and places of all live values and no entries
    age u8        sequence number of this page minus that of the oldest page in use
    crc u32       CRC-32, started at the page's sequence number, of all bytes but this field's
    live u32      bytes of log charged for the live values (`charge`), this record included
    index u32     offset of the newest index in a page in use, 0 if there is none
    keys          u32 each
    places        u32 each: offset << 12 | length of the value; 0 deletes the key
    values        and at least one zero byte, to the next unit
    commit words  two, each at the end of a unit of its own: upper half of the crc, 0x3C5A
"""

from binascii import crc32
from struct import pack_into, unpack_from

from micropython import const
from wallet.storage.errors import StoreCorrupt, StoreFull, StoreTooLarge
from wallet.storage.pages import Pages

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from wallet.storage.pages import Nvm

    Items = list[tuple[int, bytes | None]]

# Shared with the store: bytes of a record's fixed part and of each entry, and the flags.
RECORD = 16
ENTRY = 8
COUNT = 0x1F
FINAL = 0x20
DELETES = 0x40
COPY = 0x80
INDEX = 0xA0

_RECORD = const(16)
_COUNT = const(0x1F)
_COMMIT = const(0x3C5A)
# A look at a record: the commit word before it, its fixed part and its first entries.
_LOOK = const(52)
_LOOK_ENTRIES = const(4)
_STRIDE = const(64)
_TABLES = ("", "<2I", "<4I", "<6I", "<8I")
# Uncertain units that repeated cuts may have left at the end of the log.
_UNCERTAIN = const(8)


class Log(Pages):
    """Records in a ring of pages.

    at: offset of the next record; doubt: the two units there may be half programmed, though they
    read as erased; oldest: first page in use; live: see `charge`; unsure: offset of a record that
    must be committed again, 0 if none; bare: no record was committed in the active page; tail: the
    active page's records as recovery found them; index_at: offset of the newest index, 0 if none.
    """

    def __init__(self, nvm: "Nvm") -> None:
        super().__init__(nvm)
        self.at = 0
        self.doubt = False
        self.oldest = 0
        self.live = 0
        self.unsure = 0
        self.bare = False
        self.index_at = 0
        self.tail: list[tuple[int, int, tuple[int, ...]]] = []
        self._stop = 0
        self._zone = 0
        self._commit = bytearray(b"\xff" * (2 * self.unit))

    def cost(self, size: int) -> int:
        """Return the bytes of log that a record of `size` bytes takes."""
        unit = self.unit
        return (size + 3 * unit) & -unit

    def charge(self, length: int) -> int:
        """Return the bytes of log charged for a live value: those of a record of its own.

        Twice that for a large value, which may leave as much unused at the end of a page.
        """
        cost = self.cost(_RECORD + ENTRY + length)
        return cost if cost * 3 <= self.span else 2 * cost

    # Writing

    def append(self, items: "Items", size: int, flags: int, live: int, spare: int) -> "list[int]":
        """Write one record of `size` bytes that leaves `spare` ready pages; return the places.

        An index is passed as one item with any key. Raises StoreFull or StoreTooLarge before
        anything is written.
        """
        need = self.cost(size)
        if need > self.span or len(items) > _COUNT:
            raise StoreTooLarge(size)
        seq = self.active
        last = self.base(seq) + self.last
        at = self.at + (2 * self.unit if self.doubt else 0)
        opens = at + need > last
        if self.ready - (1 if opens else 0) < spare:
            raise StoreFull(size)
        if opens:
            seq += 1
            at = self.base(seq) + self.first
        record = bytearray(need - 2 * self.unit)
        places = []
        if flags == INDEX:
            record[_RECORD:size] = items.pop()[1] or b""
        else:
            places = self._fill(record, at, items)
        self._fill_head(record, size, len(items) | flags, seq, live)
        program = self.nvm.program
        if opens:
            self.close(self.active, self.at)
        elif self.doubt:
            program(self.at, bytes(at - self.at))
        program(at, record)
        program(at + len(record), self._commit)
        if opens:
            self.active = seq
            self.ready -= 1
        self.at = at + need
        self.doubt = False
        self.live = live
        if flags == INDEX:
            self.index_at = at
        return places

    def _fill_head(self, record: bytearray, size: int, flags: int, seq: int, live: int) -> None:
        index_at = self.index_at
        if index_at and self.seq_at(index_at) < self.oldest:
            index_at = self.index_at = 0
        pack_into("<HBBIII", record, 0, size, flags, seq - self.oldest, 0, live, index_at)
        view = memoryview(record)
        check = crc32(view[8:size], crc32(view[:4], seq))
        pack_into("<I", record, 4, check)
        pack_into("<HH", self._commit, self.unit - 4, check >> 16, _COMMIT)
        pack_into("<HH", self._commit, 2 * self.unit - 4, check >> 16, _COMMIT)

    def _fill(self, record: bytearray, at: int, items: "Items") -> "list[int]":
        places = []
        key_at = _RECORD
        place_at = key_at + 4 * len(items)
        value_at = place_at + 4 * len(items)
        for key, value in items:
            place = 0
            if value is not None:
                length = len(value)
                place = (at + value_at) << 12 | length
                record[value_at : value_at + length] = value
                value_at += length
            pack_into("<I", record, key_at, key)
            pack_into("<I", record, place_at, place)
            places.append(place)
            key_at += 4
            place_at += 4
        return places

    # Reading

    def records(self, seq: int, at: int = 0) -> "Iterator[tuple[int, int, tuple[int, ...]]]":
        """Yield offset, flags and table (keys, then places) of each record of a page, oldest first.

        at: offset of the first record to yield, 0 for the page's first.
        """
        read = self.nvm.read
        unit = self.unit
        base = self.base(seq)
        if not at:
            at = base + self.first
        self._zone = at
        last = base + self.last
        bound = base + self.page
        # Up to here a look does not cross the end of the page.
        easy = bound - _LOOK
        look = read(at - 4, _LOOK if at <= easy else bound - at + 4)
        while at < last:
            size, flags, _, _, high = unpack_from("<HBBHH", look, 4)
            if not size:
                at = self._skip_void(at + unit, last)
                look = read(at - 4, _LOOK if at <= easy else bound - at + 4)
                continue
            end = at + ((size + 3 * unit) & -unit)
            count = flags & _COUNT
            if end > last or size < _RECORD + 8 * count:
                break
            look_on = read(end - 4, _LOOK if end <= easy else bound - end + 4)
            word = (high, _COMMIT)
            if (
                unpack_from("<HH", look_on) == word
                or unpack_from("<HH", read(end - unit - 4, 4)) == word
            ):
                if count <= _LOOK_ENTRIES:
                    table = unpack_from(_TABLES[count], look, 4 + _RECORD)
                else:
                    table = unpack_from(f"<{2 * count}I", read(at + _RECORD, 8 * count))
                yield at, flags, table
            elif not self._is_followed(end, last) or not self.is_sound(seq, at):
                break
            self._zone = at = end
            look = look_on
        self._stop = at

    def is_sound(self, seq: int, at: int) -> bool:
        """True if the record at an offset has the CRC in its header."""
        size, _, _, check = unpack_from("<HBBI", self.nvm.read(at, _RECORD))
        view = memoryview(self.nvm.read(at, size))
        return check == crc32(view[8:], crc32(view[:4], seq))

    def index(self) -> "tuple[int, ...]":
        """Return the newest index, keys and then places; empty if there is none."""
        at = self.index_at
        if not at or not self.is_sound(self.seq_at(at), at):
            return ()
        size = unpack_from("<H", self.nvm.read(at, 2))[0] - _RECORD
        return unpack_from(f"<{size // 4}I", self.nvm.read(at + _RECORD, size))

    def check_end(self, seq: int) -> None:
        """Raise StoreCorrupt if anything follows the last of a settled page's `records`."""
        stop = self._stop
        last = self.base(seq) + self.last
        if stop == last or self.nvm.read(stop, 2) == b"\xff\xff":
            return
        # Only a record that was committed again on the next page may follow.
        if self._commit_at(stop, last) == stop or not self.is_sound(seq, stop):
            raise StoreCorrupt(f"offset {stop}")

    def _skip_void(self, at: int, last: int) -> int:
        read = self.nvm.read
        unit = self.unit
        while at < last:
            part = read(at, min(_STRIDE, last - at))
            void = len(part) - len(part.lstrip(b"\0"))
            if void < len(part):
                return at + (void & -unit)
            at += max(_STRIDE, unit)
        return last

    def _is_followed(self, end: int, last: int) -> bool:
        end = self._skip_void(end, last)
        return end < last and self.nvm.read(end, 2) != b"\xff\xff"

    def _commit_at(self, at: int, last: int) -> int:
        """Return the offset of the commit words of the record at `at`; `at` if it is no record."""
        unit = self.unit
        size, flags = unpack_from("<HB", self.nvm.read(at, 4))
        commit_at = at + ((size + unit) & -unit)
        if commit_at + 2 * unit > last or size < _RECORD + 8 * (flags & _COUNT):
            return at
        return commit_at

    # Recovery

    def recover(self) -> None:
        """Find the end of the log and make its records firm. Raises StoreCorrupt and others."""
        found = self.locate()
        count = self.count
        seq = self.active
        # Without a header the memory is blank, or formatting was cut.
        newest = self._settle(seq, found) if found[seq % count] == seq else 0
        tail = self.tail
        self.at = self._stop
        self.doubt = newest != 0
        self.bare = not newest
        while not newest and seq and found[(seq - 1) % count] == seq - 1:
            # The end of the page before may still be uncertain.
            seq -= 1
            newest = self._settle(seq, found)
            self.close(seq, self._stop)
        self.tail = tail
        if self.bare:
            # It holds only torn records; preparing it again keeps cuts from using up the reserve.
            self.prepare(self.active)
            self.at = self.base(self.active) + self.first
        self.unsure = newest if newest and not self._is_firm(newest) else 0
        self.oldest = self.live = self.index_at = 0
        if newest:
            head = self.nvm.read(newest, _RECORD)
            _, flags, age, _, self.live, self.index_at = unpack_from("<HBBIII", head)
            self.oldest = seq - age
            if flags == INDEX:
                self.index_at = newest
        # The oldest page's header may be half zeroed: its erase was about to begin.
        for seq in range(self.oldest + 1, self.active):
            if found[seq % count] != seq:
                raise StoreCorrupt(f"page {seq} is missing")

    def _newest_in(self, seq: int) -> int:
        """Return the offset of a page's last record, 0 if it has none; fill `tail`."""
        self.tail = list(self.records(seq))
        return self.tail[-1][0] if self.tail else 0

    def _settle(self, seq: int, found: "list[int]") -> int:
        """Make the end of a page firm by writing zeros; return its last record's offset or 0.

        A record that is not accepted is zeroed. So is a copy by tidying that is not firm; any other
        record that is not firm must be committed again.
        """
        last = self.base(seq) + self.last
        while True:
            newest = self._newest_in(seq)
            stop = self._stop
            if newest and not self.is_sound(seq, newest):
                raise StoreCorrupt(f"offset {newest}")
            if not self.is_erased(stop, last - stop):
                self._void(stop, last)
            elif newest and self._is_redundant(seq, newest, found):
                self._void(newest, last)
            else:
                break
        if self._zone < stop:
            self.nvm.program(self._zone, bytes(stop - self._zone))
        return newest

    def void_all(self, seq: int) -> None:
        """Void a page's records, newest first."""
        while True:
            newest = self._newest_in(seq)
            if not newest:
                return
            self._void(newest, self.base(seq) + self.last)

    def _is_firm(self, at: int) -> bool:
        """True if the second commit word is present: it is begun after the first is complete."""
        size = unpack_from("<H", self.nvm.read(at, 2))[0]
        return self._is_word(at, at + self.cost(size))

    def _is_word(self, at: int, end: int) -> bool:
        """True if the unit that ends at `end` is a commit word of the record at `at`."""
        _, high = unpack_from("<HH", self.nvm.read(at + 4, 4))
        return unpack_from("<HH", self.nvm.read(end - 4, 4)) == (high, _COMMIT)

    def _is_redundant(self, seq: int, at: int, found: "list[int]") -> bool:
        """True if a record is not firm and only copies values whose originals still exist."""
        _, flags, age = unpack_from("<HBB", self.nvm.read(at, 4))
        if not flags & INDEX or self._is_firm(at):
            return False
        origin = seq - age - (1 if flags & INDEX == FINAL else 0)
        return flags == INDEX or found[origin % self.count] == origin

    def _void(self, at: int, last: int) -> None:
        """Zero the remains of a cut write at an offset, and the record they may belong to.

        Commit words that may have been begun go first, the second before the first, so that a half
        voided record is never accepted for good; then values, so that they are never read as
        records; the first unit last.
        """
        unit = self.unit
        rest = self.nvm.read(at, last - at)
        touched = at + (len(rest.rstrip(b"\xff")) + unit - 1 & -unit)
        values = at + unit
        commit_at = self._commit_at(at, last)
        end = values if commit_at == at else commit_at + 2 * unit
        beyond = rest[end - at : touched - at]
        if len(beyond.replace(b"\0", b"").replace(b"\xff", b"")) > _UNCERTAIN * unit:
            raise StoreCorrupt(f"offset {at}")
        end = min(max(end, touched + unit), last)
        second = end
        if touched < commit_at:
            # No commit word was begun. Start at the second unit, as the first may be uncertain: if
            # this is cut too, only the first two units are uncertain (see `doubt`).
            commit_at = end
        elif commit_at > at and self._is_word(at, commit_at + unit):
            # The first word may be firm: leave it until the second, which proves it, is zero.
            second = commit_at + unit
        commit_at = max(commit_at, values)
        for begin, stop in ((second, end), (commit_at, second), (values, commit_at), (at, values)):
            if begin < stop:
                self.nvm.program(begin, bytes(stop - begin))
