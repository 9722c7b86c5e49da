"""One seed for every random choice, said at the top of a run and again beside each failure."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase
from xdist.scheduler.loadfile import LoadFileScheduling

from jiaozi_sim.machines.engines import ENGINE_VARIABLE, ENGINES, chosen_engine

ROOT = Path(__file__).resolve().parents[1]
SEED_VARIABLE = "JIAOZI_SEED"
# Folders whose tests run firmware; everything else needs build/venv alone.
FIRMWARE_FOLDERS = ("emulated", "faults")
# One after another, though each file elsewhere may run beside others: some of them build the image
# anew that the others run.
TOGETHER = "tests/emulated/port/"
SEED = pytest.StashKey[int]()

settings.register_profile(
    "jiaozi",
    database=DirectoryBasedExampleDatabase(ROOT / "build" / "hypothesis"),
    deadline=None,  # wall time varies with the machine's load; pytest-timeout catches what hangs
)
settings.load_profile("jiaozi")


def pytest_addoption(parser: pytest.Parser) -> None:
    """What runs firmware images: --engine, or the environment's choice, or QEMU."""
    parser.addoption("--engine", choices=ENGINES, help="what runs firmware images")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Draw the run's seed, or take it from the environment, and hand it to hypothesis.

    The engine goes into the environment, where every process of the simulator finds it.
    """
    if config.option.engine:
        os.environ[ENGINE_VARIABLE] = config.option.engine
    given = os.environ.get(SEED_VARIABLE)
    seed = int(given, 0) if given else random.SystemRandom().getrandbits(32)
    config.stash[SEED] = seed
    os.environ[SEED_VARIABLE] = str(seed)  # the workers of a parallel run have the same
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(seed)


def pytest_report_header(config: pytest.Config) -> str:
    """The line that makes any run repeatable."""
    seed = f"seed: {config.stash[SEED]} (the same again: {SEED_VARIABLE}={config.stash[SEED]})"
    return f"{seed}\nengine: {chosen_engine()}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the firmware folders `emulated`."""
    for item in items:
        folders = item.path.relative_to(ROOT / "tests").parts
        if folders[0] in FIRMWARE_FOLDERS:
            item.add_marker(pytest.mark.emulated)


class ByFolder(LoadFileScheduling):
    """The folder TOGETHER is one piece of work, and so is every file elsewhere."""

    def _split_scope(self, nodeid: str) -> str:
        return TOGETHER if nodeid.startswith(TOGETHER) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFolder | None:
    """The scheduler of `--dist loadfile`."""
    return ByFolder(config, log) if config.option.dist == "loadfile" else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One command line per failed test that repeats it with the same random choices."""
    failed = terminalreporter.stats.get("failed", []) + terminalreporter.stats.get("error", [])
    if not failed:
        return
    seed = terminalreporter.config.stash[SEED]
    terminalreporter.section("replay")
    for name in dict.fromkeys(report.nodeid for report in failed):
        line = f"{SEED_VARIABLE}={seed} build/venv/bin/python -m pytest '{name}'"
        if (engine := chosen_engine()) != ENGINES[0]:
            line += f" --engine {engine}"
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def session_seed(pytestconfig: pytest.Config) -> int:
    """The run's seed."""
    return pytestconfig.stash[SEED]


@pytest.fixture
def seed(session_seed: int, request: pytest.FixtureRequest) -> int:
    """A seed of this test's own: the same for a given run's seed, whichever tests run beside it."""
    return random.Random(f"{session_seed}:{request.node.nodeid}").getrandbits(32)


@pytest.fixture
def rng(seed: int) -> random.Random:
    """A generator for this test's random choices."""
    return random.Random(seed)
