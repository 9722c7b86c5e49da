"""Terms of purses: what their money may be spent on, signed by the funder (chapter 08)."""

from jiaozi.wire.certificates import ACCOUNT, Certificate
from jiaozi.wire.cose import ID_LENGTH, LIST, TERMS, UINT, Signed, expect, parse
from jiaozi.wire.errors import MALFORMED, Refused
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Purses by number: general money; in a request, whatever purse with terms that permit it. Purses
# with terms have the numbers above, which their funders give out: a number stands for one purpose.
GENERAL = const(0)
ANY_PURPOSE = const(1)

_MOST_CATEGORIES = const(16)
_MOST_OPERATORS = const(8)


class Terms(Signed):
    """What the money of a purse may be spent on, signed by the operator that funds the purse.

    number: of the purse; categories: merchant category codes of payees; operators: 8-byte ids of
    the operators whose categories count beside the funder's own; expiry: last epoch in which it may
    be spent, afterwards it goes back; cap: the most of one payment, in minor units.
    """

    number: int
    categories: "list[int]"
    operators: "list[bytes]"
    expiry: int
    cap: int

    def __init__(self, *parts: "Any") -> None:
        super().__init__(*parts)
        expect(self.body, (UINT, LIST, LIST, UINT, UINT))
        self.number, self.categories, self.operators, self.expiry, self.cap = self.body
        expect(self.categories, (UINT,) * len(self.categories))
        expect(self.operators, (ID_LENGTH,) * len(self.operators))
        if self.number <= ANY_PURPOSE or self.cap == 0 or 0 in self.categories:
            raise Refused(MALFORMED)
        if not 0 < len(self.categories) <= _MOST_CATEGORIES:
            raise Refused(MALFORMED)
        if len(self.operators) > _MOST_OPERATORS:
            raise Refused(MALFORMED)

    def is_funder(self, wallet: Certificate) -> bool:
        """True if a wallet is an account of the operator that funds the purse."""
        return wallet.form == ACCOUNT and wallet.issuer == self.signer

    def permit(
        self, payee: Certificate, operator: "Certificate | None", amount: int, epoch: int
    ) -> bool:
        """True if `amount` may go to `payee` in `epoch`: to its funder it may always go back.

        operator: the payee's; None if its certificate is not known, which is no fault of the payer.
        """
        if self.is_funder(payee):
            return True
        trusted = payee.issuer == self.signer or operator is None or operator.id in self.operators
        within = amount <= self.cap and epoch <= self.expiry
        return trusted and within and payee.category in self.categories


def read_terms(raw: bytes, network: int) -> Terms:
    """Parse terms; their signature is checked by `verify`. Raises Refused(MALFORMED)."""
    return parse(TERMS, raw, network, Terms)
