"""Run suites on QEMU instead of Renode, or as a dry run that only resolves names.

The exit status is the number of failed tests.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from robot.running.builder import TestSuiteBuilder

KEYWORDS = Path(__file__).resolve().parent / "renode-keywords.resource"
NOT_ON_QEMU = "needs_virtual_time"


def main() -> int:
    """Run the suites named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dryrun", action="store_true", help="only resolve names")
    parser.add_argument("--test", help="run only this test; * matches anything")
    parser.add_argument("--output", type=Path, required=True, help="directory of the results")
    parser.add_argument("suites", type=Path, nargs="+", help="robot files")
    asked = parser.parse_args()
    return sum(run_suite(suite, asked) for suite in asked.suites)


def run_suite(path: Path, asked: argparse.Namespace) -> int:
    """Run one suite; return the number of failed tests."""
    suite = TestSuiteBuilder().build(str(path))
    # As renode-test does with its own file.
    suite.resource.imports.create(type="Resource", name=str(KEYWORDS))
    if asked.test:
        suite.configure(include_tests=[f"*.{asked.test}"])
    if not asked.dryrun:
        suite.configure(exclude_tags=[NOT_ON_QEMU])
    output = asked.output / f"{path.stem}.xml"
    result = suite.run(output=str(output), dryrun=asked.dryrun, stdout=sys.stdout)
    return int(result.return_code)


if __name__ == "__main__":
    sys.exit(main())
