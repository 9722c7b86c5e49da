"""Fuzz every decoder and the dispatcher on CPython, then the corpus on the image (`make fuzz`).

Corpora grow in build/fuzz and are used again; build/fuzz.json has the report. Ends with 1 if
anything failed, after printing the command that repeats it.
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
from tests.fuzz import attack_material, decoders, sequences
from tests.fuzz.wallet_on_cpython import WalletOnCPython
from tests.fuzz.wallet_on_image import WalletOnImage, compare, compare_stores, seeded_host
from tests.sweep.images import ELF

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "fuzz"
HOST_INPUTS, IMAGE_INPUTS = 2_000_000, 100_000
# Share of the inputs on CPython that goes to the dispatcher; a decoder's input is quicker.
_DISPATCHER_SHARE = 0.15
_LONGEST = {"decoders": 1500, "wallet": 600}
_INPUT_SECONDS = 10
_PROGRESS_SECONDS = 20.0
_BATCH = 100

console = Console(soft_wrap=True)


@dataclass
class Found:
    """Contents of build/fuzz.json. again: the command that repeats each failure."""

    seed: int
    inputs_host: int = 0
    inputs_image: int = 0
    failures: int = 0
    seconds: float = 0.0
    again: list[str] = field(default_factory=list)


class HostFuzzer:
    """One target under libFuzzer, in a process of its own.

    Args:
        target: "decoders" or "wallet".
        runs: inputs to try.
        seed: libFuzzer's.
    """

    def __init__(self, target: str, runs: int, seed: int) -> None:
        self.target, self.runs = target, runs
        self.corpus = BUILD / target
        self.corpus.mkdir(parents=True, exist_ok=True)
        self.log = BUILD / f"{target}.log"
        for number, raw in enumerate(
            decoders.seeds() if target == "decoders" else _first_sequences()
        ):
            (self.corpus / f"seed-{number}").write_bytes(raw)
        options = [
            f"-runs={runs}",
            f"-seed={seed & 0x7FFFFFFF or 1}",
            f"-max_len={_LONGEST[target]}",
        ]
        options += [f"-timeout={_INPUT_SECONDS}", f"-artifact_prefix={BUILD}/{target}-"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "tests.fuzz.atheris_targets",
                    target,
                    str(self.corpus),
                    *options,
                ],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )

    def done(self) -> int:
        """Return the number of inputs tried so far, from libFuzzer's log."""
        said = re.findall(r"^(?:#|Done )(\d+)", self.log.read_text(errors="replace"), re.MULTILINE)
        return max(map(int, said), default=0)

    def failure(self) -> str | None:
        """Return the command that repeats the crash of the fuzzer, None if it did not crash."""
        if self.process.returncode == 0:
            return None
        kept = sorted(BUILD.glob(f"{self.target}-*-*"), key=lambda path: path.stat().st_mtime)
        last = kept[-1].relative_to(ROOT) if kept else "(no input kept)"
        return f"build/venv/bin/python -m tests.fuzz.atheris_targets {self.target} {last}"


def _first_sequences() -> Iterator[bytes]:
    """Yield each valid command for each wallet: plain, and in either channel after the PIN."""
    verify = 2 + [command[1] for command in attack_material.POOL].index(commands.VERIFY)
    for wallet in range(len(attack_material.WALLETS)):
        for command in range(2, 2 + len(attack_material.POOL)):
            yield bytes([wallet, 0x42, 0x40 | command])
            for opener in (0x40, 0x41):
                yield bytes([wallet, opener, 0x60 | verify, 0x60 | command])


def play_on_both(wallet: WalletOnCPython, image: WalletOnImage, data: bytes) -> None:
    """Play a sequence on CPython and on the image, and compare. Raises Broken or a crash."""
    wallet.reset()
    ours = sequences.play(wallet, data)
    image.reset()
    session = sequences.HostSession(image.exchange, image.press_ok)
    with seeded_host():
        theirs = [session.send(operation) for operation in sequences.parse(data)]
    compare(ours, theirs)
    if image.changed():
        compare_stores(wallet.holds(), image.holds())


