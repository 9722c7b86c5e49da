"""Wallets whose journals vectors of evidence judge: as they should be, but for the parts given."""

from __future__ import annotations

from typing import Any

import bound
import taps
import vector_world as world

from _jzcbor import dumps
from jiaozi.operator import audit, issue
from jiaozi.wire import certificates, cose, messages
from jiaozi.wire.journal import (
    ADOPTED,
    CONFIRMED,
    CREDITED,
    OFFLINE,
    PAID,
    REFUNDED,
    RESOLVED,
    VOIDED,
)
from jiaozi.wire.policies import read_policy
from jiaozi.wire.terms import read_terms

KEY = world.key_of("thief")
MONEY = 1000  # what an honest account has paid each of them
POLICY = world.policy()


class Thief:
    """A wallet that writes into its journal what it likes, and states any balance."""

    def __init__(self, form: int = certificates.CARD) -> None:
        self.me = world.certificate("thief", form)
        self.levels = [0, 0]
        self.purses: dict[int, list[int]] = {}
        self.payment = b""
        self.outcome = b""
        self._entries: list[bytes] = []

    @property
    def position(self) -> int:
        """Where the next entry goes."""
        return len(self._entries)

    def entries(self) -> list[bytes]:
        """The journal."""
        return list(self._entries)

    def note(self, entry: object) -> None:
        """Write an entry."""
        self._entries.append(dumps(entry))

    def statement(self, nonce: bytes = bytes(16)) -> bytes:
        """What it says of itself."""
        body = [1, self.position, head(self._entries), self.levels, 1, nonce, self.purses]
        return world.forge(cose.STATEMENT, body, KEY, self.me.hash)

    def credit(self, **parts: Any) -> None:
        """A CREDITED entry: see `taker`, and `funded` for purses."""
        payer, key = parts.get("payer", "payer"), parts.get("key")
        form, purse = parts.get("form", certificates.CARD), parts.get("purse", 0)
        who = world.certificate(payer, form, by=parts.get("by", "operator"))
        if payer == "nobody":
            who = uncertified(payer)
        asks, amount = parts.get("payee", "thief"), parts.get("amount", 500)
        request = taps.request_of(asks, amount=parts.get("asked", 500), purses=[purse])
        by = {"key": key or world.key_of(payer), "signer": who.hash}
        self.payment = taps.payment_of(payer, request, amount=amount, purse=purse, **by)
        payment = hash_of(self.payment)
        place = parts.get("position", self.position)
        self.outcome = receipt(parts.get("receipt", payment), place, "thief", self.me.hash)
        names = [taps.hash_of(request), payment]
        self.note([CREDITED, *names, self.payment, request, who.raw, self.outcome])
        held = self.purses.setdefault(purse, [0, 0]) if purse else self.levels
        held[1] += amount

    def adopt(self, terms: bytes) -> None:
        """An ADOPTED entry."""
        read = read_terms(terms, world.NETWORK)
        self.note([ADOPTED, read.hash, read.signer, terms])

    def spend(self, amount: int = 500, **parts: Any) -> Thief:
        """A PAID entry out of a purse, its first payment; to a shop, unless it is to `payee`."""
        name, payee = parts.get("name", "shop"), parts.get("payee", bound.STORE)
        purse = parts.get("purse", bound.NUMBER)
        request = bound.request_by(payee, name, [purse], amount)
        fields = {"amount": amount, "purse": purse, "epoch": parts.get("epoch", 1)}
        self.payment = taps.payment_of("thief", request, **fields, key=KEY, signer=self.me.hash)
        names = [taps.hash_of(request), hash_of(self.payment)]
        offline = 0 if payee.form == certificates.ACCOUNT else OFFLINE
        rules = basis(parts.get("counted", offline | CONFIRMED))
        self.note([PAID, *names, self.payment, request, payee.raw, [0, amount], *rules])
        held = self.purses[purse] if purse else self.levels
        held[1] = max(held[1] - amount, 0)
        return self


def funded(terms: bytes | None = None, **parts: Any) -> Thief:
    """A wallet that was paid 10.00, and then 30.00 for a purse; no terms when they are empty."""
    made = wallet()
    adopted = bound.terms() if terms is None else terms
    if adopted:
        made.adopt(adopted)
    fields = {"payer": "account", "form": certificates.ACCOUNT, "amount": 3000, "asked": 3000}
    made.credit(**(fields | {"purse": bound.NUMBER} | parts))
    return made


def basis(counted: int = OFFLINE | CONFIRMED, settled_at: int = 0, policy: bytes = POLICY) -> list:
    """What ends a PAID entry: flags, position of the last settlement, hash of the policy."""
    return [counted, settled_at, read_policy(policy, world.NETWORK).hash]


def head(entries: list[bytes]) -> bytes:
    """The head of a journal of these entries."""
    return audit.chain(entries)


