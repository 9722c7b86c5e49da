"""_jzcbor on the device and on the unix port: what its stand-in accepts and refuses, exactly."""

from __future__ import annotations

import hashlib
import itertools
import random
import subprocess
from pathlib import Path

import pytest

import _jzcbor as oracle
from tests.emulated.port.repl import Repl
from tests.unit.jiaozi.wire import test_cbor as cases

# Judges an encoding given in hexadecimal: what comes of decoding and encoding it again.
JUDGE = """
import sys
from binascii import hexlify, unhexlify
from _jzcbor import dumps, loads
def judge(line):
    try:
        item = loads(unhexlify(line))
    except ValueError:
        return "refused"
    return hexlify(dumps(item)).decode()
"""


def parameters(test: object) -> list[object]:
    """The cases of a parametrised test."""
    [mark] = test.pytestmark  # type: ignore[attr-defined]
    return list(mark.args[1])


def judged(raw: bytes) -> str:
    """The stand-in's judgement."""
    try:
        return oracle.dumps(oracle.loads(raw)).hex()
    except ValueError:
        return "refused"


def test_examples(repl: Repl) -> None:
    for item, text in parameters(cases.test_examples):  # type: ignore[misc]
        code = f"import _jzcbor as b\nx = {item!r}\ne = b.dumps(x)\nprint(e.hex(), b.loads(e) == x)"
        assert repl.run(code).split() == [text, "True"]


def test_not_deterministic(repl: Repl) -> None:
    repl.run(JUDGE)
    for text in parameters(cases.test_not_deterministic):
        assert repl.run(f"print(judge({str(text)[:2000]!r}))").strip() == "refused", text
    assert repl.run("print(judge('81' * 5000 + '00'))").strip() == "refused"
    for text in ("81" * 8 + "01", "81" * 8 + "80", "a100" * 8 + "01"):
        assert repl.run(f"print(judge({text!r}))").strip() == text


def test_outside_the_subset(repl: Repl) -> None:
    code = (
        "import _jzcbor as b\nr = []\ndeep = 1\nfor _ in range(9): deep = [deep]\n"
        "loop = []; loop.append(loop)\n"
        "for x in ({1, 2}, object(), [len], {1: b}, {(1,): 2}, 2**64, -2**64 - 1, deep, loop):\n"
        " try: r.append(b.dumps(x))\n except Exception as e: r.append(type(e).__name__)\n"
        "for x in (5, None, 'text', [1]):\n"
        " try: r.append(b.loads(x))\n except Exception as e: r.append(type(e).__name__)\n"
        "print(*r)"
    )
    assert repl.run(code).split() == ["TypeError"] * 5 + ["ValueError"] * 4 + ["TypeError"] * 4


def test_a_claimed_length_allocates_nothing(repl: Repl) -> None:
    code = (
        "import gc, _jzcbor as b\ngc.collect(); gc.disable(); before = gc.mem_alloc()\n"
        "for x in ('994fff0000', 'b927ff000000', '594fff00', '9a0000400000'):\n"
        " try: b.loads(bytes.fromhex(x))\n except ValueError: pass\n"
        "print(gc.mem_alloc() - before); gc.enable()"
    )
    assert int(repl.run(code)) < 2000


@pytest.mark.parametrize("size", [100, 1000, 2000, 4000])
def test_outcomes_of_any_size(repl: Repl, size: int) -> None:
    """In the encoder's own room and beyond it, in the middle of maps of many entries too."""
    inner = f"{{str(j): [bytes({size // 60}), -j] for j in range(20)}}"
    make = f"{{key: {inner} for key in (300, 2, b'k')}}"
    expected = hashlib.sha256(oracle.dumps(eval(make))).hexdigest()
    code = (
        "import _jzcbor as b\nfrom _jzcrypto import sha256\n"
        f"x = {make}\ne = b.dumps(x)\nprint(sha256(e).hex(), b.loads(e) == x)"
    )
    assert repl.run(code).split() == [expected, "True"]


def test_encoding_takes_from_the_heap_only_what_it_returns(repl: Repl) -> None:
    code = (
        "import gc, _jzcbor as b\nx = {i: {3: bytes(50), 1: 'a' * 50} for i in range(10)}\n"
        "y = b.dumps(x)\ngc.collect(); gc.disable(); before = gc.mem_alloc()\n"
        "y = b.dumps(x)\nprint(gc.mem_alloc() - before - len(y)); gc.enable()"
    )
    assert int(repl.run(code)) < 100


def random_item(rng: random.Random, depth: int = 0) -> object:
    kind = rng.randrange(8 if depth < 5 else 5)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind in (1, 2):
        size = rng.randrange(65)
        value = rng.getrandbits(size) if size else 0
        return -1 - value if rng.randrange(2) else value
    if kind == 3:
        return rng.randbytes(rng.choice([0, 3, 23, 24, 60, 300]))
    if kind == 4:
        return "".join(rng.choice("aä水\U0001f4b0") for _ in range(rng.randrange(12)))
    items = [random_item(rng, depth + 1) for _ in range(rng.randrange(7))]
    if kind < 7:
        return items
    pairs = itertools.pairwise(items)
    return {key: value for key, value in pairs if not isinstance(key, list | dict)}


def damaged(rng: random.Random, raw: bytes) -> bytes:
    data = bytearray(raw)
    for _ in range(rng.randrange(3)):
        if data:
            byte = rng.choice([rng.randrange(256), 0xFF, 0x9F, 0xFB, 0xC0])
            data[rng.randrange(len(data))] = byte
    if rng.randrange(4) == 0:
        del data[rng.randrange(len(data) + 1) :]
    return bytes(data)


def test_the_unix_port_judges_like_the_host(unix_micropython: Path, rng: random.Random) -> None:
    inputs = [damaged(rng, oracle.dumps(random_item(rng))) for _ in range(2000)]
    inputs += [rng.randbytes(rng.randrange(1, 12)) for _ in range(4000)]
    script = JUDGE + "for line in sys.stdin:\n    print(judge(line.strip()))\n"
    lines = "".join(raw.hex() + "\n" for raw in inputs)
    command = [str(unix_micropython), "-c", script]
    run = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    answers = run.stdout.splitlines()
    assert len(answers) == len(inputs)
    for raw, answer in zip(inputs, answers, strict=True):
        assert answer == judged(raw), raw.hex()
    assert 300 < answers.count("refused") < len(inputs) - 300
