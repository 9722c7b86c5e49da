"""`make renode` and `make renode-install` without Renode, or with a stand-in."""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
INSTALL = runpy.run_path(str(ROOT / "simulator" / "renode" / "install.py"))


def run(*arguments: str, directory: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tests" / "renode" / "run_on_renode.py"), *arguments]
    environment = os.environ | {"RENODE_DIR": str(directory)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [(), ("--look",)])
def test_nobody_is_fooled_without_renode(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = run(*arguments, directory=tmp_path)
    assert done.returncode == 3
    assert "Renode was NOT run: Renode is not installed" in done.stderr
    assert "passed" not in done.stdout + done.stderr


def act(directory: Path, name: str, script: str) -> None:
    program = directory / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_renode_without_renode_test_is_not_renode(tmp_path: Path) -> None:
    act(tmp_path, "renode", "echo Renode v0")
    done = run("--look", directory=tmp_path)
    assert done.returncode == 3
    assert "no renode-test" in done.stderr


def test_the_version_is_told(tmp_path: Path) -> None:
    act(tmp_path, "renode", "echo Renode v0")
    act(tmp_path, "renode-test", "exit 1")
    done = run("--look", directory=tmp_path)
    assert done.returncode == 0
    assert f"renode: Renode v0 ({tmp_path}/renode)" in done.stdout


def test_make_fails_plainly_without_renode(tmp_path: Path) -> None:
    environment = os.environ | {"RENODE_DIR": str(tmp_path)}
    done = subprocess.run(
        ["make", "renode"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "Renode was NOT run" in done.stderr


def test_a_report_is_counted_and_failures_are_named(tmp_path: Path) -> None:
    counted = runpy.run_path(str(ROOT / "tests" / "renode" / "run_on_renode.py"))["_counted"]
    report = tmp_path / "junit.xml"
    assert counted(report) == "no report"
    cases = (
        '<testcase classname="a" name="one"/>',
        '<testcase classname="a" name="two"><failure>no</failure></testcase>',
        '<testcase classname="b" name="three"><error>no</error></testcase>',
        '<testcase classname="b" name="four"><skipped/></testcase>',
    )
    report.write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
    assert counted(report) == "4 tests, 2 failed, a.two, b.three"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    made = tmp_path / INSTALL["ARCHIVE"]
    made.write_bytes(b"an archive")
    return made


def page(directory: Path, name: str, digest: object) -> str:
    facts = directory / "facts.json"
    facts.write_text(json.dumps({"assets": [{"name": name, "digest": digest}]}))
    return facts.as_uri()


def test_an_archive_is_compared_with_what_is_published(archive: Path, tmp_path: Path) -> None:
    right = "sha256:" + hashlib.sha256(b"an archive").hexdigest()
    assert INSTALL["compare"](archive, None, page(tmp_path, archive.name, right)) == 0
    wrong = "sha256:" + "0" * 64
    assert INSTALL["compare"](archive, None, page(tmp_path, archive.name, wrong)) == 1
    assert INSTALL["compare"](archive, "0" * 64) == 1


def test_an_archive_that_cannot_be_compared(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for facts in (
        page(tmp_path, archive.name, None),
        page(tmp_path, "another", "sha256:00"),
        (tmp_path / "nothing").as_uri(),
    ):
        assert INSTALL["compare"](archive, None, facts) == 2
        assert "NOT compared" in capsys.readouterr().err
