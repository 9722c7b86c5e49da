"""Worker processes of a sweep: each records flows and executes tasks of the plan."""

from __future__ import annotations

import gc
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jiaozi_sim.lifetime import worker_pool
from jiaozi_sim.machines.base import MachineError
from tests.sweep.engine.explorer import Explorer, Failure, Run
from tests.sweep.flows.catalogue import FLOWS
from tests.sweep.flows.oracle import Broken
from tests.sweep.flows.prepared import NO_FAULT, PreparedFlow, PreparedFlows
from tests.sweep.plan import DryRun, EventPoints, Task, chosen, points_of

_GC_THRESHOLD = 100_000


@dataclass
class TaskResult:
    """Result of a task. broken: why its flow failed without any cut."""

    task: Task
    points: int = 0
    variants: int = 0
    continuations: int = 0
    starts: int = 0
    recoveries: int = 0
    states: set[bytes] = field(default_factory=set)
    failures: list[Failure] = field(default_factory=list)
    broken: str = ""


class Worker:
    """The prepared flows of one process, and the last recorded run."""

    def __init__(self, elf: Path, seed: int, claimed: Path) -> None:
        self._flows = PreparedFlows(elf, seed, claimed)
        self._seed = seed
        self._run: Run | None = None

    def flow(self, name: str) -> PreparedFlow:
        """Return a flow, prepared."""
        return self._flows.get(FLOWS[name])

    def dry_run(self, name: str) -> DryRun:
        """Run a flow without any cut."""
        flow = self.flow(name)
        events = self.run(name).events
        points = (EventPoints(event.wallet, event.frames, points_of(event)) for event in events)
        return DryRun(name, flow.frames, tuple(points))

    def run(self, flow: str, fault: str = NO_FAULT) -> Run:
        """Return the recorded run of a flow; the last one is kept."""
        if self._run is None or (self._run.flow, self._run.fault) != (flow, fault):
            self._run = self.flow(flow).record(fault)
        return self._run

    def execute(self, task: Task) -> TaskResult:
        """Execute a task."""
        result = TaskResult(task)
        flow = self.flow(task.flow)
        try:
            run = self.run(task.flow, task.fault)
        except (MachineError, Broken) as error:
            result.broken = f"{task.flow}:{task.fault}: {type(error).__name__}: {error}"
            return result
        run = Run(run.flow, run.fault, run.events, task.both)
        starts, recoveries = flow.starts.executed, flow.recoveries.tried
        explorer = Explorer(flow.starts, flow, self._seed)
        explorer.cut_everywhere(run, chosen(task, run.events))
        tally = explorer.tally
        result.points, result.variants = len(tally.points), tally.variants
        result.continuations = tally.continuations
        result.starts = flow.starts.executed - starts
        result.recoveries = flow.recoveries.tried - recoveries
        result.states, result.failures = tally.states, tally.failures
        return result


_worker: list[Worker] = []


def _begin(elf: Path, seed: int, scratch: Path) -> None:
    tempfile.tempdir = str(scratch)
    gc.set_threshold(_GC_THRESHOLD)  # benches are copied all the time: this saves an eighth
    _worker.append(Worker(elf, seed, scratch / "claimed"))


def _dry_run(flow: str) -> DryRun:
    return _worker[0].dry_run(flow)


def _execute(task: Task) -> TaskResult:
    return _worker[0].execute(task)


class SweepWorkers:
    """Pool of worker processes; they end with the `with` block, and with this process.

    They run a copy of the image, so that a build meanwhile does not change it.
    """

    def __init__(self, elf: Path, seed: int, workers: int) -> None:
        self._scratch = Path(tempfile.mkdtemp(prefix="jiaozi-sweep-"))
        copy = Path(shutil.copy(elf, self._scratch / "firmware.elf"))
        arguments = (copy, seed, self._scratch)
        self._pool = worker_pool(workers, _begin, arguments)

    def __enter__(self) -> SweepWorkers:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.terminate()
        self._pool.join()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def dry_run(self, flows: list[str]) -> list[DryRun]:
        """Run flows without any cut."""
        return self._pool.map(_dry_run, flows, chunksize=1)

    def execute(self, tasks: list[Task]) -> Iterator[TaskResult]:
        """Execute tasks; results come about in the tasks' order."""
        return self._pool.imap_unordered(_execute, tasks, chunksize=1)
