"""Settlements: the operator acknowledges a journal (chapter 07).

settlement: [wallet certificate hash, wallet nonce, position, head, closed]  signed by the operator
"""

from jiaozi.wire.cose import LIST, SETTLEMENT, UINT, Signed, body_of, expect, parse
from jiaozi.wire.statements import NONCE_LENGTH
from jiaozi.wire.suites import HASH_LENGTH
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Value settled by an operator counts as received from the operator.
SETTLED_LEVEL = const(1)

# The most payments that one settlement closes: each adds an entry that contains the settlement, and
# one record of a small store must hold all of them. More payments need several settlements.
MOST_CLOSED = const(4)

_SETTLEMENT = (HASH_LENGTH, NONCE_LENGTH, UINT, HASH_LENGTH, LIST)


class Settlement(Signed):
    """A settlement whose body has been read; its signature is checked by `verify`.

    wallet: hash of the wallet's certificate; nonce: drawn by the wallet; position, head: where the
    acknowledged journal ends; closed: hashes of the pending payments that it refunds.
    """

    wallet: bytes
    nonce: bytes
    position: int
    head: bytes
    closed: "list[bytes]"

    def __init__(self, *parts: "Any") -> None:
        super().__init__(*parts)
        expect(self.body, _SETTLEMENT)
        self.wallet, self.nonce, self.position, self.head, self.closed = self.body
        expect(self.closed, (HASH_LENGTH,) * len(self.closed))


def read_settlement(raw: bytes, network: int) -> Settlement:
    """Parse a settlement. Raises Refused(MALFORMED)."""
    return parse(SETTLEMENT, raw, network, Settlement)


def is_settlement(raw: bytes) -> bool:
    """True if a refund's proof is a settlement, not a void; the body's length tells which.

    Raises Refused(MALFORMED).
    """
    body = body_of(raw)
    return type(body) is list and len(body) == len(_SETTLEMENT)
