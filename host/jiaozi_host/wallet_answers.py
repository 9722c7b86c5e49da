"""What a wallet answers to SELECT and INFO, decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jiaozi.wire.commands import DAMAGED, OUTDATED, READY
from jiaozi.wire.cose import LIST, OPTIONAL_BYTES, UINT, VERSION, decode, expect
from jiaozi.wire.errors import FIRMWARE_OLDER, MEMORY_DAMAGED, NOT_ALLOWED, Refused
from jiaozi_host.errors import BadAnswer, ForeignCard


@dataclass(frozen=True)
class Selected:
    """Answer to SELECT; not authenticated until the certificate is verified.

    status: as in `jiaozi.wire.commands`; epoch: number of the wallet's epoch; certificate, request:
    encoded, None if there is none.
    """

    status: int
    epoch: int
    certificate: bytes | None
    request: bytes | None

    @property
    def obstacle(self) -> int:
        """The status word with which a device that is no working wallet refuses commands."""
        return _OBSTACLES.get(self.status, NOT_ALLOWED)


_OBSTACLES = {OUTDATED: FIRMWARE_OLDER, DAMAGED: MEMORY_DAMAGED}


@dataclass(frozen=True)
class Info:
    """Answer to INFO.

    id: None on a blank device; tries: PIN tries left; firmware: its number, as the wallet states.
    balance, pending, open_requests, purses: None before the PIN is verified. Amounts are in minor
    units; a purse is (number, balance, expiry epoch, cap of a payment, merchant categories).
    """

    status: int
    id: bytes | None
    form: int
    tier: int
    policy_version: int
    epoch: int
    tries: int
    balance: int | None
    pending: int | None
    open_requests: int | None
    purses: list[tuple[int, int, int, int, list[int]]] | None
    firmware: int


def decode_answer(data: bytes) -> Any:
    """Decode CBOR from a wallet. Raises BadAnswer."""
    try:
        return decode(data)
    except Refused as refusal:
        raise BadAnswer("the wallet's answer is malformed") from refusal


def expect_answer(body: list[object], fields: tuple[int, ...]) -> None:
    """Check types and lengths as `jiaozi.wire.cose.expect` does. Raises BadAnswer."""
    try:
        expect(body, fields)
    except Refused as refusal:
        raise BadAnswer("the wallet's answer is malformed") from refusal


def read_selected(data: bytes) -> Selected:
    """Decode the answer to SELECT. Raises ForeignCard, also for another protocol version."""
    try:
        body: Any = decode(data)
        expect(body, (UINT, UINT, UINT, OPTIONAL_BYTES, OPTIONAL_BYTES))
    except Refused as refusal:
        raise ForeignCard("the card does not answer as a Jiaozi wallet does") from refusal
    version, status, epoch, certificate, request = body
    if version != VERSION or (status == READY and certificate is None):
        raise ForeignCard(
            f"the wallet uses protocol version {version}, this program {VERSION}",
            "update the older of the two",
        )
    return Selected(status, epoch, certificate, request)


def read_info(data: bytes) -> Info:
    """Decode the answer to INFO. Raises BadAnswer."""
    body = decode_answer(data)
    if not isinstance(body, list) or len(body) != 12:
        raise BadAnswer("the wallet's answer to INFO is malformed")
    expect_answer([*body[:7], body[11]], (UINT, OPTIONAL_BYTES, *(UINT,) * 6))
    for value in body[7:10]:
        if value is not None:
            expect_answer([value], (UINT,))
    if body[10] is not None:
        body[10] = _read_purses(body[10])
    return Info(*body)


def _read_purses(purses: Any) -> list[tuple[int, int, int, int, list[int]]]:
    expect_answer([purses], (LIST,))
    for purse in purses:
        expect_answer(purse, (UINT, UINT, UINT, UINT, LIST))
        expect_answer(purse[4], (UINT,) * len(purse[4]))
    return [tuple(purse) for purse in purses]
