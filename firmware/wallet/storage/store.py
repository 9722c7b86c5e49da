"""An atomic key-value store in NVM: all of a commit's changes are there, or none.

Hardware this relies on
    H1  Programming clears bits and never sets one, cut or not. Erasing sets all bits of a page.
    H2  `program` works through its units in ascending order; when power fails, earlier units are
        done, later ones untouched, and the one under way is *uncertain*: its bits that were not
        firmly zero before may read as anything, and otherwise at the next start. It does not by
        chance read as a value that a CRC-32 or a commit word accepts and nobody was writing.
    H3  A completed `program` makes the bits it clears firmly zero. On an uncertain unit that is all
        it does: bits to be left at one stay uncertain. So the only value ever programmed over
        another is zero (memory with error correction allows nothing else either).
    H4  A page whose erase was cut reads as anything until it is erased to the end.

Promises
    After `commit` has returned, every later `mount` finds all of its changes; if it was cut, the
    first `mount` that returns finds all or none, and every later one the same. No cut, be it during
    recovery or tidying, changes any other value. `commit` erases nothing, and fails before it
    writes.

Why they hold
    Commit.   Header and values are programmed to the end, then the first commit word, then the
              second, each in a unit of its own. A record is believed if either is readable: its
              values are firm then. If the second is, the first is firm too, so nothing is in doubt
              and recovery writes nothing. A second word that reads otherwise later does no harm.
    Believed, with the first word alone: it may be uncertain. The record is committed once more
              behind itself before `mount` returns; what is read in its own place no longer matters,
              dead or alive. If tidying wrote it, it is voided instead: the originals are there.
    Not believed: no commit word, or none readable. Before anything else the words become zero (if
              the values' last unit shows that they may have been begun), so no later start believes
              them; then the values, so that their bytes are never taken for records; the first
              unit, which says how far all this reaches, goes last.
    Append.   Units behind the end that read as erased may be uncertain: one by the cut itself, its
              neighbour by a cut recovery. The first commit after a start zeroes these two (`doubt`)
              and goes behind them.
    Pages.    Moving on zeroes the rest of the old page, its closing unit last, before the new page
              is touched. Headers and erased pages are proven (see `pages`): no guessing which page
              is active. An active page without any record is prepared anew by recovery and given
              one, so that torn records do not eat up the reserve.
    Tidying.  The oldest page's live values are copied in ordinary commits; the page is erased only
              after a committed record has stated (`age`) that it is no longer of use. What remains
              of a deletion there can go with it: what it deleted was older, hence erased.
    Index.    Now and then tidying writes keys and places of all live values as a record; a mount
              begins there. It only repeats what the records before it say.
    Room.     A commit leaves two ready pages, one for recovery and one for tidying. The copies that
              tidying puts into the last one have their originals still, so if cuts have used that
              page up, it is voided and filled anew.
    One limit: if a record's commit is cut at its first commit word, and then recovery again and
              again at the commit words of the record it writes, until the page left for it is full,
              the record is believed as it reads.

Damage that no cut can leave is found where it is met (headers, framing, the newest record's CRC at
each mount, every CRC before tidying copies from a record) and raises StoreCorrupt. Other values are
not checked at each mount or read: that would cost more than all the rest.
"""

from struct import pack

from wallet.storage.errors import StoreCorrupt, StoreError, StoreFull, StoreStale, StoreTooLarge
from wallet.storage.log import COPY, COUNT, DELETES, ENTRY, FINAL, INDEX, RECORD, Log
from wallet.storage.pages import RESERVE, SPARE

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from wallet.storage.log import Items
    from wallet.storage.pages import Nvm

_LARGEST_VALUE = 4095
_KEYS = 1 << 32

# Records since the last index after which tidying writes a new one.
_INDEX_EVERY = 16

# Ready pages that each kind of writer leaves; tidying leaves none.
_LEFT_BY_COMMIT = 2
_LEFT_BY_RECOVERY = 1


