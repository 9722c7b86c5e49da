"""Makes histories fast: the same signature is made and checked once, a key is read once.

Ed25519 signatures are deterministic and a check has one answer, so that nothing else changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from unittest import mock

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from jiaozi.operator import audit, evidence
from jiaozi.wallet import book, payer, state
from jiaozi.wire import certificates, cose, trust


@lru_cache(1000)
def _private(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


@lru_cache(1000)
def _public(public: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public)


@lru_cache(5000)
def _sign(seed: bytes, public: bytes, message: bytes) -> bytes:
    return _private(seed).sign(message)


@lru_cache(5000)
def _verify(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        _public(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _dumps(item: object) -> bytes:
    return cbor2.dumps(item, canonical=True)


def _loads(raw: bytes) -> object:
    try:
        return cbor2.loads(raw)
    except (cbor2.CBORError, EOFError) as error:
        raise ValueError("not CBOR") from error


_read = lru_cache(200)(certificates.read)
_FASTER = {
    "dumps": (_dumps, (book, certificates, cose, evidence, payer, state)),
    "loads": (_loads, (cose,)),
    "read": (_read, (audit, book, evidence, payer, trust)),
    "ed25519_sign": (_sign, (cose,)),
    "ed25519_verify": (_verify, (cose,)),
    "_CACHE": (100, (trust,)),
}


@contextmanager
def remembered() -> Iterator[None]:
    """Remember signatures, checks and certificates while this lasts; spare the check of encodings.

    Every message of a history was encoded by the package itself.
    """
    with ExitStack() as stack:
        for name, (faster, modules) in _FASTER.items():
            for module in modules:
                stack.enter_context(mock.patch.object(module, name, faster))
        yield
