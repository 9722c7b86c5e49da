"""Ctrl-C ends a sweep with one line; its workers get the signal too and print nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jiaozi_sim.lifetime import die_with_parent

SWEEPS = {
    "tests.sweep.sweep_flows": ["--flow", "top-up", "--flow", "payee-reads"],
    "tests.sweep.sweep_pin": ["--case", "verify-right-1", "--case", "unblock"],
}
MOMENTS = (0.0, 1.0)  # seconds after the workers were started: while they import, and at work


def begin() -> None:
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored in what a shell starts behind itself


def workers(pid: int) -> int:
    return len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


@pytest.mark.parametrize("after", MOMENTS)
@pytest.mark.parametrize("name", SWEEPS)
def test_one_line(
    name: str, after: float, firmware_elf: Callable[[str], Path], tmp_path: Path
) -> None:
    elf = firmware_elf("visual_card")
    report = tmp_path / "report.json"
    options = ["--elf", str(elf), "--workers", "2", "--out", str(report), *SWEEPS[name]]
    with subprocess.Popen(
        [sys.executable, "-m", name, *options],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=begin,
    ) as sweep:
        while workers(sweep.pid) < 3 and sweep.poll() is None:  # two, and one that tidies up
            time.sleep(0.01)
        time.sleep(after)
        os.killpg(sweep.pid, signal.SIGINT)
        _, said = sweep.communicate(timeout=60)
    assert said.splitlines() == ["interrupted: nothing is reported"]
    assert sweep.returncode == 130
    assert not report.exists()
