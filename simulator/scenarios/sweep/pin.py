"""PIN tries on the image: cut each kind of attempt everywhere, and see that no try is ever gained.

Every attempt (VERIFY, CHANGE, UNBLOCK; right and wrong; with all tries left, with one and with
none) is cut at each of its stores into NVM, torn in every way, and compared at instructions between
the stores: the NVM must be as the last store left it. Before some of these instructions the power
really fails, and the wallet starts again. Each NVM that a cut can leave is started anew and read;
of each cut point one is asked for its tries, and for more.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

from jiaozi.wire.commands import PIN_TRIES
from jiaozi_host.wallet import WalletClient
from jiaozi_sim.lifetime import worker_pool
from jiaozi_sim.machines.base import MachineError
from jiaozi_sim.machines.unicorn_core import program_unit
from jiaozi_sim.sweep.booted import Booted
from jiaozi_sim.sweep.cuts import TORN, Cut, Programmed, clean_nvm, cuts_of, digest, torn_nvm
from jiaozi_sim.sweep.probe import Trace, Waking
from scenarios.sweep.images import ELF, LARGE_UNITS, ROOT, image
from scenarios.sweep.oracle import Broken
from scenarios.sweep.pin_stage import (
    CASES,
    COMPARES,
    PIN,
    WALLET,
    WRONG,
    Case,
    Stage,
    answer_to,
    opens,
    tries_in,
    verify,
)


@dataclass
class Tally:
    """What was done for one case. looked: instructions at which the NVM was compared, restarted:
    those of them at which power failed; complaints: rules broken, each with the cut that shows it.
    """

    cut_points: int = 0
    torn_variants: int = 0
    states: int = 0
    continuations: int = 0
    instructions: int = 0
    looked: int = 0
    restarted: int = 0
    complaints: list[str] = field(default_factory=list)


COUNTS = [each.name for each in fields(Tally) if each.name not in ("instructions", "complaints")]


def check(
    stage: Stage,
    case: Case,
    seed: int,
    looks: int,
    sample: int | None = None,
    restarts: int = 0,
) -> Tally:
    """Cut one case everywhere, or at `sample` of its stores; compare at `looks` instructions, and
    at `restarts` of them start again.
    """
    tally = Tally()
    say = tally.complaints.append
    run = stage.run(case)
    if run.answer != case.answer:
        say(f"the wallet answers: {run.answer}; it should: {case.answer}")
    if run.waking is None:
        if case.before:
            say("nothing is stored")
        return tally
    if not case.before and case.compares:
        say("a blocked wallet stores something")
    rng = random.Random(f"{seed}:{case.name}")
    looked_at = _between(stage.probe.trace(run.waking), looks, rng)
    trace = _look(stage, run.waking, looked_at, tally)
    compared_after = _order(case, trace, say)
    points = range(len(trace.stores))
    chosen = set(points if sample is None else rng.sample(points, min(sample, len(points))))
    tally.cut_points = len(chosen)
    judge = _Judge(stage, case, tally)
    _cut(case, run.waking, chosen, compared_after, seed, judge, tally)
    some = rng.sample(looked_at, min(restarts, len(looked_at)))
    _restart(stage, case, run.waking, trace, some, judge, tally)
    return tally


def _between(trace: Trace, looks: int, rng: random.Random) -> list[int]:
    """Instructions between stores, as many in each gap as in any other."""
    gaps = list(zip([0, *trace.done], [*trace.begun, trace.instructions], strict=True))
    chosen: set[int] = set()
    for number, (begin, end) in enumerate(sorted(gaps, key=lambda gap: gap[1] - gap[0])):
        share = (looks - len(chosen)) // (len(gaps) - number)
        chosen.update(rng.sample(range(begin, end), min(share, end - begin)))
    return sorted(chosen)


def _look(stage: Stage, waking: Waking, looked_at: list[int], tally: Tally) -> Trace:
    """Compare the NVM before these instructions with what the last store left."""
    trace = stage.probe.trace(waking, looked_at)
    tally.instructions, tally.looked = trace.instructions, trace.looked
    for number in trace.unlike:
        tally.complaints.append(f"at instruction {number} the NVM is not as the last store left it")
    return trace


def _restart(
    stage: Stage,
    case: Case,
    waking: Waking,
    trace: Trace,
    instructions: list[int],
    judge: _Judge,
    tally: Tally,
) -> None:
    """Power fails before these instructions: the start is the one from the last store's NVM."""
    event = Programmed(WALLET, waking.nvm, waking.stores, 0, None)
    begins = min((number for number, _ in trace.calls), default=trace.instructions)
    for number in sorted(instructions):
        if number == 0:
            continue  # not woken yet
        tally.restarted += 1
        left = clean_nvm(event, bisect_right(trace.done, number))
        try:
            stored, booted = stage.cut_after(waking, number)
        except (MachineError, Broken) as error:
            wrong: str | None = f"at the start: {error}"
        else:
            wrong = judge.complaint(left, number > begins, False)
            if len(stored) != bisect_right(trace.done, number):
                wrong = f"{len(stored)} stores went before"
            elif booted.name != stage.boot(case, left).name:
                wrong = "the start is not the one from what the last store left"
        if wrong is not None:
            tally.complaints.append(f"cut at instruction {number}: {wrong}")


