"""Signed objects: one encoding, one signer, one kind, one network."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from _jzcbor import dumps
from jiaozi.wire import cose, errors
from jiaozi.wire.errors import Refused
from protocol.tools.vector_world import forge, structure
from tests.fixtures.wallets import key_of

KEY = key_of("signer")
SIGNER = bytes(range(32))
BODY = [1, b"two", "three"]


def signed() -> cose.Signed:
    return cose.sign(cose.REQUEST, BODY, KEY, SIGNER, cose.TEST)


def refusal(raw: bytes, kind: int = cose.REQUEST, network: int = cose.TEST) -> int:
    """The status word by which an object is refused, 0x9000 when it is not."""
    try:
        cose.parse(kind, raw, network).verify(KEY.public, SIGNER)
    except Refused as refused:
        return refused.sw
    return 0x9000


def test_sign_and_parse() -> None:
    made = signed()
    read = cose.parse(cose.REQUEST, made.raw, cose.TEST)
    read.verify(KEY.public, SIGNER)
    assert (read.body, read.signer, read.hash, read.raw) == (BODY, SIGNER, made.hash, made.raw)


def test_the_encoding() -> None:
    protected, unprotected, payload, signature = cose.decode(signed().raw)
    assert protected == bytes.fromhex("a2012704" + "5820") + SIGNER
    assert unprotected == {}
    assert payload == dumps(BODY)
    assert signature == KEY.sign(structure(protected, payload, cose.REQUEST))
    assert forge(cose.REQUEST, BODY, KEY, SIGNER) == signed().raw


def test_the_hash_covers_the_structure() -> None:
    protected, _, payload, _ = cose.decode(signed().raw)
    expected = hashlib.sha256(structure(protected, payload, cose.REQUEST)).digest()
    assert signed().hash == expected


def test_any_buffer_is_parsed() -> None:
    read = cose.parse(cose.REQUEST, memoryview(signed().raw), cose.TEST)
    assert type(read.raw) is bytes
    assert read.raw == signed().raw


@pytest.mark.parametrize("kind", [kind for kind in range(12) if kind != cose.REQUEST])
def test_another_kind(kind: int) -> None:
    assert refusal(signed().raw, kind) == errors.BAD_SIGNATURE


def test_another_network() -> None:
    assert refusal(signed().raw, network=cose.LIVE) == errors.BAD_SIGNATURE


def test_another_signer() -> None:
    with pytest.raises(Refused) as caught:
        cose.parse(cose.REQUEST, signed().raw, cose.TEST).verify(KEY.public, bytes(32))
    assert caught.value.sw == errors.WRONG_SIGNER


def test_another_key() -> None:
    with pytest.raises(Refused) as caught:
        cose.parse(cose.REQUEST, signed().raw, cose.TEST).verify(key_of("other").public, SIGNER)
    assert caught.value.sw == errors.BAD_SIGNATURE


@pytest.mark.parametrize(
    "header",
    [
        {},
        {1: -8},
        {4: SIGNER},
        {1: -7, 4: SIGNER},  # ES256
        {1: -19, 4: SIGNER},  # Ed25519 by its new name
        {1: 8, 4: SIGNER},
        {True: -8, 4: SIGNER},  # 1 and true are one key in Python
        {1: "EdDSA", 4: SIGNER},
        {1: None, 4: SIGNER},
        {1: -8, 4: SIGNER[:31]},
        {1: -8, 4: SIGNER + b"x"},
        {1: -8, 4: SIGNER.hex()},
        {1: -8, 4: None},
        {1: -8, 4: SIGNER, 3: 0},
        {1: -8, 4: SIGNER, 2: [99], 99: 1},  # critical
        {1: -8, 4: SIGNER, "x": 0},
        {-8: 1, 4: SIGNER},
        [1, -8, 4, SIGNER],
        0,
        None,
    ],
)
def test_other_protected_headers(header: object) -> None:
    raw = forge(cose.REQUEST, BODY, KEY, SIGNER, protected=dumps(header))
    assert refusal(raw) == errors.MALFORMED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a2" + "045820" + "00" * 32 + "0127",  # keys out of order
        "a3" + "0127" + "0127" + "045820" + "00" * 32,
        "bf" + "0127" + "045820" + "00" * 32 + "ff",
        "a2" + "013807" + "045820" + "00" * 32,
        "a2" + "0127" + "04590020" + "00" * 32,
        "a2" + "0127" + "045820" + "00" * 32 + "00",
        "a2" + "0127" + "045820" + "00" * 31,
    ],
)
def test_other_encodings_of_the_protected_header(text: str) -> None:
    raw = forge(cose.REQUEST, BODY, KEY, bytes(32), protected=bytes.fromhex(text))
    assert refusal(raw) == errors.MALFORMED


@pytest.mark.parametrize(
    "change",
    [
        {"unprotected": {4: b"key"}},
        {"unprotected": {1: -8}},
        {"unprotected": []},
        {"unprotected": None},
        {"signature": bytes(63)},
        {"signature": bytes(65)},
        {"signature": b""},
        {"signature": None},
        {"signature": "x" * 64},
        {"payload": b""},
        {"payload": b"\x18\x01"},
        {"payload": dumps(BODY) + b"\0"},
    ],
)
def test_other_parts(change: dict[str, object]) -> None:
    raw = forge(cose.REQUEST, BODY, KEY, SIGNER, **change)  # type: ignore[arg-type]
    assert refusal(raw) == errors.MALFORMED


@pytest.mark.parametrize("part", [0, 2])
def test_parts_that_are_no_byte_strings(part: int) -> None:
    outer = cose.decode(signed().raw)
    shapes: list[object] = [None, 0, [], {}, "text"]
    for other in shapes:
        outer[part] = other
        assert refusal(dumps(outer)) == errors.MALFORMED


def test_other_outer_shapes() -> None:
    outer = cose.decode(signed().raw)
    shapes: list[object] = [outer[:3], [*outer, b""], {}, None, 1, b"", "x", []]
    for other in shapes:
        assert refusal(dumps(other)) == errors.MALFORMED
    assert refusal(b"\xd2" + signed().raw) == errors.MALFORMED  # the tag of COSE_Sign1


def test_every_changed_byte_is_refused() -> None:
    raw = signed().raw
    for position in range(len(raw)):
        for flip in (0x01, 0x20, 0x80, 0xFF):
            changed = bytearray(raw)
            changed[position] ^= flip
            assert refusal(bytes(changed)) in (
                errors.MALFORMED,
                errors.BAD_SIGNATURE,
                errors.WRONG_SIGNER,
            ), (position, flip)


def test_every_truncation_and_any_end_is_refused() -> None:
    raw = signed().raw
    for length in range(len(raw)):
        assert refusal(raw[:length]) == errors.MALFORMED
    assert refusal(raw + b"\0") == errors.MALFORMED
    assert refusal(raw + raw) == errors.MALFORMED


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(raw: bytes) -> None:
    assert refusal(raw) == errors.MALFORMED


@given(st.binary(max_size=80), st.integers(0, 200), st.integers(0, 200))
def test_any_splice_is_refused(piece: bytes, start: int, end: int) -> None:
    raw = signed().raw
    spliced = raw[:start] + piece + raw[end:]
    assert (refusal(spliced) == 0x9000) == (spliced == raw)


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        (cose.UINT, [0, 1, 2**30 - 1], [-1, 2**30, 2**63, True, False, None, b"", "1", [1]]),
        (cose.BYTES, [b"", b"x"], ["x", 1, None, [b"x"]]),
        (cose.LIST, [[], [1]], [{}, b"", None, 1]),
        (cose.TEXT, ["", "x"], [b"x", 1, None]),
        (cose.MAP, [{}, {1: 2}], [[], None, 1]),
        (cose.OPTIONAL_BYTES, [None, b"", b"x"], ["x", 0, False, []]),
        (32, [bytes(32)], [bytes(31), bytes(33), "x" * 32, None, 32]),
    ],
)
def test_expect(field: int, good: list, bad: list) -> None:
    for value in good:
        cose.expect([value], (field,))
    for value in bad:
        with pytest.raises(Refused) as caught:
            cose.expect([value], (field,))
        assert caught.value.sw == errors.MALFORMED


@pytest.mark.parametrize("body", [[], [1], [1, 2, 3], {}, None, 5, b"\1\2", "ab", (1, 2)])
def test_expect_the_length(body: object) -> None:
    with pytest.raises(Refused):
        cose.expect(body, (cose.UINT, cose.UINT))
