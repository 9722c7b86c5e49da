"""A journal without room for another payment, on the image and in the heap that a board has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jiaozi.book import ANSWER_SLOTS, JOURNAL_LIMIT
from jiaozi_host.errors import WalletRefused
from scenarios.sweep.rig import SweepRig

WALLET = "alice"


def test_a_full_journal_is_read_again_and_settled(firmware_elf: Callable[[str], Path]) -> None:
    """UPDATE reads the whole book anew beside the one in use: nothing needs more of the heap."""
    rig = SweepRig(firmware_elf("visual_card"), 1)
    rig.add(WALLET)
    rig.boot(WALLET)
    rig.provision(WALLET)
    room = JOURNAL_LIMIT // ANSWER_SLOTS
    for _ in range(room):
        rig.top_up(WALLET, 1)
    with pytest.raises(WalletRefused, match="JOURNAL_FULL"):
        rig.top_up(WALLET, 1)
    rig.update(WALLET)
    done = rig.sync(WALLET)
    assert (done.entries, done.balance, done.settled) == (room, room, True)
    rig.close()
