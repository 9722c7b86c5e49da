"""The image's own objects, linked with another source of randomness, with two and with none.

The tree has no port to silicon: a source of ten lines stands for its driver here. What these tests
show is that no image links without exactly one source, and that the check tells which one it has.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.image_checks import check_random

ROOT = Path(__file__).parents[3]
IMAGE = ROOT / "build" / "firmware" / "visual_card"
CPU = ("-mthumb", "-mcpu=cortex-m4", "-mfloat-abi=soft")
GCC = ("arm-none-eabi-gcc", *CPU)
LINK = (
    *GCC,
    *("-nostartfiles", "--specs=nano.specs", "--specs=nosys.specs"),
    *("-L", str(ROOT / "boards" / "visual_card" / "generated")),
    *("-T", str(ROOT / "firmware" / "targets" / "emulated" / "emulated.ld")),
    *("-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments", "-Wl,--defsym=_nvm_unit=4"),
    *("-Wl,--defsym=_stack_size=24*1024", "-Wl,--defsym=_heap_size=128*1024"),
)
DRIVER = """
#include <stddef.h>
#include <stdint.h>
void jz_random_start(void) { (void)*(volatile uint32_t *)0x50060800; }
void jz_random(uint8_t *to, size_t size) {
    while (size--) { *to++ = (uint8_t)*(volatile uint32_t *)0x50060808; }
}
"""
SOFTWARE = "int rand(void) { static unsigned next; return next = next * 1103515245u + 12345u; }\n"


@pytest.fixture(scope="module")
def objects(firmware_elf: Callable[[str], Path]) -> list[Path]:
    """What the release image was linked from, in that order."""
    firmware_elf("visual_card")
    lines = (IMAGE / "firmware.map").read_text(encoding="utf-8").splitlines()
    loaded = [Path(line.split()[1]) for line in lines if line.startswith("LOAD ")]
    ours = [path for path in loaded if path.is_relative_to(IMAGE)]
    assert len(ours) > 100
    return ours


def compiled(source: str, target: Path) -> Path:
    """An object of a few lines."""
    command = [*GCC, "-Os", "-ffunction-sections", "-c", "-x", "c", "-", "-o", str(target)]
    subprocess.run(command, input=source, text=True, check=True)
    return target


def link(objects: list[Path], folder: Path, *options: str) -> str:
    """What the linker says; nothing when there is an image."""
    parts = [f"-Wl,-Map={folder / 'image.map'}", *options, *map(str, objects)]
    done = subprocess.run(
        [*LINK, *parts, "-o", str(folder / "image.elf")], capture_output=True, text=True
    )
    return done.stderr if done.returncode else ""


def complaints(folder: Path, emulated: bool) -> str:
    """What the check says of the image just linked."""
    link_map = (folder / "image.map").read_text(encoding="utf-8")
    functions = check_random.functions_of(str(folder / "image.elf"))
    return "; ".join(check_random.complaints(link_map, functions, emulated))


def without_source(objects: list[Path]) -> list[Path]:
    left = [path for path in objects if path.name != "boot_page.o"]
    assert len(left) == len(objects) - 1
    return left


def test_the_emulated_source_is_no_hardware_image(objects: list[Path], tmp_path: Path) -> None:
    assert link(objects, tmp_path) == ""
    assert complaints(tmp_path, emulated=True) == ""
    assert "contains the emulated board's source" in complaints(tmp_path, emulated=False)


def test_without_a_source_nothing_links(objects: list[Path], tmp_path: Path) -> None:
    said = link(without_source(objects), tmp_path)
    assert "undefined reference to `jz_random'" in said
    assert "undefined reference to `jz_random_start'" in said


def test_a_driver_in_its_place_is_a_hardware_image(objects: list[Path], tmp_path: Path) -> None:
    driver = compiled(DRIVER, tmp_path / "trng.o")
    assert link([*without_source(objects), driver], tmp_path) == ""
    assert complaints(tmp_path, emulated=False) == ""
    assert "marked source is not linked" in complaints(tmp_path, emulated=True)


def test_two_sources_do_not_link(objects: list[Path], tmp_path: Path) -> None:
    driver = compiled(DRIVER, tmp_path / "trng.o")
    assert "multiple definition of `jz_random'" in link([*objects, driver], tmp_path)


def test_a_software_generator_is_seen(objects: list[Path], tmp_path: Path) -> None:
    extra = compiled(SOFTWARE, tmp_path / "extra.o")
    assert link([*objects, extra], tmp_path, "-Wl,-u,rand") == ""
    assert "another generator is linked: ['rand']" in complaints(tmp_path, emulated=True)
