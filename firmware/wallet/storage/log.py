"""The log of records in a ring of pages: writing one record, reading a page's records, recovery.

A record lies within one page and starts at a program unit (U bytes):

    size u16      bytes up to the end of the values; never 0 (void) nor 0xFFFF (erased)
    flags u8      bits 0-5 number of entries, bit 6 some entry deletes, bit 7 a copy whose original
                  is still there
    age u8        sequence number of this page minus that of the oldest page still of use
    crc u32       CRC-32, started at the page's sequence number, of all bytes but this field's
    live u32      bytes of log that the live values are charged with (`charge`) once this counts
    keys          u32 each
    places        u32 each: offset << 12 | length of the value; 0 deletes the key
    values        to the next unit
    commit word   the last 4 bytes of a unit of its own: upper half of the crc, 0x3C5A
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

# Shared with the store: a record's fixed bytes and those each entry adds, and the flags.
RECORD = 12
ENTRY = 8
COUNT = 0x3F
DELETES = 0x40
COPY = 0x80

_RECORD = const(12)
_COUNT = const(0x3F)
_COMMIT = const(0x3C5A)
# A look at a record: the commit word before it, its fixed part and its first entries.
_LOOK = const(48)
_LOOK_ENTRIES = const(4)
_STRIDE = const(64)
_TABLES = ("", "<2I", "<4I", "<6I", "<8I")
# Uncertain units that cuts, one on top of the other, may have left at the end of the log.
_UNCERTAIN = const(8)


class Log(Pages):
    """Records in a ring of pages.

    at: where the next record goes; doubt: the unit there may be half programmed, though it reads as
    erased; oldest: first page still of use; durable: the same as the last record states it, so that
    older pages may be erased; live: see `charge`.
    """

    def __init__(self, nvm: "Nvm") -> None:
        super().__init__(nvm)
        self.at = 0
        self.doubt = False
        self.oldest = 0
        self.durable = 0
        self.live = 0
        self._stop = 0
        self._end_of_records = 0
        self._commit = bytearray(b"\xff" * self.unit)

    def cost(self, size: int) -> int:
        """Bytes of log that a record of `size` bytes takes."""
        unit = self.unit
        return (size + 2 * unit - 1) & -unit

    def charge(self, length: int) -> int:
        """Bytes of log a live value is charged with: a record of its own.

        Twice that for a large one, which may leave as much unused at the end of a page.
        """
        cost = self.cost(_RECORD + ENTRY + length)
        return cost if cost * 3 <= self.span else 2 * cost

    # Writing

    def append(self, items: "Items", size: int, flags: int, live: int, spare: int) -> "list[int]":
        """Write one record of `size` bytes that leaves `spare` ready pages; return the places.

        Raises StoreFull or StoreTooLarge before anything is written.
        """
        need = self.cost(size)
        if need > self.span or len(items) > _COUNT:
            raise StoreTooLarge(size)
        seq = self.active
        at = self.at + (self.unit if self.doubt else 0)
        opens = at + need > self.base(seq) + self.last
        if self.ready - (1 if opens else 0) < spare:
            raise StoreFull(size)
        if opens:
            seq += 1
            at = self.base(seq) + self.first
        record = bytearray(need - self.unit)
        places = self._fill(record, at, items)
        oldest = self.oldest
        pack_into("<HBBII", record, 0, size, len(items) | flags, seq - oldest, 0, live)
        view = memoryview(record)
        check = crc32(view[8:size], crc32(view[:4], seq))
        pack_into("<I", record, 4, check)
        pack_into("<HH", self._commit, self.unit - 4, check >> 16, _COMMIT)
        program = self.nvm.program
        if self.doubt and self.at < self.base(self.active) + self.last:
            program(self.at, self.zero)
        if opens:
            self.close(self.active)
        program(at, record)
        program(at + len(record), self._commit)
        if opens:
            self.active = seq
            self.ready -= 1
        self.at = at + need
        self.doubt = False
        self.live = live
        self.durable = oldest
        return places

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

    def records(self, seq: int) -> "Iterator[tuple[int, int, tuple[int, ...]]]":
        """Offset, flags and table (keys, then places) of each record of a page, oldest first."""
        read = self.nvm.read
        unit = self.unit
        base = self.base(seq)
        at = base + self.first
        last = base + self.last
        bound = base + self.page
        self._end_of_records = at
        look = read(at - 4, _LOOK)
        while at < last:
            size, flags, _, _, high = unpack_from("<HBBHH", look, 4)
            if not size:
                at = self._skip_void(at + unit, last)
                look = read(at - 4, min(_LOOK, bound - at + 4))
                continue
            end = at + ((size + 2 * unit - 1) & -unit)
            count = flags & _COUNT
            if end > last or size < _RECORD + 8 * count:
                break
            look_on = read(end - 4, min(_LOOK, bound - end + 4))
            committed = unpack_from("<HH", look_on) == (high, _COMMIT)
            if not committed and not self._is_confirmed(seq, at, end):
                break
            if count <= _LOOK_ENTRIES:
                table = unpack_from(_TABLES[count], look, 4 + _RECORD)
            else:
                table = unpack_from(f"<{2 * count}I", read(at + _RECORD, 8 * count))
            yield at, flags, table
            self._end_of_records = at = end
            look = look_on
        self._stop = at

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

    def _is_confirmed(self, seq: int, at: int, end: int) -> bool:
        """Whether recovery has decided for a record whose commit word does not say so."""
        return self.nvm.read(end, self.unit) == self.zero and self.is_sound(seq, at)

    def is_sound(self, seq: int, at: int) -> bool:
        """Whether the record at an offset has the CRC it states."""
        size, _, _, check = unpack_from("<HBBI", self.nvm.read(at, _RECORD))
        view = memoryview(self.nvm.read(at, size))
        return check == crc32(view[8:], crc32(view[:4], seq))

    def _newest_in(self, seq: int) -> int:
        """Offset of a page's last record, 0 when it has none."""
        newest = 0
        for at, _, _ in self.records(seq):
            newest = at
        return newest

    # Recovery

    def recover(self) -> None:
        """Find the end of the log and make firm what it holds; raises StoreCorrupt and others."""
        found = self.locate()
        count = self.count
        seq = self.active
        newest = self._newest_in(seq)
        if not newest and seq and found[(seq - 1) % count] == seq - 1:
            # Nothing committed here yet: how the page before ends may still be uncertain.
            self._settle(seq - 1)
            self.close(seq - 1)
        self.at, self.doubt = self._settle(seq)
        while not newest and seq and found[(seq - 1) % count] == seq - 1:
            seq -= 1
            newest = self._newest_in(seq)
        self.oldest = self.live = 0
        if newest:
            _, _, age, _, live = unpack_from("<HBBII", self.nvm.read(newest, _RECORD))
            self.oldest = seq - age
            self.live = live
        self.durable = self.oldest
        for seq in range(self.oldest, self.active):
            if found[seq % count] != seq:
                raise StoreCorrupt(f"page {seq} is missing")

    def check_end(self, seq: int) -> None:
        """After `records` of a settled page: StoreCorrupt if anything follows the last one."""
        stop = self._stop
        if stop < self.base(seq) + self.last and self.nvm.read(stop, 2) != b"\xff\xff":
            raise StoreCorrupt(f"offset {stop}")

    def _settle(self, seq: int) -> "tuple[int, bool]":
        """Make the end of a page firm. Returns where the next record goes and if that is in doubt.

        Only zeros are programmed. Zeros behind a record confirm it; a record or a unit that is not
        believed becomes zeros, its first unit last.
        """
        newest = self._newest_in(seq)
        if newest and not self.is_sound(seq, newest):
            raise StoreCorrupt(f"offset {newest}")
        unit = self.unit
        begin = self._end_of_records
        stop = self._stop
        last = self.base(seq) + self.last
        if self.is_erased(stop, last - stop):
            on = stop + unit if newest and begin == stop else stop
            if begin < on:
                self.nvm.program(begin, bytes(on - begin))
            return on, on == stop
        on = self._void(stop, last)
        self.nvm.program(begin, bytes(stop + unit - begin))
        return on, False

    def _void(self, stop: int, last: int) -> int:
        """Zero what a cut left at `stop`, but for its first unit; returns where that ends."""
        read = self.nvm.read
        program = self.nvm.program
        unit = self.unit
        rest = read(stop, last - stop)
        touched = (len(rest.rstrip(b"\xff")) + unit - 1) & -unit
        size, flags = unpack_from("<HB", rest)
        commit_at = stop + ((size + unit - 1) & -unit)
        if commit_at + unit > last or size < _RECORD + 8 * (flags & _COUNT):
            commit_at = stop
        beyond = rest[commit_at + unit - stop : touched]
        if len(beyond.replace(b"\0", b"").replace(b"\xff", b"")) > _UNCERTAIN * unit:
            raise StoreCorrupt(f"offset {stop}")
        on = min(max(commit_at + unit, stop + touched + unit), last)
        # The commit word goes first, so that a half voided record is never believed again.
        if commit_at > stop:
            program(commit_at, bytes(on - commit_at))
        else:
            commit_at = on
        if commit_at > stop + unit:
            program(stop + unit, bytes(commit_at - stop - unit))
        return on
