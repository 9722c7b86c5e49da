"""A reader that chooses a wallet in the moment in which the wallet turns to something else.

In virtual time: how long the chip's word needs to the wallet is set, and no load moves anything.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from jiaozi.wire import apdu
from jiaozi_sim.board import load_board
from jiaozi_sim.chips.pn532_target import Role
from jiaozi_sim.machines.unicorn_core import Core
from tests.sweep.engine.bench import Bench, Seat
from tests.sweep.engine.scripted_reader import Desk

WORD_TAKES = 0.02
"""Seconds from the chip to the wallet: far more than on a UART, as much as on a busy machine."""
FIRST_REST = 0.5
"""Seconds for which a wallet listens after its start before it rests for the first time."""


class SlowSeat(Seat):
    """A wallet that hears its chip late once `slow` is set."""

    slow = False

    def _from_chip(self, data: bytes) -> None:
        arrive = partial(super()._from_chip, data)
        self.bench.scheduler.call_later(WORD_TAKES if self.slow else 0.0, arrive)


@pytest.mark.parametrize("chosen", [-0.025, -0.019, -0.015, -0.01, -0.005, -0.001, 0.0])
def test_a_rest_does_not_lose_a_reader(firmware_elf: Callable[[str], Path], chosen: float) -> None:
    """`chosen` says when the reader does so, in seconds from the moment at which a rest is due."""
    bench = Bench()
    core = Core(firmware_elf("visual_card"), b"a wallet")
    seat = bench.seats["wallet"] = SlowSeat("wallet", core, load_board("visual_card").uarts, bench)
    seat.start()
    bench.run_until(lambda: seat.ready, 30)
    seat.slow = True
    bench.field.place(seat.chip)
    desk = Desk(bench)
    bench.run_for(FIRST_REST + chosen - 0.011)  # of starting the card, and of RATS
    desk.connect()
    desk.exchange(apdu.select())
    assert seat.chip.target.role is Role.PICC
    selects = [frame for frame in bench.field.log if frame.kind == "SELECT"]
    assert len(selects) == 1
