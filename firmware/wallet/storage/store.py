"""Atomic key-value store in NVM: a commit makes all of its changes or none.

Hardware this relies on
    H1  Programming clears bits and never sets any, cut or not. Erasing sets all bits of a page.
    H2  `program` works through its units in ascending order; when power fails, earlier units are
        done, later ones untouched, and the one under way is *uncertain*: its bits that were not
        firmly zero before may read as anything, and differently at each start. It never reads by
        chance as a value that passes a CRC-32 or as a commit word, unless that was being written.
    H3  A completed `program` makes the bits it clears firmly zero. Bits of an uncertain unit that
        it leaves at one stay uncertain. So the only value programmed over another is zero (memory
        with error correction allows nothing else either).
    H4  A page whose erase was cut reads as anything until it is erased completely.

Promises
    After `commit` returned, every later `mount` finds all of its changes. After a cut `commit`, the
    first `mount` that returns finds all or none of them, and every later one the same. No cut,
    also during recovery or tidying, changes any other value. `commit` never erases, and if it fails
    it has written nothing.

Why they hold
    Commit.   Header and values are programmed completely, then the first commit word, then the
              second, each in a unit of its own. A record is accepted if either word is readable:
              then its values are firm. If the second is readable, the first is firm too, and
              recovery writes nothing. A second word that later reads differently does no harm.
    Accepted by the first word alone: that word may be uncertain. The record is committed again
              after itself before `mount` returns, so that the uncertain one no longer matters. A
              copy by tidying is voided instead: its originals exist.
    Not accepted: no readable commit word. The words are zeroed first (if the last unit of the
              values shows that they may have been begun), so that no later start accepts them; then
              the values, so that their bytes are never read as records; last the first unit, which
              holds the record's size.
    Append.   Units after the end that read as erased may be uncertain: one by the cut itself, its
              neighbour by a cut recovery. The first commit after a start zeroes these two (`doubt`)
              and goes after them.
    Pages.    When the log moves on, the rest of the old page is zeroed, its closing unit last,
              before the new page is written. Headers and erased pages are proven (see `pages`), so
              the active page is never guessed. Recovery prepares an active page without a record
              again and writes one, so that torn records do not use up the reserve.
    Tidying.  The oldest page's live values are copied in ordinary commits; the page is erased only
              after a committed record states (`age`) that it is no longer in use. Deletions in it
              are dropped: what they deleted was older and is erased.
    Index.    From time to time tidying writes keys and places of all live values as a record, where
              a mount can begin. It repeats what the records before it say.
    Room.     A commit leaves two ready pages, one for recovery and one for tidying. If cuts have
              used up the page that tidying copies into, it is voided and filled again: the
              originals of its copies still exist.
    One limit: if a commit is cut at its first commit word, and recovery is then cut at the commit
              words of the record it writes until the page left for it is full, the record is
              accepted as it reads.

Damage that no cut can cause raises StoreCorrupt where it is found: headers, framing, the newest
record's CRC at each mount, every CRC before tidying copies from a record. Other values are not
checked at each mount or read: that would cost more than everything else.
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

# Ready pages that each writer leaves; tidying leaves none.
_LEFT_BY_COMMIT = 2
_LEFT_BY_RECOVERY = 1


class Store:
    """Values (bytes) by key (int below 2**32; below 2**30 saves memory). Made by `Store.mount`."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._index: dict[int, int] = {}
        self._stale = True
        self._since_index = 0
        # Live values are limited to what next-fit surely packs into the pages outside the reserve:
        # each page is then at least two thirds full (see `Log.charge`).
        self.capacity = (log.count - RESERVE - 2) * (log.span * 2 // 3)

    @classmethod
    def mount(cls, nvm: "Nvm") -> "Store":
        """Recover the store in an NVM, or format a blank one.

        Raises StoreCorrupt, StoreNewer, StoreGeometry. Erases only to format, or a page in which a
        cut left only the beginning of a first record.
        """
        store = cls(Log(nvm))
        store._load()
        return store

    def get(self, key: int) -> "bytes | None":
        """Return the value of a key, None if there is none."""
        place = self._index.get(key)
        return None if place is None else self._read(place)

    def keys(self, low: int = 0, high: int = _KEYS) -> "list[int]":
        """Return the keys from `low` to below `high`, in any order."""
        if low == 0 and high == _KEYS:
            return list(self._index)
        return [key for key in self._index if low <= key < high]

    def commit(self, changes: "dict[int, bytes | None]") -> None:
        """Write all changes in one record or none; None deletes.

        Raises StoreFull or StoreTooLarge before anything is written. After an error of the NVM
        itself, every write raises StoreStale until the store is mounted again.
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
        """True if commits of these sizes will surely succeed, in this order, without tidying.

        Each record is the lengths of its new values (0 for a deletion). The answer holds across
        power failures and tidying, as long as no other commit is made and neither these commits nor
        tidying are cut; tidying recovers what a cut used up. To reserve room, ask with the reserved
        records included before every other commit.
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
        """True if new values of these lengths fit in addition to all live values.

        This counts room that tidying still has to make; `fits` counts what is there now.
        """
        live = self._log.live
        for length in lengths:
            live += self._log.charge(length)
        return live <= self.capacity

    def room(self) -> int:
        """Return the bytes of log that commits can use before tidying is needed (`Log.cost`)."""
        log = self._log
        if log.ready < _LEFT_BY_COMMIT:
            return 0
        rest = log.base(log.active) + log.last - log.at - (2 * log.unit if log.doubt else 0)
        return max(0, rest) + (log.ready - _LEFT_BY_COMMIT) * log.span

    def tidy(self) -> bool:
        """Make room by one step, a copied record or an erased page. True if more is to be done.

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
        # MicroPython allocates a dict made from keys at its final size.
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
            # A format that was cut must also end with a full reserve.
            while self.tidy():
                pass

    def _replay(self, records: "Iterable[tuple[int, int, tuple[int, ...]]]", begin: int) -> None:
        """Update the index by the records from an offset on."""
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
        """Commit a record's contents again after it: the uncertain one no longer matters."""
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
                # Many recoveries in a row were cut at their commit words: accept it as it reads.
            return

    # Tidying

    def _prepare(self) -> bool:
        """Make one more page ready, if one is not in use. Returns True if it did."""
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
        # Later, if it does not fit into this page.
        with_room = log.ready
        try:
            self._append([(0, table)], size, INDEX, log.live, with_room)
        except StoreFull:
            return
        self._since_index = 0

    def _live_in(self, seq: int) -> "list[tuple[int, int]]":
        """Return keys and places of the live values in a page."""
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
        """Copy some of the oldest page's live values; with the last of them, release the page."""
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
            self._restart_copying()

    def _restart_copying(self) -> None:
        """Void the last ready page, which cuts have used up while copying, and copy again."""
        log = self._log
        for at, flags, _ in log.records(log.active):
            age = log.nvm.read(at + 3, 1)[0]
            if not flags & COPY or log.active - age != log.oldest:
                raise StoreError("no page left to tidy into")
        self._stale = True
        log.void_all(log.active)
        self._load()
