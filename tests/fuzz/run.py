"""`make fuzz`: fuzz every decoder and the dispatcher on CPython, then what was found on the image.

    python -m tests.fuzz.run [--host N] [--image N] [--seed N]

Corpora grow in build/fuzz and are used again; build/fuzz.json says what was done. Ends with 1 when
anything failed, after the line that plays it again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import random
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console

from jiaozi.wire import commands
from jiaozi_sim.lifetime import die_with_parent

ROOT = Path(__file__).parents[2]
sys.path += [str(ROOT / "firmware"), str(ROOT / "simulator")]

from scenarios.sweep.images import ELF  # noqa: E402
from tests.fuzz import doors, programme, scene  # noqa: E402
from tests.fuzz.image import ImageStage, compare, compare_stores, drawing  # noqa: E402
from tests.fuzz.stage import Stage  # noqa: E402

BUILD = ROOT / "build" / "fuzz"
HOST_INPUTS, IMAGE_INPUTS = 2_000_000, 100_000
# What part of the host's inputs goes to the dispatcher; a decoder's input is the quicker one.
_DISPATCHER_PART = 0.15
_LONGEST = {"doors": 1500, "wallet": 600}
_SECONDS_AN_INPUT = 10
_SAY_EVERY = 20.0
_BATCH = 100

console = Console(soft_wrap=True)


@dataclass
class Found:
    """What build/fuzz.json holds. failures: how to play each one again."""

    seed: int
    inputs_host: int = 0
    inputs_image: int = 0
    failures: int = 0
    seconds: float = 0.0
    again: list[str] = field(default_factory=list)


class HostFuzzer:
    """One target under libFuzzer, in a process of its own.

    Args:
        target: "doors" or "wallet".
        runs: inputs to try.
        seed: libFuzzer's.
    """

    def __init__(self, target: str, runs: int, seed: int) -> None:
        self.target, self.runs = target, runs
        self.corpus = BUILD / target
        self.corpus.mkdir(parents=True, exist_ok=True)
        self.log = BUILD / f"{target}.log"
        for number, raw in enumerate(doors.seeds() if target == "doors" else _first_programmes()):
            (self.corpus / f"seed-{number}").write_bytes(raw)
        options = [
            f"-runs={runs}",
            f"-seed={seed & 0x7FFFFFFF or 1}",
            f"-max_len={_LONGEST[target]}",
        ]
        options += [f"-timeout={_SECONDS_AN_INPUT}", f"-artifact_prefix={BUILD}/{target}-"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz.target", target, str(self.corpus), *options],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )

    def done(self) -> int:
        """Inputs tried so far, as libFuzzer says."""
        said = re.findall(r"^(?:#|Done )(\d+)", self.log.read_text(errors="replace"), re.MULTILINE)
        return max(map(int, said), default=0)

    def failure(self) -> str | None:
        """How to play again what ended the fuzzer, None when nothing did."""
        if self.process.returncode == 0:
            return None
        kept = sorted(BUILD.glob(f"{self.target}-*-*"), key=lambda path: path.stat().st_mtime)
        last = kept[-1].relative_to(ROOT) if kept else "(no input kept)"
        return f"build/venv/bin/python -m tests.fuzz.target {self.target} {last}"


def _first_programmes() -> Iterator[bytes]:
    """Each wallet given each good command: outside, and in either channel with the PIN before."""
    verify = 2 + [command[1] for command in scene.POOL].index(commands.VERIFY)
    for wallet in range(len(scene.WALLETS)):
        for command in range(2, 2 + len(scene.POOL)):
            yield bytes([wallet, 0x42, 0x40 | command])
            for opener in (0x40, 0x41):
                yield bytes([wallet, opener, 0x60 | verify, 0x60 | command])


def played(stage: Stage, image: ImageStage, data: bytes) -> None:
    """One programme on CPython and on the image. Raises what is wrong with either."""
    stage.reset()
    ours = programme.play(stage, data)
    image.reset()
    talk = programme.Talk(image.exchange)
    with drawing():
        theirs = [talk.carry(operation) for operation in programme.operations_of(data)]
    compare(ours, theirs)
    if image.changed():
        compare_stores(stage.holds(), image.holds())


class ImageFuzzer:
    """Workers that play programmes on the image: the dispatcher's corpus, then changes of it.

    Args:
        runs: programmes to play.
        seed: what the changes are drawn from.
    """

    def __init__(self, runs: int, seed: int) -> None:
        self.runs, self._seed = runs, seed
        self._next = multiprocessing.Value("q", 0)
        self._played = multiprocessing.Value("q", 0)
        self._failed: multiprocessing.Queue[str] = multiprocessing.Queue()
        self._workers: list[multiprocessing.process.BaseProcess] = []

    def start_worker(self) -> None:
        """One more process takes part."""
        worker = multiprocessing.Process(target=self._work, daemon=True)
        worker.start()
        self._workers.append(worker)

    def _work(self) -> None:
        die_with_parent()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        kept = [path.read_bytes() for path in sorted((BUILD / "wallet").iterdir())]
        stages = {name: Stage(template) for name, template in scene.WALLETS.items()}
        images = {name: ImageStage(ELF, template) for name, template in scene.WALLETS.items()}
        while True:
            with self._next.get_lock():
                first = self._next.value
                self._next.value = first + _BATCH
            if first >= self.runs:
                return
            for number in range(first, min(first + _BATCH, self.runs)):
                data = kept[number] if number < len(kept) else _changed(kept, self._seed, number)
                name = programme.wallet_of(data)
                try:
                    played(stages[name], images[name], data)
                except Exception as fault:  # noqa: BLE001 - whatever it is, it is the finding
                    self._failed.put(_keep(data, fault))
                with self._played.get_lock():
                    self._played.value += 1

    @property
    def running(self) -> bool:
        """Whether any worker still plays."""
        return any(worker.is_alive() for worker in self._workers)

    def done(self) -> int:
        """Programmes played so far."""
        return self._played.value

    def failures(self) -> list[str]:
        """How to play again what failed since the last call; a worker that died is a failure."""
        found = []
        while not self._failed.empty():
            found.append(self._failed.get())
        if not self.running:
            found += [
                f"a worker ended with {worker.exitcode}"
                for worker in self._workers
                if worker.exitcode
            ]
        return found


def _changed(kept: list[bytes], seed: int, number: int) -> bytes:
    rng = random.Random(f"{seed}:{number}")
    data = bytearray(rng.choice(kept))
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data) + 1)
        data[at : at + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
    return bytes(data)


def _keep(data: bytes, fault: Exception) -> str:
    path = BUILD / f"image-{hashlib.sha256(data).hexdigest()[:16]}"
    path.write_bytes(data)
    return f"build/venv/bin/python -m tests.fuzz.run --replay {path.relative_to(ROOT)}  # {fault!r}"


def replay(path: Path) -> None:
    """Play one kept programme and show each command with both answers."""
    data = path.read_bytes()
    template = scene.WALLETS[programme.wallet_of(data)]
    stage, image = Stage(template), ImageStage(ELF, template)
    stage.reset()
    here, there = programme.Talk(stage.exchange), programme.Talk(image.exchange)
    for operation in programme.operations_of(data):
        console.print(f"> {operation}", highlight=False)
        console.print(f"  CPython {here.carry(operation).hex()}", highlight=False)
        console.print(f"  image   {there.carry(operation).hex()}", highlight=False)
    played(stage, image, data)
    console.print("nothing is wrong")


def fuzz(host: int, image: int, seed: int) -> Found:
    """Try so many inputs; progress is shown, and Ctrl-C keeps what was found."""
    began = time.monotonic()
    found = Found(seed)
    to_dispatcher = int(host * _DISPATCHER_PART)
    fuzzers = [
        HostFuzzer("wallet", to_dispatcher, seed),
        HostFuzzer("doors", host - to_dispatcher, seed),
    ]
    on_image = ImageFuzzer(image, seed)
    waiting = list(fuzzers)
    try:
        while waiting or on_image.running:
            time.sleep(_SAY_EVERY if time.monotonic() - began > _SAY_EVERY else 2.0)
            for fuzzer in [one for one in waiting if one.process.poll() is not None]:
                waiting.remove(fuzzer)  # its core is free: play on the image there
                on_image.start_worker()
            console.print(
                f"{time.monotonic() - began:5.0f} s  "
                + "  ".join(f"{one.target} {one.done():,} of {one.runs:,}" for one in fuzzers)
                + f"  image {on_image.done():,} of {image:,}"
            )
            found.again += on_image.failures()
    except KeyboardInterrupt:
        console.print("interrupted: what was done so far is kept")
    for fuzzer in fuzzers:
        if fuzzer in waiting:
            fuzzer.process.kill()
        elif failure := fuzzer.failure():
            found.again.append(failure)
    found.inputs_host = sum(fuzzer.done() for fuzzer in fuzzers)
    found.inputs_image = on_image.done()
    found.failures = len(found.again)
    found.seconds = round(time.monotonic() - began, 1)
    return found


def main() -> None:
    """Fuzz, or replay, and write build/fuzz.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--host", type=int, default=HOST_INPUTS, help="inputs on CPython")
    parser.add_argument("--image", type=int, default=IMAGE_INPUTS, help="programmes on the image")
    parser.add_argument("--seed", type=int, default=secrets.randbits(31), help="of every choice")
    parser.add_argument("--replay", type=Path, help="a kept programme to play again")
    options = parser.parse_args()
    if options.replay:
        replay(options.replay)
        return
    console.print(f"fuzzing with seed {options.seed}; corpora are in {BUILD.relative_to(ROOT)}")
    found = fuzz(options.host, options.image, options.seed)
    target = ROOT / "build" / "fuzz.json"
    target.write_text(json.dumps(asdict(found), indent=2) + "\n", encoding="utf-8")
    for line in found.again:
        console.print(f"[bold]failed[/bold]: {line}", highlight=False)
    console.print(
        f"{found.inputs_host:,} inputs on CPython, {found.inputs_image:,} on the image, "
        f"{found.failures} failures; written to {target.relative_to(ROOT)}"
    )
    enough = found.inputs_host >= options.host and found.inputs_image >= options.image
    sys.exit(0 if enough and not found.failures else 1)


if __name__ == "__main__":
    main()
