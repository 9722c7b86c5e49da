"""Wallets at their first sleep after a start: what many of them have in common is kept once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from jiaozi_sim.machines.base import NVM_SIZE
from jiaozi_sim.machines.unicorn_native import RAM_SIZE
from jiaozi_sim.machines.unicorn_state import CoreState

_PAGE = 1024


@dataclass(frozen=True)
class Booted:
    """A wallet at its first sleep after a start.

    name: of all its state (registers, RAM, NVM, entropy left, marks, UARTs, clock) and of what it
    told its chip; said: that; pages: of NVM and what follows it, then of RAM.
    """

    name: bytes
    said: tuple[bytes, ...]
    pages: tuple[bytes, ...]
    rest: CoreState

    @property
    def nvm(self) -> bytes:
        """What its NVM holds."""
        return b"".join(self.pages[: NVM_SIZE // _PAGE])

    def core_state(self) -> CoreState:
        """The state, for Core.restore."""
        memory = b"".join(self.pages)
        return replace(self.rest, state=memory[:-RAM_SIZE], ram=memory[-RAM_SIZE:])


class Shelf:
    """Keeps pages that are equal once."""

    def __init__(self) -> None:
        self._pages: dict[bytes, bytes] = {}

    def keep(self, state: CoreState, said: Sequence[bytes]) -> Booted:
        """A wallet as the state of its core and the words of its start show it."""
        memory = state.state + state.ram
        pages = (memory[at : at + _PAGE] for at in range(0, len(memory), _PAGE))
        rest = replace(state, state=b"", ram=b"")
        others = repr((rest.pc, rest.wiring, rest.cycles, rest.boots, rest.powered)).encode()
        whole = hashlib.blake2b(rest.registers, digest_size=16)
        for part in (others, memory, repr(list(said)).encode()):
            whole.update(part)
        shared = tuple(self._pages.setdefault(page, page) for page in pages)
        return Booted(whole.digest(), tuple(said), shared, rest)
