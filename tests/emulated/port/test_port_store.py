"""The store on MicroPython: on the unix port over memory, and on the board over its NVM."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from jiaozi_sim.lifetime import die_with_parent
from tests.emulated.port.repl import Repl
from tests.fixtures.nvm_fake import NvmFake
from tests.fixtures.store_driver import content
from wallet.storage.store import Store

ROOT = Path(__file__).parents[3]

# What a wallet does: payments with their state, older ones deleted, small things in between.
HISTORY = """
from wallet.storage.store import Store
store = Store.mount(nvm)
for number in range(260):
    changes = {0x10000 + number: bytes([number & 255]) * 750, 0x16: bytes([number & 255]) * 120}
    if number >= 64:
        changes[0x10000 + number - 64] = None
    store.commit(changes)
    while store.tidy():
        pass
for key in range(40):
    store.commit({0x20 + key: bytes([key]) * 60})
    while store.tidy():
        pass
store = Store.mount(nvm)
store.commit({0x16: b"last"})
store = Store.mount(nvm)
"""
MEMORY = """
class Memory:
    size, page_size, program_unit = 131072, 4096, 4
    def __init__(self):
        self.bytes = bytearray(b"\\xff" * self.size)
    def read(self, offset, size):
        return bytes(memoryview(self.bytes)[offset : offset + size])
    def program(self, offset, data):
        self.bytes[offset : offset + len(data)] = data
    def erase(self, offset):
        self.bytes[offset : offset + self.page_size] = b"\\xff" * self.page_size
nvm = Memory()
"""
REPORT = "print(sorted((key, store.get(key)[0], len(store.get(key))) for key in store.keys()))"

# Instructions that mounting a full store and committing a payment may take.
# A phase number that nothing else uses counts them; NVM calls count as their own phase.
MEASURED = 40
MOUNT = 900_000
COMMIT = 100_000


def report(store: Store) -> str:
    """As the device's REPORT."""
    found = content(store)
    return repr(sorted((key, value[0], len(value)) for key, value in found.items()))


def on_cpython() -> str:
    """What the history must leave."""
    names: dict[str, object] = {"nvm": NvmFake(131072, 4096, 4)}
    exec(HISTORY, names)
    store = names["store"]
    assert isinstance(store, Store)
    return report(store)


def test_the_unix_port_does_what_cpython_does(unix_micropython: Path) -> None:
    code = f"import sys\nsys.path.insert(0, 'firmware')\n{MEMORY}{HISTORY}{REPORT}"
    run = subprocess.run(
        [unix_micropython, "-X", "heapsize=1M", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=die_with_parent,
    )
    assert run.stdout.strip() == on_cpython()


def test_the_board_does_what_cpython_does_and_is_quick(board: Repl) -> None:
    expected = on_cpython()
    board.start()
    board.run("import _jznvm as nvm, _jzport, gc")
    board.run(HISTORY, 120)
    assert board.run(REPORT).strip() == expected
    nvm = NvmFake(131072, 4096, 4)
    nvm.memory[:] = board.machine.read_nvm()
    assert report(Store.mount(nvm)) == expected
    spent: dict[str, int] = {}
    for name, work in {
        "mount": "store = Store.mount(nvm)",
        "commit": "store.commit({0x11000: bytes(750), 0x16: bytes(120)})",
    }.items():
        board.run(f"gc.collect()\nphase = _jzport.mark({MEASURED})\n{work}\n_jzport.mark(phase)")
        counted = board.machine.instructions().by_phase[MEASURED]
        spent[name] = counted - sum(spent.values())
    print(json.dumps(spent))
    assert spent["mount"] < MOUNT
    assert spent["commit"] < COMMIT
