"""A sample of `make fuzz` on the image: it answers and remembers what CPython does."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz import attack_material
from tests.fuzz.run_fuzzers import play_on_both
from tests.fuzz.sequences import wallet_of
from tests.fuzz.wallet_on_cpython import Broken, WalletOnCPython
from tests.fuzz.wallet_on_image import WalletOnImage, compare

SEQUENCES = 60


def test_the_image_answers_as_cpython_does(firmware_elf: Callable[[str], Path], seed: int) -> None:
    rng = random.Random(seed)
    elf = firmware_elf("visual_card")
    wallets = {
        name: WalletOnCPython(template) for name, template in attack_material.WALLETS.items()
    }
    images = {
        name: WalletOnImage(elf, template) for name, template in attack_material.WALLETS.items()
    }
    for _ in range(SEQUENCES):
        data = rng.randbytes(1) + b"\x40" + rng.randbytes(rng.randrange(1, 40))
        play_on_both(wallets[wallet_of(data)], images[wallet_of(data)], data)


def test_a_difference_is_seen() -> None:
    with pytest.raises(Broken, match="command 1"):
        compare([b"\x90\x00", b"\x90\x00"], [b"\x90\x00", b"\x6a\x80"])
