"""Every line that protects the store is needed: without it, the check named here fails."""

from __future__ import annotations

import importlib
import random
import struct
import sys
from pathlib import Path
from types import ModuleType

import pytest
from _pytest import outcomes

from tests.fixtures.nvm_fake import Illegal
from tests.fixtures.store_driver import Driver, blank, storm
from tests.unit.wallet.storage.test_store_cuts import cut_each_step, cut_preparing_twice, scenario
from wallet.storage.errors import StoreCorrupt
from wallet.storage.store import Store

# Random histories to try, those first that take the rarer cuts.
SEEDS = (0, 1, 3, 22, 28, 74, 246, 264, 2928, 30906, *range(100, 110))
PREPARING_SEED = 36

FOLDER = Path(__file__).resolve().parents[4] / "firmware/wallet/storage"

# The checks that find mutants: the exception and a pattern of its text.
OVER_UNCERTAIN = (Illegal, "value over the uncertain unit")
SECOND_VALUE = (Illegal, "second value in unit")
HALF_DONE = (AssertionError, "neither the old nor the new content")
CHANGED = (AssertionError, "the content is not what was committed")
CORRUPT = (StoreCorrupt, r"offset \d+")
NO_PAGE = (StoreCorrupt, "no active page")
NO_SEQUENCE = (struct.error, "argument out of range")
DAMAGE_UNSEEN = (outcomes.Failed, "DID NOT RAISE .*StoreCorrupt")

# name: (the check that finds it, module, its text, the mutant's text)
MUTANTS = {
    "commit words before the record": (
        OVER_UNCERTAIN,
        "log",
        """        program(at, record)
        program(at + len(record), self._commit)
""",
        """        program(at + len(record), self._commit)
        program(at, record)
""",
    ),
    "no commit word needed": (
        CORRUPT,
        "log",
        'unpack_from("<HH", look_on) == word\n',
        'unpack_from("<HH", look_on) != 0\n',
    ),
    "no CRC": (
        DAMAGE_UNSEEN,
        "log",
        "return check == crc32(view[8:], crc32(view[:4], seq))",
        "return True",
    ),
    "uncertain record not committed again": (
        HALF_DONE,
        "log",
        "newest if newest and not self._is_firm(newest) else 0",
        "0",
    ),
    "disbelieved record not voided": (
        OVER_UNCERTAIN,
        "log",
        "if not self.is_erased(stop, last - stop):",
        "if False:",
    ),
    "first unit voided first": (
        CORRUPT,
        "log",
        "((second, end), (commit_at, second), (values, commit_at), (at, values))",
        "((at, values), (second, end), (commit_at, second), (values, commit_at))",
    ),
    "values voided before the commit words": (
        CORRUPT,
        "log",
        "((second, end), (commit_at, second), (values, commit_at), (at, values))",
        "((values, commit_at), (second, end), (commit_at, second), (at, values))",
    ),
    "first commit word voided before the second": (
        CORRUPT,
        "log",
        "second = commit_at + unit",
        "second = end",
    ),
    "commit words voided first though not begun": (
        OVER_UNCERTAIN,
        "log",
        "        if touched < commit_at:\n",
        "        if False:\n",
    ),
    "units behind the end trusted": (
        OVER_UNCERTAIN,
        "log",
        "self.doubt = newest != 0",
        "self.doubt = False",
    ),
    "one unit behind the end trusted": (
        OVER_UNCERTAIN,
        "log",
        "(2 * self.unit if self.doubt else 0)",
        "(self.unit if self.doubt else 0)",
    ),
    "zeros behind the end not made firm": (CORRUPT, "log", "if self._zone < stop:", "if False:"),
    "page left before it is closed": (
        OVER_UNCERTAIN,
        "log",
        """            self.close(self.active, self.at)
        elif self.doubt:
            program(self.at, bytes(at - self.at))
        program(at, record)
        program(at + len(record), self._commit)
""",
        """            pass
        elif self.doubt:
            program(self.at, bytes(at - self.at))
        program(at, record)
        program(at + len(record), self._commit)
        if opens:
            self.close(self.active, self.at)
""",
    ),
    "page before not settled": (
        CORRUPT,
        "log",
        """            newest = self._settle(seq, found)
            self.close(seq, self._stop)
""",
        "            newest = self._newest_in(seq)\n",
    ),
    "only one page before settled": (
        NO_SEQUENCE,
        "log",
        "        while not newest and seq and found[(seq - 1) % count] == seq - 1:\n",
        "        if not newest and seq and found[(seq - 1) % count] == seq - 1:\n",
    ),
    "page without a record not prepared anew": (
        NO_PAGE,
        "log",
        """            self.prepare(self.active)
            self.at = self.base(self.active) + self.first
""",
        "            self.doubt = True\n",
    ),
    "header without proof": (CHANGED, "pages", "== _PROOF", "!= 0"),
    "old header left while erasing": (
        CHANGED,
        "pages",
        "        program(base, bytes(size))\n",
        "",
    ),
    "old proof left while erasing": (
        CHANGED,
        "pages",
        "        program(base + size, self.zero)\n",
        "",
    ),
    "header before the erase": (
        SECOND_VALUE,
        "pages",
        """        self.nvm.erase(base)
        program(base, self._header(seq) + b"\\xff" * (size - _HEADER))
""",
        """        program(base, self._header(seq) + b"\\xff" * (size - _HEADER))
        self.nvm.erase(base)
""",
    ),
    "page erased before a record says so": (
        CORRUPT,
        "store",
        "if target - log.count >= log.oldest:",
        "if target - log.count > log.oldest:",
    ),
    "page given up before its last copy": (
        CHANGED,
        "store",
        "        last = len(items) == len(live)\n",
        "        last = True\n",
    ),
    "deletion forgotten": (
        CHANGED,
        "store",
        "                        index.pop(table[position], None)\n",
        "                        pass\n",
    ),
}


def mutated(name: str, monkeypatch: pytest.MonkeyPatch) -> type:
    """The store's class with one mutation, in modules of its own."""
    _, module, text, instead = MUTANTS[name]
    for part in ("pages", "log", "store"):
        source = (FOLDER / f"{part}.py").read_text()
        if part == module:
            assert source.count(text) == 1, "the mutated line is not there any more"
            source = source.replace(text, instead)
        fresh = ModuleType(f"wallet.storage.{part}")
        monkeypatch.setitem(sys.modules, fresh.__name__, fresh)
        exec(compile(source, f"{part} ({name})", "exec"), fresh.__dict__)
    kind: type = importlib.import_module("wallet.storage.store").Store
    return kind


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
