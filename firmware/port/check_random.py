#!/usr/bin/env python3
"""Proof at link time that one source of randomness, and the right one, is in an image.

    check_random.py firmware.elf firmware.map emulated|hardware

The map says which objects were linked, `nm` which functions. An emulated image has the marked boot
page for its source; a hardware image must have neither that nor the operating system's. Exits with
1, and says why, if anything else could make a random byte.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

BOOT_PAGE, OPERATING_SYSTEM = "boot_page.o", "os_random.o"
OURS = {"jz_random", "jz_random_start", "randombytes_buf", "random_bytes", "random_bytes_obj"}
GENERATORS = re.compile(r"random|^s?rand(_r|48)?$|^[jlmn]rand48$|yasmarang|getentropy")
_LINKED = re.compile(
    r"^ \.text\S*(?:\s+0x[0-9a-f]+){2} (\S+)$|^\s+0x[0-9a-f]+\s+0x[0-9a-f]+ (\S+)$"
)


def linked_sources(link_map: str) -> set[str]:
    """File names of the objects of ours for randomness whose code is in the image."""
    found = set()
    for line in link_map.partition("Linker script and memory map")[2].splitlines():
        match = _LINKED.match(line)
        if match is not None:
            path = Path(match[1] or match[2])
            if path.parent.name == "jzrng":
                found.add(path.name)
    return found


def complaints(link_map: str, functions: set[str], emulated: bool) -> list[str]:
    """What is wrong with the randomness of an image."""
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
        wrong.append("no self-test at the start")
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
