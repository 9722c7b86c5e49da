"""One random history with cheats, and the result of the search for proofs in it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from jiaozi.operator import evidence
from jiaozi.operator.search import find
from jiaozi.wire.errors import Refused
from tests.evidence import cheats, framing
from tests.evidence.economy import AUTHORITY, HOMES, NETWORK, Economy, epochs, policies, trust

STEPS = (8, 28)


@dataclass
class Outcome:
    """Result of one history, or of many.

    cheats: number of provable ones by name; missed: those that no fitting proof names; framed:
    proofs, found or false, that name an honest wallet or do not verify.
    """

    histories: int = 0
    cheats: dict[str, int] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    framed: list[str] = field(default_factory=list)
    attempts: int = 0
    proofs: dict[int, int] = field(default_factory=dict)

    def add(self, other: Outcome) -> None:
        """Add the result of other histories."""
        self.histories += other.histories
        self.attempts += other.attempts
        self.missed += other.missed
        self.framed += other.framed
        for name, count in other.cheats.items():
            self.cheats[name] = self.cheats.get(name, 0) + count
        for kind, count in other.proofs.items():
            self.proofs[kind] = self.proofs.get(kind, 0) + count


def play(seed: int, known: Sequence[cheats.Kind] = cheats.ALL) -> Outcome:
    """Play the history of a seed with cheats of the known kinds, and check the proofs found."""
    rng = random.Random(seed)
    economy = Economy(rng)
    thieves = rng.sample(sorted(HOMES), rng.choice((0, 1, 1, 1, 2)))
    done: list[cheats.Cheat] = []
    tried: set[bytes] = set()
    length = rng.randint(*STEPS)
    moments = {rng.randrange(length): name for name in thieves}
    for moment in range(length):
        economy.step()
        if moment in moments:
            device = next(one for one in economy.devices if one.name == moments[moment])
            tried.add(device.book.me.hash)
            cheat = rng.choice(known)(cheats.Cheater(economy, device))
            if cheat is not None:
                tried.add(cheat.device.book.me.hash)
                done.append(cheat)
    for device in rng.sample(economy.devices, len(economy.devices)):
        if rng.random() < 0.9:
            economy.sync(device)
    return _judge(seed, economy, done, tried)


def _judge(seed: int, economy: Economy, done: list[cheats.Cheat], tried: set[bytes]) -> Outcome:
    outcome = Outcome(histories=1)
    collected = list(economy.operator.collected)
    economy.rng.shuffle(collected)
    named = set()
    for proof in find(collected, trust(), epochs(), policies()):
        try:
            verdict = evidence.verify(proof, AUTHORITY, NETWORK)
        except (Refused, evidence.NotProven) as refusal:
            outcome.framed.append(f"seed {seed}: kind {proof[1]} does not verify: {refusal!r}")
            continue
        outcome.proofs[verdict.kind] = outcome.proofs.get(verdict.kind, 0) + 1
        named.add((verdict.wallet.hash, verdict.kind))
        if verdict.wallet.hash not in tried:
            outcome.framed.append(f"seed {seed}: kind {verdict.kind} against an honest wallet")
    for cheat in done:
        if not cheat.touched():
            continue
        outcome.cheats[cheat.name] = outcome.cheats.get(cheat.name, 0) + 1
        if not any((cheat.device.book.me.hash, kind) in named for kind in cheat.kinds):
            outcome.missed.append(f"seed {seed}: {cheat.name}")
    for attempt in framing.attempts(economy, collected, tried):
        outcome.attempts += 1
        if framing.succeeds(attempt):
            outcome.framed.append(f"seed {seed}: false proof accepted, kind {attempt[1]}")
    return outcome