def hash_of(payment: bytes) -> bytes:
    """A payment's hash."""
    return messages.read_payment(payment, world.NETWORK).hash


def uncertified(
    name: str, like: certificates.Certificate | None = None
) -> certificates.Certificate:
    """A certificate in the operator's name that the operator has not signed."""
    genuine = like or world.certificate(name)
    body = cose.parse(cose.WALLET, genuine.raw, world.NETWORK).body
    raw = world.forge(cose.WALLET, body, taps.SIGNER, world.OPERATOR.hash)
    return certificates.read(cose.WALLET, raw, world.NETWORK)


def receipt(payment: bytes, position: int, name: str = "bob", signer: bytes = b"") -> bytes:
    """A receipt."""
    by = signer or world.certificate(name).hash
    return world.forge(cose.RECEIPT, [payment, position, 1], world.key_of(name), by)


def void(payment: bytes, position: int, request: bytes = bytes(32), **parts: Any) -> bytes:
    """A void."""
    name = parts.get("name", "bob")
    key, by = parts.get("key") or world.key_of(name), world.certificate(name).hash
    return world.forge(cose.VOID, [request, payment, position, 1], key, by)


def wallet(form: int = certificates.CARD) -> Thief:
    """A wallet that was paid 10.00."""
    made = Thief(form)
    made.credit(payer="account", amount=MONEY, asked=MONEY)
    return made


def taker(times: int = 1, **parts: Any) -> Thief:
    """A wallet that was paid 10.00, and then 5.00."""
    made = wallet()
    for _ in range(times):
        made.credit(**parts)
    return made


def spender(form: int = certificates.CARD, **parts: Any) -> Thief:
    """A wallet that has paid 5.00 of its 10.00 to bob."""
    made = wallet(form)
    amount, name = parts.get("amount", 500), parts.get("payee", "bob")
    request = taps.request_of("bob", **parts.get("request", {}))
    payee = world.certificate(name)
    if name == "nobody":
        payee = uncertified(name)
        request = taps.request_of(name, signer=payee.hash)
    asked = parts.get("asked", taps.hash_of(request))
    by = {"key": parts.get("key", KEY), "signer": made.me.hash}
    fields = {"sequence": parts.get("sequence", 1), "amount": amount, "asked": asked}
    fields |= {"purse": parts.get("purse", 0)}
    made.payment = taps.payment_of("thief", request, **fields, **by)
    taken = parts.get("taken", [0, 500])
    names = [taps.hash_of(request), hash_of(made.payment)]
    rules = basis(*parts.get("basis", ()))
    made.note([PAID, *names, made.payment, request, payee.raw, taken, *rules])
    made.levels[1] = max(MONEY - amount, 0)
    return made


def voider(
    position: int | None = None,
    key: cose.SigningKey | None = None,
    times: int = 1,
    asked: bytes = b"",
    **payment: Any,
) -> Thief:
    """A wallet that has voided payments, each with a number of its own.

    asked: the request that the voids name, if another.
    """
    made = wallet()
    request = taps.request_of("thief")
    payer = world.certificate("payer")
    for number in range(1, times + 1):
        paid = taps.payment_of("payer", request, **({"sequence": number} | payment))
        place = made.position if position is None else position
        names = [taps.hash_of(request), hash_of(paid)]
        answer = void(names[1], place, asked or names[0], name="thief", key=key)
        made.note([VOIDED, *names, paid, request, payer.raw, answer])
    return made


def ender(kind: int, times: int = 1, turned: bool = False, **parts: Any) -> Thief:
    """A wallet that has paid bob 5.00 and has an outcome: the other one when `turned`."""
    made = spender()
    request = taps.hash_of(taps.request_of("bob"))
    payment = parts.get("payment", hash_of(made.payment))
    key = parts.get("key") or world.key_of("bob")
    bob = world.certificate("bob").hash
    outcomes = {
        RESOLVED: world.forge(cose.RECEIPT, [payment, 0, 1], key, bob),
        REFUNDED: void(payment, 0, request, key=key),
    }
    other = {RESOLVED: REFUNDED, REFUNDED: RESOLVED}
    for _ in range(times):
        made.note([kind, request, payment, outcomes[other[kind] if turned else kind]])
        if kind == REFUNDED:
            made.levels[1] += 500
    return made


def closed(key: cose.SigningKey | None = None, hashes: list[bytes] | None = None) -> Thief:
    """A wallet whose payment to bob was closed by its operator's settlement."""
    made = spender()
    payment = hash_of(made.payment)
    settlement = issue.make_settlement(
        made.me.hash,
        bytes(16),
        made.position,
        head(made.entries()),
        key or world.key_of("operator"),
        world.OPERATOR,
        world.NETWORK,
        [payment] if hashes is None else hashes,
    )
    made.note([REFUNDED, taps.hash_of(taps.request_of("bob")), payment, settlement])
    made.levels[1] += 500
    return made
