"""Run robot suites and emulated tests on Renode (`make renode`); fail if it is not installed.

    python3 run_on_renode.py --look     only check that Renode is installed
    python3 run_on_renode.py            run everything (from build/venv)

Exit status: 0 all passed on Renode; 1 something failed; 3 Renode was NOT run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "simulator"))

from jiaozi_sim.machines.base import MachineError  # noqa: E402
from jiaozi_sim.machines.renode_process import RenodeMissing, find_program, version  # noqa: E402

RESULTS = ROOT / "build" / "renode"
ROBOT_RESULTS = RESULTS / "robot"
# Removed at the start of the next run.
TESTS_FILES = RESULTS / "emulated"
SUITES_JUNIT, TESTS_JUNIT = RESULTS / "junit-suites.xml", RESULTS / "junit-emulated.xml"
NOT_RUN = 3
# Renode is slower than QEMU.
TEST_SECONDS = 600


def look() -> Path:
    """Print Renode's version; return the path of renode-test. Raises RenodeMissing."""
    renode, renode_test = find_program("renode"), find_program("renode-test")
    print(f"renode: {version()} ({renode})", flush=True)
    return renode_test


def run_suites(renode_test: Path) -> int:
    """Run all robot suites with renode-test; return its exit status."""
    suites = sorted(str(suite) for suite in (ROOT / "tests" / "renode").glob("*.robot"))
    # renode-test runs in its own Python, and finds `renode` in its own folder.
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
    command = [str(renode_test), "--results-dir", str(ROBOT_RESULTS), *suites]
    status = subprocess.run(command, env=environment, check=False).returncode
    report = ROBOT_RESULTS / "robot_output.xml"
    if report.exists():
        rebot = [sys.executable, "-m", "robot.rebot", "--xunit", str(SUITES_JUNIT)]
        rebot += ["--output", "NONE", "--log", "NONE", "--report", "NONE", str(report)]
        subprocess.run(rebot, check=False, stdout=subprocess.DEVNULL)
    return status


def run_tests() -> int:
    """Run tests/emulated with --engine renode; return pytest's exit status."""
    # Emulated tests in other folders (sweeps, vectors) choose their engine themselves.
    command = [sys.executable, "-m", "pytest", "-m", "emulated", "--engine", "renode"]
    command += [str(ROOT / "tests" / "emulated")]
    command += ["-o", f"timeout={TEST_SECONDS}", f"--junitxml={TESTS_JUNIT}"]
    command += [f"--basetemp={TESTS_FILES}"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def run_fidelity() -> int:
    """Measure the same tap on every engine for fidelity.md; return the exit status."""
    command = [sys.executable, str(ROOT / "simulator" / "scenarios" / "fidelity.py")]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "simulator")}
    return subprocess.run(command, env=environment, check=False).returncode


def main() -> int:
    """Run the command line."""
    start = time.monotonic()
    try:
        renode_test = look()
    except (MachineError, OSError, subprocess.SubprocessError) as error:
        what = error if isinstance(error, RenodeMissing) else f"it does not start: {error}"
        print(f"renode: Renode was NOT run: {what}", file=sys.stderr)
        print("renode: nothing was tested on Renode", file=sys.stderr)
        return NOT_RUN
    if "--look" in sys.argv:
        return 0
    RESULTS.mkdir(parents=True, exist_ok=True)
    for old in (SUITES_JUNIT, TESTS_JUNIT, ROBOT_RESULTS / "robot_output.xml"):
        old.unlink(missing_ok=True)
    took: dict[str, float] = {}
    suites = _timed(took, "suites", lambda: run_suites(renode_test))
    tests = _timed(took, "tests", run_tests)
    fidelity = _timed(took, "fidelity", run_fidelity)
    print(f"renode: {version()}")
    print(f"renode: robot suites {_word(suites)}, {took['suites']:.0f} s")
    print(f"renode:   {_counted(SUITES_JUNIT)}; {SUITES_JUNIT}, {ROBOT_RESULTS}/log.html")
    print(f"renode:   logs, frames, NVM images of each test: {RESULTS}/<suite>/<test>")
    print(f"renode: emulated tests {_word(tests)}, {took['tests']:.0f} s")
    print(f"renode:   {_counted(TESTS_JUNIT)}; {TESTS_JUNIT}")
    print(f"renode:   logs, frames, NVM images of each failure: {TESTS_FILES}/<test>")
    print(f"renode: the same tap on every engine {_word(fidelity)}, {took['fidelity']:.0f} s")
    print("renode:   simulator/renode/fidelity.md")
    print(f"renode: {time.monotonic() - start:.0f} s in all")
    return 1 if suites or tests or fidelity else 0


def _timed(took: dict[str, float], name: str, run: Callable[[], int]) -> int:
    begin = time.monotonic()
    status = run()
    took[name] = time.monotonic() - begin
    return status


def _counted(junit: Path) -> str:
    """Summarise a report: its number of tests and the names of the failed ones."""
    if not junit.exists():
        return "no report"
    cases = list(ElementTree.parse(junit).iter("testcase"))
    failed = [
        f"{case.get('classname')}.{case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    return ", ".join([f"{len(cases)} tests, {len(failed)} failed", *failed])


def _word(status: int) -> str:
    return "passed" if status == 0 else f"FAILED (status {status})"


if __name__ == "__main__":
    sys.exit(main())
