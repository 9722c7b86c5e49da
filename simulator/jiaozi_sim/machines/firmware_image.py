"""A firmware image as an ELF file: its segments, symbols, and program unit."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from jiaozi_sim.machines.unicorn_state import WORD


@lru_cache(maxsize=4)
def segments(elf: Path) -> tuple[tuple[int, bytes], ...]:
    """Return load address and contents of each segment to load."""
    with elf.open("rb") as file:
        return tuple(
            (segment["p_paddr"], segment.data())
            for segment in ELFFile(file).iter_segments()
            if segment["p_type"] == "PT_LOAD" and segment["p_filesz"]
        )


@lru_cache(maxsize=16)
def symbol(elf: Path, name: str) -> int | None:
    """Return a symbol's value, None if the image does not have it. Raises OSError, ELFError."""
    with elf.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        found = table.get_symbol_by_name(name) if isinstance(table, SymbolTableSection) else None
        return int(found[0]["st_value"]) if found else None


def program_unit(elf: Path) -> int:
    """Return how many bytes an image programs into NVM at a time; by default one word."""
    return symbol(elf, "_nvm_unit") or WORD
