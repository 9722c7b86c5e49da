"""Virtual and real time: order, cancelling, copies, and catching up."""

from __future__ import annotations

import copy
import time

import pytest

from jiaozi_sim.scheduler import RealTimeScheduler, Timer, VirtualScheduler


class Bell:
    """Records the times of its scheduled calls."""

    def __init__(self, scheduler: VirtualScheduler | RealTimeScheduler) -> None:
        self.scheduler = scheduler
        self.rang: list[tuple[str, float]] = []

    def ring(self, name: str, again: float = 0.0, times: int = 0) -> None:
        self.rang.append((name, self.scheduler.now()))
        if times:
            self.scheduler.call_later(again, self.ring, name, again, times - 1)


def test_events_run_at_their_moment_and_in_the_order_asked_when_equal() -> None:
    scheduler = VirtualScheduler()
    bell = Bell(scheduler)
    for delay, name in ((2.0, "late"), (1.0, "first"), (1.0, "second"), (-5.0, "now")):
        scheduler.call_later(delay, bell.ring, name)
    scheduler.run_until_idle()
    assert bell.rang == [("now", 0.0), ("first", 1.0), ("second", 1.0), ("late", 2.0)]


def test_run_until_includes_its_end_and_stands_there() -> None:
    scheduler = VirtualScheduler()
    bell = Bell(scheduler)
    scheduler.call_later(1.0, bell.ring, "a", 1.0, 5)
    scheduler.run_until(3.0)
    assert [moment for _, moment in bell.rang] == [1.0, 2.0, 3.0]
    scheduler.run_for(0.5)
    assert scheduler.now() == 3.5
    assert scheduler.next_deadline() == 4.0


def test_a_cancelled_event_does_not_run_and_does_not_keep_the_scheduler_busy() -> None:
    scheduler = VirtualScheduler()
    bell = Bell(scheduler)
    timer = scheduler.call_later(1.0, bell.ring, "never")
    before = timer.pending
    timer.cancel()
    assert (before, timer.pending) == (True, False)
    assert scheduler.next_deadline() is None
    assert not scheduler.step()
    assert bell.rang == []


def test_an_event_may_cancel_another_of_the_same_moment() -> None:
    scheduler = VirtualScheduler()
    bell = Bell(scheduler)
    timers: list[Timer] = []
    scheduler.call_later(1.0, lambda: timers[0].cancel())
    timers.append(scheduler.call_later(1.0, bell.ring, "never"))
    scheduler.run_until_idle()
    assert bell.rang == []


def test_endless_events_are_reported() -> None:
    scheduler = VirtualScheduler()
    bell = Bell(scheduler)
    bell.ring("a", 1.0, 1000)
    with pytest.raises(RuntimeError, match="still planned"):
        scheduler.run_until_idle(limit=10.0)
    assert len(bell.rang) == 11


def test_a_copy_runs_on_alone_and_equally() -> None:
    scheduler = VirtualScheduler()
    bell = Bell(scheduler)
    bell.ring("a", 0.3, 5)
    scheduler.run_until(1.0)
    other, other_bell = copy.deepcopy((scheduler, bell))
    other.run_until_idle()
    assert len(bell.rang) == 4
    scheduler.run_until_idle()
    assert other_bell.rang == bell.rang


def test_real_time_waits_until_the_moment() -> None:
    scheduler = RealTimeScheduler()
    bell = Bell(scheduler)
    assert scheduler.next_deadline() is None
    scheduler.call_later(0.02, bell.ring, "a")
    scheduler.run_due()
    assert bell.rang == []
    wait = scheduler.next_deadline()
    assert wait is not None
    assert 0 < wait <= 0.02
    time.sleep(wait)
    scheduler.run_due()
    assert len(bell.rang) == 1
    assert scheduler.next_deadline() is None


def test_a_late_process_catches_up_with_exact_spacing() -> None:
    scheduler = RealTimeScheduler()
    bell = Bell(scheduler)
    scheduler.call_later(0.0, bell.ring, "a", 0.001, 9)
    time.sleep(0.05)
    scheduler.run_due()
    moments = [moment for _, moment in bell.rang]
    assert len(moments) == 10
    assert moments[-1] - moments[0] == pytest.approx(0.009)
    assert scheduler.now() >= 0.05


def test_an_event_that_fails_leaves_real_time_working() -> None:
    scheduler = RealTimeScheduler()
    scheduler.call_later(0.0, "".index, "missing")
    with pytest.raises(ValueError, match="substring"):
        scheduler.run_due()
    before = scheduler.now()
    time.sleep(0.001)
    assert scheduler.now() > before
