"""The Unicorn core by itself: what it refuses, where it stops, and that a snapshot is whole."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from jiaozi_sim.machines.base import BOOT_PAGE, NVM_SIZE
from jiaozi_sim.machines.unicorn_core import Core
from jiaozi_sim.machines.unicorn_state import CoreFault, IllegalStore, Store

HEAD = """
#include <stdint.h>
#define WORD(address) (*(volatile uint32_t *)(address))
#define NVM(n) WORD(0x21000000 + 4 * (n))
#define ERASE WORD(0x21030004)
#define SLEEP() __asm volatile ("wfi")
static void program(void);
void reset(void) { program(); for (;;) SLEEP(); }
__attribute__((section(".vectors"), used)) static const struct {
    uint32_t stack;
    void (*start)(void);
} vectors = {0x20040000, reset};
static void program(void) {
"""
LINK = """
SECTIONS { .text 0 : { KEEP(*(.vectors)) *(.text*) *(.rodata*) } /DISCARD/ : { *(.ARM.exidx*) } }
"""

Build = Callable[[str], Core]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """A core that runs a C function body."""

    def make(body: str) -> Core:
        source, link, elf = (tmp_path / name for name in ("main.c", "link.ld", "firmware.elf"))
        source.write_text(HEAD + body + "}")
        link.write_text(LINK)
        command = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-Os", "-nostdlib"]
        subprocess.run([*command, "-T", str(link), str(source), "-o", str(elf)], check=True)
        core = Core(elf, b"seed")
        core.start(0.0)
        return core

    return make


def word(core: Core, number: int) -> int:
    return int.from_bytes(core.read_nvm()[4 * number : 4 * number + 4], "little")


def test_bits_fall_and_pages_are_erased(build: Build) -> None:
    core = build(
        "NVM(1) = 0x00FF00FF; NVM(1) = 0; ERASE = 0x21000000; NVM(1) = 0xFFFFFFFF; ERASE = 0;"
    )
    seen: list[Store] = []
    core.on_store = seen.append
    core.run(0.0)
    assert [(s.offset, s.old, s.new, s.erasing) for s in seen] == [
        (4, 0xFFFFFFFF, 0x00FF00FF, False),
        (4, 0x00FF00FF, 0, False),
        (4, 0, 0xFFFFFFFF, True),
    ]
    assert word(core, 1) == 0xFFFFFFFF


@pytest.mark.parametrize(
    "body",
    [
        "NVM(0) = 0; NVM(0) = 1;",
        "ERASE = 0x21001000; NVM(0) = 0; NVM(0) = 0xFFFFFFFF;",
        "ERASE = 0x21000000; NVM(0) = 5;",
        "*(volatile uint8_t *)0x21000000 = 0;",
    ],
    ids=["a bit rises", "in another page than announced", "no erasing", "less than a unit"],
)
def test_what_flash_cannot_do_is_refused(build: Build, body: str) -> None:
    with pytest.raises(IllegalStore):
        build(body).run(0.0)


def test_an_access_to_nothing_is_a_fault(build: Build) -> None:
    with pytest.raises(CoreFault):
        build("WORD(0x60000000) = 1;").run(0.0)


def test_a_cut_comes_before_its_store(build: Build) -> None:
    core = build("NVM(0) = 1; NVM(1) = 2; NVM(2) = 3;")
    core.on_store = lambda store: core.cut() if store.offset == 4 else None
    core.run(0.0)
    assert not core.powered
    assert word(core, 0) == 1
    assert word(core, 2) == 0xFFFFFFFF


def test_a_snapshot_is_whole(build: Build) -> None:
    core = build(
        "for (uint32_t n = 0;; n++) { NVM(n) = n; WORD(0x20000000) = n * n;"
        " WORD(0x40004000) = n; SLEEP(); }"
    )
    for _ in range(3):
        core.run(0.0)
    there = core.snapshot()

    def two_more() -> tuple[bytes, bytes]:
        for _ in range(2):
            core.run(0.0)
        state = core.snapshot()
        return state.ram + state.state, bytes(state.wiring.sent[0])

    first = two_more()
    core.restore(there)
    assert core.snapshot() == there
    assert two_more() == first
    assert first[1] == bytes(range(5))


def test_systick_wakes_and_tells(build: Build) -> None:
    core = build(
        "WORD(0xE000E014) = 25000 - 1; WORD(0xE000E018) = 0; WORD(0xE000E010) = 7; SLEEP();"
        " NVM(0) = WORD(0xE000E010); NVM(1) = WORD(0xE000E010);"
    )
    core.run(0.0)
    moment = core.wakes_at()
    assert moment == pytest.approx(0.001, abs=1e-5)
    core.run(moment or 0.0)
    assert [word(core, 0) >> 16, word(core, 1) >> 16] == [1, 0]


def test_two_starts_get_different_randomness(build: Build) -> None:
    core = build(f"NVM(0) = WORD({BOOT_PAGE} + 8);")
    core.run(0.0)
    first = word(core, 0)
    core.cut_power()
    core.write_nvm(b"\xff" * NVM_SIZE)
    core.start(1.0)
    core.run(1.0)
    assert word(core, 0) != first