def _order(case: Case, trace: Trace, say: Callable[[str], None]) -> int:
    """Nothing leaves before the count is down; compared once, after that. How many stores before.

    Which store makes the count go down is not asked here: the cuts tell.
    """
    stores = len(trace.stores)
    if case.compares and any(trace.sent):
        say("bytes leave before the last store")
    if not case.compares:
        return stores
    if len(trace.calls) != 1:
        say(f"{COMPARES} is called {len(trace.calls)} times, not once")
        return stores
    [(_, before)] = trace.calls
    if before == 0:
        say("the PIN is compared before anything is stored")
    if not case.right and before != stores:
        say("a wrong PIN is stored of after it was compared")
    return before


class _Judge:
    """Starts what cuts have left, reads it, and tries on; equal ones once."""

    def __init__(self, stage: Stage, case: Case, tally: Tally) -> None:
        self._stage, self._case, self._tally = stage, case, tally
        self._read: dict[bytes, tuple[Booted, int, list[str]] | str] = {}
        self._tried: dict[bytes, str | None] = {}

    def complaint(self, nvm: bytes, compared: bool, on: bool) -> str | None:
        """What is wrong with an NVM that a cut has left, before or after the comparison began.

        on: whether to go on from there with the image, too.
        """
        case = self._case
        found = self._start(nvm)
        if isinstance(found, str):
            return found
        booted, left, keys = found
        if not case.allows(left, compared):
            return f"{left} tries left, {case.before} before"
        if len(keys) != 1:
            return f"it is opened by {keys or 'nothing'}"
        if not case.compares and (left == PIN_TRIES) != (keys != [PIN]):
            return f"{left} tries left, and it is opened by {keys}"
        return self._try_on(booted, left, keys[0]) if on else None

    def _start(self, nvm: bytes) -> tuple[Booted, int, list[str]] | str:
        name = digest(nvm)
        if name not in self._read:
            self._tally.states += 1
            try:
                booted = self._stage.boot(self._case, nvm)
                image = booted.nvm
                keys = [pin for pin in self._case.pins if opens(image, pin)]
                self._read[name] = booted, tries_in(image), keys
            except (MachineError, Broken) as error:
                self._read[name] = f"at the start: {error}"
        return self._read[name]

    def _try_on(self, booted: Booted, left: int, pin: str) -> str | None:
        """INFO tells the tries, a wrong PIN costs one, the right one opens while one is left."""
        name = booted.name
        if name in self._tried:
            return self._tried[name]
        self._tally.continuations += 1
        wanted = [f"{left} left", f"wrong, {left - 1} left" if left else "blocked"]
        wanted.append("done" if left > 1 else "blocked")
        said: list[str] = []

        def act(client: WalletClient) -> None:
            said.append(f"{client.info().tries} left")
            said.append(answer_to(client, verify(WRONG[0])))
            said.append(answer_to(client, verify(pin)))

        self._stage.attempt(self._stage.restart(self._case, booted), act, watched=False)
        wrong = None if said == wanted else f"later it answers {said}; it should: {wanted}"
        self._tried[name] = wrong
        return wrong


def _cut(
    case: Case,
    waking: Waking,
    chosen: set[int],
    compared_after: int,
    seed: int,
    judge: _Judge,
    tally: Tally,
) -> None:
    """Cut at the chosen stores; once the comparison has begun, the store before it is done."""
    event = Programmed(WALLET, waking.nvm, waking.stores, 0, None)

    def ask(name: str, nvm: bytes, compared: bool, on: bool) -> None:
        wrong = judge.complaint(nvm, compared, on)
        if wrong is not None:
            tally.complaints.append(f"cut at {name}: {wrong}")

    for cut in cuts_of(0, event):
        if cut.index in chosen:
            tally.torn_variants += 1
            on = TORN.index(cut.torn) == cut.index % len(TORN)
            compared = cut.index >= compared_after
            ask(f"store {cut.index}, {cut.torn}", torn_nvm(event, cut, seed), compared, on)
    if case.compares and compared_after:
        done = torn_nvm(event, Cut(0, compared_after - 1, "new"), seed)
        ask("the comparison", done, True, True)


