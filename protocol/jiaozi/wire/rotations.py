"""Rotations: the operator certifies a wallet's next key (chapter 02).

rotation: [last statement under the old key, new wallet certificate]       signed by the operator
"""

from jiaozi.wire.certificates import Certificate, read
from jiaozi.wire.cose import BYTES, ROTATION, WALLET, Signed, expect, parse
from jiaozi.wire.statements import Statement, read_statement

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Rotation(Signed):
    """A rotation whose body has been read; its signature is checked by `verify`.

    statement: the last one under the old key; certificate: that of the new key. Neither is verified
    yet.
    """

    statement: Statement
    certificate: Certificate

    def __init__(self, *parts: "Any") -> None:
        super().__init__(*parts)
        expect(self.body, (BYTES, BYTES))

    def read(self, network: int) -> "Rotation":
        """Parse statement and certificate. Raises Refused(MALFORMED)."""
        self.statement = read_statement(self.body[0], network)
        self.certificate = read(WALLET, self.body[1], network)
        return self


def read_rotation(raw: bytes, network: int) -> Rotation:
    """Parse a rotation with its statement and certificate. Raises Refused(MALFORMED)."""
    return parse(ROTATION, raw, network, Rotation).read(network)
