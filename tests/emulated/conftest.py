"""Fixtures of the emulated tests: firmware images, and machines that never outlive a test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from jiaozi_host.wallet import WalletClient
from jiaozi_sim.client import Simulator, SimulatorError
from jiaozi_sim.machines.base import Machine
from jiaozi_sim.machines.engines import chosen_engine, make_machine
from jiaozi_sim.machines.renode_lender import Lender
from tests.emulated import evidence
from tests.fixtures import framebuf_fake
from tests.vectors.wire import complaint, complaints

# The firmware's own drawing tells what a display must show.
sys.modules.setdefault("framebuf", framebuf_fake)

ROOT = Path(__file__).parents[2]
BARE_METAL = Path(__file__).parent / "bare_metal"


@pytest.fixture(scope="session", autouse=True)
def lent_renodes() -> Iterator[None]:
    """On Renode, whose start costs more than most tests, machines take over each other's."""
    if chosen_engine() != "renode":
        yield
        return
    with Lender():
        yield


@pytest.fixture(scope="session")
def bare_metal_elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The machine's own test firmware (see bare_metal/main.c), compiled once a session."""
    elf = tmp_path_factory.mktemp("bare_metal") / "firmware.elf"
    command = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-Os"]
    command += ["-Wall", "-Wextra", "-Werror", "-nostdlib", "-ffreestanding"]
    command += ["-T", str(BARE_METAL / "link.ld")]
    subprocess.run([*command, str(BARE_METAL / "main.c"), "-o", str(elf)], check=True)
    return elf


@pytest.fixture(scope="session")
def firmware_elf(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A function from a board's name to its wallet image, brought up to date once a session.

    "<board>-unit256" is the image that programs NVM in units of 256 bytes.

    It is a copy: a build that goes on beside the tests must not change what they run.
    """
    built: dict[str, Path] = {}
    folder = tmp_path_factory.mktemp("images")

    def image(board: str) -> Path:
        if board not in built:
            make = shutil.which("make") or "make"
            jobs = f"-j{os.cpu_count() or 1}"
            name, _, unit = board.partition("-unit")
            command = [make, jobs, "-C", str(ROOT / "firmware"), f"BOARD={name}"]
            command += [f"NVM_UNIT={unit}"] if unit else []
            subprocess.run(command, check=True)
            made = ROOT / "build" / "firmware" / board / "firmware.elf"
            built[board] = Path(shutil.copy(made, folder / f"{board}.elf"))
        return built[board]

    return image


@pytest.fixture
def machine(bare_metal_elf: Path, tmp_path: Path) -> Iterator[Machine]:
    """A machine with the bare-metal image and one wire, `host`; not started."""
    made = make_machine(bare_metal_elf, tmp_path, {"host": 0}, seed=b"a test")
    yield made
    made.close()


@pytest.fixture(scope="session", autouse=True)
def grammar_on_the_air() -> Iterator[None]:
    """Every simulator of these tests, when it ends well, had nothing but messages on the air."""
    begin, end = Simulator.__enter__, Simulator.__exit__

    def begin_and_remember(self: Simulator) -> Simulator:
        evidence.running.append(self)
        return begin(self)

    def end_and_look(self: Simulator, kind: Any, error: Any, trace: Any) -> None:
        evidence.running.remove(self)
        if kind is not None:
            evidence.keep(self)
        try:
            frames = [] if kind is not None else self.frames()
        except SimulatorError:  # the test has ended the world itself
            frames = []
        end(self, kind, error, trace)
        assert complaints(frames) == []

    Simulator.__enter__ = begin_and_remember  # type: ignore[method-assign]
    Simulator.__exit__ = end_and_look  # type: ignore[method-assign]
    yield
    Simulator.__enter__ = begin  # type: ignore[method-assign]
    Simulator.__exit__ = end  # type: ignore[method-assign]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test says where the logs, the frames and the memories of its simulators are.

    Those of a simulator in the test itself are in the note to its exception.
    """
    report = yield
    if report.failed:
        kept = [str(file) for simulator in evidence.running for file in evidence.keep(simulator)]
        where = [str(simulator.directory) for simulator in evidence.running]
        if where:
            report.sections.append(("evidence", "\n".join([*where, *kept])))
    return report


@pytest.fixture(scope="session")
def wrong_at_the_host() -> Iterator[list[str]]:
    """What is wrong with any exchange of a host here, as it is inside the channel."""
    found: list[str] = []
    exchange = WalletClient.exchange

    def exchange_and_look(self: WalletClient, command: bytes) -> bytes:
        response = exchange(self, command)
        wrong = complaint(command, response)
        if wrong is not None:
            found.append(wrong)
        return response

    WalletClient.exchange = exchange_and_look  # type: ignore[method-assign]
    yield found
    WalletClient.exchange = exchange  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def grammar_at_the_host(wrong_at_the_host: list[str]) -> Iterator[None]:
    """No test, nor a fixture that lasts for several, had a host exchange what is no message."""
    yield
    found, wrong_at_the_host[:] = wrong_at_the_host[:], []
    if found:
        pytest.fail("\n".join(found), pytrace=False)  # whole: an assertion would shorten them
