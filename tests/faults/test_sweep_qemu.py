"""A sample of `make sweep-qemu`: cuts on QEMU end as they end on the sweep's engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jiaozi_sim.field import FrameRecord
from tests.sweep.compare_qemu import compare, status_words

SAMPLE = 2


def test_cuts_on_qemu_end_as_on_unicorn(firmware_elf: Callable[[str], Path], seed: int) -> None:
    for place, unicorn, qemu in compare(firmware_elf("visual_card"), seed, SAMPLE):
        assert unicorn == qemu, place
        assert unicorn.held == {"payer": {0: 975_00}, "payee": {0: 25_00}}
        assert unicorn.status == ["9000"]


def test_status_words_are_read_from_whole_answers() -> None:
    def frame(direction: str, data: str) -> FrameRecord:
        return FrameRecord(0.0, direction, "payer", bytes.fromhex(data), "I", 106, 0.0)

    log = [
        frame(">", "0200a4"),  # a command
        frame("<", "12aabb"),  # an answer's first block
        frame("<", "036a82"),  # its last
        frame("<", "a2"),  # an acknowledgement
        frame("<", "029406"),
    ]
    assert status_words(log) == ["6a82", "9406"]
