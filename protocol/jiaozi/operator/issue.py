"""Objects that authority and operators sign for wallets: policies, epochs, terms and others."""

from _jzcbor import dumps
from jiaozi.wire.certificates import Certificate
from jiaozi.wire.cose import EPOCH, POLICY, ROTATION, SETTLEMENT, TERMS, SigningKey, sign
from jiaozi.wire.policies import POLICY_FIELDS
from jiaozi.wire.terms import Terms

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def make_policy(
    limits: "dict[str, Any]", key: SigningKey, operator: Certificate, network: int
) -> bytes:
    """Sign a policy; limits: a value for each of POLICY_FIELDS, and optionally `firmware`."""
    body = [limits[name] for name in POLICY_FIELDS]
    if limits.get("firmware"):
        body.append(limits["firmware"])
    return sign(POLICY, body, key, operator.hash, network).raw


def make_epoch(
    number: int,
    revoked: "list[bytes]",
    operators: "list[bytes]",
    key: SigningKey,
    authority: Certificate,
    network: int,
) -> bytes:
    """Sign an epoch."""
    return sign(EPOCH, [number, revoked, operators], key, authority.hash, network).raw


def make_terms(
    number: int,
    categories: "list[int]",
    operators: "list[bytes]",
    expiry: int,
    cap: int,
    key: SigningKey,
    funder: Certificate,
    network: int,
) -> bytes:
    """Sign the terms of a purse; see `jiaozi.wire.terms.Terms` for the fields.

    Raises Refused(MALFORMED) for terms that no wallet accepts.
    """
    body = [number, categories, operators, expiry, cap]
    return sign(TERMS, body, key, funder.hash, network, Terms).raw


def make_settlement(
    wallet: bytes,
    nonce: bytes,
    position: int,
    head: bytes,
    key: SigningKey,
    operator: Certificate,
    network: int,
    closed: "Sequence[bytes]" = (),
) -> bytes:
    """Sign a settlement of the journal up to `position`, where the chain's head is `head`.

    closed: hashes of the pending payments to refund.
    """
    body = [wallet, nonce, position, head, list(closed)]
    return sign(SETTLEMENT, body, key, operator.hash, network).raw


def make_rotation(
    statement: bytes, certificate: Certificate, key: SigningKey, operator: Certificate, network: int
) -> bytes:
    """Sign a rotation: the last statement, and the certificate of the key that it names."""
    return sign(ROTATION, [statement, certificate.raw], key, operator.hash, network).raw


def package(
    network: int,
    authority: bytes,
    operators: "Sequence[bytes]",
    certificate: bytes,
    policy: bytes,
    epoch: bytes,
) -> bytes:
    """Encode the package `[network, authority, [operator], certificate, policy, epoch]`."""
    return dumps([network, authority, operators, certificate, policy, epoch])
