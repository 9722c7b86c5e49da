"""The simulator's table of phase marks equals firmware/include/jz/marks.h."""

from __future__ import annotations

import re
from pathlib import Path

from jiaozi_sim.machines.marks import IDLE_ENTER, IDLE_LEAVE, Mark

FIRMWARE = Path(__file__).parents[3] / "firmware"
PHASES = FIRMWARE / "include" / "jz" / "marks.h"
STORES = FIRMWARE / "targets" / "emulated" / "marker.h"


def test_marks_equal_the_firmware() -> None:
    defined = re.findall(r"\bJZ_MARK_(\w+) = (\d+)", PHASES.read_text())
    assert {name: int(value) for name, value in defined} == {m.name: m.value for m in Mark}
    stores = re.findall(r"#define JZ_MARK_(IDLE_\w+) \((0x\w+)u\)", STORES.read_text())
    assert {name: int(value, 16) for name, value in stores} == {
        "IDLE_ENTER": IDLE_ENTER,
        "IDLE_LEAVE": IDLE_LEAVE,
    }
