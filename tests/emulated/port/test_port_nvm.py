"""_jznvm: the manners of NOR flash, and where a power cut leaves it."""

from __future__ import annotations

import pytest

from jiaozi_sim.machines.marks import Mark
from tests.emulated.port.repl import Repl

PREPARE = """
import _jznvm as n
def tried(f, *a):
    try:
        return f(*a)
    except (OSError, ValueError, TypeError) as e:
        return type(e).__name__ + (str(e.errno) if isinstance(e, OSError) else "")
"""


@pytest.fixture
def nvm(repl: Repl) -> Repl:
    """The shared board with an erased first page."""
    repl.run(PREPARE + "n.erase(0)\n")
    return repl


def test_geometry(nvm: Repl) -> None:
    assert nvm.run("print(n.size, n.page_size, n.program_unit)").split() == ["131072", "4096", "4"]


def test_program_and_read(nvm: Repl) -> None:
    nvm.run("n.program(8, memoryview(b'x12345678')[1:])")
    assert nvm.machine.read_nvm(0, 20) == b"\xff" * 8 + b"12345678" + b"\xff" * 4
    assert nvm.run("print(n.read(7, 4), n.read(131072, 0))") == "b'\\xff123' b''\n"
    nvm.run("n.program(8, bytes(4))")  # clearing more bits is allowed
    assert nvm.machine.read_nvm(8, 8) == bytes(4) + b"5678"


def test_bits_do_not_rise(nvm: Repl) -> None:
    nvm.run("n.program(4, b'\\x0f\\0\\0\\0')")
    stores = nvm.machine.instructions().nvm_stores
    code = "print(tried(n.program, 0, b'\\1' * 4 + b'\\x10\\0\\0\\0'))"
    assert nvm.run(code).strip() == "OSError5"
    assert nvm.machine.instructions().nvm_stores == stores
    assert nvm.machine.read_nvm(0, 8) == b"\xff" * 4 + b"\x0f\0\0\0"


@pytest.mark.parametrize(
    "call",
    [
        "n.program, 1, bytes(4)",
        "n.program, 2, bytes(4)",
        "n.program, 0, bytes(3)",
        "n.program, 0, bytes(6)",
        "n.program, -4, bytes(4)",
        "n.program, 131072, bytes(4)",
        "n.program, 131068, bytes(8)",
        "n.erase, 4",
        "n.erase, -4096",
        "n.erase, 131072",
        "n.read, -1, 4",
        "n.read, 0, -1",
        "n.read, 131069, 4",
        "n.read, 131073, 0",
    ],
)
def test_misuse(nvm: Repl, call: str) -> None:
    before = nvm.machine.read_nvm()
    assert nvm.run(f"print(tried({call}))").strip() == "ValueError"
    assert nvm.machine.read_nvm() == before


def test_text_is_not_data(nvm: Repl) -> None:
    assert nvm.run("print(tried(n.program, 0, 'text'))").strip() == "TypeError"


def test_erase_takes_one_page(nvm: Repl) -> None:
    nvm.run("for o in (4092, 4096, 8188, 8192): n.program(o, bytes(4))\nn.erase(4096)")
    page = nvm.machine.read_nvm(4092, 4104)
    assert page == bytes(4) + b"\xff" * 4096 + bytes(4)
    nvm.run("n.erase(0); n.erase(8192)")


def test_phase_marks(nvm: Repl) -> None:
    first = len(nvm.machine.marks())
    nvm.run(
        "import _jzport\n_jzport.mark(3)\nn.program(0, bytes(4))\n"
        "tried(n.program, 0, b'\\1' * 4)\n_jzport.mark(13)"
    )
    found = [event.mark for event in nvm.machine.marks(first)]
    assert found == [3, Mark.COMMIT, 3, Mark.COMMIT, 3, Mark.PYTHON]


@pytest.mark.parametrize("stores", [1, 2, 3])
def test_a_cut_falls_between_two_words(board: Repl, stores: int) -> None:
    board.start()
    board.run(PREPARE + "n.erase(0)")  # the application may have begun to use it
    board.machine.cut_after_stores(stores)
    board.send("log", b"n.program(0, b'aaaabbbbccccdddd')\x04")
    with pytest.raises(EOFError):
        board.log(b"never")
    written = b"aaaabbbbccccdddd"[: 4 * stores]
    assert board.machine.read_nvm(0, 20) == written + b"\xff" * (20 - len(written))


def test_a_cut_erase_has_begun_at_the_front(board: Repl) -> None:
    board.start()
    board.run(PREPARE + "n.erase(0); n.erase(4096); n.program(0, bytes(8192))")
    board.machine.cut_after_stores(100)
    board.send("log", b"n.erase(0)\x04")
    with pytest.raises(EOFError):
        board.log(b"never")
    assert board.machine.read_nvm(0, 8192) == b"\xff" * 400 + bytes(8192 - 400)
