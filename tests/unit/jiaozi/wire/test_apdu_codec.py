"""The APDU codec: every length case of ISO/IEC 7816-4 §5.1, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiaozi.wire import apdu

BYTE = st.integers(0, 255)
HEADER = st.tuples(BYTE, BYTE, BYTE, BYTE)


@pytest.mark.parametrize(
    ("text", "data", "le"),
    [
        ("00a40400", "", None),
        ("00a4040000", "", 256),
        ("00a4040007", "", 7),
        ("00a40400021122", "1122", None),
        ("00a4040002112200", "1122", 256),
        ("00a4040002112205", "1122", 5),
        ("00a40400000000", "", 65536),
        ("00a40400000102", "", 258),
        ("00a404000000021122", "1122", None),
        ("00a4040000000211220000", "1122", 65536),
        ("00a4040000000211220100", "1122", 256),
    ],
)
def test_each_length_case(text, data, le):
    assert apdu.parse_command(bytes.fromhex(text)) == (0, 0xA4, 4, 0, bytes.fromhex(data), le)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00a404",
        "00a404000211",
        "00a40400021122000000",
        "00a404000000",
        "00a4040000000011",
        "00a404000000021122ff",
        "00a40400000002112200000000",
        "00a4040000000311",
    ],
)
def test_lengths_that_do_not_add_up(text):
    with pytest.raises(apdu.ApduError) as caught:
        apdu.parse_command(bytes.fromhex(text))
    assert caught.value.status == 0x6700


@given(HEADER, st.binary(max_size=700), st.none() | st.integers(1, 65536))
def test_what_is_built_is_parsed(header, data, le):
    built = apdu.build_command(*header, data, le)
    assert apdu.parse_command(built) == (*header, data, le)
    view = apdu.parse_command(memoryview(built))
    assert isinstance(view[4], memoryview)
    assert bytes(view[4]) == data


@given(HEADER, st.binary(max_size=255), st.none() | st.integers(1, 256))
def test_short_form_whenever_it_is_enough(header, data, le):
    built = apdu.build_command(*header, data, le)
    assert len(built) == 4 + bool(data) + len(data) + (le is not None)


@given(st.binary(max_size=300))
def test_any_bytes_parse_or_are_refused(raw):
    try:
        *header, data, le = apdu.parse_command(raw)
    except apdu.ApduError:
        return
    assert raw.startswith(bytes(header))
    rebuilt = apdu.build_command(*header, data, le)
    assert rebuilt == raw or raw[4] == 0  # an extended form may have a shorter equal


@pytest.mark.parametrize(("data", "le"), [(b"", 0), (b"", 65537), (bytes(65536), None)])
def test_out_of_range_is_not_built(data, le):
    with pytest.raises(ValueError, match="length"):
        apdu.build_command(0x80, 0x10, 0, 0, data, le)


@given(st.binary(max_size=300), st.integers(0, 0xFFFF))
def test_responses(data, status):
    assert apdu.split_response(apdu.build_response(status, data)) == (data, status)


@pytest.mark.parametrize("raw", [b"", b"\x90"])
def test_response_without_status(raw):
    with pytest.raises(apdu.ApduError):
        apdu.split_response(raw)


def test_select_names_our_application():
    assert apdu.select().hex() == "00a4040000" + "0008" + "f04a49414f5a4901" + "0000"
    assert apdu.select(256).hex() == "00a40400" + "08" + "f04a49414f5a4901" + "00"
    assert apdu.is_select(apdu.select())
    assert not apdu.is_select(bytes.fromhex("80a4040000"))
