"""Every decoder as a door: what it takes, an example that fits, and who must sign it.

For tests that hand in what nobody should send; `knock` sees that only Refused comes out and that
nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from _jzcbor import dumps
from jiaozi.operator import clearing, issue
from jiaozi.wallet import book, install, payee, payer, rotate, settle, state
from jiaozi.wallet.store_keys import STATE_KEY
from jiaozi.wire import certificates, channel, cose, epochs, messages, policies, statements
from jiaozi.wire.errors import Refused
from jiaozi.wire.trust import Trust
from protocol.tools.vector_world import forge
from tests.unit.wallets import Bank, answer, ask, key_of, take, transfer

BANK = Bank()
NET = BANK.network
NONCE = bytes(16)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.sampled_from([0, 1, 2**30 - 1, 2**30, 2**32, bytes(32), bytes(8), bytes(64), "CNY"])
    | st.binary(max_size=40)
    | st.text(max_size=8)
)
KEYS = st.integers(-70000, 10) | st.text(max_size=4)
ITEMS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=13) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=16,
)


class Scene:
    """A payer and a payee with a payment under way, and one object of each kind that fits them."""

    def __init__(self) -> None:
        account, self.alice, self.bob = BANK.account(), BANK.wallet("alice"), BANK.wallet("bob")
        transfer(account, self.alice, 10_000)
        self.request = ask(self.bob, 500)
        self.payment = answer(self.alice, self.bob.me.raw, self.request)
        other = book.Book(copy_of(self.bob))
        self.receipt = take(other, self.alice.me.raw, self.payment)
        self.next_request = ask(self.bob, 40)
        (entry,) = self.alice.pending()
        self.void = forge(cose.VOID, [*entry[1:3], 0, 1], self.bob.key, self.bob.me.hash)
        self.statement = settle.statement(self.bob, NONCE)
        where = (self.alice.state.position, self.alice.state.head)
        signer = (BANK.operator_key, BANK.operator, NET)
        self.settlement = issue.make_settlement(self.alice.me.hash, NONCE, *where, *signer)
        host = channel.certify(key_of("host").public, 9, *signer)
        self.channel = host.raw
        self.update = dumps([[BANK.operator.raw], BANK.policy(version=2), BANK.epoch(2)])
        self.package = issue.package(
            NET,
            BANK.authority.raw,
            [BANK.operator.raw],
            BANK.certificate("new").raw,
            BANK.policy(),
            BANK.epoch(),
        )


def copy_of(wallet: book.Book) -> Any:
    store = type(wallet.store)()
    store.commit(dict(wallet.store.data))  # type: ignore[attr-defined]
    return store


SCENE = Scene()
ALICE, BOB = SCENE.alice, SCENE.bob

# A wallet at rest that is to have another key, and an operator that another one clears with.
NEXT = key_of("next")
RESTING = BANK.wallet("resting")
CLAIMS = [certificates.CARD, 3, 0, 200]
NEXT_CERTIFICATE = certificates.issue(
    cose.WALLET, b"next id!", NEXT.public, CLAIMS, BANK.operator_key, BANK.operator, NET
)
WEST = Bank(name="west")
BOTH = Trust(BANK.authority, [BANK.operator, WEST.operator], NET)


def rotated() -> bytes:
    """A rotation for the wallet at rest."""
    RESTING.store.commit(rotate.prepare(RESTING, NEXT._seed))
    RESTING.state = state.State.decode(RESTING.store.get(STATE_KEY) or b"")
    last = rotate.last_statement(RESTING, NONCE, NEXT._seed)
    return issue.make_rotation(last, NEXT_CERTIFICATE, BANK.operator_key, BANK.operator, NET)


def cleared() -> bytes:
    """A clearing file of an operator whose wallet was paid."""
    payee_, payer_ = WEST.wallet("carol"), BANK.wallet("dave")
    for wallet in (payee_, payer_):
        wallet.trust = BOTH
        wallet.epoch = epochs.read_epoch(BANK.epoch(1, (), list(BOTH.operators)), NET)
    transfer(BANK.account(), payer_, 100)
    request = ask(payee_, 40)
    payment = answer(payer_, payee_.me.raw, request)
    receipt = take(payee_, payer_.me.raw, payment)
    item = [clearing.CREDITED, payment, request, payer_.me.raw, payee_.me.raw, receipt]
    return clearing.make(BANK.operator.hash, 1, 0, [item], WEST.operator_key, WEST.operator, NET)


def _channel(raw: bytes) -> None:
    channel.check(certificates.read(cose.CHANNEL, raw, NET), BANK.operator)


def pay(certificate: bytes, request: bytes) -> None:
    order = payer.read_order(ALICE, certificate, request)
    payer.recall(ALICE, order)
    payer.unfinished(ALICE, order.payee)
    payer.check(ALICE, order, payer.amount_of(order.request, 0))
    payer.pay(ALICE, order, 40, True)


# Every door through which bytes from outside come in, with bytes that it takes.
DOORS: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "authority": (lambda raw: certificates.read(cose.AUTHORITY, raw, NET), BANK.authority.raw),
    "operator": (lambda raw: certificates.read(cose.OPERATOR, raw, NET), BANK.operator.raw),
    "wallet": (ALICE.trust.wallet, BOB.me.raw),
    "policy": (lambda raw: policies.read_policy(raw, NET), BANK.policy()),
    "epoch": (lambda raw: epochs.read_epoch(raw, NET), BANK.epoch(1, [b"walletid"])),
    "request": (lambda raw: messages.read_request(raw, NET), SCENE.request),
    "payment": (lambda raw: messages.read_payment(raw, NET), SCENE.payment),
    "receipt": (lambda raw: messages.read_outcome(raw, NET), SCENE.receipt),
    "void": (lambda raw: messages.read_outcome(raw, NET), SCENE.void),
    "statement": (lambda raw: statements.read_statement(raw, NET), SCENE.statement),
    "rotation": (lambda raw: rotate.rotate(RESTING, raw, NEXT._seed), rotated()),
    "clearing": (lambda raw: clearing.read(raw, BANK.operator, BOTH), cleared()),
    "state": (state.State.decode, ALICE.state.encode()),
    "pay: certificate": (lambda raw: pay(raw, SCENE.next_request), BOB.me.raw),
    "pay: request": (lambda raw: pay(BOB.me.raw, raw), SCENE.next_request),
    "receive: certificate": (lambda raw: payee.receive(BOB, raw, SCENE.payment), ALICE.me.raw),
    "receive: payment": (lambda raw: payee.receive(BOB, ALICE.me.raw, raw), SCENE.payment),
    "receive: request": (
        lambda raw: payee.receive(BOB, ALICE.me.raw, OTHER_PAYMENT, raw),
        SCENE.request,
    ),
    "resolve: receipt": (lambda raw: payer.resolve(ALICE, raw), SCENE.receipt),
    "resolve: void": (lambda raw: payer.resolve(ALICE, raw), SCENE.void),
    "channel": (lambda raw: _channel(raw), SCENE.channel),
    "settlement": (lambda raw: settle.settle(ALICE, raw, NONCE), SCENE.settlement),
    "update": (lambda raw: install.update(ALICE, raw), SCENE.update),
    "install": (lambda raw: install.install(raw, key_of("new").public), SCENE.package),
}
# Who signs the object that a door takes, where it is one.
SIGNERS: dict[str, tuple[int, cose.SigningKey, bytes]] = {
    "authority": (cose.AUTHORITY, BANK.authority_key, cose.SELF),
    "operator": (cose.OPERATOR, BANK.authority_key, BANK.authority.hash),
    "wallet": (cose.WALLET, BANK.operator_key, BANK.operator.hash),
    "policy": (cose.POLICY, BANK.operator_key, BANK.operator.hash),
    "epoch": (cose.EPOCH, BANK.authority_key, BANK.authority.hash),
    "request": (cose.REQUEST, BOB.key, BOB.me.hash),
    "payment": (cose.PAYMENT, ALICE.key, ALICE.me.hash),
    "receipt": (cose.RECEIPT, BOB.key, BOB.me.hash),
    "void": (cose.VOID, BOB.key, BOB.me.hash),
    "statement": (cose.STATEMENT, BOB.key, BOB.me.hash),
    "rotation": (cose.ROTATION, BANK.operator_key, BANK.operator.hash),
    "clearing": (cose.CLEARING, WEST.operator_key, WEST.operator.hash),
    "pay: certificate": (cose.WALLET, BANK.operator_key, BANK.operator.hash),
    "pay: request": (cose.REQUEST, BOB.key, BOB.me.hash),
    "receive: certificate": (cose.WALLET, BANK.operator_key, BANK.operator.hash),
    "receive: payment": (cose.PAYMENT, ALICE.key, ALICE.me.hash),
    "receive: request": (cose.REQUEST, BOB.key, BOB.me.hash),
    "resolve: receipt": (cose.RECEIPT, BOB.key, BOB.me.hash),
    "resolve: void": (cose.VOID, BOB.key, BOB.me.hash),
    "channel": (cose.CHANNEL, BANK.operator_key, BANK.operator.hash),
    "settlement": (cose.SETTLEMENT, BANK.operator_key, BANK.operator.hash),
}
# A payment whose request is not open at bob, so that the attached one is read.
OTHER_PAYMENT = forge(cose.PAYMENT, [9, bytes(32), 1, 0, 1, 1, 1], ALICE.key, ALICE.me.hash)


def knock(door: str, raw: bytes) -> bool:
    """Hand bytes in; whether they were taken. Only Refused may come out, and nothing may change."""
    before = [(w.state.encode(), len(w.open), w.positions(), w.slots()) for w in (ALICE, BOB)]
    try:
        DOORS[door][0](raw)
        taken = True
    except Refused:
        taken = False
    after = [(w.state.encode(), len(w.open), w.positions(), w.slots()) for w in (ALICE, BOB)]
    assert after == before
    return taken
