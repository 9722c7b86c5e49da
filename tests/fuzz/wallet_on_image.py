"""Wallet on the release image for fuzzing, compared with the same wallet on CPython.

The image runs on the Unicorn core behind its PN532; a scripted reader holds it in the field and
sends it the commands of a sequence. The firmware's own storage code writes the template into NVM.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from jiaozi.wallet.store_keys import CHANNEL_KEY, NEXT_SEED_KEY, PIN_KEY, SEED_KEY
from jiaozi_sim.board import load_board
from jiaozi_sim.machines.base import NVM_SIZE
from tests.fuzz.wallet_on_cpython import Broken
from tests.sweep.engine.bench import Bench
from tests.sweep.engine.device_key import DEVICE_KEY, keyed_core
from tests.sweep.engine.memoized_core import MemoizedCore
from tests.sweep.engine.scripted_reader import ScriptedReader
from tests.sweep.flows.operator_desk import press_ok_at
from tests.sweep.flows.oracle import ImageNvm, open_store
from wallet.storage.sealed import Sealed
from wallet.storage.store import Store

_BOARD = "visual_card"
_NAME = "alice"
_PATIENCE = 30.0
_FORGET_EVERY = 500  # sequences; memory grows with them
# Drawn at random: a new PIN's salt, a new device's seed, a successor's, the channel key.
RANDOM_KEYS = {PIN_KEY, SEED_KEY, NEXT_SEED_KEY, CHANNEL_KEY}
_INTERNAL_ERROR = b"\x6f\x00"


def nvm_of(template: Mapping[int, bytes]) -> bytes:
    """Return an NVM image in which the firmware's store holds `template`."""
    nvm = ImageNvm(b"\xff" * NVM_SIZE)
    store = Sealed(Store.mount(nvm), DEVICE_KEY)
    for key, value in template.items():
        store.commit({key: value})
    return nvm.read(0, NVM_SIZE)


class WalletOnImage:
    """One wallet on the image; `reset` restores a snapshot.

    The common beginnings of sequences, such as opening a channel, are executed once (see
    MemoizedCore), which needs equal random numbers on the host's side (`seeded_host`).

    Args:
        elf: release image.
        template: contents of its store after a reset.
    """

    def __init__(self, elf: Path, template: Mapping[int, bytes]) -> None:
        bench = Bench()
        self._core = keyed_core(elf, b"fuzz")
        self._core.write_nvm(nvm_of(template))
        wallet = bench.add(_NAME, self._core, load_board(_BOARD).uarts)
        wallet.start()
        bench.run_until(lambda: wallet.ready, _PATIENCE)
        bench.field.place(wallet.chip)
        reader = ScriptedReader(bench)
        reader.connect()
        self._start = (bench, reader)
        self._state = self._core.snapshot()
        self._nvm = self._core.read_nvm()
        self._resets = 0
        self.reset()

    def reset(self) -> None:
        """Go back to the template, in the reader's field and not selected."""
        if self._resets % _FORGET_EVERY == 0:
            self._memory = MemoizedCore(self._core)
            self._start[0].wallets[_NAME].core = self._memory
        self._resets += 1
        self._bench, self._desk = copy.deepcopy(self._start)
        self._memory.restore(self._state)

    def exchange(self, command: bytes) -> bytes:
        """Exchange a command. Raises Broken for an internal error, CardLost for silence."""
        answer = self._desk.exchange(command)
        if answer[-2:] == _INTERNAL_ERROR:
            raise Broken("the image has answered 6F00")
        return answer

    def press_ok(self) -> None:
        """Press OK once the question is on the display."""
        press_ok_at(self._bench, _NAME, load_board(_BOARD))

    def holds(self) -> dict[int, bytes]:
        """Contents of its store, as the firmware's storage code reads them on the host."""
        store = open_store(self._memory.read_nvm())
        return {key: store.get(key) or b"" for key in store.keys()}  # noqa: SIM118

    def changed(self) -> bool:
        """True if the NVM differs from the template's."""
        return bool(self._memory.read_nvm() != self._nvm)


@contextmanager
def seeded_host() -> Iterator[None]:
    """Make `os.urandom` on the host the same in every such block."""
    with mock.patch("os.urandom", random.Random("host").randbytes):
        yield


def compare(ours: Iterable[bytes], theirs: Iterable[bytes]) -> None:
    """Compare status words and lengths of answers on CPython and the image. Raises Broken."""
    for number, (here, there) in enumerate(zip(ours, theirs, strict=True)):
        if (here[-2:], len(here)) != (there[-2:], len(there)):
            raise Broken(
                f"the image answers command {number} with {len(there) - 2} bytes and "
                f"{there[-2:].hex()}, CPython with {len(here) - 2} and {here[-2:].hex()}"
            )


def compare_stores(ours: Mapping[int, bytes], theirs: Mapping[int, bytes]) -> None:
    """Compare the stores' contents, except random values. Raises Broken."""
    differ = {key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)}
    if differ - RANDOM_KEYS:
        raise Broken(f"image and CPython store different values under {sorted(differ)}")
