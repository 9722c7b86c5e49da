"""Checks of PIN attempts that are cut: no try is ever gained, and a comparison takes one time.

An attempt (VERIFY, CHANGE, UNBLOCK; right and wrong; with all tries left, with one and with none)
is cut at its stores into NVM, torn in every way. Between the stores the NVM must be as the last
store left it: it is compared at chosen instructions, and before some of these the power really
fails and the wallet starts again. Every NVM that a cut can leave is started and read; at each cut
point one of them is also asked for its tries and given PINs.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field

from jiaozi.wire.commands import PIN_TRIES
from jiaozi_host.wallet import WalletClient
from jiaozi_sim.machines.base import MachineError
from tests.sweep.engine.cuts import TORN, Cut, StoreEvent, clean_nvm, cuts_of, digest, torn_nvm
from tests.sweep.engine.started import Started
from tests.sweep.engine.tracer import ActivePeriod, Trace
from tests.sweep.flows.oracle import Broken
from tests.sweep.pin.attempts import (
    COMPARES,
    PIN,
    WALLET,
    WRONG,
    Case,
    PinWallet,
    answer_to,
    opens,
    tries_in,
    verify,
)


@dataclass
class Tally:
    """Counts of what was tried for one case.

    looked: instructions at which the NVM was compared; restarted: those of them at which the power
    failed; complaints: broken rules, each with the cut that shows it.
    """

    cut_points: int = 0
    torn_variants: int = 0
    states: int = 0
    continuations: int = 0
    instructions: int = 0
    looked: int = 0
    restarted: int = 0
    complaints: list[str] = field(default_factory=list)


def check(
    wallet: PinWallet,
    case: Case,
    seed: int,
    looks: int,
    sample: int | None = None,
    restarts: int = 0,
) -> Tally:
    """Cut one case at all of its stores, or at `sample` of them.

    looks: instructions at which the NVM is compared; restarts: those of them with a power cut.
    """
    tally = Tally()
    complain = tally.complaints.append
    run = wallet.run(case)
    if run.answer != case.answer:
        complain(f"the wallet answers {run.answer}, not {case.answer}")
    if run.period is None:
        if case.before:
            complain("nothing is stored")
        return tally
    if not case.before and case.compares:
        complain("a blocked wallet stores something")
    rng = random.Random(f"{seed}:{case.name}")
    looked_at = _between(wallet.tracer.trace(run.period), looks, rng)
    trace = _look(wallet, run.period, looked_at, tally)
    compared_after = _check_order(case, trace, complain)
    points = range(len(trace.stores))
    chosen = set(points if sample is None else rng.sample(points, min(sample, len(points))))
    tally.cut_points = len(chosen)
    judge = _Judge(wallet, case, tally)
    _cut(case, run.period, chosen, compared_after, seed, judge, tally)
    some = rng.sample(looked_at, min(restarts, len(looked_at)))
    _restart(wallet, case, run.period, trace, some, judge, tally)
    return tally


def _between(trace: Trace, looks: int, rng: random.Random) -> list[int]:
    """Choose instructions between stores, spread evenly over the gaps."""
    gaps = list(zip([0, *trace.done], [*trace.begun, trace.instructions], strict=True))
    chosen: set[int] = set()
    for number, (begin, end) in enumerate(sorted(gaps, key=lambda gap: gap[1] - gap[0])):
        share = (looks - len(chosen)) // (len(gaps) - number)
        chosen.update(rng.sample(range(begin, end), min(share, end - begin)))
    return sorted(chosen)


def _look(wallet: PinWallet, period: ActivePeriod, looked_at: list[int], tally: Tally) -> Trace:
    """Compare the NVM before these instructions with what the last store left."""
    trace = wallet.tracer.trace(period, looked_at)
    tally.instructions, tally.looked = trace.instructions, trace.looked
    for number in trace.unlike:
        tally.complaints.append(f"at instruction {number} the NVM is not as the last store left it")
    return trace


def _restart(
    wallet: PinWallet,
    case: Case,
    period: ActivePeriod,
    trace: Trace,
    instructions: list[int],
    judge: _Judge,
    tally: Tally,
) -> None:
    """Cut the power before these instructions; the start must be that from the last store's NVM."""
    event = StoreEvent(WALLET, period.nvm, period.stores, 0, None)
    begins = min((number for number, _ in trace.calls), default=trace.instructions)
    for number in sorted(instructions):
        if number == 0:
            continue  # the core has not woken yet
        tally.restarted += 1
        left = clean_nvm(event, bisect_right(trace.done, number))
        try:
            stored, started = wallet.cut_after(period, number)
        except (MachineError, Broken) as error:
            wrong: str | None = f"at the start: {error}"
        else:
            wrong = judge.complaint(left, number > begins, False)
            if len(stored) != bisect_right(trace.done, number):
                wrong = f"{len(stored)} stores were made before"
            elif started.name != wallet.start(case, left).name:
                wrong = "the start differs from that on the NVM of the last store"
        if wrong is not None:
            tally.complaints.append(f"cut at instruction {number}: {wrong}")


