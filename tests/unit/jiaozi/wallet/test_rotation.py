"""Rotation: a new key and id, only at rest, in one record, and the value comes over."""

from __future__ import annotations

from typing import Any

import pytest

from _jzcbor import dumps
from jiaozi.operator import audit, issue
from jiaozi.wallet import book, payee, rotate, settle
from jiaozi.wallet.store_keys import NEXT_SEED_KEY
from jiaozi.wire import certificates, cose, errors, statements
from jiaozi.wire.errors import Refused
from protocol.tools.vector_world import forge
from tests.fixtures.wallets import Bank, answer, ask, finish, key_of, take, transfer

BANK = Bank()
NONCE = bytes(range(16))
SEED = bytes(range(32))
NEXT = cose.SigningKey(SEED)


def rich(amount: int = 10_000) -> book.Book:
    alice = BANK.wallet("alice")
    transfer(BANK.account(), alice, amount)
    return alice


def certificate(
    public: bytes = NEXT.public, holder: bytes = b"next id!", claims: Any = (1, 3, 0, 500)
) -> certificates.Certificate:
    key, operator = BANK.operator_key, BANK.operator
    return certificates.issue(
        cose.WALLET, holder, public, list(claims), key, operator, BANK.network
    )


def prepared(wallet: book.Book, seed: bytes = SEED) -> bytes:
    """The last statement, once the wallet has kept its next key."""
    wallet.store.commit(rotate.prepare(wallet, seed))
    wallet.__init__(wallet.store)  # type: ignore[misc]
    return rotate.last_statement(wallet, NONCE, seed)


def make(statement: bytes, to: certificates.Certificate | None = None) -> bytes:
    to = to or certificate()
    return issue.make_rotation(statement, to, BANK.operator_key, BANK.operator, BANK.network)


def switch(wallet: book.Book, raw: bytes, most: int = 99) -> book.Book:
    """Carry a rotation out, or its first `most` records."""
    for _ in range(most):
        changes, done = rotate.rotate(wallet, raw, wallet.store.get(NEXT_SEED_KEY))
        wallet.store.commit(changes)
        wallet = book.Book(wallet.store)
        if done:
            break
    return wallet


def test_the_value_comes_over_to_a_new_key_and_id() -> None:
    old = rich()
    transfer(old, BANK.wallet("bob"), 500)
    state = old.state.copy()
    state.unconfirmed_count, state.unconfirmed_total = 2, 30
    old.apply(book.Step(state))
    counted = (state.offline_count, state.offline_total, state.synced_epoch)
    statement = prepared(old)
    read = statements.read_statement(statement, BANK.network)
    assert read.successor == NEXT.public
    new = switch(old, make(statement))
    assert (new.me.id, new.me.public, new.state.balance) == (b"next id!", NEXT.public, 9_500)
    assert new.state.levels == [0, 9_500]
    assert (new.state.position, new.positions(), new.state.sequence) == (1, [0], 1)
    now = new.state
    assert (now.offline_count, now.offline_total, now.synced_epoch) == counted
    assert (now.unconfirmed_count, now.unconfirmed_total) == (2, 30)
    assert new.store.get(NEXT_SEED_KEY) is None
    assert new.slots() == book.JOURNAL_LIMIT - 1
    bob = BANK.wallet("carol")
    transfer(new, bob, 700)
    transfer(bob, new, 100)
    assert new.state.balance == 8_900


def test_the_new_journal_audits_from_nought() -> None:
    old = rich()
    new = switch(old, make(prepared(old)))
    transfer(new, BANK.wallet("bob"), 700)
    entries = [new.entry(at) or b"" for at in new.positions()]
    done = audit.Audit(new.me, new.trust).read(entries)
    assert (done.fault, done.complete, done.balance) == (0, True, 9_300)
    without = audit.Audit(new.me, new.trust).read(entries[1:])
    assert without.fault == audit.OVERDRAFT
    twice = audit.Audit(new.me, new.trust).read([entries[0], entries[0]])
    assert twice.fault == audit.CREDIT_WITHOUT_DEBIT
    raw = cose.decode(entries[0])
    body = cose.parse(cose.ROTATION, raw[3], BANK.network).body
    raw[3] = forge(cose.ROTATION, body, new.key, BANK.operator.hash)
    forged = audit.Audit(new.me, new.trust).read([dumps(raw)])
    assert forged.fault == audit.CREDIT_WITHOUT_DEBIT
    other = audit.Audit(BANK.wallet("bob").me, new.trust).read(entries[:1])
    assert other.fault == audit.CREDIT_WITHOUT_DEBIT


def refused(wallet: book.Book, raw: bytes, seed: bytes | None = SEED) -> int:
    with pytest.raises(Refused) as caught:
        rotate.rotate(wallet, raw, seed)
    return caught.value.sw


