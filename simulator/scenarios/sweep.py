"""`make sweep`: cut the power of two wallets at every store into NVM, in each flow."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from jiaozi import commands
from jiaozi_sim.faults import Fault
from jiaozi_sim.machines.base import MachineError
from jiaozi_sim.sweep.bench import Snapshot
from jiaozi_sim.sweep.boots import Boots
from jiaozi_sim.sweep.cuts import Cut, Programmed, Recorder
from jiaozi_sim.sweep.explore import Explorer, Failure, Images, Judge, settle
from scenarios.sweep_oracle import Broken, check_journal, is_settled, read_book, worth
from scenarios.sweep_rig import SweepRig
from scenarios.sweep_rules import check_answers, check_numbers

ROOT = Path(__file__).parents[2]
FUNDS, AMOUNT = 100_00, 25_00
NO_FAULT = "none"
_ACTIONS = ("lose", "repeat", "truncate")
_LEFT_BY_TRUNCATE = 1
_REST = 1.0  # what a wallet stores when all is settled is cut too


@dataclass(frozen=True)
class Flow:
    """A tap: how the wallets are armed for it. `arm(rig, payer, payee)` works at the desk."""

    name: str
    arm: Callable[[SweepRig], None]


def _payee_reads(rig: SweepRig) -> None:
    rig.receive(rig.bench.seats["payee"], AMOUNT, commands.READER)


def _payer_reads(rig: SweepRig) -> None:
    rig.receive(rig.bench.seats["payee"], AMOUNT, commands.CARD)
    rig.pay(rig.bench.seats["payer"], AMOUNT, commands.READER)


FLOWS = {
    flow.name: flow
    for flow in (Flow("payee-reads", _payee_reads), Flow("payer-reads", _payer_reads))
}


def _books(nvm: Images) -> tuple:
    return read_book(nvm["payer"]), read_book(nvm["payee"])


def _settled(nvm: Images) -> bool:
    return is_settled(*_books(nvm))


def _check(nvm: Images) -> None:
    payer, payee = _books(nvm)
    held = worth(payer, payee)
    if held.total != FUNDS:
        raise Broken(f"{FUNDS} were issued, and there are {held}")
    if (held.payer, held.payee) != (FUNDS - AMOUNT, AMOUNT):
        raise Broken(f"nothing is pending, and the payment was not made: {held}")
    for book in (payer, payee):
        check_journal(book)
        check_numbers(book)
    check_answers((payer, payee))


JUDGE = Judge(_settled, _check, Broken)


class Stage:
    """A flow made ready: both wallets armed, nothing on the field."""

    def __init__(self, elf: Path, flow: Flow, seed: int) -> None:
        self.flow, self.seed = flow, seed
        self._home = Path(tempfile.mkdtemp(prefix="jiaozi-sweep-"))
        rig = SweepRig(self._home, elf, seed)
        payer, payee = rig.add("payer"), rig.add("payee")
        rig.top_up(payer, FUNDS)
        del payee
        flow.arm(rig)
        rig.close()
        rig.bench.field.log.clear()
        rig.bench.field.taps.clear()
        self.boots = Boots(elf, rig.uarts)
        self.start: Snapshot = rig.bench.snapshot()
        self.frames = 0

    def record(self, fault: str) -> list[Programmed]:
        """Run the flow to its end, with one frame mistreated; what the wallets programmed."""
        bench = self.start.restored()
        if fault != NO_FAULT:
            action, nth = fault.split("-")
            left = _LEFT_BY_TRUNCATE if action == "truncate" else 0.0
            bench.field.faults.append(Fault(action, nth=int(nth), amount=left))
        recorder = Recorder(bench)
        settle(bench, JUDGE)
        bench.run_for(_REST)
        recorder.stop()
        self.frames = len(bench.field.log)
        _check({name: seat.core.read_nvm() for name, seat in bench.seats.items()})
        return recorder.events

    def faults(self) -> list[str]:
        """Every frame of the undisturbed flow, mistreated in every way."""
        self.record(NO_FAULT)
        return [f"{action}-{nth}" for nth in range(1, self.frames + 1) for action in _ACTIONS]

    def close(self) -> None:
        """Remove the operator's files."""
        shutil.rmtree(self._home, ignore_errors=True)


@dataclass(frozen=True)
class Plan:
    """What one worker of several does, in which time."""

    elf: Path
    seed: int
    flows: tuple[str, ...]
    worker: int
    workers: int
    every: int  # 1: every store; n: each n-th
    end: float  # by time.monotonic

    def out_of_time(self) -> bool:
        return time.monotonic() > self.end

    def takes(self, index: int, every: int) -> bool:
        """Whether a store is in this worker's share, of each `every`-th."""
        return index % every == 0 and index // every % self.workers == self.worker


_DIAGONALS = 16


def _diagonal(number: int, cut: Cut) -> bool:
    """Each frame fault meets every 16th store, so that 16 of them meet all."""
    return cut.index % _DIAGONALS == number % _DIAGONALS