class ImageFuzzer:
    """Workers that play sequences on the image: the dispatcher's corpus, then mutations of it.

    Args:
        runs: sequences to play.
        seed: of the mutations.
    """

    def __init__(self, runs: int, seed: int) -> None:
        self.runs, self._seed = runs, seed
        self._next = multiprocessing.Value("q", 0)
        self._played = multiprocessing.Value("q", 0)
        self._failed: multiprocessing.Queue[str] = multiprocessing.Queue()
        self._workers: list[multiprocessing.process.BaseProcess] = []

    def start_worker(self) -> None:
        """Start one more worker process."""
        worker = multiprocessing.Process(target=self._work, daemon=True)
        worker.start()
        self._workers.append(worker)

    def _work(self) -> None:
        die_with_parent()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        kept = [path.read_bytes() for path in sorted((BUILD / "wallet").iterdir())]
        wallets = {
            name: WalletOnCPython(template) for name, template in attack_material.WALLETS.items()
        }
        images = {
            name: WalletOnImage(ELF, template) for name, template in attack_material.WALLETS.items()
        }
        while True:
            with self._next.get_lock():
                first = self._next.value
                self._next.value = first + _BATCH
            if first >= self.runs:
                return
            for number in range(first, min(first + _BATCH, self.runs)):
                data = kept[number] if number < len(kept) else _mutated(kept, self._seed, number)
                name = sequences.wallet_of(data)
                try:
                    play_on_both(wallets[name], images[name], data)
                except Exception as fault:  # noqa: BLE001 - whatever it is, it is the finding
                    self._failed.put(_keep(data, fault))
                with self._played.get_lock():
                    self._played.value += 1

    @property
    def running(self) -> bool:
        """True while any worker runs."""
        return any(worker.is_alive() for worker in self._workers)

    def done(self) -> int:
        """Return the number of sequences played so far."""
        return self._played.value

    def failures(self) -> list[str]:
        """Return the commands that repeat new failures; a worker that died is a failure too."""
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


def _mutated(kept: list[bytes], seed: int, number: int) -> bytes:
    rng = random.Random(f"{seed}:{number}")
    data = bytearray(rng.choice(kept))
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data) + 1)
        data[at : at + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
    return bytes(data)


def _keep(data: bytes, fault: Exception) -> str:
    path = BUILD / f"image-{hashlib.sha256(data).hexdigest()[:16]}"
    path.write_bytes(data)
    command = f"build/venv/bin/python -m tests.fuzz.run_fuzzers --replay {path.relative_to(ROOT)}"
    return f"{command}  # {fault!r}"


def replay(path: Path) -> None:
    """Play a kept sequence and print each command with both answers."""
    data = path.read_bytes()
    template = attack_material.WALLETS[sequences.wallet_of(data)]
    wallet, image = WalletOnCPython(template), WalletOnImage(ELF, template)
    wallet.reset()
    here, there = (
        sequences.HostSession(wallet.exchange, wallet.press_ok),
        sequences.HostSession(image.exchange, image.press_ok),
    )
    for operation in sequences.parse(data):
        console.print(f"> {operation}", highlight=False)
        console.print(f"  CPython {here.carry(operation).hex()}", highlight=False)
        console.print(f"  image   {there.carry(operation).hex()}", highlight=False)
    play_on_both(wallet, image, data)
    console.print("nothing is wrong")


def fuzz(host: int, image: int, seed: int) -> Found:
    """Try `host` inputs on CPython and `image` sequences on the image; Ctrl-C ends early."""
    began = time.monotonic()
    found = Found(seed)
    to_dispatcher = int(host * _DISPATCHER_SHARE)
    fuzzers = [
        HostFuzzer("wallet", to_dispatcher, seed),
        HostFuzzer("decoders", host - to_dispatcher, seed),
    ]
    on_image = ImageFuzzer(image, seed)
    waiting = list(fuzzers)
    try:
        while waiting or on_image.running:
            time.sleep(_PROGRESS_SECONDS if time.monotonic() - began > _PROGRESS_SECONDS else 2.0)
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
    """Fuzz and write build/fuzz.json, or replay a sequence."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--host", type=int, default=HOST_INPUTS, help=f"inputs on CPython; default: {HOST_INPUTS}"
    )
    parser.add_argument(
        "--image",
        type=int,
        default=IMAGE_INPUTS,
        help=f"sequences on the image; default: {IMAGE_INPUTS}",
    )
    parser.add_argument(
        "--seed", type=int, default=secrets.randbits(31), help="of all random choices; default: new"
    )
    parser.add_argument("--replay", type=Path, help="play this kept sequence instead of fuzzing")
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
