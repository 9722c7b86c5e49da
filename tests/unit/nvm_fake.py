"""A strict NVM in memory: it refuses what the store's assumptions forbid, and fails on command.

Assumptions H1 to H4 are stated in `wallet.storage.store`; this is their adversary. A unit under
programming when power fails becomes *uncertain*: at each start its bits that are not firmly zero
are drawn anew, until it is programmed to zero or its page is erased. A page whose erase was cut is
uncertain as a whole.
"""

from __future__ import annotations

import random
from collections.abc import Callable

ERASE_STEPS = 4

# What an uncertain unit reads as, from what it held, what was being written, and chance.
OUTCOMES: dict[str, Callable[[bytes, bytes, random.Random], bytes]] = {
    "old": lambda old, new, rng: old,
    "new": lambda old, new, rng: new,
    "mix": lambda old, new, rng: _mix(old, new, rng.randbytes(len(old))),
    "ones": lambda old, new, rng: b"\xff" * len(old),
    "zeros": lambda old, new, rng: bytes(len(old)),
    "noise": lambda old, new, rng: rng.randbytes(len(old)),
}


def _mix(old: bytes, new: bytes, choice: bytes) -> bytes:
    return bytes((a & ~c) | (b & c) for a, b, c in zip(old, new, choice, strict=True))


class PowerCut(BaseException):
    """Power failed; everything but the NVM is gone."""


class Illegal(AssertionError):
    """The store did what the hardware does not allow."""


class Uncertain:
    """A unit that may read as anything but ones where it is firmly zero."""

    def __init__(self, old: bytes, new: bytes, floor: bytes, outcome: str | None) -> None:
        self.old = old
        self.new = new
        self.floor = floor
        self.outcome = outcome

    def draw(self, rng: random.Random) -> bytes:
        """What it reads as from one start to the next."""
        name = self.outcome or rng.choice(list(OUTCOMES))
        drawn = OUTCOMES[name](self.old, self.new, rng)
        return bytes(a & b for a, b in zip(drawn, self.floor, strict=True))


class NvmFake:
    """`_jznvm` as the strictest hardware would have it.

    steps counts program units and erase steps; the cut-th of them (`cut_at`) raises PowerCut.
    A cut's outcome is a name in OUTCOMES, or None: then another one is drawn at each start.
    """

    def __init__(self, size: int, page_size: int, program_unit: int, seed: int = 0) -> None:
        self.size = size
        self.page_size = page_size
        self.program_unit = program_unit
        self.memory = bytearray(b"\xff" * size)
        self.steps = 0
        self.cut_at: int | None = None
        self.outcome: str | None = None
        self.erases = [0] * (size // page_size)
        self.programmed_bytes = 0
        self._written: set[int] = set()
        self._uncertain: dict[int, Uncertain] = {}
        self._rng = random.Random(seed)
        self._off = False

    def cut_after(self, steps: int, outcome: str | None = None) -> None:
        """Fail at the step after `steps` more of them."""
        self.cut_at = self.steps + steps
        self.outcome = outcome

    def restart(self) -> None:
        """Power comes back: uncertain units are drawn anew."""
        self._off = False
        self.cut_at = None
        for unit, state in self._uncertain.items():
            self._store(unit, state.draw(self._rng))

    def read(self, offset: int, size: int) -> bytes:
        """As the hardware's."""
        self._check_power()
        if offset < 0 or size < 0 or offset + size > self.size:
            raise Illegal(f"read of {size} at {offset}")
        return bytes(self.memory[offset : offset + size])

    def program(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """As the hardware's; only erased units, or any unit to zero."""
        self._check_power()
        grain = self.program_unit
        data = bytes(data)
        if offset % grain or len(data) % grain or not 0 <= offset <= self.size - len(data):
            raise Illegal(f"program of {len(data)} at {offset}")
        for start in range(0, len(data), grain):
            self._program_unit((offset + start) // grain, data[start : start + grain])

    def erase(self, offset: int) -> None:
        """As the hardware's, in steps."""
        self._check_power()
        if offset % self.page_size or not 0 <= offset < self.size:
            raise Illegal(f"erase at {offset}")
        units = self.page_size // self.program_unit
        first = offset // self.program_unit
        for step in range(ERASE_STEPS):
            if self._is_cut():
                self._tear_page(first, units, step)
        self.memory[offset : offset + self.page_size] = b"\xff" * self.page_size
        self.erases[offset // self.page_size] += 1
        for unit in range(first, first + units):
            self._uncertain.pop(unit, None)
            self._written.discard(unit)

    def uncertain_units(self) -> int:
        """How many units are uncertain now."""
        return len(self._uncertain)

    def _program_unit(self, unit: int, data: bytes) -> None:
        old = self._load(unit)
        zero = not any(data)
        if not zero and unit in self._uncertain:
            raise Illegal(f"value over the uncertain unit {unit}")
        if not zero and unit in self._written:
            raise Illegal(f"second value in unit {unit}")
        if not zero and any(a & ~b for a, b in zip(data, old, strict=True)):
            raise Illegal(f"bits set in unit {unit}")
        if self._is_cut():
            before = self._uncertain.get(unit)
            floor = before.floor if before else old
            self._tear(Uncertain(before.old if before else old, data, floor, self.outcome), unit)
            raise PowerCut
        self._uncertain.pop(unit, None)
        self._written.add(unit)
        self._store(unit, data)
        self.programmed_bytes += len(data)

    def _tear_page(self, first: int, units: int, step: int) -> None:
        """Erased as far as the steps went; strictly, all of it is uncertain."""
        ones = b"\xff" * self.program_unit
        done = first + units * step // ERASE_STEPS
        begun = first + units * (step + 1) // ERASE_STEPS
        for unit in range(first, first + units):
            old = self._load(unit)
            if self.outcome in (None, "noise"):
                state = Uncertain(old, ones, ones, self.outcome)
            elif unit < done:
                state = Uncertain(ones, ones, ones, "new")
            else:
                state = Uncertain(old, ones, ones, self.outcome if unit < begun else "old")
            self._tear(state, unit)
        raise PowerCut

    def _tear(self, state: Uncertain, unit: int) -> None:
        self._uncertain[unit] = state
        self._off = True

    def _is_cut(self) -> bool:
        self.steps += 1
        return self.cut_at is not None and self.steps > self.cut_at

    def _check_power(self) -> None:
        if self._off:
            raise Illegal("no power")

    def _load(self, unit: int) -> bytes:
        grain = self.program_unit
        return bytes(self.memory[unit * grain : unit * grain + grain])

    def _store(self, unit: int, data: bytes) -> None:
        grain = self.program_unit
        self.memory[unit * grain : unit * grain + grain] = data
