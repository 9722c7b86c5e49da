"""A journal without room for another payment, on the image and in the heap that a board has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jiaozi.wallet.book import ANSWER_SLOTS, JOURNAL_LIMIT
from jiaozi_host.errors import WalletRefused
from tests.sweep.flows.operator_desk import OperatorDesk

WALLET = "alice"


# Answers that a journal has room for: as its slots say, or the store.
ROOM = {"visual_card": JOURNAL_LIMIT // ANSWER_SLOTS, "visual_card-unit256": 11}


@pytest.mark.parametrize("image", ROOM)
def test_a_full_journal_is_updated_and_settled(
    firmware_elf: Callable[[str], Path], image: str
) -> None:
    """Nothing that a wallet does needs more of the heap, or of the store."""
    desk = OperatorDesk(firmware_elf(image), 1)
    desk.add(WALLET)
    desk.boot(WALLET)
    desk.provision(WALLET)
    room = ROOM[image]
    for _ in range(room):
        desk.top_up(WALLET, 1)
    with pytest.raises(WalletRefused, match="JOURNAL_FULL"):
        desk.top_up(WALLET, 1)
    desk.update(WALLET)
    done = desk.sync(WALLET)
    assert (done.entries, done.balance, done.settled) == (room, room, True)
    desk.close()
