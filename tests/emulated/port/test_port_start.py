"""Start, memory and the ends: what an image does on its own."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from jiaozi_sim.board import board_names
from jiaozi_sim.machines.base import BOOT_PAGE, NVM_BASE, boot_page
from jiaozi_sim.machines.engines import chosen_engine, make_machine
from jiaozi_sim.machines.marks import Mark
from tests.emulated.port.repl import DeviceError, Repl

ROOT = Path(__file__).parents[3]


def functions(elf: Path) -> set[str]:
    """The names of all functions linked into an image."""
    with elf.open("rb") as file:
        [table] = [s for s in ELFFile(file).iter_sections() if isinstance(s, SymbolTableSection)]
        found = [
            symbol for symbol in table.iter_symbols() if symbol["st_info"]["type"] == "STT_FUNC"
        ]
        return {symbol.name for symbol in found}


def test_the_interpreter_starts_quickly(board: Repl) -> None:
    board.start()
    begin, python = board.machine.marks()[:2]
    assert (begin.mark, python.mark) == (Mark.NONE, Mark.PYTHON)
    assert python.work < 100_000


def test_every_start_listens(board: Repl) -> None:
    """What was sent before the receiver was enabled comes in afterwards."""
    for _ in range(12):
        board.machine.start()
        board.send("contact", b"!")
        board.restarted()
        board.begin("from machine import UART\nprint(UART(3, timeout=3000).read(1))")
        assert board.end().strip() == "b'!'"
        board.machine.cut_power()


def test_collections_are_counted_and_marked(repl: Repl) -> None:
    code = (
        "import gc, _jzport as p\nn = p.gc_count()\n"
        "p.mark(3); gc.collect(); p.mark(13)\nprint(p.gc_count() - n)"
    )
    assert repl.run(code).strip() == "1"
    found = [event.mark for event in repl.machine.marks()]
    last = len(found) - 1 - found[::-1].index(Mark.GC)
    assert found[last - 1 : last + 3] == [Mark.LINK, Mark.GC, Mark.LINK, Mark.PYTHON]


def test_heap_exhaustion_is_an_exception(repl: Repl) -> None:
    code = (
        "import gc\ntry:\n bytearray(200000)\nexcept MemoryError: print('caught')\n"
        "gc.collect(); print(gc.mem_free())"
    )
    caught, free = repl.run(code).split()
    assert caught == "caught"
    assert 92_000 < int(free) < 128 * 1024


def test_recursion_ends_before_the_stack_does(repl: Repl) -> None:
    """At the deepest point Python reaches, native crypto still has room."""
    code = (
        "import _jzcrypto as c\nk = c.ed25519_public(bytes(32))\n"
        "s = c.ed25519_sign(bytes(32), k, b'')\n"
        "deepest = 0\n"
        "def f(n):\n"
        "  global deepest\n  deepest = n\n  assert c.ed25519_verify(k, b'', s)\n  f(n + 1)\n"
        "try: f(1)\nexcept RuntimeError as e: print(deepest, e)"
    )
    depth, *message = repl.run(code).split()
    assert " ".join(message) == "maximum recursion depth exceeded"
    assert 15 < int(depth) < 200


def test_no_floats(repl: Repl) -> None:
    code = "try: print(1 / 2)\nexcept TypeError: print('no floats')"
    assert repl.run(code).strip() == "no floats"


def test_reset_forgets_memory_and_keeps_nvm(board: Repl) -> None:
    board.start()
    board.run("import _jznvm\n_jznvm.program(131072 - 8, b'kept' * 2)\nx = 1")
    board.begin("import _jzport\n_jzport.reset()")
    board.restarted()
    assert board.run("import _jznvm\nprint('x' in globals(), _jznvm.read(131072 - 8, 8))") == (
        "False b'keptkept'\n"
    )


def test_ctrl_c_ends_a_wait(board: Repl) -> None:
    board.start()
    board.begin("print('now')\nwhile True:\n  import _jzport\n  _jzport.wait(-1)")
    board.log(b"now")
    time.sleep(0.05)
    board.send("log", b"\x03")
    with pytest.raises(DeviceError, match="KeyboardInterrupt"):
        board.end()


def test_a_release_image_is_silent(firmware_elf: Callable[[str], Path], tmp_path: Path) -> None:
    machine = make_machine(firmware_elf("visual_card"), tmp_path, {"log": 4}, b"a release")
    try:
        machine.start()
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            machine.wires["log"].send(b"\x03\x01print(1)\x04")
            time.sleep(0.1)
        with pytest.raises(BlockingIOError):
            machine.wires["log"].recv(1)
    finally:
        machine.close()


def test_what_a_release_image_lacks(firmware_elf: Callable[[str], Path], debug_elf: Path) -> None:
    forbidden = {"mp_compile", "mp_parse", "pyexec_raw_repl", "readline", "mp_hal_stdin_rx_chr"}
    assert forbidden <= functions(debug_elf)
    assert not forbidden & functions(firmware_elf("visual_card"))


def test_a_release_image_has_nothing_for_operators_alone(
    firmware_elf: Callable[[str], Path], debug_elf: Path
) -> None:
    """Vectors of these modules run on the debug image."""
    modules = sorted((ROOT / "protocol" / "jiaozi" / "operator").glob("*.py"))
    names = [f"jiaozi/operator/{module.name}".encode() for module in modules]
    assert len(names) > 4
    assert all(name in debug_elf.read_bytes() for name in names)
    assert not any(name in firmware_elf("visual_card").read_bytes() for name in names)


@pytest.mark.parametrize("name", board_names())
def test_randomness_has_one_source(firmware_elf: Callable[[str], Path], name: str) -> None:
    """Proof at link time: nothing that makes random numbers is in an image but our source.

    libsodium's `randombytes_buf` is the one of native/jzcrypto, which hands on to it.
    """
    linked = functions(firmware_elf(name))
    ours = {"jz_random", "jz_random_start", "randombytes_buf", "random_bytes"}
    generators = re.compile(r"random|^s?rand(_r|48)?$|^[jlmn]rand48$|yasmarang|getentropy")
    found = {function for function in linked if generators.search(function)}
    assert "jz_random" in found
    assert found <= ours


def test_random_bytes_are_those_of_the_boot_page(board: Repl) -> None:
    """They are taken from its end, and gone from it; the application may have taken some before."""
    for boot in (1, 2):
        board.start()
        code = "from _jzcrypto import random\nprint([random(5), random(0), random(32)])"
        given = ast.literal_eval(board.run(code))
        page = boot_page(b"a port test", boot)
        end = page.index(given[0]) + 5
        assert len(page) - end < 32
        assert given == [page[end - 5 : end], b"", page[end - 37 : end - 5]]
        left = end - 37
        if chosen_engine() == "qemu":  # whose memory is a file
            with board.memory.open("rb") as file:
                file.seek(BOOT_PAGE - NVM_BASE)
                memory = file.read(len(page))
            assert memory[4:8] == (left - 8).to_bytes(4, "little")
            assert memory[8:] == page[8:left] + bytes(len(page) - left)
        board.machine.cut_power()


def test_a_drained_source_stops_the_wallet(board: Repl) -> None:
    board.start()
    board.begin("from _jzcrypto import random\nfor n in range(1000): random(1024)")
    board.log(b"fatal: random source exhausted")
    time.sleep(0.1)
    before = board.machine.instructions().instructions
    time.sleep(0.2)
    assert board.machine.instructions().instructions - before < 100


PAGE = boot_page(b"", 1)
FILLED_BY = "renode" if chosen_engine() == "renode" else "process"
BOOT_PAGE_NAME = f"jiaozi_sim.machines.{FILLED_BY}.boot_page"


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        (bytes(len(PAGE)), b"no random source"),
        (b"EMUM" + PAGE[4:], b"no random source"),
        (PAGE[:4] + b"\xf9\xff\0\0" + PAGE[8:], b"no random source"),
        (PAGE[:4] + bytes(4) + PAGE[8:], b"random source exhausted"),
        (PAGE[:8] + bytes(len(PAGE) - 8), b"random source fails its self-test"),
        (PAGE[:8] + PAGE[8:72] * 1023 + PAGE[8:64], b"random source fails its self-test"),
        (PAGE[:8] + PAGE[8:136] * 511 + PAGE[8:128], b"random source fails its self-test"),
        (PAGE[:8] + bytes(b % 16 for b in PAGE[8:]), b"random source fails its self-test"),
    ],
)
def test_a_bad_source_stops_the_wallet(
    board: Repl, monkeypatch: pytest.MonkeyPatch, page: bytes, complaint: bytes
) -> None:
    monkeypatch.setattr(BOOT_PAGE_NAME, lambda seed, boot: page)
    board.machine.start()
    board.log(b"fatal: " + complaint)


def test_good_sources_pass_the_self_test(
    board: Repl, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    for attempt in range(8):
        page = boot_page(seed.to_bytes(8, "little"), attempt)
        monkeypatch.setattr(BOOT_PAGE_NAME, lambda _, __, page=page: page)
        board.start()
        board.machine.cut_power()
