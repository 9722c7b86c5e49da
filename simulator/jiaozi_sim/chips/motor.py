"""A vibration motor on one output pin; it records its pulses."""

from __future__ import annotations

from jiaozi_sim.scheduler import Scheduler


class Motor:
    """Runs while its pin is high. `pulses` has (start, seconds) of each finished pulse."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._since: float | None = None
        self.pulses: list[tuple[float, float]] = []

    def power_on(self) -> None:
        """Start without running."""

    def power_off(self) -> None:
        """Stop the motor."""
        self.pin("pin", 0)

    def pin(self, role: str, level: int) -> None:
        """Set the pin's level."""
        now = self._scheduler.now()
        if level and self._since is None:
            self._since = now
        elif not level and self._since is not None:
            self.pulses.append((self._since, now - self._since))
            self._since = None
