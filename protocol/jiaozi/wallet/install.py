"""Making a wallet of a device, and bringing its rules up to date.

Nothing that comes in is believed before the chain from the authority's certificate down has been
verified.
The first authority a blank device is given is the one it keeps; a wallet is never restored under an
existing key.
"""

from _jzcbor import dumps
from jiaozi.wallet.book import Book
from jiaozi.wallet.state import State
from jiaozi.wallet.store_keys import (
    AUTHORITY_KEY,
    CERTIFICATE_KEY,
    EPOCH_KEY,
    NETWORK_KEY,
    OPERATORS_KEY,
    POLICY_KEY,
    STATE_KEY,
)
from jiaozi.wire.certificates import Certificate, read
from jiaozi.wire.channel import check
from jiaozi.wire.cose import AUTHORITY, BYTES, CHANNEL, LIST, OPERATOR, SELF, UINT, decode, expect
from jiaozi.wire.epochs import LONGEST_EPOCH, Epoch, read_epoch
from jiaozi.wire.errors import (
    EPOCH_OLDER,
    MALFORMED,
    POLICY_OLDER,
    WRONG_CURRENCY,
    WRONG_KEY,
    WRONG_TIER,
    Refused,
)
from jiaozi.wire.policies import Policy, read_policy
from jiaozi.wire.trust import Trust
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    pass

_NETWORKS = const(2)


def install(
    raw: bytes, public: bytes, installer: "bytes | None" = None
) -> "dict[int, bytes | None]":
    """Check a package for the device whose public key is `public`; return the store changes.

    installer: the channel certificate of whoever hands the package to a device; it must be by the
    operator of the wallet. None at an operator's own account, which nobody hands it.
    Raises Refused (MALFORMED, BAD_SIGNATURE, WRONG_SIGNER, UNKNOWN_OPERATOR, WRONG_KEY, EXPIRED,
    REVOKED, WRONG_CURRENCY, WRONG_TIER).
    """
    body = decode(raw)
    expect(body, (UINT, BYTES, LIST, BYTES, BYTES, BYTES))
    network, authority_raw, operator_raws, certificate_raw, policy_raw, epoch_raw = body
    if network >= _NETWORKS:
        raise Refused(MALFORMED)
    authority = read(AUTHORITY, authority_raw, network)
    authority.signed.verify(authority.public, SELF)
    trust = Trust(authority, _operators(operator_raws, authority, network), network)
    certificate = trust.wallet(certificate_raw)
    if certificate.public != public:
        raise Refused(WRONG_KEY)
    operator = trust.operator(certificate)
    if installer is not None:
        check(read(CHANNEL, installer, network), operator)
    policy = _policy(policy_raw, operator, certificate, network)
    epoch = read_epoch(epoch_raw, network)
    epoch.verify(authority.public, authority.hash)
    trust.check_current(certificate, epoch)
    state = State()
    state.synced_epoch = epoch.number
    return {
        NETWORK_KEY: bytes([network]),
        AUTHORITY_KEY: authority.raw,
        OPERATORS_KEY: dumps(operator_raws),
        CERTIFICATE_KEY: certificate.raw,
        POLICY_KEY: policy.raw,
        EPOCH_KEY: epoch.raw,
        STATE_KEY: state.encode(),
    }


def update(book: Book, raw: bytes) -> "dict[int, bytes | None]":
    """Check `[[operator], policy, epoch]` against what is in force; return the store changes.

    The policy is newer than the one in force or the very same. An epoch older than the one in force
    is left alone: the wallet has heard of a newer one before the host. Operators known before stay
    known, so that what their wallets have paid can be answered; the epoch says which are valid.
    `Book.update` commits them.
    Raises Refused (POLICY_OLDER, EPOCH_OLDER and those of `install`).
    """
    body = decode(raw)
    expect(body, (LIST, BYTES, BYTES))
    operator_raws, policy_raw, epoch_raw = body
    operators = dict(book.trust.operators)
    for operator in _operators(operator_raws, book.trust.authority, book.network):
        operators[operator.hash] = operator
    policy = _policy(policy_raw, book.operator, book.me, book.network)
    if policy.version <= book.policy.version and policy.hash != book.policy.hash:
        raise Refused(POLICY_OLDER)
    epoch = read_epoch(epoch_raw, book.network)
    epoch.verify(book.trust.authority.public, book.trust.authority.hash)
    if epoch.number < book.epoch.number:
        epoch = book.epoch
    elif epoch.number == book.epoch.number and epoch.hash != book.epoch.hash:
        raise Refused(EPOCH_OLDER)
    return {
        OPERATORS_KEY: dumps([operator.raw for operator in operators.values()]),
        POLICY_KEY: policy.raw,
        EPOCH_KEY: epoch.raw,
    }


def newer_epoch(book: Book, raw: bytes) -> "Epoch | None":
    """The epoch that another wallet has handed over; None when it is the one in force.

    Raises Refused (EPOCH_OLDER, MALFORMED, BAD_SIGNATURE, WRONG_SIGNER).
    """
    if len(raw) > LONGEST_EPOCH:
        raise Refused(MALFORMED)
    epoch = read_epoch(raw, book.network)
    if epoch.hash == book.epoch.hash:
        return None
    if epoch.number <= book.epoch.number:
        raise Refused(EPOCH_OLDER)
    epoch.verify(book.trust.authority.public, book.trust.authority.hash)
    return epoch


def _operators(raws: "list[bytes]", authority: Certificate, network: int) -> "list[Certificate]":
    expect(raws, (BYTES,) * len(raws))
    operators = []
    for raw in raws:
        operator = read(OPERATOR, raw, network)
        operator.signed.verify(authority.public, authority.hash)
        operators.append(operator)
    return operators


def _policy(raw: bytes, operator: Certificate, wallet: Certificate, network: int) -> Policy:
    policy = read_policy(raw, network)
    policy.verify(operator.public, operator.hash)
    if policy.currency != operator.currency:
        raise Refused(WRONG_CURRENCY)
    if policy.tier != wallet.tier:
        raise Refused(WRONG_TIER)
    return policy
