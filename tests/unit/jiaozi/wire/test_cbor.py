"""Deterministic CBOR: exactly one encoding of exactly the subset, and nothing else gets in."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from _jzcbor import dumps, loads

INTEGERS = st.integers(-(2**64), 2**64 - 1)
SCALARS = st.none() | st.booleans() | INTEGERS | st.binary(max_size=80) | st.text(max_size=80)
KEYS = INTEGERS | st.binary(max_size=12) | st.text(max_size=12)
ITEMS = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=12
)


def depth(item: object) -> int:
    """Arrays and maps around the innermost item."""
    inner = item if isinstance(item, list) else item.values() if isinstance(item, dict) else ()
    return max((1 + depth(each) for each in inner), default=0)


# Examples of RFC 8949, appendix A, that are in the subset.
@pytest.mark.parametrize(
    ("item", "text"),
    [
        (0, "00"),
        (23, "17"),
        (24, "1818"),
        (255, "18ff"),
        (256, "190100"),
        (65536, "1a00010000"),
        (2**32, "1b0000000100000000"),
        (2**64 - 1, "1bffffffffffffffff"),
        (-1, "20"),
        (-24, "37"),
        (-25, "3818"),
        (-1000, "3903e7"),
        (-(2**64), "3bffffffffffffffff"),
        (False, "f4"),
        (True, "f5"),
        (None, "f6"),
        (b"", "40"),
        (b"\1\2\3\4", "4401020304"),
        ("", "60"),
        ("\u6c34", "63e6b0b4"),
        ([], "80"),
        ([1, [2, 3], [4, 5]], "8301820203820405"),
        ({}, "a0"),
        ({"a": 1, "b": [2, 3]}, "a26161016162820203"),
        ({10: 1, 100: 2, -1: 3, "z": 4}, "a40a0118640220036" + "17a04"),
    ],
)
def test_examples(item: object, text: str) -> None:
    assert dumps(item).hex() == text
    assert loads(bytes.fromhex(text)) == item


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1817",  # 23 in two bytes
        "190018",  # 24 in three
        "1a00000100",  # 256 in five
        "1b0000000000000001",
        "3800",  # -1 in two
        "5800",  # an empty byte string with a long head
        "7801" + "61",
        "9800",
        "b800",
        "5f4101ff",  # indefinite lengths
        "7f6161ff",
        "9fff",
        "bfff",
        "f7",  # undefined
        "f0",  # unassigned simple value
        "f820",
        "ff",  # a break with nothing to end
        "1c",  # reserved additional information
        "1d",
        "1e",
        "f90000",  # floats of each size
        "f97e00",
        "fa47c35000",
        "fb3ff199999999999a",
        "c001",  # tags
        "c249010000000000000000",
        "c11a514b67b0",
        "d818" + "4100",
        "d90102" + "80",
        "a201020103",  # the same key twice
        "a202010101",  # keys out of order
        "a2616201616102",
        "a21864010a02",
        "a1" + "8001" + "02",  # a key that is an array
        "a1" + "80" + "01",
        "a1" + "a0" + "01",
        "a2" + "0100" + "f500",  # 1 and true are one key in Python
        "61ff",  # not UTF-8
        "63eda080",  # a surrogate
        "62c080",
        "0000",  # more than one item
        "8000",
        "8101" + "00",
        "81",  # cut short
        "5803" + "0102",
        "82" + "01",
        "a101",
        "9bffffffffffffffff",  # lengths beyond anything
        "5bffffffffffffffff",
        "bb7fffffffffffffff",
        "9b000000010000000000",
        "81" * 9 + "01",  # inside nine arrays
        "81" * 9 + "80",
        "a100" * 9 + "01",
        "81" * 5000 + "00",
    ],
)
def test_not_deterministic(text: str) -> None:
    with pytest.raises(ValueError, match="deterministic"):
        loads(bytes.fromhex(text))


def test_nested_eight_deep() -> None:
    for text in ("81" * 8 + "01", "81" * 8 + "80", "a100" * 8 + "01"):
        assert dumps(loads(bytes.fromhex(text))).hex() == text


@given(ITEMS)
def test_what_is_encoded_is_decoded(item: object) -> None:
    if depth(item) > 8:
        with pytest.raises(ValueError, match="deep"):
            dumps(item)
    else:
        assert loads(dumps(item)) == item
        assert dumps(loads(dumps(item))) == dumps(item)


@given(st.binary(max_size=60))
@example(bytes.fromhex("d81e820100"))  # a rational with denominator nought
@example(bytes.fromhex("d823" + "6128"))  # a regular expression that does not compile
@example(bytes.fromhex("d825" + "4100"))  # a UUID of one byte
@example(bytes.fromhex("d81d00"))  # a reference to nothing
@example(bytes.fromhex("c06161"))  # a date that is none
@example(bytes.fromhex("d9010482"))
@example(bytes.fromhex("c4820061" + "7a"))  # a decimal that is no number
@example(bytes.fromhex("c5821aef9c210d" + "01"))  # a number too large for decimals
@example(bytes.fromhex("9581d816b0d720ecf02fa4b2fd02747ca2b0cab86db399a02664fb0c8118b73932"))
def test_any_bytes(raw: bytes) -> None:
    try:
        item = loads(raw)
    except ValueError:
        return
    assert dumps(item) == raw


@given(ITEMS, st.randoms(use_true_random=False))
def test_a_changed_byte_gives_another_item_or_none(item: object, random: object) -> None:
    if depth(item) > 8:
        return
    raw = bytearray(dumps(item))
    raw[random.randrange(len(raw))] ^= 1 << random.randrange(8)  # type: ignore[attr-defined]
    try:
        other = loads(raw)
    except ValueError:
        return
    assert dumps(other) == raw
    assert other != item or repr(other) != repr(item)  # 1 and true are equal in Python


@pytest.mark.parametrize("item", [1.5, {1, 2}, object(), [1.0], {1: 2.5}, {(1,): 2}])
def test_outside_the_subset(item: object) -> None:
    with pytest.raises(TypeError):
        dumps(item)


@pytest.mark.parametrize("item", [2**64, -(2**64) - 1])
def test_integers_beyond_64_bits(item: int) -> None:
    with pytest.raises(ValueError, match="range"):
        dumps(item)


def test_buffers() -> None:
    assert dumps([bytearray(b"a"), memoryview(b"b"), (1, 2)]) == dumps([b"a", b"b", [1, 2]])
    assert loads(memoryview(b"\x81\x41a")) == [b"a"]
    assert loads(bytearray(b"\x81\x41a")) == [b"a"]


@pytest.mark.parametrize("data", [5, None, "text", [1]])
def test_only_buffers_are_decoded(data: object) -> None:
    with pytest.raises(TypeError):
        loads(data)  # type: ignore[arg-type]
