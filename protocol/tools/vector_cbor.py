"""Vectors of the encoding: deterministic CBOR."""

from __future__ import annotations

from collections.abc import Iterator

from vector_world import OK, Vector, vector

from jiaozi.wire import errors

_TAKEN = [
    ("E1", "00", "the smallest number"),
    ("E1", "40", "an empty byte string"),
    ("E1", "80", "an empty array"),
    ("E1", "a0", "an empty map"),
    ("E2", "17", "the last number in one byte"),
    ("E2", "1818", "the first in two"),
    ("E2", "18ff", "the last in two"),
    ("E2", "190100", "the first in three"),
    ("E2", "1a00010000", "the first in five"),
    ("E2", "1b0000000100000000", "the first in nine"),
    ("E2", "37", "-24, the last in one byte"),
    ("E2", "3818", "-25, the first in two"),
    ("E2", "5818" + "00" * 24, "a byte string of 24"),
    ("E3", "8301820203820405", "arrays in an array"),
    ("E4", "a40a0118640220036" + "17a04", "keys in bytewise order of their encodings"),
    ("E4", "a2190100014100" + "02", "a number of three bytes before a byte string of two"),
    ("E4", "a3f401f502f603", "false, true, null as keys"),
    ("E5", "1bffffffffffffffff", "the largest number of 64 bits"),
    ("E5", "3bffffffffffffffff", "the least negative number of 64 bits"),
    ("E5", "83f4f5f6", "false, true, null"),
    ("E6", "63e6b0b4", "text of three bytes"),
    ("E6", "64f09f809c", "text of four bytes"),
    ("E6", "6100", "a NUL"),
    ("E7", "81" * 8 + "01", "eight arrays deep"),
    ("E7", "a100" * 8 + "01", "eight maps deep"),
]
_REFUSED = [
    ("E1", "", "nothing"),
    ("E1", "0000", "two items"),
    ("E1", "f600", "null and one more"),
    ("E1", "8201", "an array cut short"),
    ("E1", "a101", "a map that ends with a key"),
    ("E1", "5803" + "0102", "a byte string cut short"),
    ("E1", "62c3", "text cut short"),
    ("E1", "19ff", "a number cut short"),
    ("E1", "9bffffffffffffffff", "a length beyond anything"),
    ("E1", "bb8000000000000000", "a map of 2^63"),
    ("E1", "5bffffffffffffffff", "a byte string of 2^64 - 1"),
    ("E2", "1817", "23 in two bytes"),
    ("E2", "1900ff", "255 in three bytes"),
    ("E2", "1a0000ffff", "65535 in five bytes"),
    ("E2", "1b00000000ffffffff", "2^32 - 1 in nine bytes"),
    ("E2", "3800", "-1 in two bytes"),
    ("E2", "3900ff", "-256 in three bytes"),
    ("E2", "5800", "a long head of an empty byte string"),
    ("E2", "59000100", "a head of three bytes for one byte"),
    ("E2", "780161", "a long head of a text"),
    ("E2", "9800", "a long head of an empty array"),
    ("E2", "b8010000", "a long head of a map"),
    ("E2", "811801", "a long head within an array"),
    ("E3", "5f4101ff", "a byte string of indefinite length"),
    ("E3", "7f6161ff", "text of indefinite length"),
    ("E3", "9fff", "an array of indefinite length"),
    ("E3", "bfff", "a map of indefinite length"),
    ("E3", "819f01ff", "an array of indefinite length within another"),
    ("E3", "ff", "a break by itself"),
    ("E4", "a201020103", "a key twice"),
    ("E4", "a202010101", "keys out of order"),
    ("E4", "a241000119010002", "a byte string before a number"),
    ("E4", "81a2616201616102", "texts out of order, within an array"),
    ("E4", "a1800" + "1", "an array as a key"),
    ("E4", "a1a00" + "1", "a map as a key"),
    ("E5", "f7", "undefined"),
    ("E5", "f90000", "a half float"),
    ("E5", "fa7fc00000", "not a number"),
    ("E5", "fb3ff199999999999a", "a double"),
    ("E5", "c001", "a tag"),
    ("E5", "d9d9f700", "the tag of self-described CBOR"),
    ("E5", "c249010000000000000000", "a bignum"),
    ("E5", "e0", "simple value 0"),
    ("E5", "f820", "simple value 32"),
    ("E5", "f814", "false in two bytes"),
    ("E5", "1c", "a head that means nothing"),
    ("E6", "61ff", "text that is not UTF-8"),
    ("E6", "62c0af", "a slash in two bytes"),
    ("E6", "63eda080", "a surrogate"),
    ("E6", "64f4908080", "beyond the last code point"),
    ("E7", "81" * 9 + "01", "nine arrays deep"),
    ("E7", "a100" * 9 + "01", "nine maps deep"),
    ("E7", "81" * 200 + "01", "two hundred arrays deep"),
]


def vectors() -> Iterator[Vector]:
    """Deterministic CBOR."""
    for rule, text, note in _TAKEN:
        yield vector(rule, "cbor", OK, note, input=text)
    for rule, text, note in _REFUSED:
        yield vector(rule, "cbor", errors.MALFORMED, note, input=text)