def same_time(stage: Stage) -> list[str]:
    """Right and wrong PINs take the same instructions up to the comparison, wrong ones in all."""
    traces = []
    for pin in (PIN, *WRONG):
        waking = stage.run(Case(pin, PIN_TRIES, verify(pin), pin == PIN)).waking
        if waking is None:
            return ["nothing is stored"]
        traces.append(stage.probe.trace(waking))
    wrong = []
    if len({trace.calls for trace in traces}) != 1:
        wrong.append("how long a PIN takes until it is compared depends on the PIN")
    if len({trace.instructions for trace in traces[1:]}) != 1:
        wrong.append("how long a wrong PIN takes depends on which digits are wrong")
    if any(trace.done != traces[1].done for trace in traces[2:]):
        wrong.append("when a wrong PIN is stored of depends on which digits are wrong")
    return wrong


def _work(
    elf: Path, seed: int, looks: int, sample: int | None, restarts: int, names: Sequence[str]
) -> dict[str, Tally]:
    """One worker's share of the cases, and with the first of all the time that PINs take."""
    stage = Stage(elf, seed)
    tallies = {name: check(stage, CASES[name], seed, looks, sample, restarts) for name in names}
    if FIRST in names:
        tallies["same time"] = Tally(complaints=same_time(stage))
    return tallies


FIRST = next(iter(CASES))


def sweep(
    elf: Path,
    seed: int,
    names: Sequence[str] = tuple(CASES),
    looks: int = 1000,
    sample: int | None = None,
    restarts: int = 0,
    workers: int = 1,
) -> dict[str, Tally]:
    """Check the named cases; with the first of CASES also the time that a comparison takes."""
    shares = [names[number::workers] for number in range(min(workers, len(names)))]
    work = partial(_work, elf, seed, looks, sample, restarts)
    if len(shares) == 1:
        return work(shares[0])
    tallies: dict[str, Tally] = {}
    with worker_pool(len(shares)) as pool:
        for done in pool.imap_unordered(work, shares):
            tallies |= done
    return tallies


def complaints(elf: Path, seed: int = 1) -> list[str]:
    """What is wrong with an image's PIN tries, in short: for images with seeded faults."""
    names = (FIRST, "verify-right-1", "change-wrong-1", "verify-blocked", "unblock")
    try:
        tallies = sweep(elf, seed, names, looks=100, sample=6)
    except (MachineError, Broken) as error:
        return [f"{type(error).__name__}: {error}"]
    return [f"{name}: {wrong}" for name, tally in tallies.items() for wrong in tally.complaints]


def report(elf: Path, given: argparse.Namespace) -> dict[str, Any]:
    """What was done with one image; failures are printed, each with the command that shows it."""
    with tempfile.TemporaryDirectory(prefix="jiaozi-pin-") as scratch:
        copy = Path(shutil.copy(elf, Path(scratch) / "firmware.elf"))
        names = given.case or list(CASES)
        tallies = sweep(
            copy, given.seed, names, given.looks, restarts=given.restarts, workers=given.workers
        )
    for name, tally in tallies.items():
        again = f"build/venv/bin/python -m scenarios.sweep.pin --elf {elf} --seed {given.seed}"
        for wrong in tally.complaints:
            print(f"{name}: {wrong}\n    {again} --case {name if name in CASES else FIRST}")
    cases = {name: asdict(tally) for name, tally in tallies.items()}
    counts: dict[str, Any] = {key: sum(case[key] for case in cases.values()) for key in COUNTS}
    failures = sum(len(tally.complaints) for tally in tallies.values())
    return counts | {"failures": failures, "cases": cases}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--elf", type=image, help="the image under test; default: those of both program units"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--looks", type=int, default=1000, help="instructions for each case")
    parser.add_argument("--restarts", type=int, default=125, help="of these, with a power cut")
    parser.add_argument("--case", action="append", choices=list(CASES), help="default: all")
    parser.add_argument("--workers", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "sweep-pin.json")
    given = parser.parse_args()
    begun = time.monotonic()
    images = [given.elf] if given.elf else [ELF, LARGE_UNITS]
    try:
        units = {str(program_unit(elf)): report(elf, given) for elf in images}
    except KeyboardInterrupt:
        print("broken off: nothing is reported", file=sys.stderr)
        return 130
    result: dict[str, Any] = {
        key: sum(unit[key] for unit in units.values()) for key in (*COUNTS, "failures")
    }
    result["seconds"] = round(time.monotonic() - begun, 1)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    whole = result | {"program_units": units}
    given.out.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    return 1 if result["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
