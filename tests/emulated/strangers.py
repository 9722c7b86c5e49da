"""Other people's wallets as plain Python, certified by the rig's operator: they say anything."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from simulator.scenarios.rig import Rig

from _jzcbor import dumps, loads
from jiaozi.wallet import install
from jiaozi.wallet.book import Book
from jiaozi.wallet.store_keys import SEED_KEY
from jiaozi.wire import certificates
from jiaozi.wire.cose import PAYMENT, SigningKey, sign
from jiaozi.wire.messages import read_request
from jiaozi_host.links import Link
from jiaozi_host.wallet import WalletClient
from jiaozi_sim.client import Wallet
from tests.fixtures.wallets import MemoryStore

TIER = 3


def stranger(rig: Rig, name: str, balance: int = 0) -> Book:
    """A wallet of the rig's operator; its balance comes from nowhere."""
    seed = hashlib.sha256(name.encode()).digest()
    key = SigningKey(seed)
    certificate = rig.operator.certify(key.public, certificates.CARD, TIER)
    store = MemoryStore()
    store.commit(install.install(rig.operator.package(certificate), key.public))
    store.commit({SEED_KEY: seed})
    book = Book(store)
    book.state.credit(1, balance)
    return book


def altered(signed: bytes, change: Callable[[list[object]], None]) -> bytes:
    """A signed object with another body and the old signature."""
    protected, unprotected, payload, signature = loads(signed)
    body = loads(payload)
    change(body)
    return dumps([protected, unprotected, dumps(body), signature])


def bring_to_epoch(rig: Rig, wallet: Wallet) -> None:
    """The operator's part of a sync that brings new rules, and nothing else of it."""
    rig.operator.refresh()
    with rig.at_reader(wallet) as link:
        client = session(rig, link)
        client.update(rig.operator.operators, rig.operator.policy(TIER), _epoch(rig))


def session(rig: Rig, link: Link) -> WalletClient:
    """The operator's channel with the wallet on the reader."""
    client = WalletClient(link, rig.operator.published.trust, rig.operator.channel_identity())
    client.select()
    client.open_channel()
    return client


def _epoch(rig: Rig) -> bytes:
    return bytes(rig.operator.published.epoch.raw)


def signed_payment(payer: Book, request: bytes, sequence: int, amount: int) -> bytes:
    """A payment by a wallet that keeps no rules: of any number and amount, without a debit."""
    asked = read_request(request, payer.network).hash
    body = [sequence, asked, amount, 0, 1, payer.epoch.number, payer.policy.version]
    return sign(PAYMENT, body, payer.key, payer.me.hash, payer.network).raw
