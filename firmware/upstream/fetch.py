#!/usr/bin/env python3
"""Fetch the upstream sources of `upstream.toml` to `build/upstream/<name>`.

On Debian the archives come from the machine's configured package mirror, with another suite;
elsewhere, or if that fails, from a git clone of the same release. An archive must match its
SHA-256, a clone its commit id. Sources are not patched. Sources already present are not fetched.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from aptlist import Entry, find_entry, read_entries, render_source_entry

HERE = Path(__file__).resolve().parent
DEFAULT_DESTINATION = HERE.parent.parent / "build" / "upstream"
FORGE = "https://github.com/"
STAMP = ".jiaozi-source"
APT_TIMEOUT_S = 300
CLONE_TIMEOUT_S = 900


class FetchError(Exception):
    """A source could not be fetched; the text states the reason."""


@dataclass(frozen=True)
class Source:
    """One upstream release of `upstream.toml`."""

    name: str
    version: str
    package: str
    archive: str
    sha256: str
    repository: str
    tag: str
    commit: str


def load(path: Path = HERE / "upstream.toml") -> tuple[str, list[Source]]:
    """Read the Debian suite and the sources from `path`."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return table["suite"], [Source(**entry) for entry in table["source"]]


def is_present(source: Source, destination: Path) -> bool:
    """True if `destination/<name>` was unpacked from exactly this release."""
    try:
        stamp = (destination / source.name / STAMP).read_text(encoding="ascii").strip()
    except OSError:
        return False
    return stamp in (source.sha256, source.commit)


