"""A wallet whose journal is full, on the store it really has, can be settled, and forgets."""

from __future__ import annotations

from _jzcbor import dumps, loads
from jiaozi.operator import issue
from jiaozi.wallet.book import ANSWER_SLOTS, JOURNAL_LIMIT, PAYMENT_SLOTS, Step
from jiaozi.wallet.store_keys import JOURNAL_KEY
from jiaozi.wire import commands
from tests.fixtures.devices import Wallet, open_session, provision
from tests.fixtures.nvm_fake import NvmFake
from tests.fixtures.wallets import Bank, answer, finish
from wallet.storage.store import Store

BANK = Bank()


def on_a_store(wallet: Wallet) -> Wallet:
    """The same wallet with its memory in a store of the emulated boards' size."""
    store = Store.mount(NvmFake(128 * 1024, 4096, 4))
    for key in wallet.store.keys():  # noqa: SIM118  (not a dict)
        store.commit({key: wallet.store.get(key)})
    return Wallet(store)


def rest(wallet: Wallet) -> None:
    """What the main loop does between two taps."""
    while wallet.store.tidy():
        pass


def entries(wallet: Wallet) -> int:
    return sum(key >= JOURNAL_KEY for key in wallet.store.keys())  # noqa: SIM118


def settle(wallet: Wallet, epoch: int) -> None:
    """Bring the wallet to an epoch and settle its journal, as the operator's host does."""
    wallet.select()
    nonce = open_session(BANK, wallet)
    rules = [[BANK.operator.raw], wallet.device.book.policy.raw, BANK.epoch(epoch)]
    wallet.must(commands.UPDATE, dumps(rules))
    book = wallet.device.book
    raw = issue.make_settlement(
        book.me.hash,
        nonce,
        book.state.position,
        book.state.head,
        BANK.operator_key,
        BANK.operator,
        BANK.network,
    )
    wallet.must(commands.SETTLE, raw)


# As many as a journal holds; payments are made from what came in by one answer.
ANSWERS = JOURNAL_LIMIT // ANSWER_SLOTS
PAYMENTS = (JOURNAL_LIMIT - ANSWER_SLOTS) // PAYMENT_SLOTS


def test_a_full_journal_is_settled_and_forgotten() -> None:
    alice = on_a_store(provision(BANK, "alice"))
    for number in range(ANSWERS):
        account = BANK.account()  # a fresh one: its journal is no longer than a wallet's here
        state = account.state.copy()
        state.sequence += number
        account.apply(Step(state))
        request = alice.arm(commands.RECEIVE, 10)
        payment = answer(account, alice.select()[3], request)
        finish(account, alice.must(commands.PAYMENT, dumps([account.me.raw, payment])))
        rest(alice)
    assert (entries(alice), alice.device.book.slots()) == (ANSWERS, 0)
    settle(alice, 1)
    assert entries(alice) == ANSWERS  # their requests could still be asked for
    settle(alice, 9)
    assert (entries(alice), alice.device.book.slots()) == (0, JOURNAL_LIMIT)
    assert alice.balance == 10 * ANSWERS
    assert alice.device.book.state.floor == ANSWERS + 1


def test_payments_made_are_forgotten_together_with_their_receipts() -> None:
    account = BANK.account()
    alice, bob = (on_a_store(provision(BANK, name, offline_count=100)) for name in ("alice", "bob"))
    request = alice.arm(commands.RECEIVE, 1_000)
    payment = answer(account, alice.select()[3], request)
    finish(account, alice.must(commands.PAYMENT, dumps([account.me.raw, payment])))
    for _ in range(PAYMENTS):
        asked = bob.arm(commands.RECEIVE, 1)
        certificate = bob.device.book.me.raw
        alice.arm(commands.PAY_OUT, 1)
        paid = alice.must(commands.PAY, dumps([certificate, asked]))
        bob.select()
        mine = alice.device.book.me.raw
        receipt = bob.must(commands.PAYMENT, dumps([mine, loads_one(paid)]))
        alice.must(commands.RESOLVE, receipt)
        rest(alice)
        rest(bob)
    assert (entries(alice), entries(bob)) == (1 + 2 * PAYMENTS, PAYMENTS)
    assert alice.device.book.slots() == 0
    for wallet in (alice, bob):
        settle(wallet, 9)
        assert entries(wallet) == 0
        assert wallet.device.book.unresolved() == 0
    assert (alice.balance, bob.balance) == (1_000 - PAYMENTS, PAYMENTS)


def loads_one(answered: bytes) -> bytes:
    """The payment in an answer to PAY."""
    (payment,) = loads(answered)
    return bytes(payment)
