"""Time for everything simulated: events in order of their moment, no threads and no sleeping.

Chips and the field only ever use the :class:`Scheduler` interface, so the same objects run in
virtual time (tests, sweeps) and in real time (a selectors loop). Events of equal moment run in the
order in which they were asked for.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from typing import Any, Protocol


class Timer:
    """One event to come. ``cancel()`` may be called at any time, also after it has run."""

    __slots__ = ("args", "fn", "when")

    def __init__(self, when: float, fn: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.when = when
        self.fn: Callable[..., object] | None = fn
        self.args = args

    def cancel(self) -> None:
        """Make sure that the event never runs."""
        self.fn = None
        self.args = ()

    @property
    def pending(self) -> bool:
        """True until the event has run or was cancelled."""
        return self.fn is not None

    def fire(self) -> None:
        """Run the event once; nothing happens if it is no longer pending."""
        fn, args = self.fn, self.args
        self.cancel()
        if fn is not None:
            fn(*args)


class Scheduler(Protocol):
    """What chips, wires and the field need from time."""

    def now(self) -> float:
        """Seconds since the scheduler was made."""
        ...

    def call_later(self, delay: float, fn: Callable[..., object], *args: Any) -> Timer:
        """Run ``fn(*args)`` after ``delay`` seconds (a negative delay counts as none).

        Pass bound methods rather than closures: a deep copy of the scheduler then holds events
        of the copied objects.
        """
        ...


class _Agenda:
    """The events to come, kept as a heap of (moment, order of asking, timer)."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._asked = 0

    def add(self, timer: Timer) -> Timer:
        self._asked += 1
        heapq.heappush(self._heap, (timer.when, self._asked, timer))
        return timer

    def next_moment(self) -> float | None:
        """The moment of the next pending event, or None; forgets cancelled ones on the way."""
        while self._heap and not self._heap[0][2].pending:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop(self) -> Timer:
        return heapq.heappop(self._heap)[2]


class VirtualScheduler:
    """Time that moves only when asked to, and then by events: equal runs give equal results.

    A deep copy taken together with the objects whose methods are scheduled is a snapshot.
    """

    def __init__(self) -> None:
        self._agenda = _Agenda()
        self._now = 0.0

    def now(self) -> float:
        """Virtual seconds since the start."""
        return self._now

    def call_later(self, delay: float, fn: Callable[..., object], *args: Any) -> Timer:
        """See :meth:`Scheduler.call_later`."""
        return self._agenda.add(Timer(self._now + max(0.0, delay), fn, args))

    def next_deadline(self) -> float | None:
        """The moment of the next event, or None when nothing is planned."""
        return self._agenda.next_moment()

    def step(self) -> bool:
        """Go to the next event and run it; False if there is none."""
        moment = self._agenda.next_moment()
        if moment is None:
            return False
        self._now = moment
        self._agenda.pop().fire()
        return True

    def run_until(self, moment: float) -> None:
        """Run every event up to and including ``moment``, then stand at ``moment``."""
        while (due := self._agenda.next_moment()) is not None and due <= moment:
            self.step()
        self._now = max(self._now, moment)

    def run_for(self, seconds: float) -> None:
        """Like :meth:`run_until`, counted from now."""
        self.run_until(self._now + seconds)

    def run_until_idle(self, limit: float = 3600.0) -> None:
        """Run until no event is left.

        Raises:
            RuntimeError: events are still planned ``limit`` seconds from now.
        """
        end = self._now + limit
        while (due := self._agenda.next_moment()) is not None:
            if due > end:
                raise RuntimeError(f"events are still planned after {limit} s")
            self.step()


class RealTimeScheduler:
    """Time of the wall clock, for use inside a selectors loop.

    The loop waits until :meth:`next_deadline`, calls :meth:`run_due`, and only then handles input.
    While an event runs, ``now()`` is the moment it was planned for, not the moment the process
    was given the processor: chains of short events (frames on the air) keep their exact spacing
    and catch up when the process was late.
    """

    def __init__(self) -> None:
        self._agenda = _Agenda()
        self._start = time.monotonic()
        self._event_moment: float | None = None

    def now(self) -> float:
        """Seconds since the start; the planned moment while an event runs."""
        if self._event_moment is not None:
            return self._event_moment
        return time.monotonic() - self._start

    def call_later(self, delay: float, fn: Callable[..., object], *args: Any) -> Timer:
        """See :meth:`Scheduler.call_later`."""
        return self._agenda.add(Timer(self.now() + max(0.0, delay), fn, args))

    def next_deadline(self) -> float | None:
        """Seconds until :meth:`run_due` has work (0.0 if late), None if nothing is planned."""
        moment = self._agenda.next_moment()
        return None if moment is None else max(0.0, moment - self.now())

    def run_due(self) -> None:
        """Run the events whose moment has come, and those that they plan if these are due too."""
        while (moment := self._agenda.next_moment()) is not None:
            if moment > time.monotonic() - self._start:
                return
            self._event_moment = moment
            try:
                self._agenda.pop().fire()
            finally:
                self._event_moment = None
