"""State of a wallet at its first sleep after a start; equal memory pages are stored once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from jiaozi_sim.machines.base import NVM_SIZE, RAM_SIZE
from jiaozi_sim.machines.unicorn_state import CoreState

_PAGE = 1024


@dataclass(frozen=True)
class Started:
    """A wallet at its first sleep after a start.

    name: digest of its whole state (registers, RAM, NVM, entropy left, marks, UARTs, clock) and of
    the bytes it sent to its chip; sent: those bytes; pages: of NVM and what follows it, then of
    RAM; rest: the state without these pages.
    """

    name: bytes
    sent: tuple[bytes, ...]
    pages: tuple[bytes, ...]
    rest: CoreState

    @property
    def nvm(self) -> bytes:
        """Its NVM contents."""
        return b"".join(self.pages[: NVM_SIZE // _PAGE])

    def core_state(self) -> CoreState:
        """Its state, for Core.restore."""
        memory = b"".join(self.pages)
        return replace(self.rest, state=memory[:-RAM_SIZE], ram=memory[-RAM_SIZE:])


class PagePool:
    """Pages of memory, equal ones stored once."""

    def __init__(self) -> None:
        self._pages: dict[bytes, bytes] = {}

    def add(self, state: CoreState, sent: Sequence[bytes]) -> Started:
        """Make a Started from a core's state and the bytes sent during its start."""
        memory = state.state + state.ram
        pages = (memory[at : at + _PAGE] for at in range(0, len(memory), _PAGE))
        rest = replace(state, state=b"", ram=b"")
        others = repr((rest.pc, rest.wiring, rest.cycles, rest.boots, rest.powered)).encode()
        whole = hashlib.blake2b(rest.registers, digest_size=16)
        for part in (others, memory, repr(list(sent)).encode()):
            whole.update(part)
        shared = tuple(self._pages.setdefault(page, page) for page in pages)
        return Started(whole.digest(), tuple(sent), shared, rest)
