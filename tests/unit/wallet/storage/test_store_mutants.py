"""Every line that protects the store is needed: without it, the check named here fails."""

from __future__ import annotations

import random

import pytest

from tests.fixtures.store_cuts import cut_each_step, cut_preparing_twice, scenario
from tests.fixtures.store_driver import Driver, blank, storm
from tests.fixtures.store_mutants import (
    MUTANTS,
    mutated,
)
from wallet.storage.errors import StoreCorrupt
from wallet.storage.store import Store

# Random histories to try, those first that take the rarer cuts.
SEEDS = (0, 1, 3, 22, 28, 74, 246, 264, 2928, 30906, *range(100, 110))
PREPARING_SEED = 36


def try_to_harm(kind: type) -> None:
    """Cut in many ways, and damage a record; raise the first failed check."""
    cut_each_step(Driver(blank(256), kind), scenario(256)[:20], None)
    for seed in SEEDS:
        unit = (256, 4)[seed % 2]
        storm(Driver(blank(unit, seed), kind), random.Random(seed), 150)
    cut_preparing_twice(Driver(blank(256, PREPARING_SEED), kind))
    driver = Driver(blank(4), kind)
    driver.commit({1: b"right"})
    driver.nvm.memory[driver.nvm.memory.index(b"right")] ^= 1
    with pytest.raises(StoreCorrupt):
        driver.mount()


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = mutated(name, monkeypatch)
    error, text = MUTANTS[name][0]
    with pytest.raises(error, match=text):
        try_to_harm(kind)


def test_without_a_mutation_there_is_no_harm() -> None:
    try_to_harm(Store)
