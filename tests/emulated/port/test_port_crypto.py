"""_jzcrypto on the device: the cases of tests/unit/jiaozi/wire/test_crypto.py."""

from __future__ import annotations

import ast
import random

import pytest

import _jzcrypto as oracle
from tests.emulated.port.repl import Repl
from tests.unit.jiaozi.wire import test_crypto as cases


def on_device(repl: Repl, expression: str) -> object:
    """The value of an expression in which `c` is _jzcrypto; an exception's name when it raises."""
    code = "try:\n print(repr({}))\nexcept Exception as e:\n print(type(e).__name__)"
    printed = repl.run("import _jzcrypto as c\n" + code.format(expression)).strip()
    return printed if printed.endswith("Error") else ast.literal_eval(printed)


@pytest.mark.parametrize(("seed", "public", "message", "signature"), cases.ED25519)
def test_ed25519(repl: Repl, seed: str, public: str, message: str, signature: str) -> None:
    key, known = bytes.fromhex(seed), bytes.fromhex(public)
    text, expected = bytes.fromhex(message), bytes.fromhex(signature)
    assert on_device(repl, f"c.ed25519_public({key})") == known
    assert on_device(repl, f"c.ed25519_sign({key}, {known}, {text})") == expected
    assert on_device(repl, f"c.ed25519_verify({known}, {text}, {expected})") is True
    assert on_device(repl, f"c.ed25519_verify({known}, {text + b'x'}, {expected})") is False


def test_ed25519_refuses(repl: Repl) -> None:
    public, signature = (bytes.fromhex(cases.ED25519[0][i]) for i in (1, 3))
    other = int.from_bytes(signature[32:], "little") + cases.GROUP_ORDER
    forged = signature[:32] + other.to_bytes(32, "little")
    assert on_device(repl, f"c.ed25519_verify({public}, b'', {forged})") is False
    for position in range(0, 64, 7):
        changed = bytearray(signature)
        changed[position] ^= 1
        assert on_device(repl, f"c.ed25519_verify({public}, b'', {bytes(changed)})") is False
    for no_key in (bytes(32), b"\xff" * 32, b"\1" + bytes(31)):
        assert on_device(repl, f"c.ed25519_verify({no_key}, b'message', {signature})") is False


def test_x25519(repl: Repl) -> None:
    assert on_device(repl, f"c.x25519_public({cases.ALICE})") == cases.ALICE_PUBLIC
    assert on_device(repl, f"c.x25519({cases.ALICE}, {cases.BOB_PUBLIC})") == cases.SHARED
    assert on_device(repl, f"c.x25519({cases.ALICE}, bytes(32))") == "ValueError"
    assert on_device(repl, f"c.x25519({cases.ALICE}, b'\\1' + bytes(31))") == "ValueError"


@pytest.mark.parametrize("length", [0, 1, 55, 56, 64, 111, 112, 1000])
def test_hashes(repl: Repl, rng: random.Random, length: int) -> None:
    data = rng.randbytes(length)
    assert on_device(repl, f"c.sha256({data})") == oracle.sha256(data)
    assert on_device(repl, f"c.sha512({data})") == oracle.sha512(data)


@pytest.mark.parametrize(("key", "data", "code"), cases.HMAC_SHA256)
def test_hmac(repl: Repl, key: bytes, data: bytes, code: str) -> None:
    assert on_device(repl, f"c.hmac_sha256({key}, {data})") == bytes.fromhex(code)
    assert on_device(repl, f"c.hmac_sha256(memoryview({key}), bytearray({data}))").hex() == code  # type: ignore[attr-defined]


def test_aead(repl: Repl) -> None:
    given = f"{cases.AEAD_KEY}, {cases.AEAD_NONCE}, {cases.AEAD_AAD}"
    sealed = oracle.aead_seal(cases.AEAD_KEY, cases.AEAD_NONCE, cases.AEAD_AAD, cases.AEAD_TEXT)
    assert on_device(repl, f"c.aead_seal({given}, {cases.AEAD_TEXT!r})") == sealed
    assert on_device(repl, f"c.aead_open({given}, {sealed})") == cases.AEAD_TEXT
    for forged in (b"", sealed[:15], sealed[:16], sealed[:-1], b"\0" + sealed[1:]):
        assert on_device(repl, f"c.aead_open({given}, {forged})") == "ValueError"


def test_agrees_with_the_host(repl: Repl, rng: random.Random) -> None:
    for _ in range(3):
        seed, message = rng.randbytes(32), rng.randbytes(rng.randrange(300))
        public = oracle.ed25519_public(seed)
        signature = oracle.ed25519_sign(seed, public, message)
        assert on_device(repl, f"c.ed25519_public({seed})") == public
        assert on_device(repl, f"c.ed25519_sign({seed}, {public}, {message})") == signature
        other = oracle.x25519_public(rng.randbytes(32))
        assert on_device(repl, f"c.x25519({seed}, {other})") == oracle.x25519(seed, other)


def test_wrong_lengths_and_types(repl: Repl) -> None:
    [mark] = cases.test_wrong_lengths.pytestmark  # type: ignore[attr-defined]
    for function, arguments in mark.args[1]:
        call = f"c.{function.__name__}({', '.join(map(repr, arguments))})"
        assert on_device(repl, call) == "ValueError", call
    assert on_device(repl, "c.sha256('text')") == "TypeError"
    assert on_device(repl, "c.random(-1)") == "ValueError"
    assert on_device(repl, "c.random(1025)") == "ValueError"


def test_any_buffer_will_do(repl: Repl) -> None:
    digest = oracle.sha256(b"abc")
    assert on_device(repl, "c.sha256(memoryview(b'xabcx')[1:4])") == digest
    assert on_device(repl, "c.sha256(bytearray(b'abc'))") == digest
    assert on_device(repl, "c.equal(bytearray(b'abc'), b'abc')") is True
    assert on_device(repl, "c.equal(b'abc', b'abd')") is False
    assert on_device(repl, "c.equal(b'abc', b'ab')") is False
