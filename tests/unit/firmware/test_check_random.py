"""The check after linking rejects images with another source of randomness, or with none."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.image_checks import TARGETS, check_random

GOOD = {"jz_random", "jz_random_start", "randombytes_buf", "main"}


def link_map(*sources: str) -> str:
    """Return a linker map with the code of these objects."""
    begin = "Discarded input sections\n\n .text.jz_random 0x0 0x4 /b/unix/os_random.o\n"
    begin += "\nLinker script and memory map\n\nLOAD /b/unix/os_random.o\n"
    for number, name in enumerate(sources):
        begin += f" .text.jz_random_start\n                0x{number:08x}       0xe4 /b/{name}\n"
    return begin


@pytest.mark.parametrize(
    ("sources", "functions", "emulated", "complaint"),
    [
        (("boot_page.o",), GOOD, True, None),
        (("trng.o",), GOOD, False, None),
        ((), GOOD, True, "marked source is not linked"),
        ((), GOOD, False, "not one source"),
        (("os_random.o",), GOOD, True, "operating system"),
        (("boot_page.o", "os_random.o"), GOOD, True, "operating system"),
        (("boot_page.o",), GOOD, False, "contains the emulated"),
        (("boot_page.o", "trng.o"), GOOD, False, "contains the emulated"),
        (("boot_page.o",), GOOD - {"jz_random_start"}, True, "no self-test"),
        (("boot_page.o",), GOOD | {"rand"}, True, "another generator"),
        (("boot_page.o",), GOOD | {"randombytes_sysrandom_buf"}, True, "another generator"),
        (("boot_page.o",), GOOD | {"yasmarang"}, True, "another generator"),
    ],
)
def test_what_an_image_may_draw_from(
    sources: tuple[str, ...], functions: set[str], emulated: bool, complaint: str | None
) -> None:
    found = check_random.complaints(link_map(*sources), functions, emulated)
    if complaint is None:
        assert found == []
    else:
        assert any(complaint in one for one in found)


@pytest.mark.parametrize(
    ("target", "compiled"), [("emulated", "boot_page.c"), ("unix", "os_random.c")]
)
def test_a_target_brings_one_source(target: str, compiled: str) -> None:
    """An image links only if its target has a source."""
    rules = f"JZ_TARGET_DIR := {TARGETS / target}\ninclude {TARGETS / target}/jz.mk\n"
    rules += "show: ; @echo $(SRC_USERMOD_LIB_C)\n"
    make = shutil.which("make") or "make"
    shown = subprocess.run(
        [make, "--no-print-directory", "-f", "-", "show"],
        input=rules,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [Path(name) for name in shown.stdout.split()]
    sources = [file.name for file in files if "\nvoid jz_random(" in file.read_text()]
    assert sources == [compiled]
