"""Trust: one pinned authority, and the operators that it has certified."""

from jiaozi.wire.certificates import ACCOUNT, Certificate, read
from jiaozi.wire.cose import WALLET
from jiaozi.wire.errors import EXPIRED, REVOKED, UNKNOWN_OPERATOR, Refused
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from jiaozi.wire.epochs import Epoch

# Certificates of counterparts kept verified in RAM, so that wallets that met before need not check
# again.
_CACHE = const(8)


class Trust:
    """Whom a wallet believes: one authority, pinned, and the operators it has certified.

    `authority` and `operators` are certificates that have been verified.
    """

    def __init__(
        self, authority: Certificate, operators: "Sequence[Certificate]", network: int
    ) -> None:
        self.network = network
        self.authority = authority
        self.operators = {operator.hash: operator for operator in operators}
        self._met: dict[bytes, Certificate] = {}

    def operator(self, certificate: Certificate) -> Certificate:
        """The operator that issued a wallet certificate. Raises Refused(UNKNOWN_OPERATOR)."""
        operator = self.operators.get(certificate.issuer)
        if operator is None:
            raise Refused(UNKNOWN_OPERATOR)
        return operator

    def wallet(self, raw: bytes) -> Certificate:
        """Parse and verify a wallet certificate.

        One that was verified before is returned as it was then, by the hash of all it says.
        Raises Refused (MALFORMED, UNKNOWN_OPERATOR, BAD_SIGNATURE).
        """
        certificate = read(WALLET, raw, self.network)
        known = self._met.get(certificate.hash)
        if known is not None:
            return known
        operator = self.operator(certificate)
        certificate.signed.verify(operator.public, operator.hash)
        if len(self._met) >= _CACHE:
            self._met.clear()
        self._met[certificate.hash] = certificate
        return certificate

    def check_current(
        self, certificate: Certificate, epoch: "Epoch", to: "Certificate | None" = None
    ) -> None:
        """Check by `epoch` that a wallet and its operator are neither expired nor revoked.

        to: whom it pays, if it does. A wallet that has expired still gives its value back to the
        account of the operator that issued it.

        Raises Refused(EXPIRED) or Refused(REVOKED).
        """
        operator = self.operator(certificate)
        back = to is not None and to.form == ACCOUNT and to.issuer == certificate.issuer
        if operator.expiry < epoch.number or (certificate.expiry < epoch.number and not back):
            raise Refused(EXPIRED)
        if certificate.id in epoch.revoked or operator.hash not in epoch.operators:
            raise Refused(REVOKED)
