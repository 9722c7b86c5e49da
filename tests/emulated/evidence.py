"""What a failed test leaves behind: the memories of its wallets, beside logs and frames."""

from __future__ import annotations

from pathlib import Path

from jiaozi_sim.client import Simulator, SimulatorError

running: list[Simulator] = []
"""The simulators that have begun and not ended."""


def keep(simulator: Simulator) -> list[Path]:
    """Save the NVM of every wallet of a simulator; where each is now.

    `world.log`, `frames.jsonl` and the folder of each wallet are in the same directory.
    """
    kept = []
    for wallet in simulator.wallets:
        path = simulator.directory / wallet.name / "nvm_at_failure.bin"
        try:
            path.write_bytes(wallet.nvm_read())
        except SimulatorError:  # the world has ended, or the memory is lost
            continue
        kept.append(path)
    return kept
