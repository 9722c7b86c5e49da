"""A store that keeps whole journals, to compare the ledger with."""

from __future__ import annotations

from collections.abc import Iterable

from jiaozi.wallet.store_keys import JOURNAL_KEY
from jiaozi.wire.cose import decode
from jiaozi.wire.journal import CREDITED, PAID, REFUNDED
from tests.fixtures.wallets import MemoryStore


class Recorder(MemoryStore):
    """A store that also keeps every journal entry, settled and dropped ones too."""

    def __init__(self) -> None:
        super().__init__()
        self.journal: list[bytes] = []

    def commit(self, changes: dict[int, bytes | None]) -> None:
        super().commit(changes)
        new = [(key, value) for key, value in changes.items() if value and key >= JOURNAL_KEY]
        for key, value in new:
            assert key - JOURNAL_KEY == len(self.journal)
            self.journal.append(value)


def in_flight(journals: Iterable[list[bytes]]) -> int:
    """Return the value in flight by whole journals: debits less credits less refunds."""
    entries = [decode(raw) for journal in journals for raw in journal]
    paid = {entry[2]: sum(entry[6]) for entry in entries if entry[0] == PAID}
    credited = sum(decode(decode(entry[3])[2])[2] for entry in entries if entry[0] == CREDITED)
    refunded = sum(paid[entry[2]] for entry in entries if entry[0] == REFUNDED)
    return sum(paid.values()) - credited - refunded
