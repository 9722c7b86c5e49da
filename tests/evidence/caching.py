"""Caches that make histories fast: each signature is made and verified once, each key read once.

Ed25519 signatures are deterministic, so the results are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from unittest import mock

import cbor2

from _jzcrypto import ed25519_sign, ed25519_verify
from jiaozi.operator import audit, evidence
from jiaozi.wallet import book, payer, state
from jiaozi.wire import certificates, cose, trust
from jiaozi.wire.suites import EDDSA

_sign = lru_cache(5000)(ed25519_sign)
_verify = lru_cache(5000)(ed25519_verify)


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
    "sign": (_sign, (EDDSA,)),
    "verify": (_verify, (EDDSA,)),
    "_CACHE": (100, (trust,)),
}


@contextmanager
def cached_signatures() -> Iterator[None]:
    """Cache signatures, verifications and certificates; skip the check of canonical encoding.

    All messages of a history are encoded by the package itself.
    """
    with ExitStack() as stack:
        for name, (faster, modules) in _FASTER.items():
            for module in modules:
                stack.enter_context(mock.patch.object(module, name, faster))
        yield
