"""What vectors are made of: an authority, two operators and wallets whose keys never change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from _jzcbor import dumps
from jiaozi.operator import issue
from jiaozi.wallet import book, install, payee, payer
from jiaozi.wallet.store_keys import EPOCH_KEY, SEED_KEY
from jiaozi.wire import certificates, cose

NETWORK = cose.TEST
LIMITS: dict[str, Any] = {
    "version": 1,
    "tier": 3,
    "currency": "CNY",
    "balance_cap": 2_000_000,
    "single": 500_000,
    "unconfirmed_single": 50_000,
    "unconfirmed_count": 20,
    "unconfirmed_total": 200_000,
    "offline_count": 50,
    "offline_total": 300_000,
    "hops": 8,
    "request_lifetime": 1,
    "epochs_since_sync": 10,
}
OK = 0x9000
Vector = dict[str, Any]
_GIVEN = object()


def key_of(name: str) -> cose.SigningKey:
    """The key of a party."""
    return cose.SigningKey(hashlib.sha256(name.encode()).digest())


def new_operator(name: str, currency: str) -> certificates.Certificate:
    """An operator's certificate."""
    holder = hashlib.sha256(name.encode()).digest()[:8]
    claims = [currency, 1000]
    return certificates.issue(
        cose.OPERATOR, holder, key_of(name).public, claims, key_of("authority"), AUTHORITY, NETWORK
    )


AUTHORITY = certificates.issue(
    cose.AUTHORITY, b"AUTHORTY", key_of("authority").public, [], key_of("authority"), None, NETWORK
)
OPERATOR = new_operator("operator", "CNY")
FOREIGN = new_operator("foreign", "USD")
OPERATORS = [OPERATOR, FOREIGN]


def epoch(number: int, revoked: Iterable[bytes] = (), operators: Any = None) -> bytes:
    """An epoch in which both operators are valid unless others are named."""
    valid = [one.hash for one in OPERATORS] if operators is None else operators
    return issue.make_epoch(number, list(revoked), valid, key_of("authority"), AUTHORITY, NETWORK)


def policy(**limits: Any) -> bytes:
    """A policy of the operator."""
    return issue.make_policy(LIMITS | limits, key_of("operator"), OPERATOR, NETWORK)


def certificate(
    name: str,
    form: int = certificates.CARD,
    expiry: int = 100,
    by: str = "operator",
    category: int = 0,
) -> certificates.Certificate:
    """A wallet's certificate."""
    issuer = FOREIGN if by == "foreign" else OPERATOR
    holder = hashlib.sha256(name.encode()).digest()[:8]
    claims = [form, 3, category, expiry]
    return certificates.issue(
        cose.WALLET, holder, key_of(name).public, claims, key_of(by), issuer, NETWORK
    )


class Memory:
    """A store in memory."""

    def __init__(self) -> None:
        self.data: dict[int, bytes] = {}

    def get(self, key: int) -> bytes | None:
        """The value of a key."""
        return self.data.get(key)

    def keys(self) -> list[int]:
        """All keys."""
        return list(self.data)

    def commit(self, changes: dict[int, bytes | None]) -> None:
        """Write all changes; None deletes."""
        for key, value in changes.items():
            if value is None:
                self.data.pop(key, None)
            else:
                self.data[key] = value

    def holds(self, lengths: Iterable[int]) -> bool:
        """There is always room."""
        return True


def wallet(
    name: str,
    money: Iterable[int] = (),
    *,
    form: int = certificates.CARD,
    expiry: int = 100,
    category: int = 0,
    at: int = 1,
    revoked: Iterable[bytes] = (),
    **limits: Any,
) -> book.Book:
    """A wallet provisioned in epoch 1 and then in epoch `at`, with money by hop level."""
    store = Memory()
    raw = issue.package(
        NETWORK,
        AUTHORITY.raw,
        [one.raw for one in OPERATORS],
        certificate(name, form, expiry, category=category).raw,
        policy(**limits),
        epoch(1),
    )
    changes = install.install(raw, key_of(name).public)
    store.commit(changes | {SEED_KEY: hashlib.sha256(name.encode()).digest()})
    store.commit({EPOCH_KEY: epoch(at, revoked)})
    made = book.Book(store)
    state = made.state.copy()
    state.levels = list(money)
    made.apply(book.Step(state))
    return made


def ask(taker: book.Book, amount: int, ceiling: int = 0) -> bytes:
    """Raise a request."""
    return taker.apply(payee.request(taker, amount, ceiling))


def answer(giver: book.Book, taker: book.Book, request: bytes, amount: int) -> bytes:
    """The payment that answers a request."""
    order = payer.read_order(giver, taker.me.raw, request)
    payer.check(giver, order, amount)
    payment: bytes = cose.decode(giver.apply(payer.pay(giver, order, amount, True)))[0]
    return payment


def dump(wallet: book.Book) -> dict[str, str]:
    """All that a wallet keeps, by key, as text."""
    store = wallet.store
    return {str(key): (store.get(key) or b"").hex() for key in sorted(store.keys())}


def copy(wallet: book.Book) -> book.Book:
    """The same wallet in a store of its own."""
    store = Memory()
    store.commit({key: wallet.store.get(key) for key in wallet.store.keys()})  # noqa: SIM118
    return book.Book(store)


def vector(rule: str, kind: str, sw: int, note: str, **parts: Any) -> Vector:
    """One vector; bytes become text.

    rule: as a chapter of protocol/spec names it; kind: what it is an example of; sw:
    the status word that must come out, 9000 when the input is taken.
    """
    texts = {key: value.hex() if type(value) is bytes else value for key, value in parts.items()}
    return {"rule": rule, "kind": kind, "note": note, **texts, "sw": f"{sw:04X}"}


def structure(protected: bytes, payload: bytes, kind: int, network: int = NETWORK) -> bytes:
    """The Sig_structure (RFC 9052, 4.4)."""
    external = dumps(["jiaozi", cose.VERSION, network, kind])
    return dumps(["Signature1", protected, external, payload])


def forge(
    kind: int,
    body: object,
    key: cose.SigningKey,
    signer: bytes,
    *,
    network: int = NETWORK,
    protected: Any = _GIVEN,
    unprotected: object = _GIVEN,
    payload: Any = _GIVEN,
    signature: Any = _GIVEN,
) -> bytes:
    """A COSE_Sign1 object that is correct but for the parts given."""
    protected = dumps({1: -8, 4: signer}) if protected is _GIVEN else protected
    payload = dumps(body) if payload is _GIVEN else payload
    if signature is _GIVEN:
        signature = key.sign(structure(protected, payload, kind, network))
    return dumps([protected, {} if unprotected is _GIVEN else unprotected, payload, signature])
