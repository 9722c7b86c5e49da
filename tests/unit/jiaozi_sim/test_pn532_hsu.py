"""Frames of the high speed UART: the manual's examples, all sizes, streams in arbitrary pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiaozi_sim.chips.hsu import ACK, ERROR_FRAME, MAX_BODY, NAK, Decoder, Kind, Received, encode
from tests.fixtures.pn532_hosts import cut

PACKETS = {
    "0000ff02fed4022a00": "d402",
    "0000ff06fad50332010607e800": "d50332010607",
    "0000ff01ff7f8100": "7f",
}


@pytest.mark.parametrize(("frame", "body"), PACKETS.items())
def test_known_frames(frame: str, body: str) -> None:
    assert encode(bytes.fromhex(body)).hex() == frame
    assert Decoder().feed(bytes.fromhex(frame)) == [Received(Kind.PACKET, bytes.fromhex(body))]


@pytest.mark.parametrize("size", [1, 2, 254, 255, 256, 264, 265])
def test_any_size_up_to_the_chips_buffer(size: int) -> None:
    body = bytes(i & 0xFF for i in range(size))
    frame = encode(body)
    assert len(frame) == size + (7 if size < 256 else 10)
    assert Decoder().feed(frame) == [Received(Kind.PACKET, body)]


@pytest.mark.parametrize("size", [0, MAX_BODY + 1])
def test_what_does_not_fit_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="PN532 frame"):
        encode(bytes(size))


def test_a_length_beyond_the_buffer_is_broken() -> None:
    header = bytes.fromhex("0000ffffff") + bytes((1, 10, 256 - 11))
    assert Decoder().feed(header) == [Received(Kind.BROKEN)]


def test_control_frames() -> None:
    kinds = [frame.kind for frame in Decoder().feed(ACK + NAK + ERROR_FRAME)]
    assert kinds == [Kind.ACK, Kind.NAK, Kind.PACKET]


@pytest.mark.parametrize("index", range(3, 8))
def test_a_frame_with_one_byte_changed_is_broken_and_the_next_one_is_found(index: int) -> None:
    frame = bytearray(encode(b"\xd4\x02"))
    frame[index] ^= 0x10
    received = Decoder().feed(bytes(frame) + encode(b"\xd4\x04"))
    assert received == [Received(Kind.BROKEN), Received(Kind.PACKET, b"\xd4\x04")]


@given(
    frames=st.lists(
        st.sampled_from([ACK, NAK]) | st.binary(min_size=1, max_size=MAX_BODY).map(encode),
        max_size=5,
    ),
    sizes=st.lists(st.integers(1, 300), min_size=1),
    preamble=st.sampled_from([b"", b"\x55\x55", bytes(14)]),
)
def test_cuts_and_preambles_do_not_matter(
    frames: list[bytes], sizes: list[int], preamble: bytes
) -> None:
    stream = b"".join(preamble + frame for frame in frames)
    whole = Decoder().feed(stream)
    assert len(whole) == len(frames)
    decoder = Decoder()
    pieces = cut(stream, iter(sizes * len(stream) if stream else [1]))
    assert [frame for piece in pieces for frame in decoder.feed(piece)] == whole


@given(st.binary(max_size=600))
def test_noise_is_survived_and_forgotten(noise: bytes) -> None:
    decoder = Decoder()
    decoder.feed(noise)
    decoder.feed(bytes(MAX_BODY + 10))  # ends a frame that the noise may have started
    assert decoder.feed(ACK)[-1:] == [Received(Kind.ACK)]
