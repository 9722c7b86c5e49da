#!/usr/bin/env python3
"""Prove after linking that an image has one source of randomness, and the right one.

    check_random.py firmware.elf firmware.map emulated|hardware

The map says which object jz_random was linked from, `nm` which functions an image has. An emulated
image has the marked boot page as its source; a hardware image has neither that nor the operating
system's. Exits with 1 and says why if anything else could make a random byte.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

BOOT_PAGE, OPERATING_SYSTEM = "boot_page.o", "os_random.o"
OURS = {"jz_random", "jz_random_start", "randombytes_buf", "random_bytes", "random_bytes_obj"}
GENERATORS = re.compile(r"random|^s?rand(_r|48)?$|^[jlmn]rand48$|yasmarang|getentropy")
# The code of one of the two functions of jz/random.h, with the object it is from.
_LINKED = re.compile(r"^ \.text\.jz_random(?:_start)?(?:\s+0x[0-9a-f]+){2} (\S+)$", re.M)


def linked_sources(link_map: str) -> set[str]:
    """File names of the objects that implement jz/random.h in the image."""
    image = link_map.partition("Linker script and memory map")[2]
    return {Path(path).name for path in _LINKED.findall(image)}


def complaints(link_map: str, functions: set[str], emulated: bool) -> list[str]:
    """Everything that is wrong with the randomness of an image."""
    sources = linked_sources(link_map)
    wrong = []
    if emulated and BOOT_PAGE not in sources:
        wrong.append("the emulated board's marked source is not linked")
    if not emulated and BOOT_PAGE in sources:
        wrong.append("a hardware image contains the emulated board's source")
    if OPERATING_SYSTEM in sources:
        wrong.append("the operating system's source is linked into an image")
    if len(sources) != 1:
        wrong.append(f"not one source of randomness: {sorted(sources)}")
    if "jz_random_start" not in functions:
        wrong.append("no self-test at start")
    others = {name for name in functions if GENERATORS.search(name)} - OURS
    if others:
        wrong.append(f"another generator is linked: {sorted(others)}")
    return wrong


def functions_of(elf: str) -> set[str]:
    """The names of the functions in an image."""
    listed = subprocess.run(
        ["arm-none-eabi-nm", elf], check=True, capture_output=True, text=True
    ).stdout
    rows = [line.split() for line in listed.splitlines()]
    return {row[2] for row in rows if len(row) == 3 and row[1] in "tTwW"}


def main() -> int:
    """The command line."""
    elf, link_map, kind = sys.argv[1:]
    text = Path(link_map).read_text(encoding="utf-8", errors="replace")
    wrong = complaints(text, functions_of(elf), kind == "emulated")
    for complaint in wrong:
        print(f"{elf}: {complaint}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
