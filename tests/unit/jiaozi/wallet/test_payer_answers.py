"""The payer's answers and what becomes of them: the same bytes twice, one outcome, once."""

from __future__ import annotations

import pytest

from jiaozi.wallet import book, payee, payer
from jiaozi.wallet.store_keys import EPOCH_KEY, POLICY_KEY
from jiaozi.wire import certificates, cose, errors
from jiaozi.wire.errors import Refused
from jiaozi.wire.journal import PAYMENT_HASH
from protocol.tools.vector_world import forge
from tests.fixtures.wallets import (
    LIMITS,
    Bank,
    answer,
    ask,
    finish,
    key_of,
    take,
    transfer,
)

BANK = Bank()


def rich(amount: int = 100_000, name: str = "alice", **parts: object) -> book.Book:
    """A wallet with money."""
    wallet = BANK.wallet(name, **parts)  # type: ignore[arg-type]
    transfer(BANK.account(), wallet, amount)
    return wallet


def with_rules(wallet: book.Book, **changes: bytes) -> book.Book:
    """The same wallet, with another policy or epoch."""
    keys = {"policy": POLICY_KEY, "epoch": EPOCH_KEY}
    wallet.store.commit({keys[name]: value for name, value in changes.items()})
    return book.Book(wallet.store)


def order_of(wallet: book.Book, other: book.Book, request: bytes) -> payer.Order:
    return payer.read_order(wallet, other.me.raw, request)


def try_to_pay(
    wallet: book.Book, other: book.Book, amount: int, request: bytes | None = None
) -> int:
    """Pay a request of `amount`; the status word, 0x9000 when it was paid."""
    order = order_of(wallet, other, request or ask(other, amount))
    before = wallet.state.encode()
    try:
        payer.check(wallet, order, amount)
        wallet.apply(payer.pay(wallet, order, amount, False))
    except Refused as refused:
        assert wallet.state.encode() == before
        return refused.sw
    return 0x9000


# The same question has the same answer ------------------------------------------------------------


def test_a_resend_is_bit_identical() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    request = ask(bob, 500)
    payment = answer(alice, bob.me.raw, request)
    order = order_of(alice, bob, request)
    for wallet in (alice, book.Book(alice.store)):
        assert cose.decode(payer.recall(wallet, order) or b"") == [payment]
    finish(alice, take(bob, alice.me.raw, payment))
    assert cose.decode(payer.recall(alice, order) or b"") == [payment]
    assert alice.state.balance == 99_500


def test_nothing_to_recall() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    assert payer.recall(alice, order_of(alice, bob, ask(bob, 5))) is None
    assert payer.unfinished(alice, bob.me) is None


def test_a_voided_request_is_never_answered_again() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    request = ask(bob, 500)
    payment = answer(alice, bob.me.raw, request)
    bob.apply(payee.cancel(bob, order_of(alice, bob, request).request.hash))
    finish(alice, take(bob, alice.me.raw, payment, request))
    for wallet in (alice, book.Book(alice.store)):
        with pytest.raises(Refused) as caught:
            payer.recall(wallet, order_of(alice, bob, request))
        assert caught.value.sw == errors.REQUEST_CLOSED
        assert try_to_pay(wallet, bob, 500, request) == errors.REQUEST_CLOSED


def test_an_unfinished_payment_is_found_by_its_payee() -> None:
    alice, bob, carol = rich(), BANK.wallet("bob"), BANK.wallet("carol")
    request = ask(bob, 500)
    payment = answer(alice, bob.me.raw, request)
    answer(alice, carol.me.raw, ask(carol, 5))
    entry = payer.unfinished(alice, bob.me)
    assert entry is not None
    assert cose.decode(payer.resend(entry)) == [payment, request]
    finish(alice, take(bob, alice.me.raw, payment))
    assert payer.unfinished(alice, bob.me) is None
    assert payer.unfinished(alice, carol.me) is not None


def test_a_lost_receipt_does_not_block_a_payee_for_ever() -> None:
    """The payee has settled and forgotten; the payer, past the expiry, pays it again."""
    alice, bob = rich(), BANK.wallet("bob")
    payment = answer(alice, bob.me.raw, ask(bob, 500))
    take(bob, alice.me.raw, payment)
    for number, pending in ((2, True), (3, False)):
        alice.store.commit({EPOCH_KEY: BANK.epoch(number)})
        alice = book.Book(alice.store)
        assert (payer.unfinished(alice, bob.me) is not None) is pending
    bob.store.commit({EPOCH_KEY: BANK.epoch(3)})
    bob = book.Book(bob.store)
    transfer(alice, bob, 70)
    assert (alice.unresolved(), bob.state.balance) == (1, 570)


def test_a_stranger_in_the_payees_name_gains_nothing() -> None:
    """Who shows a forged certificate with the payee's id gets bytes that are good for the payee."""
    alice, bob, eve = rich(), BANK.wallet("bob"), BANK.wallet("eve")
    request = ask(bob, 500)
    answer(alice, bob.me.raw, request)
    claims = [certificates.CARD, 3, 0, 100]
    thief = key_of("thief")
    forged = certificates.issue(
        cose.WALLET, bob.me.id, eve.key.public, claims, thief, BANK.operator, BANK.network
    )
    entry = payer.unfinished(alice, certificates.read(cose.WALLET, forged.raw, BANK.network))
    assert entry is not None
    before = alice.state.encode()
    payment, attached = cose.decode(payer.resend(entry))
    with pytest.raises(Refused):
        take(eve, alice.me.raw, payment, attached)
    receipt = cose.sign(
        cose.RECEIPT, [entry[PAYMENT_HASH], 0, 1], eve.key, forged.hash, BANK.network
    ).raw
    with pytest.raises(Refused):
        finish(alice, receipt)
    assert alice.state.encode() == before
    finish(alice, take(bob, alice.me.raw, payment))
    assert (alice.unresolved(), bob.state.balance) == (0, 500)


