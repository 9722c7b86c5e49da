"""Fault rules: frames that the field loses, repeats, breaks or delays."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

ACTIONS = ("lose", "repeat", "truncate", "delay")


@dataclass
class Fault:
    """A rule that applies ``action`` to matching frames.

    A frame matches if it goes in ``direction`` (``>`` or ``<``), its kind starts with ``kind``, and
    ``matching(direction, kind, frame)`` is true, as far as these are given. Of the matching
    frames the rule applies to the ``nth`` one (from 1), or to each from the ``since``-th on, or
    with probability ``rate`` (by ``seed``), or else to each; at most ``times`` in all.

    ``amount`` is the number of bytes left by ``truncate``; the seconds by which ``delay`` delays;
    the seconds between the end of a frame and its second copy by ``repeat``.

    Raises:
        ValueError: the action is unknown or a number is out of range.
    """

    action: str
    direction: str | None = None
    kind: str | None = None
    matching: Callable[[str, str, bytes], bool] | None = None
    nth: int | None = None
    since: int | None = None
    rate: float | None = None
    seed: int = 0
    times: int | None = None
    amount: float = 0.0
    struck: int = field(default=0, init=False)
    _fitting: int = field(default=0, init=False)
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ValueError(f"no fault named {self.action!r}; there are {', '.join(ACTIONS)}")
        if self.amount < 0 or (self.rate is not None and not 0 <= self.rate <= 1):
            raise ValueError("amount must not be negative, rate must be in 0 to 1")
        if any(count is not None and count < 1 for count in (self.nth, self.since)):
            raise ValueError("nth and since count from 1")
        self._random = random.Random(self.seed)

    def strikes(self, direction: str, kind: str, frame: bytes) -> bool:
        """Count one frame; True if the rule applies to it."""
        if self.times is not None and self.struck >= self.times:
            return False
        if self.direction not in (None, direction) or not kind.startswith(self.kind or ""):
            return False
        if self.matching is not None and not self.matching(direction, kind, frame):
            return False
        self._fitting += 1
        if self.nth is not None:
            hit = self._fitting == self.nth
        elif self.since is not None:
            hit = self._fitting >= self.since
        else:
            hit = self.rate is None or self._random.random() < self.rate
        self.struck += hit
        return hit
