"""Starts of a wallet from given NVM contents: each distinct one is executed once.

Until its first load from the NVM a start cannot depend on it: that part is executed once for all
NVM contents.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jiaozi_sim.machines.unicorn_core import Core
from jiaozi_sim.machines.unicorn_state import CoreState
from jiaozi_sim.sweep.bench import Bench
from jiaozi_sim.sweep.booted import Booted, Shelf
from jiaozi_sim.sweep.cuts import digest

_PATIENCE = 30.0
_MOST = 4000  # starts that are remembered, of about 100 KiB


class Boots:
    """Boots images of one firmware; `executed` counts the starts that were not known yet."""

    def __init__(self, elf: Path, uarts: Mapping[str, int]) -> None:
        self._core = Core(elf, b"")
        self._uarts = uarts
        self._known: dict[bytes, Booted] = {}
        self._shelf = Shelf()
        self._beginnings: dict[tuple[bytes, int], CoreState | None] = {}
        self.executed = 0

    def boot(self, seed: bytes, nvm: bytes, boots: int) -> Booted:
        """Start from `nvm`, `boots` starts having gone before. Raises Stuck, IllegalStore…"""
        name = digest(seed, boots.to_bytes(4, "little"), nvm)
        if name not in self._known:
            if len(self._known) >= _MOST:
                self._known.clear()
                self._shelf = Shelf()
            self._known[name] = self._execute(seed, nvm, boots)
            self.executed += 1
        return self._known[name]

    def _execute(self, seed: bytes, nvm: bytes, boots: int) -> Booted:
        core, bench = self._core, Bench()
        seat = bench.add("booting", core, self._uarts)
        seat.said = []
        beginning = self._beginning(seed, boots)
        if beginning is None:
            core.seed, core.boots = seed, boots
            core.write_nvm(nvm)
            seat.start()
        else:
            seat.start_from(beginning, nvm)
        bench.run_until(lambda: seat.ready, _PATIENCE)
        return self._shelf.keep(core.snapshot(), seat.said)

    def _beginning(self, seed: bytes, boots: int) -> CoreState | None:
        """Where a start first loads from NVM; None if there is no such place before it sleeps."""
        which = seed, boots
        if which not in self._beginnings:
            core = self._core
            core.seed, core.boots = seed, boots
            core.start(0.0)
            self._beginnings[which] = core.snapshot() if core.run_to_first_load(0.0) else None
        return self._beginnings[which]