def test_limits_are_never_checked_again() -> None:
    """Expiry, revocation and limits stop new payments; resend, receipt and void always work."""
    for receipt in (True, False):
        alice, bob = rich(), BANK.wallet("bob")
        request = ask(bob, 500)
        payment = answer(alice, bob.me.raw, request)
        if not receipt:
            bob.apply(payee.cancel(bob, order_of(alice, bob, request).request.hash))
        outcome = take(bob, alice.me.raw, payment, request)
        strict = BANK.policy(version=2, single=0, offline_count=0, offline_total=0, hops=0)
        alice = with_rules(alice, policy=strict, epoch=BANK.epoch(900, [alice.me.id, bob.me.id]))
        assert try_to_pay(alice, bob, 5) != 0x9000
        assert cose.decode(payer.recall(alice, order_of(alice, bob, request)) or b"") == [payment]
        finish(alice, outcome)
        assert alice.state.balance == (99_500 if receipt else 100_000)
        assert alice.unresolved() == 0


# Resolution ---------------------------------------------------------------------------------------


class Pending:
    """A payment of 500 from alice to bob, without outcome."""

    def __init__(self) -> None:
        self.alice, self.bob = rich(), BANK.wallet("bob")
        self.payment = answer(self.alice, self.bob.me.raw, ask(self.bob, 500))
        (entry,) = self.alice.pending()
        self.request_hash, self.payment_hash = entry[1], entry[2]

    def outcome(self, kind: int, body: list, who: book.Book | None = None) -> int:
        """Hand alice an outcome signed by bob or another; the status word."""
        who = who or self.bob
        before = self.alice.state.encode()
        try:
            finish(self.alice, forge(kind, body, who.key, who.me.hash))
        except Refused as refused:
            assert self.alice.state.encode() == before
            return refused.sw
        return 0x9000


def test_receipt() -> None:
    pending = Pending()
    body = [pending.payment_hash, 0, 1]
    for _ in range(2):
        assert pending.outcome(cose.RECEIPT, body) == 0x9000
        assert pending.alice.state.balance == 99_500
        assert pending.alice.unresolved() == 0


def test_void_refunds_once_at_the_level_it_came_from() -> None:
    pending = Pending()
    body = [pending.request_hash, pending.payment_hash, 0, 1]
    for _ in range(2):
        assert pending.outcome(cose.VOID, body) == 0x9000
        assert pending.alice.state.levels == [0, 100_000]
        assert pending.alice.unresolved() == 0


def test_the_first_outcome_counts() -> None:
    for first in (cose.RECEIPT, cose.VOID):
        pending = Pending()
        receipt = [pending.payment_hash, 0, 1]
        void = [pending.request_hash, *receipt]
        for kind in (first, cose.RECEIPT, cose.VOID):
            assert pending.outcome(kind, receipt if kind == cose.RECEIPT else void) == 0x9000
        assert pending.alice.state.balance == (99_500 if first == cose.RECEIPT else 100_000)


@pytest.mark.parametrize("kind", [cose.RECEIPT, cose.VOID])
def test_other_outcomes(kind: int) -> None:
    pending = Pending()
    prefix = [] if kind == cose.RECEIPT else [pending.request_hash]
    other = BANK.wallet("carol")
    own = [*prefix, pending.payment_hash, 0, 1]
    assert pending.outcome(kind, [*prefix, bytes(32), 0, 1]) == errors.UNKNOWN_PAYMENT
    assert pending.outcome(kind, own, other) == errors.WRONG_SIGNER
    assert pending.outcome(kind, own, pending.alice) == errors.WRONG_SIGNER
    other.me = pending.bob.me
    assert pending.outcome(kind, own, other) == errors.BAD_SIGNATURE
    assert pending.outcome(kind, own[:-1]) == errors.MALFORMED
    wrong_kind = cose.VOID if kind == cose.RECEIPT else cose.RECEIPT
    assert pending.outcome(wrong_kind, own) == errors.BAD_SIGNATURE
    assert pending.outcome(kind, own) == 0x9000


def test_a_void_for_another_request() -> None:
    pending = Pending()
    body = [bytes(32), pending.payment_hash, 0, 1]
    assert pending.outcome(cose.VOID, body) == errors.UNKNOWN_PAYMENT


def test_sequence_numbers_never_repeat() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    numbers = []
    for _ in range(3):
        request = ask(bob, 5)
        raw = answer(alice, bob.me.raw, request)
        numbers.append(cose.parse(cose.PAYMENT, raw, 0).body[0])
        bob.apply(payee.cancel(bob, order_of(alice, bob, request).request.hash))
        finish(alice, take(bob, alice.me.raw, raw, request))
        alice = book.Book(alice.store)
    assert numbers == [1, 2, 3]


def test_the_limits_signed_are_those_in_force() -> None:
    alice, bob = rich(), BANK.wallet("bob", epoch=BANK.epoch(2))
    alice = with_rules(alice, policy=BANK.policy(version=4), epoch=BANK.epoch(2))
    payment = cose.parse(cose.PAYMENT, answer(alice, bob.me.raw, ask(bob, 5)), 0)
    assert payment.body[5:] == [2, 4]
    assert payment.body[2:4] == [5, 0]
    assert LIMITS["version"] == 1
