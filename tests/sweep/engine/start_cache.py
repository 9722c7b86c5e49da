"""Cache of starts: a start from given NVM contents is executed once.

A start cannot depend on the NVM before its first load from it, so that part is executed once for
all NVM contents.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jiaozi_sim.machines.unicorn_state import CoreState
from tests.sweep.engine.bench import Bench
from tests.sweep.engine.cuts import digest
from tests.sweep.engine.device_key import keyed_core
from tests.sweep.engine.started import PagePool, Started

_PATIENCE = 30.0
_MAX_STARTS = 4000  # kept in memory, about 100 KiB each


class StartCache:
    """Starts of one firmware image; `executed` counts those that were not in the cache."""

    def __init__(self, elf: Path, uarts: Mapping[str, int]) -> None:
        self._core = keyed_core(elf, b"")
        self._uarts = uarts
        self._known: dict[bytes, Started] = {}
        self._pool = PagePool()
        self._prefixes: dict[tuple[bytes, int], CoreState | None] = {}
        self.executed = 0

    def start(self, seed: bytes, nvm: bytes, boots: int) -> Started:
        """Start from `nvm` after `boots` earlier starts. Raises Stuck, IllegalStore, CoreFault."""
        name = digest(seed, boots.to_bytes(4, "little"), nvm)
        if name not in self._known:
            if len(self._known) >= _MAX_STARTS:
                self._known.clear()
                self._pool = PagePool()
            self._known[name] = self._execute(seed, nvm, boots)
            self.executed += 1
        return self._known[name]

    def _execute(self, seed: bytes, nvm: bytes, boots: int) -> Started:
        core, bench = self._core, Bench()
        wallet = bench.add("starting", core, self._uarts)
        wallet.sent = []
        prefix = self._prefix(seed, boots)
        if prefix is None:
            core.seed, core.boots = seed, boots
            core.write_nvm(nvm)
            wallet.start()
        else:
            wallet.start_from(prefix, nvm)
        bench.run_until(lambda: wallet.ready, _PATIENCE)
        return self._pool.add(core.snapshot(), wallet.sent)

    def _prefix(self, seed: bytes, boots: int) -> CoreState | None:
        """State of a start at its first load from NVM; None if it sleeps or stores before."""
        which = seed, boots
        if which not in self._prefixes:
            core = self._core
            core.seed, core.boots = seed, boots
            core.start(0.0)
            self._prefixes[which] = core.snapshot() if core.run_to_first_load(0.0) else None
        return self._prefixes[which]
