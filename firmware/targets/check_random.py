#!/usr/bin/env python3
"""Check after linking that an image has exactly one source of randomness, the right one.

    check_random.py firmware.elf firmware.map emulated|hardware

The map names the object that provides jz_random; `nm` lists the functions of an image. An emulated
image's source is the marked boot page; a hardware image contains neither the boot page nor the
operating system's generator. Exits with 1 and prints the reason if another source of random bytes
is linked.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

BOOT_PAGE, OPERATING_SYSTEM = "boot_page.o", "os_random.o"
OURS = {"jz_random", "jz_random_start", "randombytes_buf", "random_bytes", "random_bytes_obj"}
GENERATORS = re.compile(r"random|^s?rand(_r|48)?$|^[jlmn]rand48$|yasmarang|getentropy")
# The code of one of the two functions of jz/random.h, with its object file.
_LINKED = re.compile(r"^ \.text\.jz_random(?:_start)?(?:\s+0x[0-9a-f]+){2} (\S+)$", re.M)


def linked_sources(link_map: str) -> set[str]:
    """Return the file names of the objects that implement jz/random.h in the image."""
    image = link_map.partition("Linker script and memory map")[2]
    return {Path(path).name for path in _LINKED.findall(image)}


def complaints(link_map: str, functions: set[str], emulated: bool) -> list[str]:
    """List all errors of an image's source of randomness."""
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
    """List the functions of an image."""
    listed = subprocess.run(
        ["arm-none-eabi-nm", elf], check=True, capture_output=True, text=True
    ).stdout
    rows = [line.split() for line in listed.splitlines()]
    return {row[2] for row in rows if len(row) == 3 and row[1] in "tTwW"}


def main() -> int:
    """Check the image named on the command line; return the exit status."""
    elf, link_map, kind = sys.argv[1:]
    text = Path(link_map).read_text(encoding="utf-8", errors="replace")
    wrong = complaints(text, functions_of(elf), kind == "emulated")
    for complaint in wrong:
        print(f"{elf}: {complaint}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
