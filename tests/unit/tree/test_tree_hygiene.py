"""Forbidden contents of the tree and required files of folders, checked on the files git knows."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[3]
MAXIMUM_LINES = 450
SOURCE = {".py", ".pyi", ".c", ".h", ".ld", ".sh", ".toml", ".repl", ".resc", ".robot", ".cddl"}
GENERATED = {
    "requirements.txt",
    "requirements-stubs.txt",
    "protocol/jiaozi/wire/errors.py",
    "host/jiaozi_host/error_texts.py",
    "protocol/spec/12-errors.md",
}
FOLDERS_WITH_README = [
    *("protocol", "firmware", "boards", "host", "simulator", "tests"),
    *("firmware/native", "firmware/include/jz", "firmware/targets", "firmware/targets/emulated"),
    *("firmware/targets/unix", "firmware/wallet", "firmware/upstream"),
]
# Package sources are a setting of the machine, not of the tree.
REGISTRY = re.compile(
    r"(?i)\b(?:pypi\.org|pythonhosted|registry\.npmjs|npmjs\.org|crates\.io|proxy\.golang|"
    r"(?:deb|security|ftp|snapshot)\.debian\.org|archive\.ubuntu|(?:index-url|find-links)[ =]\S+:/)"
)
# Home and work folders of one machine. System paths fixed by a standard are allowed.
MACHINE_PATH = re.compile(r"(?<![\w.$})/-])/(?:work|root|tmp|home|Users)/\w")
MAGIC_OF_BINARIES = (b"\x7fELF", b"MZ", b"PK\x03\x04", b"\x1f\x8b", b"\xfd7zXZ", b"!<arch>")


def tracked() -> list[str]:
    """List the files that git knows or would add, without ignored and deleted ones."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    names = listed.decode().split("\0")
    return sorted(name for name in names if name and (ROOT / name).is_file())


def matches(pattern: re.Pattern[str], name: str) -> list[str]:
    """List `file:line: text` for each line of a text file that matches the pattern."""
    try:
        lines = (ROOT / name).read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        return []
    found = enumerate(lines, 1)
    return [f"{name}:{number}: {line.strip()}" for number, line in found if pattern.search(line)]


def everywhere(pattern: re.Pattern[str]) -> list[str]:
    """List the pattern's matches in every file except this one, which contains the patterns."""
    own = Path(__file__).relative_to(ROOT).as_posix()
    return [match for name in tracked() if name != own for match in matches(pattern, name)]


def test_no_package_index_is_named() -> None:
    assert everywhere(REGISTRY) == []


def test_no_path_of_one_machine_is_named() -> None:
    assert everywhere(MACHINE_PATH) == []


def test_no_file_is_too_long_to_read() -> None:
    lengths = {
        name: len((ROOT / name).read_bytes().splitlines())
        for name in tracked()
        if PurePosixPath(name).suffix in SOURCE and name not in GENERATED
    }
    assert {name: length for name, length in lengths.items() if length > MAXIMUM_LINES} == {}


def test_no_binary_is_kept() -> None:
    assert [
        name for name in tracked() if (ROOT / name).read_bytes().startswith(MAGIC_OF_BINARIES)
    ] == []


@pytest.mark.parametrize("folder", FOLDERS_WITH_README)
def test_a_folder_says_what_lives_in_it(folder: str) -> None:
    assert (ROOT / folder / "README.md").is_file()


def test_every_board_says_what_it_is() -> None:
    boards = [PurePosixPath(name).parent for name in tracked() if name.endswith("/board.toml")]
    assert boards, "no board found"
    assert [str(board) for board in boards if not (ROOT / board / "README.md").is_file()] == []


def dotted(*labels: str) -> str:
    """Join the parts of a host's name, so that this file does not contain it."""
    return ".".join(labels)


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (REGISTRY, f"deb http://{dotted('deb', 'debian', 'org')}/debian trixie main"),
        (REGISTRY, "--extra-index-url https://x.example/simple"),
        (REGISTRY, f"see https://{dotted('pypi', 'org')}/project/nfcpy"),
        (MACHINE_PATH, 'open("/tmp/x")'),
        (MACHINE_PATH, "cd /home/me"),
    ],
)
def test_the_patterns_see_what_they_are_for(pattern: re.Pattern[str], line: str) -> None:
    assert pattern.search(line)


@pytest.mark.parametrize(
    "line", ["build/tmp/x", "$HOME/work/x", "/dev/ttyUSB0", "https://a/home/b"]
)
def test_the_path_pattern_leaves_others_alone(line: str) -> None:
    assert not MACHINE_PATH.search(line)
