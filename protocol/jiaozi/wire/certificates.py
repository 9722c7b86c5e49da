"""Certificates: CWTs (RFC 8392) signed with COSE, and the trust a wallet puts in them.

Claims: 7 (cti) the holder's 8-byte id, 8 (cnf, RFC 8747) its COSE_Key, and the private claim
-65537, an array whose form depends on the kind:

- authority: `[]`, self-signed and pinned in every wallet;
- operator: `[currency, expiry]`, signed by the authority: may issue wallets and hold value;
- wallet: `[form, tier, category, expiry]`, signed by an operator. `category` is the merchant
  category code (ISO 18245), 0 for none;
- channel: `[expiry]`, signed by the holder of an operator's or wallet's certificate with the key of
  that certificate (see `jiaozi.wire.channel`).

Expiry is an epoch number: there is no clock.
"""

from _jzcbor import dumps
from jiaozi.wire.cose import (
    AUTHORITY,
    CHANNEL,
    ID_LENGTH,
    OPERATOR,
    SELF,
    TEXT,
    UINT,
    WALLET,
    Signed,
    SigningKey,
    expect,
    parse,
    sign,
)
from jiaozi.wire.errors import MALFORMED, Refused
from jiaozi.wire.suites import read_key
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


# Forms of a wallet. An operator's own account is a wallet too.
ACCOUNT = const(0)
CARD = const(1)
WEARABLE = const(2)
SIM = const(3)

_ID = const(7)
_KEY = const(8)
_CLAIMS = const(-65537)
_FIELDS = {
    AUTHORITY: (),
    OPERATOR: (TEXT, UINT),
    WALLET: (UINT, UINT, UINT, UINT),
    CHANNEL: (UINT,),
}


class Certificate:
    """A certificate whose claims have been read; `Trust` decides whether it is believed.

    id: 8-byte id of the holder; public: its key; claims: the private claim's array.
    """

    def __init__(self, signed: Signed, kind: int) -> None:
        body = signed.body
        if type(body) is not dict or len(body) != 3:
            raise Refused(MALFORMED)
        claims: Any = body.get(_CLAIMS)
        expect([body.get(_ID)], (ID_LENGTH,))
        expect(claims, _FIELDS[kind])
        self.id = body[_ID]
        self.public = public_of(body.get(_KEY))
        self.claims: list[Any] = claims
        self.signed = signed
        self.raw = signed.raw
        self.hash = signed.hash
        self.issuer = signed.signer

    @property
    def currency(self) -> str:
        """Currency of an operator's certificate: the one it may hold value in."""
        return self.claims[0]

    @property
    def form(self) -> int:
        """Form of a wallet certificate."""
        return self.claims[0]

    @property
    def tier(self) -> int:
        """Tier of a wallet certificate."""
        return self.claims[1]

    @property
    def category(self) -> int:
        """Merchant category code of a wallet certificate, 0 for none."""
        return self.claims[2]

    @property
    def expiry(self) -> int:
        """Last epoch in which the certificate is valid; the authority's own has none."""
        return self.claims[-1]


def public_of(confirmation: object) -> bytes:
    """Read the key of a cnf claim by its encoding, in which 1 and true differ.

    Raises Refused(MALFORMED), also for a key under which others can sign.
    """
    return read_key(dumps(confirmation))[1]


def issue(
    kind: int,
    holder: bytes,
    public: bytes,
    claims: "list[Any]",
    key: SigningKey,
    issuer: "Certificate | None",
    network: int,
) -> Certificate:
    """Sign a certificate for `public`; the authority's own has no issuer."""
    body = {_ID: holder, _KEY: key.suite.confirmation(public), _CLAIMS: claims}
    return Certificate(sign(kind, body, key, issuer.hash if issuer else SELF, network), kind)


def read(kind: int, raw: bytes, network: int) -> Certificate:
    """Parse a certificate without believing it. Raises Refused(MALFORMED)."""
    return Certificate(parse(kind, raw, network), kind)