def _check_order(case: Case, trace: Trace, complain: Callable[[str], None]) -> int:
    """Check that the PIN is compared once, after a store, and nothing is sent before the last one.

    Return the number of stores before the comparison. Which of them lowers the counter is not
    checked here: the cuts show it.
    """
    stores = len(trace.stores)
    if case.compares and any(trace.sent):
        complain("bytes are sent before the last store")
    if not case.compares:
        return stores
    if len(trace.calls) != 1:
        complain(f"{COMPARES} is called {len(trace.calls)} times, not once")
        return stores
    [(_, before)] = trace.calls
    if before == 0:
        complain("the PIN is compared before anything is stored")
    if not case.right and before != stores:
        complain("something is stored after a wrong PIN was compared")
    return before


class _Judge:
    """Starts from the NVM that cuts leave, reads it, and makes attempts; equal NVMs once."""

    def __init__(self, wallet: PinWallet, case: Case, tally: Tally) -> None:
        self._wallet, self._case, self._tally = wallet, case, tally
        self._read: dict[bytes, tuple[Started, int, list[str]] | str] = {}
        self._tried: dict[bytes, str | None] = {}

    def complaint(self, nvm: bytes, compared: bool, on: bool) -> str | None:
        """Return what is wrong with an NVM that a cut has left, None if nothing is.

        compared: the comparison had begun by then; on: also make attempts from there.
        """
        case = self._case
        found = self._start(nvm)
        if isinstance(found, str):
            return found
        started, left, keys = found
        if not case.allows(left, compared):
            return f"{left} tries left, {case.before} before"
        if len(keys) != 1:
            return f"the PINs that open it are {keys}"
        if not case.compares and (left == PIN_TRIES) != (keys != [PIN]):
            return f"{left} tries left, and the PINs that open it are {keys}"
        return self._attempt(started, left, keys[0]) if on else None

    def _start(self, nvm: bytes) -> tuple[Started, int, list[str]] | str:
        name = digest(nvm)
        if name not in self._read:
            self._tally.states += 1
            try:
                started = self._wallet.start(self._case, nvm)
                image = started.nvm
                keys = [pin for pin in self._case.pins if opens(image, pin)]
                self._read[name] = started, tries_in(image), keys
            except (MachineError, Broken) as error:
                self._read[name] = f"at the start: {error}"
        return self._read[name]

    def _attempt(self, started: Started, left: int, pin: str) -> str | None:
        """Check that INFO has the tries, a wrong PIN costs one, and the right one then opens."""
        name = started.name
        if name in self._tried:
            return self._tried[name]
        self._tally.continuations += 1
        wanted = [f"{left} left", f"wrong, {left - 1} left" if left else "blocked"]
        wanted.append("done" if left > 1 else "blocked")
        answers: list[str] = []

        def act(client: WalletClient) -> None:
            answers.append(f"{client.info().tries} left")
            answers.append(answer_to(client, verify(WRONG[0])))
            answers.append(answer_to(client, verify(pin)))

        self._wallet.attempt(self._wallet.restart(self._case, started), act, recorded=False)
        wrong = None if answers == wanted else f"later it answers {answers}, not {wanted}"
        self._tried[name] = wrong
        return wrong


def _cut(
    case: Case,
    period: ActivePeriod,
    chosen: set[int],
    compared_after: int,
    seed: int,
    judge: _Judge,
    tally: Tally,
) -> None:
    """Cut at the chosen stores, and right after the comparison has begun."""
    event = StoreEvent(WALLET, period.nvm, period.stores, 0, None)

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


def same_time(wallet: PinWallet) -> list[str]:
    """Check that PINs take equal instructions up to the comparison, wrong ones also after it."""
    traces = []
    for pin in (PIN, *WRONG):
        period = wallet.run(Case(pin, PIN_TRIES, verify(pin), pin == PIN)).period
        if period is None:
            return ["nothing is stored"]
        traces.append(wallet.tracer.trace(period))
    wrong = []
    if len({trace.calls for trace in traces}) != 1:
        wrong.append("the time until a PIN is compared depends on the PIN")
    if len({trace.instructions for trace in traces[1:]}) != 1:
        wrong.append("the time of a wrong PIN depends on which digits are wrong")
    if any(trace.done != traces[1].done for trace in traces[2:]):
        wrong.append("the time of a wrong PIN's stores depends on which digits are wrong")
    return wrong
