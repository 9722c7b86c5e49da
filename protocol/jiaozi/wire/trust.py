"""Trust: one pinned authority and the operators that it certified."""

from jiaozi.wire.certificates import ACCOUNT, Certificate, read
from jiaozi.wire.cose import WALLET
from jiaozi.wire.errors import EXPIRED, REVOKED, UNKNOWN_OPERATOR, Refused
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from jiaozi.wire.epochs import Epoch

# Verified certificates of counterparts cached in RAM, which saves checking them again at the next
# tap.
_CACHE = const(8)


class Trust:
    """A wallet's trust anchors: one pinned authority and the operators that it certified.

    authority, operators: verified certificates.
    """

    def __init__(
        self, authority: Certificate, operators: "Sequence[Certificate]", network: int
    ) -> None:
        self.network = network
        self.authority = authority
        self.operators = {operator.hash: operator for operator in operators}
        self._met: dict[bytes, Certificate] = {}

    def operator(self, certificate: Certificate) -> Certificate:
        """Return the operator that issued a certificate. Raises Refused(UNKNOWN_OPERATOR)."""
        operator = self.operators.get(certificate.issuer)
        if operator is None:
            raise Refused(UNKNOWN_OPERATOR)
        return operator

    def wallet(self, raw: bytes) -> Certificate:
        """Parse and verify a wallet certificate.

        A certificate verified before comes from a cache, keyed by the hash of its whole encoding.
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
        """Check that a wallet and its operator are neither expired nor revoked in `epoch`.

        to: the payee, if the wallet pays. An expired wallet may still pay the account of the
        operator that issued it, to return its value.

        Raises Refused(EXPIRED) or Refused(REVOKED).
        """
        operator = self.operator(certificate)
        back = to is not None and to.form == ACCOUNT and to.issuer == certificate.issuer
        if operator.expiry < epoch.number or (certificate.expiry < epoch.number and not back):
            raise Refused(EXPIRED)
        if certificate.id in epoch.revoked or operator.hash not in epoch.operators:
            raise Refused(REVOKED)
