#!/usr/bin/env python3
"""Generate code, host texts and the specification's table from `protocol/errors.toml`.

`--check` writes nothing and exits with 1 if a generated file is stale.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REGISTRY = Path("protocol/errors.toml")
NOTICE = "Generated from protocol/errors.toml by protocol/tools/gen_errors.py; do not edit."

NAME = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
# ISO/IEC 7816-4, 5.6: 61xx to 6Fxx and 9xxx are status words; 9000 and 61xx mean success.
STATUS_WORDS = (range(0x6200, 0x7000), range(0x9001, 0xA000))
COUNTER = 0x63C0  # 63CX: the last digit counts (ISO/IEC 7816-4, table 6)


class RegistryError(Exception):
    """The registry breaks a rule; the text names the entry and the rule."""


@dataclass(frozen=True)
class Entry:
    """One refusal: its name in code, its status word and its texts for users."""

    name: str
    sw: int
    text: str
    remedy: str
    raised: str


def read_registry(source: str) -> list[Entry]:
    """Parse and check the registry; raises RegistryError or tomllib.TOMLDecodeError."""
    document = tomllib.loads(source)
    if set(document) != {"error"}:
        raise RegistryError("the registry holds [[error]] entries and nothing else")
    entries = [read_entry(raw) for raw in document["error"]]
    check_unique("name", (entry.name for entry in entries))
    check_unique("text", (entry.text for entry in entries))
    check_unique("status word", (f"{entry.sw:04X}" for entry in entries))
    for entry in entries:
        if entry.sw != COUNTER and entry.sw & 0xFFF0 == COUNTER:
            raise RegistryError(f"{entry.name}: {entry.sw:04X} reads as a counter of 63CX")
    return sorted(entries, key=lambda entry: entry.sw)


def read_entry(raw: dict[str, object]) -> Entry:
    """Check one entry's keys, types and ranges."""
    label = raw.get("name", "an entry without a name")
    expected = {field.name for field in fields(Entry)}
    if set(raw) != expected:
        raise RegistryError(f"{label}: keys must be {sorted(expected)}, not {sorted(raw)}")
    name, sw = raw["name"], raw["sw"]
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise RegistryError(f"{label}: a name is written LIKE_THIS")
    if type(sw) is not int or not any(sw in words for words in STATUS_WORDS):
        raise RegistryError(f"{name}: sw must be a status word that is not success")
    return Entry(name, sw, *(read_text(name, raw, key) for key in ("text", "remedy", "raised")))


def read_text(name: str, raw: dict[str, object], key: str) -> str:
    """Check and return one text of an entry."""
    value = raw[key]
    if not isinstance(value, str) or not value.strip() or "\n" in value or "|" in value:
        raise RegistryError(f"{name}: {key} must be one line of text without '|'")
    return value


def check_unique(what: str, values: Iterable[str]) -> None:
    """Raise RegistryError for the first value that appears twice."""
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise RegistryError(f"the {what} {value!r} is used twice")
        seen.add(value)


def render_code(entries: list[Entry]) -> str:
    """Render the module of constants and the exception, for CPython and MicroPython."""
    constants = "\n".join(f"{entry.name} = const(0x{entry.sw:04X})" for entry in entries)
    return f'''"""Status words of refusals.

{NOTICE}
"""

from micropython import const

{constants}


class Refused(Exception):
    """A rule refused the input; `sw` is the status word to answer with."""

    def __init__(self, sw: int) -> None:
        super().__init__(sw)
        self.sw = sw

    def __str__(self) -> str:
        return f"refused: {{self.sw:04X}}"
'''


def render_texts(entries: list[Entry]) -> str:
    """Render the module of the host tools' texts."""
    rows = "".join(
        f'    0x{entry.sw:04X}: ErrorText(\n        "{entry.name}",\n'
        f"        {quote(entry.text)},\n        {quote(entry.remedy)},\n    ),\n"
        for entry in entries
    )
    return f'''"""Status words explained to users.

{NOTICE}
"""

from typing import NamedTuple

COUNTER = 0x{COUNTER:04X}  # 63CX: the last digit is the number of tries left


class ErrorText(NamedTuple):
    """A refusal's name in the registry, what happened, and what to do next."""

    name: str
    text: str
    remedy: str


TEXTS = {{
{rows}}}


def explain(sw: int) -> ErrorText:
    """Return the text of a status word; an unregistered one gets the name UNKNOWN."""
    key = COUNTER if sw & 0xFFF0 == COUNTER else sw
    unknown = ErrorText("UNKNOWN", f"status word {{sw:04X}} is not known", "update this software")
    return TEXTS.get(key, unknown)
'''


def render_chapter(entries: list[Entry]) -> str:
    """Render the chapter of the specification."""
    rows = "".join(
        f"| `{entry.sw:04X}` | `{entry.name}` | {entry.text} | {entry.remedy} | {entry.raised} |\n"
        for entry in entries
    )
    return f"""# 12 Errors

Status: in force. Depends on: nothing. {NOTICE}

A status word other than 9000 is an answer without data: the command changed nothing, but for
`63CX`, which counts a try of the PIN (X tries are left). A wallet sends no other status words.

| SW | name | what happened | what to do | raised by |
|---|---|---|---|---|
{rows}"""


def quote(text: str) -> str:
    """Format a Python string literal in double quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def render_all(entries: list[Entry]) -> dict[Path, str]:
    """Return the content of each generated file by its path in the tree."""
    return {
        Path("protocol/jiaozi/wire/errors.py"): render_code(entries),
        Path("host/jiaozi_host/error_texts.py"): render_texts(entries),
        Path("protocol/spec/12-errors.md"): render_chapter(entries),
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the generated files, or check them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 if stale")
    parser.add_argument("--root", type=Path, default=ROOT, help="the tree to work on")
    options = parser.parse_args(arguments)
    try:
        rendered = render_all(read_registry((options.root / REGISTRY).read_text("utf-8")))
    except (OSError, RegistryError, tomllib.TOMLDecodeError) as error:
        print(f"{REGISTRY}: {error}", file=sys.stderr)
        return 1
    stale = 0
    for path, content in rendered.items():
        target = options.root / path
        if target.is_file() and target.read_text("utf-8") == content:
            continue
        if options.check:
            print(f"{path} is stale: run {Path(__file__).name}", file=sys.stderr)
            stale = 1
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, "utf-8")
        print(f"wrote {path}")
    return stale


if __name__ == "__main__":
    sys.exit(main())
