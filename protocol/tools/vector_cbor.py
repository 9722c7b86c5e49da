"""Vectors of the encoding: deterministic CBOR."""

from __future__ import annotations

from collections.abc import Iterator

from vector_world import OK, Vector, vector

from jiaozi import errors

_TAKEN = [
    ("00", "the smallest number"),
    ("17", "the last number in one byte"),
    ("1818", "the first in two"),
    ("1b0000000100000000", "a number of 33 bits"),
    ("3bffffffffffffffff", "the least negative number of 64 bits"),
    ("8301820203820405", "arrays in an array"),
    ("a40a0118640220036" + "17a04", "keys in bytewise order of their encodings"),
    ("63e6b0b4", "text"),
    ("81" * 8 + "01", "eight arrays deep"),
    ("83f4f5f6", "false, true, null"),
]
_REFUSED = [
    ("E1", "", "nothing"),
    ("E1", "0000", "two items"),
    ("E1", "8201", "an array cut short"),
    ("E1", "5803" + "0102", "a byte string cut short"),
    ("E1", "9bffffffffffffffff", "a length beyond anything"),
    ("E2", "1817", "23 in two bytes"),
    ("E2", "1b0000000000000001", "1 in nine bytes"),
    ("E2", "3800", "-1 in two bytes"),
    ("E2", "5800", "a long head of an empty byte string"),
    ("E2", "9800", "a long head of an empty array"),
    ("E3", "5f4101ff", "a byte string of indefinite length"),
    ("E3", "9fff", "an array of indefinite length"),
    ("E3", "bfff", "a map of indefinite length"),
    ("E4", "a201020103", "a key twice"),
    ("E4", "a202010101", "keys out of order"),
    ("E4", "a1800" + "1", "an array as a key"),
    ("E5", "f7", "undefined"),
    ("E5", "f90000", "a float"),
    ("E5", "fb3ff199999999999a", "a long float"),
    ("E5", "c001", "a tag"),
    ("E5", "c249010000000000000000", "a bignum"),
    ("E5", "f820", "a simple value"),
    ("E6", "61ff", "text that is not UTF-8"),
    ("E6", "63eda080", "a surrogate"),
    ("E7", "81" * 9 + "01", "nine arrays deep"),
]


def vectors() -> Iterator[Vector]:
    """Deterministic CBOR."""
    for text, note in _TAKEN:
        yield vector("E1", "cbor", OK, note, input=text)
    for rule, text, note in _REFUSED:
        yield vector(rule, "cbor", errors.MALFORMED, note, input=text)
