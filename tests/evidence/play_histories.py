"""Play random histories with cheats and check that exactly the cheats are proved (`make evidence`).

Ends with 1 if a cheat was missed or an honest wallet framed, after printing the command that plays
that history again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from pathlib import Path

from jiaozi_sim.lifetime import worker_pool
from tests.evidence.caching import cached_signatures
from tests.evidence.history import Outcome, play

_BATCH = 25


def play_batch(seeds: range) -> Outcome:
    """Play the histories of some seeds. An exception counts as a missed cheat."""
    total = Outcome()
    with cached_signatures():
        for seed in seeds:
            try:
                total.add(play(seed))
            except Exception as error:  # noqa: BLE001  (the seed must not be lost)
                total.missed.append(f"seed {seed}: stopped by {error!r}")
    return total


def play_all(first: int, histories: int, jobs: int) -> Outcome:
    """Play `histories` histories in `jobs` processes."""
    seeds = [
        range(at, min(at + _BATCH, first + histories))
        for at in range(first, first + histories, _BATCH)
    ]
    total, begun, printed = Outcome(), time.monotonic(), 0.0
    with worker_pool(jobs) as pool:
        try:
            for outcome in pool.imap_unordered(play_batch, seeds):
                total.add(outcome)
                now = time.monotonic()
                if now - printed > 10 or total.histories == histories:
                    printed = now
                    _print_progress(total, histories, now - begun)
        except KeyboardInterrupt:
            print("interrupted: the report covers what was played", file=sys.stderr)
    return total


def _print_progress(total: Outcome, histories: int, seconds: float) -> None:
    print(
        f"{total.histories}/{histories} histories, {sum(total.cheats.values())} cheats,"
        f" {len(total.missed)} missed, {len(total.framed)} framed, {seconds:.0f} s",
        flush=True,
    )


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--histories", type=int, default=10_000, help="number; default: 10000")
    parser.add_argument(
        "--first",
        type=int,
        default=random.SystemRandom().getrandbits(32),
        help="seed of the first history, the others follow it; default: random",
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes; default: cores"
    )
    parser.add_argument("--out", type=Path, help="the report's file")
    chosen = parser.parse_args()
    print(f"seed: {chosen.first} (the same again: --first {chosen.first})", flush=True)
    begun = time.monotonic()
    total = play_all(chosen.first, chosen.histories, chosen.jobs)
    if chosen.out is not None:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        result = {
            "seed": chosen.first,
            "histories": total.histories,
            "cheats": sum(total.cheats.values()),
            "missed": len(total.missed),
            "framed": len(total.framed),
            "framing_attempts": total.attempts,
            "cheats_by_name": dict(sorted(total.cheats.items())),
            "proofs_by_kind": {str(kind): count for kind, count in sorted(total.proofs.items())},
            "seconds": round(time.monotonic() - begun),
            "failures": (total.missed + total.framed)[:50],
        }
        chosen.out.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    for failure in (total.missed + total.framed)[:20]:
        seed = failure.split(":")[0].split()[1]
        print(f"FAILED {failure}", file=sys.stderr)
        print(f"  {sys.executable} -m tests.evidence.play_histories --histories 1 --first {seed}")
    interrupted = total.histories < chosen.histories
    return 1 if total.missed or total.framed or interrupted else 0


if __name__ == "__main__":
    sys.exit(main())
