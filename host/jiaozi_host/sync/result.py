"""Result of a sync, and its progress callback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from jiaozi_host.ledger import tables

Progress = Callable[[str], None]
"""Called with a description of the current step."""


@dataclass
class Synced:
    """Result of a sync. Amounts are in minor units.

    entries: number of new journal entries; delivered: payments delivered to the wallet; resolved:
    receipts and voids delivered to it; refunded: amount of payments refunded to it; reclaimed:
    amount returned from expired purses; undelivered: what it refused, each with the reason.
    balance, epoch: by its last statement; firmware: its number, as the wallet states; outdated:
    True if its policy requires a newer one.
    rotated: its previous id, if its key was rotated.
    settled: True if its offline counters were reset; findings: contradictions found, of which only
    those about this wallet block its settlement; frozen: True if it was frozen because of them.
    """

    wallet: bytes
    entries: int = 0
    delivered: int = 0
    resolved: int = 0
    refunded: int = 0
    reclaimed: int = 0
    undelivered: list[str] = field(default_factory=list)
    balance: int = 0
    epoch: int = 0
    rotated: bytes | None = None
    firmware: int = 0
    outdated: bool = False
    settled: bool = False
    frozen: bool = False
    findings: list[tables.Finding] = field(default_factory=list)

    def add_findings(self, found: list[tables.Finding]) -> None:
        """Add findings that are not listed yet."""
        known = {finding.id for finding in self.findings}
        self.findings += [finding for finding in found if finding.id not in known]
