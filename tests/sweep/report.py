"""Reports of a sweep: progress, the result file, kept failures, and the line that repeats one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jiaozi.wallet.book import Book
from jiaozi_host.ledger.journal import read_entry
from tests.sweep.engine.cuts import Cut
from tests.sweep.engine.explorer import Failure
from tests.sweep.flows.oracle import Broken, read_book
from tests.sweep.plan import Plan, size
from tests.sweep.workers import TaskResult

_PROGRESS_SECONDS = 10.0
REPLAY = "build/venv/bin/python -m tests.sweep.replay"
_KINDS = ("", "paid", "credited", "resolved", "voided", "refunded", "adopted", "opened")


class Progress:
    """Adds up the workers' results and prints progress every ten seconds."""

    def __init__(self, plan: Plan, seed: int, elf: Path | None = None) -> None:
        self._plan, self._seed, self._elf = plan, seed, elf
        self._begun = time.monotonic()
        self._printed = 0.0
        self.points = self.variants = self.continuations = self.starts = self.recoveries = 0
        self.states: set[bytes] = set()
        self.failures: list[Failure] = []
        self.broken: list[str] = []
        self._states_of: dict[str, set[bytes]] = {}

    def add(self, done: TaskResult) -> None:
        """Add a worker's result; print its failures."""
        self.points += done.points if not done.broken else size(done.task)
        self.variants += done.variants
        self.continuations += done.continuations
        self.starts += done.starts
        self.recoveries += done.recoveries
        self.states |= done.states
        self._states_of.setdefault(done.task.flow, set()).update(done.states)
        for failure in done.failures:
            self.failures.append(failure)
            print(replay_line(failure, self._seed, self._elf), "#", failure.what, flush=True)
        if done.broken:
            self.broken.append(done.broken)
            print(done.broken, flush=True)
        if time.monotonic() - self._printed > _PROGRESS_SECONDS:
            self._printed = time.monotonic()
            self._print(done)

    def _print(self, done: TaskResult) -> None:
        spent = time.monotonic() - self._begun
        left = spent / max(self.points, 1) * (self._plan.points - self.points)
        kind = "both" if done.task.both else done.task.fault
        print(
            f"{done.task.flow} ({kind}): {self.points} of {self._plan.points} cut points,"
            f" {len(self.states)} states, {len(self.failures) + len(self.broken)} failures,"
            f" about {left / 60:.0f} min left",
            flush=True,
        )

    def result(self) -> dict[str, Any]:
        """Return the contents of build/sweep.json."""
        enumeration = {
            flow: {**what, "states": len(self._states_of.get(flow, ()))}
            for flow, what in self._plan.enumeration.items()
        }
        return {
            "seed": self._seed,
            "states": len(self.states),
            "cut_points_total": self._plan.points,
            "cut_points_done": self.points,
            "torn_variants": self.variants,
            "continuations": self.continuations,
            "starts": self.starts,
            "other_ways_out": self.recoveries,
            "failures": len(self.failures) + len(self.broken),
            "seconds": round(time.monotonic() - self._begun, 1),
            "enumeration": enumeration,
        }


def table(plan: Plan) -> str:
    """Return the plan's enumeration as a Markdown table."""
    lines = ["| flow | cut points by event | frames | both cut | frame faults |", "|---" * 5 + "|"]
    for flow, what in plan.enumeration.items():
        events = "; ".join(what["stores"])
        lines.append(
            f"| {flow} | {what['single']}: {events} | {what['frames']}"
            f" | {what['both']} | {what['frame_faults']} |"
        )
    lines.append(f"{plan.points} cut points in all.")
    return "\n".join(lines)


def place(failure: Failure) -> str:
    """Return a failure's place in one word: flow, fault, event, store, outcome, both cut."""
    cut = failure.cut
    parts = (failure.flow, failure.fault, cut.event, cut.index, cut.torn, int(failure.both))
    return ":".join(str(part) for part in parts)


def read_place(word: str) -> tuple[str, str, Cut, bool]:
    """Parse what `place` returned. Raises ValueError."""
    flow, fault, event, index, torn, both = word.split(":")
    return flow, fault, Cut(int(event), int(index), torn), both == "1"


def replay_line(failure: Failure, seed: int, elf: Path | None = None) -> str:
    """Return the command that repeats a failing cut; elf: the image if it is not the release."""
    image = "" if elf is None else f" --elf {elf}"
    return f"{REPLAY} --seed {seed}{image} {place(failure)}"


def keep(folder: Path, failure: Failure) -> None:
    """Write a failure's NVM images, frames and journals into a folder."""
    home = folder / place(failure).replace(":", "-")
    home.mkdir(parents=True, exist_ok=True)
    frames = (
        f"{record.time:10.6f} {record.direction} {record.sender:6} {record.kind:8}"
        f" {record.fault:8} {record.data.hex()}\n"
        for record in failure.frames
    )
    (home / "frames.txt").write_text("".join(frames), encoding="utf-8")
    for moment, images in (("cut", failure.nvm), ("end", failure.end)):
        _keep_images(home, moment, images)
    (home / "what.txt").write_text(failure.what + "\n", encoding="utf-8")


def _keep_images(home: Path, moment: str, images: Mapping[str, bytes]) -> None:
    for wallet, image in images.items():
        (home / f"{wallet}-{moment}.nvm").write_bytes(image)
        try:
            book = read_book(image)
            text = "not provisioned\n" if book is None else _journal(book)
        except Broken as broken:
            text = f"{broken}\n"
        (home / f"{wallet}-{moment}-journal.txt").write_text(text, encoding="utf-8")


def _journal(book: Book) -> str:
    state = book.state
    lines = [
        f"wallet {book.me.id.hex()}, balance {state.balance}, next payment {state.sequence}",
        f"journal: {state.position} entries, head {state.head.hex()}",
        *(f"open request {request.number}" for request in book.open.values()),
    ]
    for position in book.positions():
        fact = read_entry(book.entry(position) or b"", position, book.me, book.trust)
        amount = "" if fact.payment is None else f" {fact.payment.amount}"
        payment = (fact.payment_hash or b"").hex()
        lines.append(f"{position:5} {_KINDS[fact.kind]:9}{amount} payment {payment}")
    return "\n".join(lines) + "\n"
