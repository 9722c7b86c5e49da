"""The encrypted channel between a host and a wallet: credentials and records.

The host is the EDHOC initiator, the wallet the responder (`jiaozi.wire.edhoc`). Each authenticates
with an Ed25519 key used only for channels, in one of two credentials sent by value:

- a channel certificate (kcwt): a CWT of kind CHANNEL, `[expiry]`, in which the holder of a wallet's
  or operator's certificate certifies a channel key with the key of that certificate;
- the bare key (kccs), which does not identify its holder: a blank device, or a host without an
  operator's certificate.

After the handshake each direction has its own AEAD key; the nonce is a record counter.
"""

from _jzcbor import dumps
from jiaozi.wire.certificates import Certificate, issue, public_of, read
from jiaozi.wire.cose import CHANNEL, SigningKey
from jiaozi.wire.edhoc import SUITE_4, Credential
from jiaozi.wire.errors import CHANNEL_BROKEN, MALFORMED, WRONG_SIGNER, Refused
from jiaozi.wire.suites import EDDSA
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from jiaozi.wire.edhoc import Initiator, Responder

# Connection identifiers: there is only one connection, so they only have to differ.
HOST = const(0)
WALLET = const(1)

# Labels of EDHOC_Exporter, from the private range (RFC 9528, 10.1): the keys of both directions.
COMMANDS = const(32768)
ANSWERS = const(32769)

# COSE header parameters (RFC 9528, 10.6).
_KCWT = const(13)
_KCCS = const(14)

_CNF = const(8)
_KEY_LENGTH = const(32)
_NONCE_LENGTH = const(12)


class Party(Credential):
    """One side of a channel; certificate: None for a bare key."""

    def __init__(
        self, header: int, cred: bytes, public: bytes, certificate: "Certificate | None"
    ) -> None:
        super().__init__(bytes((0xA1, header)) + cred, cred, public)
        self.certificate = certificate


def bare(public: bytes) -> Party:
    """Make the credential of a bare key."""
    return Party(_KCCS, dumps({_CNF: EDDSA.confirmation(public)}), public, None)


def certified(certificate: Certificate) -> Party:
    """Make the credential of a channel certificate."""
    return Party(_KCWT, certificate.raw, certificate.public, certificate)


def certify(
    public: bytes, expiry: int, key: SigningKey, holder: Certificate, network: int
) -> Certificate:
    """Certify a channel key with `key`, the key of the certificate `holder`.

    expiry: the last epoch in which an operator may open a channel with it; not checked for wallets.
    """
    return issue(CHANNEL, holder.id, public, [expiry], key, holder, network)


def read_party(named: "Any", network: int) -> Party:
    """Read the party that an ID_CRED names by value. The caller must verify it.

    Raises Refused(MALFORMED) for any other ID_CRED.
    """
    if type(named) is not dict or len(named) != 1:
        raise Refused(MALFORMED)
    if _KCWT in named:
        return certified(read(CHANNEL, dumps(named[_KCWT]), network))
    claims = named.get(_KCCS)
    if type(claims) is not dict or len(claims) != 1:
        raise Refused(MALFORMED)
    return bare(public_of(claims.get(_CNF)))


def check(certificate: Certificate, holder: Certificate) -> None:
    """Check that `holder` signed a channel certificate. Raises Refused (WRONG_SIGNER,
    BAD_SIGNATURE).
    """
    certificate.signed.verify(holder.public, holder.hash)


def read_wallet(named: "Any", wallet: "Certificate | None", network: int) -> Party:
    """Read and verify a wallet's credential at a host.

    certificate: the wallet's verified certificate; None for a blank device.

    Raises Refused (MALFORMED, WRONG_SIGNER, BAD_SIGNATURE).
    """
    party = read_party(named, network)
    shown = party.certificate
    if shown is not None and wallet is not None:
        check(shown, wallet)
    elif shown is not None or wallet is not None:
        raise Refused(WRONG_SIGNER)
    return party


class Channel:
    """One end of an open channel: `mine` and `theirs` are COMMANDS and ANSWERS, or the reverse.

    A record that fails to decrypt closes the channel for good.
    """

    def __init__(self, agreed: "Initiator | Responder", mine: int, theirs: int) -> None:
        self._mine = agreed.export(mine, b"", _KEY_LENGTH)
        self._theirs = agreed.export(theirs, b"", _KEY_LENGTH)
        self._sent = self._received = 0

    def seal(self, text: bytes) -> bytes:
        """Encrypt the next record to send."""
        nonce = self._sent.to_bytes(_NONCE_LENGTH, "big")
        self._sent += 1
        return SUITE_4.seal(self._mine, nonce, b"", text)

    def open(self, record: bytes) -> bytes:
        """Decrypt the next received record. Raises Refused(CHANNEL_BROKEN)."""
        theirs, self._theirs = self._theirs, b""
        if not theirs:
            raise Refused(CHANNEL_BROKEN)
        try:
            text = SUITE_4.open(theirs, self._received.to_bytes(_NONCE_LENGTH, "big"), b"", record)
        except ValueError:
            raise Refused(CHANNEL_BROKEN) from None
        self._received += 1
        self._theirs = theirs
        return text