class Store:
    """Values (bytes) by key (int below 2**32; below 2**30 saves memory). Made by `Store.mount`."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._index: dict[int, int] = {}
        self._stale = True
        self._since_index = 0
        # Live values are kept to what next-fit is sure to pack into the pages outside the reserve:
        # a page is then at least two thirds full (see `Log.charge`).
        self.capacity = (log.count - RESERVE - 2) * (log.span * 2 // 3)

    @classmethod
    def mount(cls, nvm: "Nvm") -> "Store":
        """Recover the store in an NVM, or format a blank one.

        Raises StoreCorrupt, StoreNewer, StoreGeometry. Erases only to format, or a page where a cut
        has left nothing but the beginning of a first record.
        """
        store = cls(Log(nvm))
        store._load()
        return store

    def get(self, key: int) -> "bytes | None":
        """The value of a key, None when there is none."""
        place = self._index.get(key)
        return None if place is None else self._read(place)

    def keys(self, low: int = 0, high: int = _KEYS) -> "list[int]":
        """The keys from `low` to below `high`, in no particular order."""
        if low == 0 and high == _KEYS:
            return list(self._index)
        return [key for key in self._index if low <= key < high]

    def commit(self, changes: "dict[int, bytes | None]") -> None:
        """Write all changes in one record or none; None deletes.

        Raises StoreFull or StoreTooLarge before anything is written. What the NVM raises comes
        through; from then on StoreStale is raised until the store is mounted again.
        """
        index = self._index
        charge = self._log.charge
        live = self._log.live
        size = RECORD
        flags = 0
        items: Items = []
        for key, value in changes.items():
            place = index.get(key)
            if value is not None:
                length = len(value)
                if length > _LARGEST_VALUE or not 0 <= key < _KEYS:
                    raise StoreTooLarge(key)
                size += ENTRY + length
                live += charge(length)
            elif place is None:
                continue
            else:
                size += ENTRY
                flags = DELETES
            if place is not None:
                live -= charge(place & 0xFFF)
            items.append((key, value))
        if not items:
            return
        if live > self.capacity and live > self._log.live:
            raise StoreFull(live)
        self._append(items, size, flags, live, _LEFT_BY_COMMIT)

    def fits(self, records: "Iterable[Iterable[int]]") -> bool:
        """Whether commits of these sizes will surely succeed, in this order, without tidying.

        Each record is the lengths of its new values (0 for a deletion). True stays true however
        often power fails or tidying runs in between, as long as no other commit is made and none of
        these, nor tidying, is cut: what a cut used up comes back by tidying. To reserve, ask with
        the reserved records added before every other commit.
        """
        log = self._log
        pages = log.ready - SPARE
        live = log.live
        free = 0
        for lengths in records:
            size = RECORD
            for length in lengths:
                size += ENTRY + length
                live += log.charge(length)
            need = log.cost(size)
            if need > log.span:
                return False
            # The first commit after a start passes over two units.
            need = min(need + 2 * log.unit, log.span)
            if need > free:
                pages -= 1
                free = log.span
            free -= need
        return pages >= 0 and live <= self.capacity

    def holds(self, lengths: "Iterable[int]") -> bool:
        """Whether new values of these lengths find a place beside all that is kept.

        For good: tidying makes the room. For the commits until then see `fits`.
        """
        live = self._log.live
        for length in lengths:
            live += self._log.charge(length)
        return live <= self.capacity

    def room(self) -> int:
        """Bytes of log that commits can use up before tidying is needed (see `Log.cost`)."""
        log = self._log
        if log.ready < _LEFT_BY_COMMIT:
            return 0
        rest = log.base(log.active) + log.last - log.at - (2 * log.unit if log.doubt else 0)
        return max(0, rest) + (log.ready - _LEFT_BY_COMMIT) * log.span

    def tidy(self) -> bool:
        """One step of making room: a copied record or an erased page. True if there is more to do.

        For idle time only: a step may take as long as an erase.
        """
        self._check()
        log = self._log
        if log.ready >= RESERVE:
            if self._since_index >= _INDEX_EVERY:
                self._write_index()
            return False
        if not self._prepare():
            self._reclaim()
        return True

    def _read(self, place: int) -> bytes:
        return self._log.nvm.read(place >> 12, place & 0xFFF)

    def _check(self) -> None:
        if self._stale:
            raise StoreStale("mount again")

    def _append(self, items: "Items", size: int, flags: int, live: int, spare: int) -> None:
        self._check()
        self._stale = True
        try:
            places = self._log.append(items, size, flags, live, spare)
        except (StoreFull, StoreTooLarge):
            self._stale = False
            raise
        self._since_index += 1
        index = self._index
        for (key, _), place in zip(items, places):
            if place:
                index[key] = place
            else:
                index.pop(key, None)
        self._stale = False

    def _load(self) -> None:
        """Recover the log and build the index."""
        self._stale = True
        log = self._log
        log.recover()
        table = log.index()
        count = len(table) // 2
        # MicroPython gives a dict from keys its size at once.
        self._index = dict.fromkeys(table[:count], 0)
        self._index.update(zip(table[:count], table[count:]))
        self._since_index = 0
        begin = log.index_at if table else 0
        for seq in range(log.seq_at(begin) if begin else log.oldest, log.active):
            self._replay(log.records(seq, begin), begin)
            log.check_end(seq)
            begin = 0
        self._replay(log.tail, begin)
        log.tail = []
        self._stale = False
        if log.unsure:
            self._commit_again(log.unsure)
        elif log.bare:
            self._append([], RECORD, 0, log.live, 0)
        if not log.active and not self._index:
            # A format that was cut, too, ends with a full reserve.
            while self.tidy():
                pass

    def _replay(self, records: "Iterable[tuple[int, int, tuple[int, ...]]]", begin: int) -> None:
        """Bring the index up to date by the records from an offset on."""
        index = self._index
        for at, flags, table in records:
            if at < begin:
                continue
            self._since_index += 1
            count = flags & COUNT
            if flags & DELETES:
                for position in range(count):
                    if table[count + position]:
                        index[table[position]] = table[count + position]
                    else:
                        index.pop(table[position], None)
            elif count == 1:
                index[table[0]] = table[1]
            elif count:
                index.update(zip(table[:count], table[count:]))

    def _commit_again(self, unsure: int) -> None:
        """Write a record's contents behind it, so that it no longer matters what is read there."""
        log = self._log
        items: Items = []
        size = RECORD
        deletes = 0
        for at, flags, table in log.records(log.seq_at(unsure)):
            if at != unsure:
                continue
            count = flags & COUNT
            deletes = flags & DELETES
            for key, place in zip(table[:count], table[count:]):
                value = self._read(place) if place else None
                size += ENTRY + len(value or b"")
                items.append((key, value))
        while True:
            try:
                self._append(items, size, deletes, log.live, _LEFT_BY_RECOVERY)
            except StoreFull:
                if self._prepare():
                    continue
                # Many recoveries in a row were cut at their commit words: believed as it reads.
            return

    # Tidying

    def _prepare(self) -> bool:
        """Make one more page ready, if there is one that is not in use."""
        log = self._log
        target = log.active + log.ready + 1
        if target - log.count >= log.oldest:
            return False
        self._stale = True
        log.prepare(target)
        self._stale = False
        log.ready += 1
        return True

    def _write_index(self) -> None:
        """Write an index, so that the next mounts need not read older records."""
        log = self._log
        count = len(self._index)
        table = pack(f"<{2 * count}I", *self._index.keys(), *self._index.values())
        size = RECORD + len(table)
        if log.cost(size) * 2 > log.span:
            return
        # Another time, if it does not fit into this page.
        with_room = log.ready
        try:
            self._append([(0, table)], size, INDEX, log.live, with_room)
        except StoreFull:
            return
        self._since_index = 0

    def _live_in(self, seq: int) -> "list[tuple[int, int]]":
        """Keys and places of the values in a page that are still of use."""
        index = self._index
        log = self._log
        live: list[tuple[int, int]] = []
        for at, flags, table in log.records(seq):
            count = flags & COUNT
            before = len(live)
            for position in range(count):
                place = table[count + position]
                if place and index.get(table[position]) == place:
                    live.append((table[position], place))
            if len(live) > before and not log.is_sound(seq, at):
                raise StoreCorrupt(f"offset {at}")
        log.check_end(seq)
        return live

    def _reclaim(self) -> None:
        """Copy some of the oldest page's live values; with the last of them, state its end."""
        log = self._log
        live = self._live_in(log.oldest)
        items: Items = []
        size = RECORD
        for key, place in live:
            more = ENTRY + (place & 0xFFF)
            if items and (log.cost(size + more) * 3 > log.span or len(items) == COUNT):
                break
            items.append((key, self._read(place)))
            size += more
        last = len(items) == len(live)
        if last:
            log.oldest += 1
        try:
            self._append(items, size, FINAL if last else COPY, log.live, 0)
        except StoreFull:
            if last:
                log.oldest -= 1
            self._start_anew()

    def _start_anew(self) -> None:
        """Cuts have used up the last ready page while copying: erase it and copy again."""
        log = self._log
        for at, flags, _ in log.records(log.active):
            age = log.nvm.read(at + 3, 1)[0]
            if not flags & COPY or log.active - age != log.oldest:
                raise StoreError("no page left to tidy into")
        self._stale = True
        log.void_all(log.active)
        self._load()
