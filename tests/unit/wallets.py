"""An authority, an operator and wallets in memory, for tests of the protocol's rules."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from jiaozi.operator import issue
from jiaozi.wallet import book, install, payee, payer, purposes
from jiaozi.wallet.store_keys import SEED_KEY
from jiaozi.wire import certificates, cose
from jiaozi.wire.terms import read_terms

LIMITS = {
    "version": 1,
    "tier": 3,
    "currency": "CNY",
    "balance_cap": 2_000_000,
    "single": 500_000,
    "unconfirmed_single": 50_000,
    "unconfirmed_count": 20,
    "unconfirmed_total": 200_000,
    "offline_count": 50,
    "offline_total": 1_000_000,
    "hops": 8,
    "request_lifetime": 1,
    "epochs_since_sync": 10,
}


def key_of(name: str) -> cose.SigningKey:
    """A key that is the same in each run."""
    return cose.SigningKey(hashlib.sha256(name.encode()).digest())


class MemoryStore:
    """The store's interface over a dict; keeps the number of commits."""

    def __init__(self) -> None:
        self.data: dict[int, bytes] = {}
        self.commits = 0

    def get(self, key: int) -> bytes | None:
        return self.data.get(key)

    def keys(self) -> Iterable[int]:
        return list(self.data)

    def commit(self, changes: dict[int, bytes | None]) -> None:
        self.commits += 1
        for key, value in changes.items():
            if value is None:
                self.data.pop(key, None)
            else:
                self.data[key] = value

    def holds(self, lengths: Iterable[int]) -> bool:
        return True


class Bank:
    """An authority and one operator on the test network; `name` tells operators apart."""

    def __init__(
        self, network: int = cose.TEST, currency: str = "CNY", name: str = "operator"
    ) -> None:
        self.network = network
        self.authority_key = key_of("authority")
        self.operator_key = key_of(name)
        self.authority = certificates.issue(
            cose.AUTHORITY,
            b"AUTHORTY",
            self.authority_key.public,
            [],
            self.authority_key,
            None,
            network,
        )
        self.operator = certificates.issue(
            cose.OPERATOR,
            name.encode().ljust(8)[:8].upper(),
            self.operator_key.public,
            [currency, 1000],
            self.authority_key,
            self.authority,
            network,
        )

    def epoch(
        self,
        number: int = 1,
        revoked: Iterable[bytes] = (),
        operators: Iterable[bytes] | None = None,
    ) -> bytes:
        return issue.make_epoch(
            number,
            list(revoked),
            [self.operator.hash] if operators is None else list(operators),
            self.authority_key,
            self.authority,
            self.network,
        )

    def policy(self, **limits: object) -> bytes:
        return issue.make_policy(LIMITS | limits, self.operator_key, self.operator, self.network)

    def terms(
        self,
        number: int = 7,
        categories: Iterable[int] = (5411,),
        expiry: int = 5,
        cap: int = 2_000,
        key: cose.SigningKey | None = None,
    ) -> bytes:
        key, wanted = key or self.operator_key, list(categories)
        return issue.make_terms(number, wanted, expiry, cap, key, self.operator, self.network)

    def certificate(
        self, name: str, form: int = certificates.CARD, expiry: int = 100, category: int = 0
    ) -> certificates.Certificate:
        return certificates.issue(
            cose.WALLET,
            hashlib.sha256(name.encode()).digest()[:8],
            key_of(name).public,
            [form, 3, category, expiry],
            self.operator_key,
            self.operator,
            self.network,
        )

    def wallet(
        self,
        name: str,
        form: int = certificates.CARD,
        expiry: int = 100,
        epoch: bytes | None = None,
        category: int = 0,
        **limits: object,
    ) -> book.Book:
        store = MemoryStore()
        package = issue.package(
            self.network,
            self.authority.raw,
            [self.operator.raw],
            self.certificate(name, form, expiry, category).raw,
            self.policy(**limits),
            epoch or self.epoch(),
        )
        changes = install.install(package, key_of(name).public)
        changes[SEED_KEY] = hashlib.sha256(name.encode()).digest()
        store.commit(changes)
        return book.Book(store)

    def account(self, name: str = "account", amount: int = 100_000_000) -> book.Book:
        """The operator's own wallet, holding what the authority issued to it."""
        account = self.wallet(
            name,
            certificates.ACCOUNT,
            single=10**9,
            balance_cap=10**9,
            unconfirmed_single=10**9,
            offline_total=10**9,
            unconfirmed_total=10**9,
            offline_count=10**6,
            unconfirmed_count=10**6,
        )
        state = account.state.copy()
        state.credit(0, amount)
        account.apply(book.Step(state))
        return account


def ask(wallet: book.Book, amount: int, ceiling: int = 0) -> bytes:
    """Raise a request and return it."""
    return wallet.apply(payee.request(wallet, amount, ceiling))


def answer(wallet: book.Book, payee_raw: bytes, request: bytes, entered: int = 0) -> bytes:
    """The payment a confirming payer answers a request with (only the payment itself)."""
    order = payer.read_order(wallet, payee_raw, request)
    stored = payer.recall(wallet, order)
    if stored is None:
        amount = payer.amount_of(order.request, entered)
        payer.check(wallet, order, amount)
        stored = wallet.apply(payer.pay(wallet, order, amount, True))
    return cose.decode(stored)[0]


def take(
    wallet: book.Book, payer_raw: bytes, payment: bytes, request: bytes | None = None
) -> bytes:
    """The receipt or void a payee answers a payment with."""
    reply, step = payee.receive(wallet, payer_raw, payment, request)
    if step is not None:
        return wallet.apply(step)
    return reply or b""


def finish(wallet: book.Book, outcome: bytes) -> None:
    """Hand a receipt or void to the payer."""
    step = payer.resolve(wallet, outcome)
    if step is not None:
        wallet.apply(step)


def transfer(source: book.Book, target: book.Book, amount: int) -> bytes:
    """A whole payment; returns the receipt."""
    request = ask(target, amount)
    payment = answer(source, target.me.raw, request)
    receipt = take(target, source.me.raw, payment)
    finish(source, receipt)
    return receipt


def fund(source: book.Book, target: book.Book, terms: bytes, amount: int) -> bytes:
    """Give a wallet terms and fund their purse; returns the receipt."""
    step = purposes.adopt(target, terms)
    if step is not None:
        target.apply(step)
    purse = read_terms(terms, target.network).number
    request = target.apply(payee.request(target, amount, purse=purse))
    receipt = take(target, source.me.raw, answer(source, target.me.raw, request))
    finish(source, receipt)
    return receipt
