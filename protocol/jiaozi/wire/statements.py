"""Statements: a wallet's signed report of its state at sync (chapter 07).

statement: [epoch, position, head, levels, floor, nonce, purses]           signed by the wallet
           (with one more item, the public key that succeeds this one: see `jiaozi.wire.rotations`)
"""

from jiaozi.wire.cose import LIST, MAP, STATEMENT, UINT, Signed, expect, parse
from jiaozi.wire.errors import MALFORMED, Refused
from jiaozi.wire.suites import EDDSA, HASH_LENGTH
from jiaozi.wire.terms import ANY_PURPOSE, GENERAL
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NONCE_LENGTH = const(16)

_STATEMENT = (UINT, UINT, HASH_LENGTH, LIST, UINT, NONCE_LENGTH, MAP)


class Statement(Signed):
    """A statement whose body has been read; its signature is checked by `verify`.

    levels: general money by hop level; purses: the same for each purse with terms, by its number;
    successor: the next public key in a last statement, else None.
    """

    epoch: int
    position: int
    head: bytes
    levels: "list[int]"
    floor: int
    nonce: bytes
    purses: "dict[int, list[int]]"
    successor: "bytes | None"

    def __init__(self, *parts: "Any") -> None:
        super().__init__(*parts)
        last = type(self.body) is list and len(self.body) > len(_STATEMENT)
        expect(self.body, _STATEMENT + (EDDSA.key_length,) if last else _STATEMENT)
        self.epoch, self.position, self.head, self.levels = self.body[:4]
        self.floor, self.nonce, self.purses = self.body[4:7]
        self.successor = self.body[7] if last else None
        expect(self.levels, (UINT,) * len(self.levels))
        read_purses(self.purses)

    @property
    def balance(self) -> int:
        """Value that the wallet reports, in minor units."""
        return sum(self.held.values())

    @property
    def held(self) -> "dict[int, int]":
        """Value by purse number, without empty purses."""
        held = {number: sum(levels) for number, levels in self.purses.items()}
        held[GENERAL] = sum(self.levels)
        return {number: amount for number, amount in held.items() if amount}


def read_statement(raw: bytes, network: int) -> Statement:
    """Parse a statement. Raises Refused(MALFORMED)."""
    return parse(STATEMENT, raw, network, Statement)


def read_purses(purses: "dict[int, list[int]]") -> None:
    """Check amounts by purse number and hop level. Raises Refused(MALFORMED)."""
    for number, levels in purses.items():
        expect([number, levels], (UINT, LIST))
        expect(levels, (UINT,) * len(levels))
        if number <= ANY_PURPOSE:
            raise Refused(MALFORMED)
