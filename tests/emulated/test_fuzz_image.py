"""A sample of `make fuzz` on the image: it answers and remembers what CPython does."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz import scene
from tests.fuzz.image import ImageStage, compare
from tests.fuzz.programme import wallet_of
from tests.fuzz.run import played
from tests.fuzz.stage import Broken, Stage

PROGRAMMES = 60


def test_the_image_answers_as_cpython_does(firmware_elf: Callable[[str], Path], seed: int) -> None:
    rng = random.Random(seed)
    elf = firmware_elf("visual_card")
    stages = {name: Stage(template) for name, template in scene.WALLETS.items()}
    images = {name: ImageStage(elf, template) for name, template in scene.WALLETS.items()}
    for _ in range(PROGRAMMES):
        data = rng.randbytes(1) + b"\x40" + rng.randbytes(rng.randrange(1, 40))
        played(stages[wallet_of(data)], images[wallet_of(data)], data)


def test_a_difference_is_seen() -> None:
    with pytest.raises(Broken, match="command 1"):
        compare([b"\x90\x00", b"\x90\x00"], [b"\x90\x00", b"\x6a\x80"])
