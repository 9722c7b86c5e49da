"""A reader that activates a wallet at the moment when the wallet stops listening.

In virtual time: the delay from chip to wallet is set, so host load has no influence.
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
from tests.sweep.engine.bench import Bench, BenchWallet
from tests.sweep.engine.scripted_reader import ScriptedReader

CHIP_DELAY = 0.02
"""Seconds from the chip to the wallet: far more than on a UART, as much as on a busy machine."""
FIRST_IDLE = 0.5
"""Seconds for which a wallet listens after its start before its first idle work."""


class SlowWallet(BenchWallet):
    """A wallet that receives from its chip with a delay once `slow` is set."""

    slow = False

    def _from_chip(self, data: bytes) -> None:
        arrive = partial(super()._from_chip, data)
        self.bench.scheduler.call_later(CHIP_DELAY if self.slow else 0.0, arrive)


@pytest.mark.parametrize("moment", [-0.025, -0.019, -0.015, -0.01, -0.005, -0.001, 0.0])
def test_idle_work_does_not_lose_a_reader(
    firmware_elf: Callable[[str], Path], moment: float
) -> None:
    """moment: of the activation, in seconds from the moment at which idle work is due."""
    bench = Bench()
    core = Core(firmware_elf("visual_card"), b"a wallet")
    uarts = load_board("visual_card").uarts
    wallet = bench.wallets["wallet"] = SlowWallet("wallet", core, uarts, bench)
    wallet.start()
    bench.run_until(lambda: wallet.ready, 30)
    wallet.slow = True
    bench.field.place(wallet.chip)
    reader = ScriptedReader(bench)
    bench.run_for(FIRST_IDLE + moment - 0.011)  # less the time of activation and RATS
    reader.connect()
    reader.exchange(apdu.select())
    assert wallet.chip.target.role is Role.PICC
    selects = [frame for frame in bench.field.log if frame.kind == "SELECT"]
    assert len(selects) == 1
