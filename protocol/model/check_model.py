#!/usr/bin/env python3
"""Check the Spin model of a transfer: search every state within some bounds (`make model`).

Prints each search with its states, time and memory, and for a violation the shortest trace to it in
words; writes `build/model.json`. Ends with 1 if a check fails or a mutant is not found, 2 if the
tools are missing.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "model"
REPORT = ROOT / "build" / "model.json"

MODEL = HERE / "transfer.pml"
STEP = re.compile(r"^#define ([A-Z_]+) +(\d+) +/\* (.+) \*/$", re.MULTILINE)
VIOLATED = "VIOLATED: "

WORKERS = 2
MEMORY_MIB = 3500
DEPTH = 1_000_000
_PR_SET_PDEATHSIG = 1


class ModelError(Exception):
    """Spin or the compiler is missing or failed, or a search did not cover every state."""


@dataclass(frozen=True)
class Bounds:
    """Size of the world to search; `fine` also interleaves the steps within a transaction."""

    payers: int = 1
    requests: int = 1
    last: int = 1
    funds: int = 0
    room: int = 0
    voids: int = 0
    fine: bool = False

    @property
    def defines(self) -> list[str]:
        """Options for the preprocessor."""
        values = {
            "PAYERS": self.payers,
            "REQUESTS": self.requests,
            "LAST": self.last,
            "FUNDS": self.funds or self.requests,
            "ROOM": self.room or self.requests,
        }
        if self.voids:
            values["VOIDS"] = self.voids
        return [f"-D{name}={value}" for name, value in values.items()] + ["-DFINE"] * self.fine

    def __str__(self) -> str:
        words = [f"payers {self.payers}, requests {self.requests}, last epoch {self.last}"]
        words += [f"funds {self.funds}"] if self.funds else []
        words += [f"room {self.room}"] if self.room else []
        words += [f"voids {self.voids}"] if self.voids else []
        return ", ".join(words + ["every step"] * self.fine)


# They add: two payers of one request; two requests with different expiry; a balance cap and a bound
# on voids that bind; frames and power cuts within a transaction.
SMALL = [
    Bounds(payers=2),
    Bounds(requests=2),
    Bounds(requests=2, room=1),
    Bounds(payers=2, last=2, voids=1),
    Bounds(fine=True),
]
# The longest first, since two run at a time.
FULL = [
    Bounds(payers=2, requests=2),
    Bounds(payers=2, last=0, fine=True),
    Bounds(payers=2, requests=2, funds=1),
    Bounds(payers=3, last=2),
    Bounds(requests=3),
    Bounds(requests=2, last=3),
    Bounds(requests=2, room=1, last=2),
    Bounds(requests=2, voids=1, last=2),
    Bounds(payers=2, voids=1),
    Bounds(last=2, fine=True),
]
# Searched for a mutant in this order until it is found.
HUNT = [
    Bounds(payers=2),
    Bounds(requests=2),
    Bounds(requests=2, room=1),
    Bounds(payers=2, voids=1),
]


@dataclass(frozen=True)
class Step:
    """A safety step of the model; `number` is the value of MUTANT that removes it."""

    name: str
    number: int
    text: str


@dataclass
class Search:
    """Result of a search. violation: "" if there is none; trail: the steps to it, in words."""

    bounds: str
    states: int = 0
    seconds: float = 0.0
    megabytes: float = 0.0
    violation: str = ""
    trail: list[str] = field(default_factory=list)


def steps() -> list[Step]:
    """Return the safety steps that the model can leave out."""
    table = (HERE / "bounds.pml").read_text("utf-8").split("define without", 1)[1]
    return [Step(name, int(number), text) for name, number, text in STEP.findall(table)]


def search(
    bounds: Bounds,
    mutant: Step | None = None,
    large: bool = False,
    progress: Callable[[str], None] = lambda line: None,
) -> Search:
    """Build a verifier and search every state, or, for a mutant, until the first violation.

    large: for millions of states: optimize the verifier, use a large table. Raises ModelError.
    """
    name = re.sub(r"\W+", "-", str(bounds)) + (f"-{mutant.name}" if mutant else "")
    place = BUILD / name
    place.mkdir(parents=True, exist_ok=True)
    for old in place.glob("*.trail"):
        old.unlink()
    defines = [*bounds.defines, f"-DMUTANT={mutant.number if mutant else 0}"]
    _run(place, "spin", *defines, "-a", os.path.relpath(MODEL, place))
    # Breadth first finds the shortest trace, depth first takes less memory. Every step sees every
    # variable, so that partial order reduction would cost more than it saves. Optimizing takes the
    # compiler ten times as long, more than all states of a small world.
    options = ["-O2" if large else "-O0"] + ["-DBFS"] * bool(mutant)
    options += ["-DSAFETY", "-DNOREDUCE", "-DNOFAIR", "-DNOBOUNDCHECK", f"-DMEMLIM={MEMORY_MIB}"]
    options += ["-DCOLLAPSE"] if bounds.fine else []
    _run(place, "gcc", "-w", *options, "-o", "pan", "pan.c")
    table = "-w24" if large else "-w20"
    printed = []
    for line in _lines(place, "./pan", f"-m{DEPTH}", table):
        printed.append(line)
        if line.startswith("Depth="):
            progress(f"{bounds}: {' '.join(line.split())}")
    return _read_result(bounds, place, "\n".join(printed))


def _read_result(bounds: Bounds, place: Path, printed: str) -> Search:
    """Read what a verifier printed. Raises ModelError if its search is not complete."""
    found = Search(
        str(bounds),
        states=int(float(_number(r"([\d.e+]+) states, stored", printed))),
        seconds=_number(r"elapsed time ([\d.]+)", printed),
        megabytes=_number(r"([\d.]+)\ttotal actual memory", printed),
    )
    trails = list(place.glob("*.trail"))
    if trails:
        lines = [line for line in _lines(place, "./pan", "-r", trails[0].name, "-n") if line]
        words = [line for line in lines if line[0].isalpha() and not line.startswith("pan")]
        broken = [line for line in words if line.startswith(VIOLATED)]
        found.violation = broken[0].removeprefix(VIOLATED) if broken else "the model is stuck"
        found.trail = words[: words.index(broken[0])] if broken else words
    elif "errors: 0" not in printed or re.search("not completed|too small|out of memory", printed):
        raise ModelError(f"{bounds}: the search is not complete; its verifier is in {place}")
    return found


def _number(pattern: str, printed: str) -> float:
    match = re.search(pattern, printed)
    return float(match[1]) if match else 0.0


def _run(place: Path, *command: str) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=place,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=_die_with_parent,
        )
    except FileNotFoundError:
        raise ModelError(f"{command[0]} is not installed: make setup installs it") from None
    if done.returncode:
        raise ModelError(f"{command[0]} failed: {done.stdout}{done.stderr}")


def _lines(place: Path, *command: str) -> Iterator[str]:
    pipe, errors = subprocess.PIPE, subprocess.STDOUT
    with subprocess.Popen(
        command, cwd=place, stdout=pipe, stderr=errors, text=True, preexec_fn=_die_with_parent
    ) as process:
        for line in process.stdout or ():
            yield line.rstrip()


def _die_with_parent() -> None:
    """In a child: be killed with the parent; an orphaned verifier would hold gigabytes."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def hunt(mutant: Step) -> Search:
    """Search the worlds of HUNT for a mutant's violation; return the last search.

    Raises ModelError.
    """
    for bounds in HUNT:
        found = search(bounds, mutant)
        if found.violation:
            break
    return found


