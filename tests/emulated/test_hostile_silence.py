"""A wallet that stops in the middle of a command while its chip goes on asking for time."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from simulator.scenarios.rig import Rig

from jiaozi_host.errors import CardGone
from jiaozi_host.links.nfc import NfcLink
from jiaozi_host.wallet import WalletClient
from jiaozi_sim.client import Wallet

PATIENCE = 1.5


def send_engine(rig: Rig, wallet: Wallet, number: signal.Signals) -> None:
    """Send a signal to the process that runs a wallet's machine and to all that it started."""
    family = [int(rig.simulator.ask("engine_pid", wallet=wallet.name))]
    for member in family:  # which grows meanwhile
        family += (pid for pid, parent in parents().items() if parent == member)
        os.kill(member, number)


def parents() -> dict[int, int]:
    """The parent of every process."""
    found = {}
    for file in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):  # it has ended
            facts = dict(line.split(":", 1) for line in file.read_text().splitlines())
            found[int(file.parent.name)] = int(facts["PPid"])
    return found


def test_a_reader_does_not_wait_for_ever(
    firmware_elf: Callable[[str], Path], tmp_path: Path
) -> None:
    with Rig(tmp_path) as rig:
        alice = rig.add("alice", "visual_card", firmware_elf("visual_card"))
        with rig.at_reader(alice) as link:
            assert isinstance(link, NfcLink)
            client = WalletClient(link)
            client.select()
            link.longest_answer = PATIENCE
            send_engine(rig, alice, signal.SIGSTOP)
            awake = threading.Timer(30, send_engine, (rig, alice, signal.SIGCONT))
            awake.start()
            start = time.monotonic()
            with pytest.raises(CardGone):
                client.info()
            waited = time.monotonic() - start
            awake.cancel()
            send_engine(rig, alice, signal.SIGCONT)
        assert PATIENCE <= waited < 20
        with rig.at_reader(alice) as link:
            client = WalletClient(link)
            client.select()
            assert client.info().id is None  # it answers again
