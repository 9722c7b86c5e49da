"""The demo: its story adds up, and the front page shows what it draws."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from jiaozi_sim.machines.engines import patience
from scenarios import demo

SHOWN = Path(__file__).parents[2] / "docs" / "demo.png"


@pytest.mark.timeout(300 * patience())
def test_the_demo_adds_up_and_draws_what_the_front_page_shows(
    firmware_elf: Callable[[str], Path], tmp_path: Path
) -> None:
    for board in set(demo.BOARDS.values()):
        firmware_elf(board)
    build = tmp_path / "demo"
    assert demo.main(build) == 0
    drawn = Image.open(build / demo.OVERVIEW).convert("RGB")
    shown = Image.open(SHOWN).convert("RGB")
    remedy = "look at the new picture; if it is right: make demo, then copy its overview to docs"
    assert drawn.size == shown.size, remedy
    assert ImageChops.difference(drawn, shown).getbbox() is None, remedy


def test_a_total_that_is_off_ends_the_demo_with_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(demo.Demo, "set_up", lambda self: demo.check("a total", 1, 2))
    assert demo.main(tmp_path / "demo") == 1