def work(plan: Plan) -> dict[str, Any]:
    """One worker's share: every cut first, then both wallets cut, then frames mistreated too."""
    stages = {name: Stage(plan.elf, FLOWS[name], plan.seed) for name in plan.flows}
    explorers = {name: Explorer(stage.boots, JUDGE, plan.seed) for name, stage in stages.items()}
    total, faulty = 0, 0
    enumeration: dict[str, list[str]] = {}
    broken: list[str] = []
    for both in (False, True):
        for name, stage in stages.items():
            events = stage.record(NO_FAULT)
            if not both:
                total += sum(len(event.stores) for event in events)
                enumeration[name] = [
                    f"{event.seat}: {len(event.stores)} stores after frame {event.frames}"
                    for event in events
                ]
            explorers[name].cut_everywhere(
                name,
                NO_FAULT,
                events,
                both,
                wanted=lambda cut: plan.takes(cut.index, plan.every),
                out_of_time=plan.out_of_time,
            )
    for name, stage in stages.items():
        for number, fault in enumerate(stage.faults()):
            if plan.out_of_time() or number % plan.workers != plan.worker:
                continue
            faulty += 1
            try:
                events = stage.record(fault)
            except (MachineError, Broken) as error:
                broken.append(f"{name} {fault}: {type(error).__name__}: {error}")
                continue
            explorers[name].cut_everywhere(
                name,
                fault,
                events,
                wanted=partial(_diagonal, number),
                out_of_time=plan.out_of_time,
            )
    tallies = [explorer.tally for explorer in explorers.values()]
    return {
        "total": total,
        "enumeration": enumeration,
        "points": set().union(*(tally.points for tally in tallies)),
        "states": set().union(*(tally.states for tally in tallies)),
        "variants": sum(tally.variants for tally in tallies),
        "continuations": sum(tally.continuations for tally in tallies),
        "starts": sum(stage.boots.executed for stage in stages.values()),
        "frame_faults": faulty,
        "failures": [failure for tally in tallies for failure in tally.failures],
        "broken": broken,
    }


def sweep(plans: list[Plan], keep: Path | None = None) -> dict[str, Any]:
    """Run the plans side by side; returns what goes into build/sweep.json."""
    begun = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(len(plans)) as pool:
        parts = pool.map(work, plans, chunksize=1)
    failures = [failure for part in parts for failure in part["failures"]]
    for failure in failures:
        print(replay_line(failure, plans[0].seed), "#", failure.what)
        if keep is not None:
            _keep(keep, failure)
    broken = sorted(line for part in parts for line in part["broken"])
    print(*broken, sep="\n", end="\n" if broken else "")
    return {
        "seed": plans[0].seed,
        "enumeration": parts[0]["enumeration"],
        "states": len(set().union(*(part["states"] for part in parts))),
        "cut_points_total": parts[0]["total"],
        "cut_points_done": len(set().union(*(part["points"] for part in parts))),
        "torn_variants": sum(part["variants"] for part in parts),
        "continuations": sum(part["continuations"] for part in parts),
        "starts": sum(part["starts"] for part in parts),
        "frame_faults": sum(part["frame_faults"] for part in parts),
        "failures": len(failures) + len(broken),
        "seconds": round(time.monotonic() - begun, 1),
    }


def replay_line(failure: Failure, seed: int, elf: Path | None = None) -> str:
    """The command that repeats one failing cut, of another image than the release if `elf`."""
    cut = failure.cut
    image = "" if elf is None else f" --elf {elf.relative_to(ROOT)}"
    where = f"{failure.flow}:{failure.fault}:{cut.event}:{cut.index}:{cut.torn}:{int(failure.both)}"
    return f"python simulator/scenarios/sweep.py --seed {seed}{image} --replay {where}"


def replay(elf: Path, seed: int, where: str, keep: Path | None) -> bool:
    """Repeat one cut; says what breaks. Returns whether all rules hold."""
    flow, fault, event, index, torn, both = where.split(":")
    stage = Stage(elf, FLOWS[flow], seed)
    explorer = Explorer(stage.boots, JUDGE, seed)
    wanted = (int(event), int(index), torn)
    explorer.cut_everywhere(
        flow,
        fault,
        stage.record(fault),
        both == "1",
        wanted=lambda cut: (cut.event, cut.index, cut.torn) == wanted,
    )
    stage.close()
    for failure in explorer.tally.failures:
        print(failure.what)
        if keep is not None:
            _keep(keep, failure)
    return not explorer.tally.failures


def _keep(folder: Path, failure: Failure) -> None:
    cut = failure.cut
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{failure.flow}-{failure.fault}-{cut.event}-{cut.index}-{cut.torn}-{failure.both:d}"
    for wallet, image in failure.nvm.items():
        (folder / f"{name}-{wallet}.nvm").write_bytes(image)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = ROOT / "build" / "firmware" / "visual_card" / "firmware.elf"
    parser.add_argument("--elf", type=Path, default=default, help="the image under test")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=30.0, help="stop after this time")
    parser.add_argument("--every", type=int, default=1, help="cut at each n-th store only")
    parser.add_argument("--workers", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--flow", action="append", choices=list(FLOWS), help="default: all")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "sweep.json")
    parser.add_argument("--keep", type=Path, help="folder for NVM images of failures")
    parser.add_argument("--replay", help="one cut, as a failure prints it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="jiaozi-sweep-") as scratch:
        # A build that goes on beside the sweep must not change what it runs.
        elf = Path(shutil.copy(given.elf, Path(scratch) / "firmware.elf"))
        if given.replay:
            return 0 if replay(elf, given.seed, given.replay, given.keep) else 1
        end = time.monotonic() + given.minutes * 60
        flows = tuple(given.flow or FLOWS)
        plans = [
            Plan(elf, given.seed, flows, worker, given.workers, given.every, end)
            for worker in range(given.workers)
        ]
        result = sweep(plans, given.keep)
    given.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    if result["cut_points_done"] < result["cut_points_total"]:
        print("the time was up, or --every left some out: not every cut point was tried")
        return 1
    return 1 if result["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
