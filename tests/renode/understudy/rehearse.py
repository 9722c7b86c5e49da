"""Runs a suite without Renode: on QEMU by the understudy, or as a dry run that only resolves names.

    build/venv/bin/python rehearse.py [--dryrun] [--test NAME] --output DIRECTORY SUITE…

The exit status is the number of failed tests. This is never a run on Renode.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from robot.running.builder import TestSuiteBuilder

KEYWORDS = Path(__file__).resolve().parent / "renode-keywords.resource"
NOT_HERE = "needs_virtual_time"


def main() -> int:
    """The suites of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dryrun", action="store_true")
    parser.add_argument("--test", help="a test's name, * for anything")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("suites", type=Path, nargs="+")
    asked = parser.parse_args()
    return sum(rehearse(suite, asked) for suite in asked.suites)


def rehearse(path: Path, asked: argparse.Namespace) -> int:
    """Run one suite; how many of its tests failed."""
    suite = TestSuiteBuilder().build(str(path))
    # As renode-test does with its own file.
    suite.resource.imports.create(type="Resource", name=str(KEYWORDS))
    if asked.test:
        suite.configure(include_tests=[f"*.{asked.test}"])
    if not asked.dryrun:
        suite.configure(exclude_tags=[NOT_HERE])
    output = asked.output / f"{path.stem}.xml"
    result = suite.run(output=str(output), dryrun=asked.dryrun, stdout=sys.stdout)
    return int(result.return_code)


if __name__ == "__main__":
    sys.exit(main())
