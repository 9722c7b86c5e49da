"""Measure instructions of the same tap on every engine (`make fidelity`).

    python fidelity.py            measure, and write the table in `simulator/renode/fidelity.md`
    python fidelity.py --check    measure; exit status 1 if engines or the table disagree

It is a first tap of two boards, the payee reads; keys and nonces of host and wallets are the same
on each engine. Renode is measured only if it is installed.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

from jiaozi.wire import commands
from jiaozi_sim.machines.marks import Mark
from jiaozi_sim.machines.renode_process import RenodeMissing, find_program
from scenarios.rig import Rig
from scenarios.tap_cost import TapCost, tap

PAGE = Path(__file__).parents[1] / "renode" / "fidelity.md"
BEGIN, END = "<!-- tap by engine: simulator/scenarios/fidelity.py -->", "<!-- end -->"
PHASES = (Mark.VERIFY, Mark.SIGN, Mark.HASH, Mark.ENCODE, Mark.COMMIT, Mark.DECODE)
# Engines must agree on these; decoding also depends on the heap's state.
EXACT, PERCENT = PHASES[:-1], 0.5
# Allowed difference of the present firmware from the table.
STALE_PERCENT = 10
SEED = b"jiaozi fidelity"
NOT_MEASURED = "not measured on this machine"


def measure(engine: str) -> TapCost:
    """Provision two blank wallets on one engine and measure the tap."""
    with tempfile.TemporaryDirectory(prefix="jiaozi-") as name, Rig(Path(name), seed=SEED) as rig:
        wallets = []
        for who, board in (("alice", "visual_card"), ("bob", "wearable")):
            wallet = rig.simulator.add_wallet(who, board, engine=engine)
            wallet.start()
            wallet.wait_mark(Mark.READY)
            wallets.append(wallet)
        for wallet in wallets:
            rig.provision(wallet)
        rig.top_up(wallets[0], 100_00)
        rig.receive(wallets[1], 25_00, commands.READER)
        return tap(rig.simulator, *wallets)


def sides(cost: TapCost) -> tuple[Counter[Mark], Counter[Mark]]:
    """Return the payer's and the payee's instructions by phase."""
    return cost.payer, cost.payee


def disagreements(costs: dict[str, TapCost]) -> list[str]:
    """Return phases in which an engine differs from the first one by more than PERCENT."""
    (first, reference), *others = costs.items()
    found = []
    for engine, cost in others:
        for who, mine, theirs in zip(
            ("payer", "payee"), sides(reference), sides(cost), strict=True
        ):
            for phase in EXACT:
                if abs(theirs[phase] - mine[phase]) * 100 > PERCENT * mine[phase]:
                    found.append(
                        f"{who}'s {phase.name}: {theirs[phase]:,} on {engine}, "
                        f"{mine[phase]:,} on {first}"
                    )
    return found


def table(costs: dict[str, TapCost]) -> str:
    """The lines between the page's two marks."""
    engines = ("qemu", "renode", "unicorn")
    names = {"qemu": "QEMU", "renode": "Renode", "unicorn": "Unicorn"}
    lines = ["| phase | " + " | ".join(names[engine] for engine in engines) + " |"]
    lines.append("|---|" + "---|" * len(engines))

    def row(title: str, cells: list[str]) -> None:
        lines.append(f"| {title} | " + " | ".join(cells) + " |")

    for phase in PHASES:
        row(phase.name, [cell(costs.get(engine), phase) for engine in engines])
    totals = [costs.get(engine) for engine in engines]
    row("all, both sides", [f"{c.instructions:,}" if c else NOT_MEASURED for c in totals])
    return "\n".join(lines)


def cell(cost: TapCost | None, phase: Mark) -> str:
    """Return one engine's figures for a phase."""
    if cost is None:
        return NOT_MEASURED
    payer, payee = sides(cost)
    return f"{payer[phase]:,} / {payee[phase]:,}"


def written(page: str) -> str:
    """Return the table in the page. Raises ValueError if its marks are missing."""
    found = re.search(f"{re.escape(BEGIN)}\n(.*)\n{re.escape(END)}", page, re.S)
    if found is None:
        raise ValueError(f"{PAGE} has no place for the table")
    return found[1]


def stale(old: str, new: str) -> list[str]:
    """Return cells of QEMU and Unicorn that differ by more than STALE_PERCENT."""

    def figures(text: str) -> list[int]:
        cells = [line.split("|") for line in text.splitlines()[2:]]
        kept = [cell for row in cells for cell in (row[2], row[4])]
        return [int(n.replace(",", "")) for n in re.findall(r"[\d,]+", " ".join(kept))]

    before, now = figures(old), figures(new)
    if len(before) != len(now):
        return ["the table has other rows"]
    return [
        f"{b:,} is written, {n:,} measured"
        for b, n in zip(before, now, strict=True)
        if abs(b - n) * 100 > STALE_PERCENT * n
    ]


def engines() -> list[str]:
    """Return the engines that are installed."""
    try:
        find_program("renode")
    except RenodeMissing as error:
        print(f"fidelity: Renode was NOT run: {error}", file=sys.stderr)
        return ["qemu", "unicorn"]
    return ["qemu", "unicorn", "renode"]


def main() -> int:
    """Run the command line."""
    costs = {engine: measure(engine) for engine in engines()}
    now, page = table(costs), PAGE.read_text()
    print(now)
    wrong = disagreements(costs)
    if "--check" in sys.argv:
        wrong += stale(written(page), now)
    else:
        PAGE.write_text(page.replace(written(page), now))
    for line in wrong:
        print(f"fidelity: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