def test_what_is_not_at_rest_is_not_rotated() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    ask(alice, 5)
    with pytest.raises(Refused) as caught:
        rotate.prepare(alice, SEED)
    assert caught.value.sw == errors.NOT_AT_REST
    alice.apply(payee.cancel(alice, next(iter(alice.open))))
    asked = ask(bob, 50)
    payment = answer(alice, bob.me.raw, asked)
    with pytest.raises(Refused) as caught:
        rotate.prepare(alice, SEED)
    assert caught.value.sw == errors.NOT_AT_REST
    finish(alice, take(bob, alice.me.raw, payment))
    raw = make(prepared(alice))
    ask(alice, 7)
    assert refused(alice, raw) == errors.NOT_AT_REST


def test_a_purse_with_terms_keeps_its_key() -> None:
    alice = rich()
    state = alice.state.copy()
    state.credit(1, 5, 7)
    alice.apply(book.Step(state))
    with pytest.raises(Refused) as caught:
        rotate.prepare(alice, SEED)
    assert caught.value.sw == errors.NOT_AT_REST


def test_the_last_statement_closes_every_request() -> None:
    alice, bob = BANK.wallet("bob"), rich()
    request = ask(alice, 50)
    alice.apply(payee.cancel(alice, next(iter(alice.open))))
    payment = answer(bob, alice.me.raw, request)
    read = statements.read_statement(prepared(alice), BANK.network)
    assert read.floor == alice.state.floor == alice.state.next_request == 2
    with pytest.raises(Refused) as caught:
        take(alice, bob.me.raw, payment, request)
    assert caught.value.sw == errors.REQUEST_CLOSED


def test_a_wallet_that_is_never_answered_goes_on_as_it_was() -> None:
    alice, bob = rich(), BANK.wallet("bob")
    raw = make(prepared(alice))
    transfer(alice, bob, 500)
    assert alice.state.balance == 9_500
    assert refused(alice, raw) == errors.ROTATION_MISMATCH
    assert rotate.prepare(alice, SEED) == {}
    new = switch(alice, make(prepared(alice)))
    assert new.state.balance == 9_500


@pytest.mark.parametrize("records", range(5))
def test_torn_between_any_two_records_it_is_either_wallet(records: int) -> None:
    """Enough entries for three records: whole under the old key until the last one."""
    old, bob = rich(), BANK.wallet("bob")
    for _ in range(29):
        transfer(old, bob, 1)
    assert len(old.positions()) == 59
    raw = make(prepared(old))
    torn = switch(old, raw, records)
    assert torn.state.balance == 9_971
    assert torn.unresolved() == 0
    if records < 3:
        assert torn.me.id == old.me.id
        assert (torn.state.position, torn.state.head) == (59, old.state.head)
        torn = switch(torn, raw)
    assert torn.me.id == b"next id!"
    assert torn.positions() == [0]
    assert refused(torn, raw, None) == errors.WRONG_SIGNER, "it serves once"


def test_other_rotations() -> None:
    alice = rich()
    statement = prepared(alice)
    good = make(statement)
    body = [statement, certificate().raw]
    operator = BANK.operator.hash
    rogue = forge(cose.ROTATION, body, key_of("rogue"), operator)
    assert refused(alice, rogue) == errors.BAD_SIGNATURE
    own = forge(cose.ROTATION, body, alice.key, alice.me.hash)
    assert refused(alice, own) == errors.WRONG_SIGNER
    kind = forge(cose.SETTLEMENT, body, BANK.operator_key, operator)
    assert refused(alice, kind) == errors.BAD_SIGNATURE
    for other in ([], body[:1], [*body, 0], [b"", body[1]], [body[1], body[0]], {}, None):
        raw = forge(cose.ROTATION, other, BANK.operator_key, operator)
        assert refused(alice, raw) == errors.MALFORMED
    assert refused(alice, good, None) == errors.ROTATION_MISMATCH
    assert refused(alice, good, bytes(32)) == errors.ROTATION_MISMATCH
    plain = settle.statement(alice, NONCE)
    assert refused(alice, make(plain)) == errors.ROTATION_MISMATCH
    assert refused(BANK.wallet("bob"), good) == errors.WRONG_SIGNER
    for cheat in (
        certificate(key_of("rogue").public),
        certificate(holder=alice.me.id),
        certificate(claims=(1, 4, 0, 500)),
        certificate(claims=(2, 3, 0, 500)),
    ):
        assert refused(alice, make(statement, cheat)) == errors.ROTATION_MISMATCH


def test_the_bridging_entry_goes_with_the_next_settlement() -> None:
    old = rich()
    new = switch(old, make(prepared(old)))
    state = new.state
    raw = issue.make_settlement(
        new.me.hash,
        NONCE,
        state.position,
        state.head,
        BANK.operator_key,
        BANK.operator,
        BANK.network,
    )
    new.store.commit(settle.settle(new, raw, NONCE))
    new = book.Book(new.store)
    assert (new.positions(), new.slots()) == ([], book.JOURNAL_LIMIT)
