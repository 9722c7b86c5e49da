"""Host, unix port and image have one opinion on every signature (a sample of `make fuzz`)."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz import signatures


def test_host_unix_port_and_image_agree(tmp_path: Path, seed: int) -> None:
    cases = list(signatures.inputs(2000, seed))
    verdicts = {
        "host": signatures.by_host(cases),
        "unix port": signatures.by_unix_port(cases, tmp_path),
        "image": signatures.by_image(cases[:200]),
    }
    assert [len(found) for found in verdicts.values()] == [2000, 2000, 200]
    assert any(verdicts["image"])
    assert list(signatures.differences(cases, verdicts)) == []


def test_a_difference_is_reported() -> None:
    cases = list(signatures.inputs(3, 1))
    verdicts = {"host": [True, False, False], "image": [True, True]}
    (line,) = signatures.differences(cases, verdicts)
    assert line == f"image says True, host False: {cases[1].raw.hex()}"
