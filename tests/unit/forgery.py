"""Objects put together by hand, with any part as a test wants it."""

from __future__ import annotations

from typing import Any

from _jzcbor import dumps
from jiaozi import cose

GOOD = object()


def structure(protected: bytes, payload: bytes, kind: int, network: int = cose.TEST) -> bytes:
    """The Sig_structure (RFC 9052, 4.4)."""
    return dumps(
        ["Signature1", protected, dumps(["jiaozi", cose.VERSION, network, kind]), payload]
    )


def forge(
    kind: int,
    body: object,
    key: cose.SigningKey,
    signer: bytes,
    *,
    network: int = cose.TEST,
    protected: Any = GOOD,
    unprotected: object = GOOD,
    payload: Any = GOOD,
    signature: Any = GOOD,
) -> bytes:
    """A COSE_Sign1 object that is correct but for the parts given."""
    protected = dumps({1: -8, 4: signer}) if protected is GOOD else protected
    payload = dumps(body) if payload is GOOD else payload
    if signature is GOOD:
        signature = key.sign(structure(protected, payload, kind, network))
    return dumps([protected, {} if unprotected is GOOD else unprotected, payload, signature])