def in_parallel(work: Callable, items: Iterable) -> Iterator:
    """Yield the results of `work` in order, computing a few at a time."""
    with ThreadPoolExecutor(WORKERS) as pool:
        yield from pool.map(work, items)


def main() -> int:
    """Run the command line."""
    form = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--small", action="store_true", help="small bounds, seconds (default)")
    size.add_argument("--full", action="store_true", help="full bounds, minutes")
    parser.add_argument(
        "--mutants", action="store_true", help="also remove each safety step; a check must fail"
    )
    options = parser.parse_args()
    try:
        return _check(FULL if options.full else SMALL, options.full, options.mutants)
    except ModelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _check(worlds: list[Bounds], full: bool, mutants: bool) -> int:
    searches = []
    for found in in_parallel(lambda bounds: search(bounds, large=full, progress=_say), worlds):
        searches.append(found)
        _say(f"{found.bounds}: {found.violation or 'no violation'}; {_cost(found)}")
        _say_trail(found)
    caught = {}
    wanted = steps() if mutants else []
    for step, found in zip(wanted, in_parallel(hunt, wanted), strict=True):
        caught[step.name] = found
        _say(f"without {step.name} ({step.text}): {found.violation or 'NOT FOUND'}")
        _say_trail(found)
    report = {
        "bounds": "full" if full else "small",
        "states": sum(found.states for found in searches),
        "violations": sum(bool(found.violation) for found in searches),
        "mutants": len(wanted),
        "mutants_caught": sum(bool(found.violation) for found in caught.values()),
        "searches": [asdict(found) for found in searches],
        "without": {name: asdict(found) for name, found in caught.items()},
    }
    REPORT.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    _say(
        f"{report['states']} states, {report['violations']} violations, mutants caught: "
        f"{report['mutants_caught']} of {report['mutants']} ({os.path.relpath(REPORT)})"
    )
    return int(report["violations"] > 0 or report["mutants_caught"] < report["mutants"])


def _cost(found: Search) -> str:
    return f"{found.states} states, {found.seconds:.0f} s, {found.megabytes:.0f} MB"


def _say_trail(found: Search) -> None:
    for number, line in enumerate(found.trail, 1):
        _say(f"    {number:2} {line}")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
