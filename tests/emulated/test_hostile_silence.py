"""A wallet that stops in the middle of a command while its chip goes on asking for time."""

from __future__ import annotations

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


def process_of(rig: Rig, wallet: Wallet) -> int:
    """The id of the process that runs a wallet's machine."""
    memory = str(rig.simulator.directory / wallet.name / "memory.bin").encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if b"qemu" in command and memory in command:
            return int(folder.name)
    raise AssertionError(f"no process runs {wallet.name}")


def test_a_reader_does_not_wait_for_ever(
    firmware_elf: Callable[[str], Path], tmp_path: Path
) -> None:
    with Rig(tmp_path) as rig:
        alice = rig.add("alice", "visual_card", firmware_elf("visual_card"))
        process = process_of(rig, alice)
        with rig.at_reader(alice) as link:
            assert isinstance(link, NfcLink)
            client = WalletClient(link)
            client.select()
            link.longest_answer = PATIENCE
            os.kill(process, signal.SIGSTOP)
            awake = threading.Timer(30, os.kill, (process, signal.SIGCONT))
            awake.start()
            start = time.monotonic()
            with pytest.raises(CardGone):
                client.info()
            waited = time.monotonic() - start
            awake.cancel()
            os.kill(process, signal.SIGCONT)
        assert PATIENCE <= waited < 20
        with rig.at_reader(alice) as link:
            client = WalletClient(link)
            client.select()
            assert client.info().id is None  # it answers again
