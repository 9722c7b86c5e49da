"""The work of a sweep, in several processes: each plays flows and carries out tasks of the plan."""

from __future__ import annotations

import gc
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jiaozi_sim.lifetime import worker_pool
from jiaozi_sim.machines.base import MachineError
from jiaozi_sim.sweep.explore import Explorer, Failure, Run
from scenarios.sweep.flows import FLOWS
from scenarios.sweep.oracle import Broken
from scenarios.sweep.plan import Dry, Event, Task, chosen, points_of
from scenarios.sweep.stage import NO_FAULT, Stage, Stages

_GARBAGE = 100_000


@dataclass
class Done:
    """What came of a task. broken: a flow that failed without any cut."""

    task: Task
    points: int = 0
    variants: int = 0
    continuations: int = 0
    starts: int = 0
    ways: int = 0
    states: set[bytes] = field(default_factory=set)
    failures: list[Failure] = field(default_factory=list)
    broken: str = ""


class Worker:
    """One process' stages, and what was recorded on them."""

    def __init__(self, elf: Path, seed: int, claimed: Path) -> None:
        self._stages = Stages(elf, seed, claimed)
        self._seed = seed
        self._run: Run | None = None

    def stage(self, flow: str) -> Stage:
        """The stage of a flow."""
        return self._stages.get(FLOWS[flow])

    def close(self) -> None:
        """Remove all files."""
        self._stages.close()

    def dry(self, flow: str) -> Dry:
        """Run a flow without any cut."""
        stage = self.stage(flow)
        events = self.run(flow).events
        found = (Event(event.seat, event.frames, points_of(event)) for event in events)
        return Dry(flow, stage.frames, tuple(found))

    def run(self, flow: str, fault: str = NO_FAULT) -> Run:
        """The recorded run of a flow; the last one is kept."""
        if self._run is None or (self._run.flow, self._run.fault) != (flow, fault):
            self._run = self.stage(flow).record(fault)
        return self._run

    def do(self, task: Task) -> Done:
        """Carry out a task."""
        done = Done(task)
        stage = self.stage(task.flow)
        try:
            run = self.run(task.flow, task.fault)
        except (MachineError, Broken) as error:
            done.broken = f"{task.flow}:{task.fault}: {type(error).__name__}: {error}"
            return done
        run = Run(run.flow, run.fault, run.events, task.both)
        before, tried = stage.boots.executed, stage.ways.tried
        explorer = Explorer(stage.boots, stage, self._seed)
        explorer.cut_everywhere(run, chosen(task, run.events))
        tally = explorer.tally
        done.points, done.variants = len(tally.points), tally.variants
        done.continuations, done.starts = tally.continuations, stage.boots.executed - before
        done.ways = stage.ways.tried - tried
        done.states, done.failures = tally.states, tally.failures
        return done


_worker: list[Worker] = []


def _begin(elf: Path, seed: int, scratch: Path) -> None:
    tempfile.tempdir = str(scratch)
    gc.set_threshold(_GARBAGE)  # benches are copied all the time: seldom is an eighth quicker
    _worker.append(Worker(elf, seed, scratch / "claimed"))


def _dry(flow: str) -> Dry:
    return _worker[0].dry(flow)


def _do(task: Task) -> Done:
    return _worker[0].do(task)


class Crew:
    """Worker processes. They end with this process, and with the block that they are made for.

    They run a copy of the image: a build that goes on beside them must not change it.
    """

    def __init__(self, elf: Path, seed: int, workers: int) -> None:
        self._scratch = Path(tempfile.mkdtemp(prefix="jiaozi-sweep-"))
        copy = Path(shutil.copy(elf, self._scratch / "firmware.elf"))
        arguments = (copy, seed, self._scratch)
        self._pool = worker_pool(workers, _begin, arguments)

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.terminate()
        self._pool.join()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def dry(self, flows: list[str]) -> list[Dry]:
        """Run flows without any cut."""
        return self._pool.map(_dry, flows, chunksize=1)

    def do(self, tasks: list[Task]) -> Iterator[Done]:
        """Carry out tasks, about in their order."""
        return self._pool.imap_unordered(_do, tasks, chunksize=1)
