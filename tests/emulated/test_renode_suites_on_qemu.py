"""Parts of the Renode suites on QEMU: they test the suites, the testbed and the wires.

Only `make renode` tests Renode itself.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jiaozi_sim.machines.engines import chosen_engine

SUITES = Path(__file__).parents[1] / "renode"


@pytest.mark.skipif(chosen_engine() != "qemu", reason="runs on QEMU")
@pytest.mark.parametrize(
    ("suite", "test"),
    [
        ("boot", "A Wallet Starts Again After A Power Cut"),
        ("power_cut", "In A Record"),
        ("pin", "The Right PIN Gives All Tries Back"),
        ("tap", "Alice Pays Bob And Every Total Is Right"),
        ("display", "The Visual Card's First Screen"),
    ],
)
def test_suite_on_qemu(suite: str, test: str, tmp_path: Path) -> None:
    script = [sys.executable, str(SUITES / "on_qemu" / "run_suites.py"), "--test", test]
    done = subprocess.run(
        [*script, "--output", str(tmp_path), str(SUITES / f"{suite}.robot")],
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "1 test, 1 passed" in done.stdout
