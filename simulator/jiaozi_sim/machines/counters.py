"""Counter page that `plugin/marks.c` shares with the simulator: counters and a ring of marks.

Any process may map the file of a running machine and read it live. The layout is `struct page` of
the plugin.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from jiaozi_sim.machines.base import Counts, MachineError, MarkEvent, MarksLost

_MAGIC = int.from_bytes(b"JZMARKS1", "little")
_AWAKE = 2**64 - 1
_PHASES = 64
_HEAD = struct.Struct("<10Q")
_PHASE_TABLE = struct.Struct(f"<{_PHASES}Q")
_PHASE_TABLE_OFFSET = 128
_CUT_AT_OFFSET = 48
_EVENTS_OFFSET = 56
_RING_OFFSET = 4096
_EVENT = struct.Struct("<4Q")
_U64 = struct.Struct("<Q")
RING_CAPACITY = 32768


class CounterPage:
    """A view of one machine's counters."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        magic, self._capacity = struct.unpack_from("<2Q", self._map)
        if magic != _MAGIC:
            raise MachineError(f"{path} is not a counter page")

    @classmethod
    def create(cls, path: Path) -> CounterPage:
        """Create a page with all counters at zero, replacing an older one.

        The older file is unlinked, not truncated: who maps it keeps the last boot's counts.
        """
        path.unlink(missing_ok=True)
        with path.open("wb") as file:
            file.write(struct.pack("<5Q", _MAGIC, RING_CAPACITY, 0, 0, _AWAKE))
            file.truncate(_RING_OFFSET + RING_CAPACITY * _EVENT.size)
        return cls(path)

    def close(self) -> None:
        self._map.close()

    def cut_after_stores(self, count: int | None) -> None:
        """Order a cut by the plugin right after the `count`-th NVM store from now."""
        at = 0 if count is None else self.counts().nvm_stores + count
        _U64.pack_into(self._map, _CUT_AT_OFFSET, at)

    def counts(self) -> Counts:
        """Return all counters now; those of a running machine change while they are read."""
        head = _HEAD.unpack_from(self._map)
        _, _, instructions, idle, idle_since, nvm_stores, _, _, phase, phase_since = head
        if idle_since != _AWAKE:
            idle += max(0, instructions - idle_since)
        totals = list(_PHASE_TABLE.unpack_from(self._map, _PHASE_TABLE_OFFSET))
        totals[phase % _PHASES] += max(0, instructions - idle - phase_since)
        by_phase = {number: total for number, total in enumerate(totals) if total}
        return Counts(instructions, idle, phase, by_phase, nvm_stores)

    @property
    def was_cut(self) -> bool:
        """True once the store of an ordered cut was made."""
        [at] = _U64.unpack_from(self._map, _CUT_AT_OFFSET)
        return 0 < at <= self.counts().nvm_stores

    @property
    def events(self) -> int:
        """The number of marks so far."""
        return int(_U64.unpack_from(self._map, _EVENTS_OFFSET)[0])

    def marks(self, after: int = 0) -> list[MarkEvent]:
        """Return the marks from index `after` on. Raises MarksLost if some are overwritten."""
        end = self.events
        found = []
        for index in range(after, end):
            offset = _RING_OFFSET + index % self._capacity * _EVENT.size
            found.append(MarkEvent(index, *_EVENT.unpack_from(self._map, offset)))
        if after < self.events - self._capacity:
            raise MarksLost(f"marks {after} to {self.events - self._capacity - 1} are overwritten")
        return found
