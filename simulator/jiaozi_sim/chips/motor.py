"""A vibration motor on one output pin; it remembers when it shook."""

from __future__ import annotations

from jiaozi_sim.scheduler import Scheduler


class Motor:
    """Runs while its pin is high. `pulses` holds (start, seconds) of each finished shake."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._since: float | None = None
        self.pulses: list[tuple[float, float]] = []

    def power_on(self) -> None:
        """It starts at rest."""

    def power_off(self) -> None:
        """A running motor stops."""
        self.pin("pin", 0)

    def pin(self, role: str, level: int) -> None:
        """The pin's level was set."""
        now = self._scheduler.now()
        if level and self._since is None:
            self._since = now
        elif not level and self._since is not None:
            self.pulses.append((self._since, now - self._since))
            self._since = None
