"""Interface of a PN532 that its two roles, reader and target, work through."""

from __future__ import annotations

from typing import Protocol

from jiaozi_sim.field import Endpoint, Field
from jiaozi_sim.scheduler import Scheduler


class Chip(Endpoint, Protocol):
    """State and services shared by both roles.

    parameters: flags of SetParameters; registers: contents by address; carrier: the chip drives
    its own; passive_retries, com_retries, exchange_timeout: from RFConfiguration; running: code of
    the command under way.
    """

    field: Field
    scheduler: Scheduler
    parameters: int
    registers: dict[int, int]
    carrier: bool
    passive_retries: int
    com_retries: int
    exchange_timeout: float
    running: int | None

    def carrier_for_reader(self) -> None:
        """Switch the carrier on, unless collision avoidance finds another one."""

    def finish(self, code: int, answer: bytes) -> None:
        """End the command `code` with its answer, if it is still running."""
