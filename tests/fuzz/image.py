"""The wallets of the scene on the image itself, and whether it answers as the rules do on CPython.

A release image runs on the Unicorn core behind its PN532; a scripted reader holds it in the field
and gives it the commands of a programme. What the store in memory holds on CPython is written into
NVM by the firmware's own store.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from jiaozi.wallet.store_keys import CHANNEL_KEY, NEXT_SEED_KEY, SEED_KEY
from jiaozi_sim.board import load_board
from jiaozi_sim.machines.base import NVM_SIZE
from jiaozi_sim.machines.unicorn_core import Core
from jiaozi_sim.sweep.bench import Bench
from jiaozi_sim.sweep.desk import Desk
from jiaozi_sim.sweep.remember import RememberingCore
from scenarios.sweep.oracle import ImageNvm, read_store
from tests.fuzz.stage import PIN_KEY, Broken
from wallet.storage.store import Store

_BOARD = "visual_card"
_NAME = "alice"
_PATIENCE = 30.0
_FORGET_EVERY = 500  # programmes; memory grows with them
# A new PIN's salt, a new device's seed, a successor's, the key for channels.
RANDOM_KEYS = {PIN_KEY, SEED_KEY, NEXT_SEED_KEY, CHANNEL_KEY}
_OWN_FAULT = b"\x6f\x00"


def nvm_of(template: Mapping[int, bytes]) -> bytes:
    """An NVM image in which the firmware's store holds `template`."""
    nvm = ImageNvm(b"\xff" * NVM_SIZE)
    store = Store.mount(nvm)
    for key, value in template.items():
        store.commit({key: value})
    return nvm.read(0, NVM_SIZE)


class ImageStage:
    """One wallet of the scene on the image; begun anew by `reset`, which costs a restored snapshot.

    Whatever programmes begin with alike, such as opening a channel, is executed once for many of
    them (see RememberingCore), so the host's side must draw the same for each (`drawing`).

    Args:
        elf: release image.
        template: what its store holds at the start.
    """

    def __init__(self, elf: Path, template: Mapping[int, bytes]) -> None:
        bench = Bench()
        self._core = Core(elf, b"fuzz")
        self._core.write_nvm(nvm_of(template))
        seat = bench.add(_NAME, self._core, load_board(_BOARD).uarts)
        seat.start()
        bench.run_until(lambda: seat.ready, _PATIENCE)
        bench.field.place(seat.chip)
        desk = Desk(bench)
        desk.connect()
        self._start = (bench, desk)
        self._state = self._core.snapshot()
        self._nvm = self._core.read_nvm()
        self._resets = 0
        self.reset()

    def reset(self) -> None:
        """Be as at the start, in the reader's field and not selected yet."""
        if self._resets % _FORGET_EVERY == 0:
            self._memory = RememberingCore(self._core)
            self._start[0].seats[_NAME].core = self._memory
        self._resets += 1
        self._bench, self._desk = copy.deepcopy(self._start)
        self._memory.restore(self._state)

    def exchange(self, command: bytes) -> bytes:
        """One command and its answer. Raises Broken for an own fault, CardLost for silence."""
        answer = self._desk.exchange(command)
        if answer[-2:] == _OWN_FAULT:
            raise Broken("the image has answered 6F00")
        return answer

    def holds(self) -> dict[int, bytes]:
        """What its store holds now, as the firmware's store reads it on the host."""
        store = read_store(self._memory.read_nvm())
        return {key: store.get(key) or b"" for key in store.keys()}  # noqa: SIM118

    def changed(self) -> bool:
        """Whether NVM is not what it was at the start."""
        return bool(self._memory.read_nvm() != self._nvm)


@contextmanager
def drawing() -> Iterator[None]:
    """Whatever the host draws meanwhile is what it draws any other time."""
    with mock.patch("os.urandom", random.Random("host").randbytes):
        yield


def compare(ours: Iterable[bytes], theirs: Iterable[bytes]) -> None:
    """Status words and lengths of the image's answers must be those of CPython. Raises Broken."""
    for number, (here, there) in enumerate(zip(ours, theirs, strict=True)):
        if (here[-2:], len(here)) != (there[-2:], len(there)):
            raise Broken(
                f"the image answers command {number} with {len(there) - 2} bytes and "
                f"{there[-2:].hex()}, CPython with {len(here) - 2} and {here[-2:].hex()}"
            )


def compare_stores(ours: Mapping[int, bytes], theirs: Mapping[int, bytes]) -> None:
    """What both remember must be equal, but for what is drawn at random. Raises Broken."""
    differ = {key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)}
    if differ - RANDOM_KEYS:
        raise Broken(f"image and CPython remember different things under {sorted(differ)}")
