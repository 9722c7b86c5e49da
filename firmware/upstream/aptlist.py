"""Read a Debian machine's package list entries in both formats, and write a source entry.

Formats: sources.list(5), one-line (`*.list`) and deb822 (`*.sources`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ONE_LINE = re.compile(r"^(deb|deb-src)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(\S.*)$")
ROLLING = ("stable", "oldstable", "testing", "unstable", "sid")


@dataclass(frozen=True)
class Entry:
    """A package source: one repository, its suites and components."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""


def parse_one_line(text: str) -> Iterator[Entry]:
    """Parse a one-line package list; disabled (commented) lines are skipped."""
    for raw in text.splitlines():
        match = ONE_LINE.match(raw.split("#", 1)[0].strip())
        if not match:
            continue
        _, options, uri, suite, components = match.groups()
        named = dict(part.split("=", 1) for part in (options or "").split() if "=" in part)
        yield Entry((uri,), (suite,), tuple(components.split()), named.get("signed-by", ""))


def parse_deb822(text: str) -> Iterator[Entry]:
    """Parse a deb822 package list; stanzas with `Enabled: no` are skipped."""
    for stanza in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        key = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in (" ", "\t"):
                fields[key] = fields.get(key, "") + "\n" + line
            elif ":" in line:
                key, value = line.split(":", 1)
                key = key.strip().lower()
                fields[key] = value.strip()
        if "uris" not in fields or fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        yield Entry(
            tuple(fields["uris"].split()),
            tuple(fields.get("suites", "").split()),
            tuple(fields.get("components", "").split()),
            fields.get("signed-by", ""),
        )


def read_entries(folder: Path) -> list[Entry]:
    """Read all entries below an apt configuration folder such as `/etc/apt`."""
    entries: list[Entry] = []
    one_line = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*.list"))]
    for path in one_line:
        if path.is_file():
            entries += parse_one_line(path.read_text(encoding="utf-8"))
    for path in sorted((folder / "sources.list.d").glob("*.sources")):
        entries += parse_deb822(path.read_text(encoding="utf-8"))
    return entries


def find_entry(entries: list[Entry], codename: str) -> Entry | None:
    """Return the distribution's main entry (not its security's or a vendor's), or None."""
    for entry in entries:
        own = set(entry.suites) & {codename, *ROLLING}
        if own and "main" in entry.components:
            return entry
    return None


def render_source_entry(entry: Entry, suite: str) -> str:
    """Format a deb822 stanza for the source packages of `suite` at the mirror of `entry`."""
    lines = [
        "Types: deb-src",
        f"URIs: {entry.uris[0]}",
        f"Suites: {suite}",
        "Components: main",
    ]
    if entry.signed_by:
        lines.append(f"Signed-By: {entry.signed_by}")
    return "\n".join(lines) + "\n"
