"""Epochs: freshness, signed by the authority (chapter 04)."""

from jiaozi.wire.cose import EPOCH, ID_LENGTH, LIST, UINT, Signed, expect, parse
from jiaozi.wire.errors import MALFORMED, Refused
from jiaozi.wire.suites import HASH_LENGTH
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Bytes of an epoch that goes from tap to tap; a longer one comes at sync alone.
LONGEST_EPOCH = const(2048)


class Epoch(Signed):
    """An epoch, signed by the authority.

    number: rises by one; revoked: 8-byte wallet ids; operators: hashes of the valid operators'
    certificates.
    """

    number: int
    revoked: "list[bytes]"
    operators: "list[bytes]"

    def __init__(self, *parts: "Any") -> None:
        super().__init__(*parts)
        expect(self.body, (UINT, LIST, LIST))
        self.number, self.revoked, self.operators = self.body
        _each_bytes(self.revoked, ID_LENGTH)
        _each_bytes(self.operators, HASH_LENGTH)


def _each_bytes(items: "list[Any]", length: int) -> None:
    for item in items:
        if type(item) is not bytes or len(item) != length:
            raise Refused(MALFORMED)


def read_epoch(raw: bytes, network: int) -> Epoch:
    """Parse an epoch; its signature is checked by `verify`. Raises Refused(MALFORMED)."""
    return parse(EPOCH, raw, network, Epoch)
