"""Schedulers: events in the order of their time, without threads or sleeping.

Chips and the field only ever use the :class:`Scheduler` interface, so the same objects run in
virtual time (tests, sweeps) and in real time (a selectors loop). Events of equal time run in
the order of their scheduling.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from typing import Any, Protocol


class Timer:
    """A scheduled event. ``cancel()`` may be called at any time, also after it has run."""

    __slots__ = ("args", "fn", "when")

    def __init__(self, when: float, fn: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.when = when
        self.fn: Callable[..., object] | None = fn
        self.args = args

    def cancel(self) -> None:
        """Prevent the event from running."""
        self.fn = None
        self.args = ()

    @property
    def pending(self) -> bool:
        """True until the event has run or was cancelled."""
        return self.fn is not None

    def fire(self) -> None:
        """Run the event once; no effect if it is not pending."""
        fn, args = self.fn, self.args
        self.cancel()
        if fn is not None:
            fn(*args)


class Scheduler(Protocol):
    """Interface of time for chips, wires and the field."""

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
    """Pending events as a heap of (time, order of scheduling, timer)."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._asked = 0

    def add(self, timer: Timer) -> Timer:
        self._asked += 1
        heapq.heappush(self._heap, (timer.when, self._asked, timer))
        return timer

    def next_moment(self) -> float | None:
        """Return the time of the next pending event, or None; drop cancelled ones."""
        while self._heap and not self._heap[0][2].pending:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop(self) -> Timer:
        return heapq.heappop(self._heap)[2]


class VirtualScheduler:
    """Virtual time, which advances only on request, event by event: equal runs are equal.

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
        """Return the time of the next event, or None if there is none."""
        return self._agenda.next_moment()

    def step(self) -> bool:
        """Advance to the next event and run it; False if there is none."""
        moment = self._agenda.next_moment()
        if moment is None:
            return False
        self._now = moment
        self._agenda.pop().fire()
        return True

    def run_until(self, moment: float) -> None:
        """Run every event up to and including ``moment``, and advance to ``moment``."""
        while (due := self._agenda.next_moment()) is not None and due <= moment:
            self.step()
        self._now = max(self._now, moment)

    def run_for(self, seconds: float) -> None:
        """Like :meth:`run_until`, counted from now."""
        self.run_until(self._now + seconds)

    def run_until_idle(self, limit: float = 3600.0) -> None:
        """Run until no event is left.

        Raises:
            RuntimeError: events are still scheduled ``limit`` seconds from now.
        """
        end = self._now + limit
        while (due := self._agenda.next_moment()) is not None:
            if due > end:
                raise RuntimeError(f"events are still planned after {limit} s")
            self.step()


class RealTimeScheduler:
    """Real time, for use inside a selectors loop.

    The loop waits until :meth:`next_deadline`, calls :meth:`run_due`, and only then handles input.
    While an event runs, ``now()`` is its scheduled time, not the time at which the process got
    the processor: chains of short events (frames on the air) keep their exact spacing
    and catch up when the process was late.
    """

    def __init__(self) -> None:
        self._agenda = _Agenda()
        self._start = time.monotonic()
        self._event_moment: float | None = None

    def now(self) -> float:
        """Seconds since the start; the scheduled time while an event runs."""
        if self._event_moment is not None:
            return self._event_moment
        return time.monotonic() - self._start

    def call_later(self, delay: float, fn: Callable[..., object], *args: Any) -> Timer:
        """See :meth:`Scheduler.call_later`."""
        return self._agenda.add(Timer(self.now() + max(0.0, delay), fn, args))

    def next_deadline(self) -> float | None:
        """Seconds until :meth:`run_due` has work (0.0 if late), None if nothing is scheduled."""
        moment = self._agenda.next_moment()
        return None if moment is None else max(0.0, moment - self.now())

    def run_due(self) -> None:
        """Run the events that are due, and those that they schedule if these are due too."""
        while (moment := self._agenda.next_moment()) is not None:
            if moment > time.monotonic() - self._start:
                return
            self._event_moment = moment
            try:
                self._agenda.pop().fire()
            finally:
                self._event_moment = None
