"""All decoders as one fuzz target: the first byte chooses the decoder and whether to sign."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from jiaozi.operator import evidence
from jiaozi.wire import apdu, cose
from jiaozi.wire.errors import Refused
from jiaozi_host.ledger.journal import read_entry
from protocol.tools.vector_world import forge
from tests.fixtures.doors import ALICE, BANK, DOORS, NET, SIGNERS, knock

SIGNED = 0x80


def _split_response(raw: bytes) -> None:
    try:
        apdu.split_response(raw)
    except apdu.ApduError as error:
        raise Refused(error.status) from error


def _parse_command(raw: bytes) -> None:
    try:
        apdu.parse_command(memoryview(raw))
    except apdu.ApduError as error:
        raise Refused(error.status) from error


_MORE: dict[str, Callable[[bytes], object]] = {
    "command": _parse_command,
    "response": _split_response,
    "proof": lambda raw: evidence.verify(raw, BANK.authority, NET),
    "entry": lambda raw: read_entry(raw, 0, ALICE.me, ALICE.trust),
}
_NAMES = [*DOORS, *_MORE]


def decode_chosen(data: bytes) -> None:
    """Decode all but the first byte, which chooses the decoder. Raises anything but Refused."""
    first, raw = (data[0], data[1:]) if data else (0, b"")
    name = _NAMES[(first & ~SIGNED) % len(_NAMES)]
    if first & SIGNED and name in SIGNERS:
        kind, key, signer = SIGNERS[name]
        raw = forge(kind, None, key, signer, payload=raw)
    if name in DOORS:
        knock(name, raw)
        return
    with contextlib.suppress(Refused):
        _MORE[name](raw)


def seeds() -> Iterator[bytes]:
    """Yield valid input for every decoder, whole and as the body of a signed object."""
    for number, name in enumerate(_NAMES):
        if name not in DOORS:
            continue
        good = DOORS[name][1]
        yield bytes([number]) + good
        if name in SIGNERS:
            yield bytes([number | SIGNED]) + cose.decode(good)[2]
