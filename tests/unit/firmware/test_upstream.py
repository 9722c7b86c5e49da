"""Fetching upstream sources: package lists, checks of archives and clones, repeated runs."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[3] / "firmware" / "upstream"


@pytest.fixture
def fetch(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import the script as a module; its neighbour is importable, as when it runs."""
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location("fetch_under_test", FOLDER / "fetch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def aptlist(fetch: ModuleType) -> ModuleType:
    return sys.modules["aptlist"]


DEB822 = """\
# comment
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/some.gpg

Types: deb
Enabled: no
URIs: http://disabled.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abcd
 -----END PGP PUBLIC KEY BLOCK-----
"""

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb [arch=amd64] http://vendor.example/tools tools-bookworm main
deb [signed-by=/usr/share/keyrings/some.gpg] http://mirror.example/debian bookworm main # mine
deb-src http://mirror.example/debian bookworm main
"""


@pytest.mark.parametrize(("name", "text"), [("debian.sources", DEB822), ("debian.list", ONE_LINE)])
def test_the_mirror_is_borrowed_from_the_machine(
    aptlist: ModuleType, tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / name).write_text(text)
    entry = aptlist.find_entry(aptlist.read_entries(tmp_path), "bookworm")
    assert aptlist.render_source_entry(entry, "trixie").splitlines() == [
        "Types: deb-src",
        "URIs: http://mirror.example/debian",
        "Suites: trixie",
        "Components: main",
        "Signed-By: /usr/share/keyrings/some.gpg",
    ]


def test_an_inline_key_is_kept(aptlist: ModuleType) -> None:
    security = list(aptlist.parse_deb822(DEB822))[-1]
    assert security.suites == ("bookworm-security",)
    assert aptlist.render_source_entry(security, "trixie").endswith(
        "Signed-By: \n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abcd\n"
        " -----END PGP PUBLIC KEY BLOCK-----\n"
    )


def test_a_machine_without_an_entry_of_its_own(aptlist: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb http://vendor.example/x vendor main\n")
    assert aptlist.find_entry(aptlist.read_entries(tmp_path), "bookworm") is None
    assert aptlist.read_entries(tmp_path / "nowhere") == []


def test_what_is_listed(fetch: ModuleType) -> None:
    suite, sources = fetch.load()
    assert suite.isalpha()
    assert {source.name for source in sources} >= {"micropython", "libsodium", "tinycbor"}
    for source in sources:
        assert re.fullmatch("[0-9a-f]{64}", source.sha256)
        assert re.fullmatch("[0-9a-f]{40}", source.commit)
        assert source.version in source.archive
        assert source.version in source.tag


def make_archive(path: Path, folder: Path, top: str = "thing-1.0") -> None:
    folder.mkdir()
    (folder / "file.c").write_text("int x;\n")
    with tarfile.open(path, "w:gz") as tar:
        tar.add(folder, arcname=top)


@pytest.fixture
def source(fetch: ModuleType, tmp_path: Path) -> object:
    """Return a release whose archive is in the destination's archives."""
    (tmp_path / "archives").mkdir()
    archive = tmp_path / "archives" / "thing_1.0.tar.gz"
    make_archive(archive, tmp_path / "made")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    return fetch.Source(
        "thing", "1.0", "thing", archive.name, digest, "them/thing", "v1.0", "0" * 40
    )


def test_an_archive_at_hand_is_unpacked_once(
    fetch: ModuleType, source: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "load", lambda: ("trixie", [source]))
    fetch.fetch(tmp_path, "apt")
    assert (tmp_path / "thing" / "file.c").read_text() == "int x;\n"
    assert fetch.is_present(source, tmp_path)
    (tmp_path / "archives" / source.archive).unlink()  # type: ignore[attr-defined]
    fetch.fetch(tmp_path, "apt")  # would fail without the archive if it did anything


def test_a_changed_archive_is_refused(fetch: ModuleType, source: object, tmp_path: Path) -> None:
    archive = tmp_path / "archives" / source.archive  # type: ignore[attr-defined]
    archive.write_bytes(archive.read_bytes() + b"x")
    with pytest.raises(fetch.FetchError, match="SHA-256"):
        fetch.unpack(archive, source, tmp_path)
    assert not archive.exists()
    assert not (tmp_path / "thing").exists()


def test_without_a_mirror_the_error_says_what_to_do(
    fetch: ModuleType,
    source: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "archives" / source.archive).unlink()  # type: ignore[attr-defined]
    monkeypatch.setattr(fetch, "load", lambda: ("trixie", [source]))
    monkeypatch.setattr(fetch, "debian_entry", lambda: None)
    assert fetch.main(["--from", "apt", "--destination", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "thing_1.0.tar.gz" in error
    assert "remedy" in error


def git(*arguments: str, cwd: Path) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("honest", [True, False])
def test_a_clone_is_checked_by_its_commit(
    fetch: ModuleType, source: object, tmp_path: Path, honest: bool
) -> None:
    forge = tmp_path / "forge" / "them" / "thing"
    forge.mkdir(parents=True)
    git("init", "-q", cwd=forge)
    (forge / "file.c").write_text("int y;\n")
    git("add", ".", cwd=forge)
    git("commit", "-q", "-m", "release", cwd=forge)
    git("tag", "-a", "-m", "release", "v1.0", cwd=forge)
    commit = git("rev-parse", "HEAD", cwd=forge).strip() if honest else "1" * 40
    wanted = fetch.Source(**{**vars(source), "commit": commit})
    url = f"file://{tmp_path / 'forge'}/"
    if honest:
        fetch.fetch_clone(wanted, tmp_path, url)
        assert (tmp_path / "thing" / "file.c").read_text() == "int y;\n"
        assert fetch.is_present(wanted, tmp_path)
    else:
        with pytest.raises(fetch.FetchError, match="not 1111"):
            fetch.fetch_clone(wanted, tmp_path, url)
        assert not (tmp_path / "thing").exists()