def sha256_of(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def run(command: list[str], timeout: float, cwd: Path | None = None) -> str:
    """Return the standard output of `command`. Raises FetchError with its last error line."""
    environment = dict(os.environ, LC_ALL="C.UTF-8", GIT_TERMINAL_PROMPT="0")
    try:
        done = subprocess.run(
            command, cwd=cwd, timeout=timeout, env=environment, capture_output=True, text=True
        )
    except FileNotFoundError as error:
        raise FetchError(f"{command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"{command[0]} gave no answer in {timeout:.0f} s") from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise FetchError(f"{' '.join(command[:2])} failed: {lines[-1]}")
    return done.stdout


def install(tree: Path, stamp: str, source: Source, destination: Path) -> None:
    """Move an unpacked tree to its place atomically; interruption leaves no partial tree."""
    (tree / STAMP).write_text(stamp + "\n", encoding="ascii")
    target = destination / source.name
    shutil.rmtree(target, ignore_errors=True)
    os.replace(tree, target)


def unpack(archive: Path, source: Source, destination: Path) -> None:
    """Check `archive` and unpack it to `destination/<name>` without its leading folder."""
    found = sha256_of(archive)
    if found != source.sha256:
        archive.unlink()
        raise FetchError(
            f"{source.archive} has SHA-256 {found}, not {source.sha256}; it was deleted, run again"
        )
    with tempfile.TemporaryDirectory(dir=destination, prefix="unpack-") as name:
        with tarfile.open(archive) as tar:
            # Debian 12's Python 3.11.2 lacks filters; the archive's hash is checked already.
            tar.extraction_filter = getattr(tarfile, "data_filter", None)
            tar.extractall(name)
        folders = [path for path in Path(name).iterdir() if path.is_dir()]
        if len(folders) != 1:
            raise FetchError(f"{source.archive} does not hold exactly one folder")
        install(folders[0], source.sha256, source, destination)


def debian_entry() -> Entry | None:
    """Return this machine's package list entry with the mirror to use; None if not Debian."""
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return None
    fields = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if fields.get("ID", "").strip('"') != "debian" or not shutil.which("apt-get"):
        return None
    codename = fields.get("VERSION_CODENAME", "").strip('"')
    return find_entry(read_entries(Path("/etc/apt")), codename)


def download_with_apt(sources: list[Source], entry: Entry, suite: str, archives: Path) -> None:
    """Download the archives of `sources` into `archives` with a temporary package list.

    The machine's lists and caches are neither read nor written, so root is not needed.
    """
    with tempfile.TemporaryDirectory(prefix="jiaozi-apt-") as name:
        work = Path(name)
        (work / "lists" / "partial").mkdir(parents=True)
        (work / "cache" / "archives" / "partial").mkdir(parents=True)
        (work / "jiaozi.sources").write_text(render_source_entry(entry, suite), encoding="utf-8")
        options = {
            "Dir::Etc::sourcelist": work / "jiaozi.sources",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State::Lists": work / "lists",
            "Dir::Cache": work / "cache",
            "APT::Get::List-Cleanup": "0",
            "Acquire::Languages": "none",
        }
        if os.geteuid() == 0:
            options["APT::Sandbox::User"] = "root"
        apt = ["apt-get"]
        for key, value in options.items():
            apt += ["-o", f"{key}={value}"]
        run([*apt, "update"], APT_TIMEOUT_S)
        packages = [source.package for source in sources]
        run([*apt, "source", "--download-only", "--tar-only", *packages], APT_TIMEOUT_S, archives)


def fetch_archives(sources: list[Source], suite: str, destination: Path) -> list[Source]:
    """Fetch sources from the package mirror; return those that it does not have."""
    archives = destination / "archives"
    archives.mkdir(parents=True, exist_ok=True)
    missing = [source for source in sources if not (archives / source.archive).exists()]
    if missing:
        entry = debian_entry()
        if entry is None:
            print("upstream: no Debian package mirror on this machine")
            return sources
        print(f"upstream: downloading {', '.join(s.archive for s in missing)}")
        try:
            download_with_apt(missing, entry, suite, archives)
        except FetchError as error:
            print(f"upstream: the package mirror failed: {error}")
    left = []
    for source in sources:
        if (archives / source.archive).exists():
            print(f"upstream: unpacking {source.name} {source.version}")
            unpack(archives / source.archive, source, destination)
        else:
            left.append(source)
    return left


def fetch_clone(source: Source, destination: Path, forge: str = FORGE) -> None:
    """Clone the release tag of `source` and check its commit id."""
    print(f"upstream: cloning {source.repository} {source.tag}")
    with tempfile.TemporaryDirectory(dir=destination, prefix="clone-") as name:
        tree = Path(name) / source.name
        clone = ["git", "clone", "--quiet", "--depth=1", f"--branch={source.tag}"]
        run([*clone, forge + source.repository, str(tree)], CLONE_TIMEOUT_S)
        found = run(["git", "-C", str(tree), "rev-parse", "HEAD"], 60).strip()
        if found != source.commit:
            raise FetchError(f"{source.repository} {source.tag} is {found}, not {source.commit}")
        install(tree, source.commit, source, destination)


def fetch(destination: Path, origin: str) -> None:
    """Fetch every missing source to `destination`; origin: auto, apt or git.

    Raises FetchError if a source cannot be fetched or fails its check.
    """
    suite, sources = load()
    wanted = [source for source in sources if not is_present(source, destination)]
    if not wanted:
        return
    destination.mkdir(parents=True, exist_ok=True)
    if origin != "git":
        wanted = fetch_archives(wanted, suite, destination)
    if wanted and origin == "apt":
        names = ", ".join(source.archive for source in wanted)
        raise FetchError(f"{names}: not on the mirror; copy to {destination / 'archives'}")
    for source in wanted:
        fetch_clone(source, destination)
    print("upstream: all sources are in place")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Bring the upstream sources into build/upstream.")
    parser.add_argument("--from", dest="origin", choices=("auto", "apt", "git"), default="auto")
    parser.add_argument("--destination", type=Path, default=DEFAULT_DESTINATION)
    options = parser.parse_args(arguments)
    try:
        fetch(options.destination, options.origin)
    except FetchError as error:
        print(f"upstream: error: {error}", file=sys.stderr)
        print(
            "upstream: remedy: check the network, or place the archives named in upstream.toml "
            f"into {options.destination / 'archives'} and run again",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
