"""Each kind of proof: one that holds, what it takes, and what falls short of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from _jzcbor import dumps, loads
from jiaozi.operator import audit, evidence
from jiaozi.operator.search import Journal, find
from jiaozi.wallet import book, payee, payer, settle
from jiaozi.wire import cose, messages
from jiaozi.wire.certificates import ACCOUNT
from jiaozi.wire.epochs import read_epoch
from jiaozi.wire.errors import Refused
from jiaozi.wire.journal import PAYMENT_RAW, RESOLVED
from jiaozi.wire.policies import read_policy
from jiaozi.wire.trust import Trust
from tests.fixtures.wallets import Bank, MemoryStore, answer, ask, finish, key_of, take, transfer
from tests.vectors.test_vectors import MICROPYTHON, run
from tests.vectors.wire import fits

BANK = Bank()
NETWORK = BANK.network
OPERATORS = [BANK.operator.raw]
SALT = bytes(16)
Loose = tuple[book.Book, Any]


class Scene(NamedTuple):
    """A proof that holds, and the wallet that it names."""

    proof: bytes
    accused: bytes


def verify(proof: bytes) -> evidence.Verdict:
    return evidence.verify(proof, BANK.authority, NETWORK)


def trust() -> Trust:
    return Trust(BANK.authority, [BANK.operator], NETWORK)


def clone(wallet: book.Book) -> book.Book:
    store = MemoryStore()
    store.data = dict(wallet.store.data)  # type: ignore[attr-defined]
    return book.Book(store)


def rich(name: str) -> book.Book:
    wallet = BANK.wallet(name)
    transfer(BANK.account(), wallet, 5_000)
    return wallet


def journal(wallet: book.Book, *owed: bytes) -> Journal:
    digests = [evidence.digest(raw) for raw in owed]
    raw = settle.statement(wallet, evidence.question(SALT, digests))
    entries = [wallet.entry(at) or b"" for at in range(wallet.state.position)]
    return Journal(wallet.me, raw, entries, NETWORK, SALT, digests)


def proofs(*journals: Journal, epoch: int = 0) -> dict[int, bytes]:
    epochs = [read_epoch(BANK.epoch(epoch), NETWORK)] if epoch else []
    policies = [read_policy(BANK.policy(), NETWORK)]
    found = find(journals, trust(), epochs, policies)
    return {loads(raw)[0]: raw for raw in found}  # type: ignore[index]


def pay(giver: book.Book, taker: book.Book, amount: int) -> bytes:
    """A payment that arrives, whatever becomes of the receipt."""
    payment = answer(giver, taker.me.raw, ask(taker, amount))
    take(taker, giver.me.raw, payment)
    return payment


@cache
def scenes() -> dict[int, Scene]:
    """A proof of each kind, as the search finds it."""
    found = {}
    for kind, make in MAKERS.items():
        thief, journals = make()
        found[kind] = Scene(proofs(*journals, epoch=1)[kind], thief.me.hash)
    return found


def forked_sequence() -> Loose:
    thief, bob, carol = rich("thief"), BANK.wallet("bob"), BANK.wallet("carol")
    twin = clone(thief)
    pay(thief, bob, 10)
    pay(twin, carol, 11)
    return thief, (journal(bob), journal(carol))


def forked_position() -> Loose:
    thief, bob, carol = BANK.wallet("thief"), rich("bob"), rich("carol")
    twin = clone(thief)
    transfer(bob, thief, 10)
    transfer(carol, twin, 11)
    return thief, (journal(bob), journal(carol))


def receipt_and_void() -> Loose:
    thief, bob = BANK.wallet("thief"), rich("bob")
    payment = messages.read_payment(pay(bob, thief, 10), NETWORK)
    body = [payment.request_hash, payment.hash, 7, 1]
    finish(bob, cose.sign(cose.VOID, body, thief.key, thief.me.hash, NETWORK).raw)
    return thief, (journal(bob), journal(thief))


def forked_journal() -> Loose:
    thief, bob = rich("thief"), BANK.wallet("bob")
    twin = clone(thief)
    pay(thief, bob, 10)
    return thief, (journal(thief), _received(twin))


def _received(twin: book.Book) -> Journal:
    transfer(rich("dora"), twin, 3)
    return journal(twin)


def outcome_missing() -> Loose:
    thief, bob = rich("thief"), rich("bob")
    twin = clone(thief)
    transfer(bob, twin, 10)
    pay(thief, BANK.wallet("carol"), 3)
    return thief, (journal(bob), journal(thief))


def debit_missing() -> Loose:
    thief, bob = rich("thief"), BANK.wallet("bob")
    twin = clone(thief)
    payment = pay(thief, bob, 10)
    return thief, (journal(bob), journal(twin, payment))


def overdraft() -> Loose:
    thief, bob = rich("thief"), BANK.wallet("bob")
    state = thief.state.copy()
    state.credit(1, 1_000)
    thief.apply(book.Step(state))
    pay(thief, bob, 5_500)
    return thief, (journal(thief),)


def credit_without_debit() -> Loose:
    thief, bob, carol = rich("thief"), rich("bob"), BANK.wallet("carol")
    request = ask(carol, 10)
    payment = answer(bob, carol.me.raw, request)
    read = messages.read_payment(payment, NETWORK)
    stolen = payee._credit(thief, read, messages.read_request(request, NETWORK), bob.me)
    thief.apply(stolen)
    return thief, (journal(thief),)


def false_entry() -> Loose:
    thief = rich("thief")
    thief.apply(book.Step(thief.state.copy(), entry=[RESOLVED, bytes(32), bytes(32), b""]))
    return thief, (journal(thief),)


def false_balance() -> Loose:
    thief = rich("thief")
    state = thief.state.copy()
    state.credit(1, 1)
    thief.apply(book.Step(state))
    return thief, (journal(thief),)


def over_limits() -> Loose:
    thief, bob = rich("thief"), BANK.wallet("bob")
    order = payer.read_order(thief, bob.me.raw, ask(bob, 60_000))
    state = thief.state.copy()
    state.credit(1, 60_000)
    thief.apply(book.Step(state))
    thief.apply(payer.pay(thief, order, 60_000, False))  # where the policy wants a confirmation
    return thief, (journal(thief),)


MAKERS: dict[int, Callable[[], Loose]] = {
    evidence.FORKED_SEQUENCE: forked_sequence,
    evidence.FORKED_POSITION: forked_position,
    evidence.RECEIPT_AND_VOID: receipt_and_void,
    evidence.FORKED_JOURNAL: forked_journal,
    evidence.OUTCOME_MISSING: outcome_missing,
    evidence.DEBIT_MISSING: debit_missing,
    audit.OVERDRAFT: overdraft,
    audit.CREDIT_WITHOUT_DEBIT: credit_without_debit,
    audit.FALSE_ENTRY: false_entry,
    evidence.FALSE_BALANCE: false_balance,
    audit.OVER_LIMITS: over_limits,
}
KINDS = pytest.mark.parametrize("kind", sorted(MAKERS))


@KINDS
def test_a_proof_names_the_thief(kind: int) -> None:
    scene = scenes()[kind]
    verdict = verify(scene.proof)
    assert (verdict.kind, verdict.wallet.hash) == (kind, scene.accused)


@KINDS
def test_a_proof_is_in_the_grammar(kind: int) -> None:
    proof = scenes()[kind].proof
    assert fits("proof", proof)
    assert not fits("proof", proof[:-1])
    body: Any = loads(proof)
    assert not fits("proof", dumps([13, *body[1:]]))


@KINDS
def test_a_proof_needs_each_of_its_parts_as_it_is(kind: int) -> None:
    body: Any = loads(scenes()[kind].proof)
    spoiled = [[*body[:at], *body[at + 1 :]] for at in range(len(body))]
    spoiled += [[*body[:at], _other(part), *body[at + 1 :]] for at, part in enumerate(body)]
    for parts in spoiled:
        if parts == body or (
            kind >= audit.OVERDRAFT and parts[5:] in ([[], body[6]], [body[5], []])
        ):
            continue  # what is of use only where an operator is unknown, or for limits
        with pytest.raises((Refused, evidence.NotProven)):
            verify(dumps(parts))


def _other(part: object) -> object:
    """Something else of the same type."""
    if isinstance(part, bytes):
        return part[:-1] + bytes([part[-1] ^ 1])
    return [] if isinstance(part, list) else 0


@KINDS
def test_a_proof_against_one_wallet_is_none_against_another(kind: int) -> None:
    body: Any = loads(scenes()[kind].proof)
    body[2] = BANK.certificate("bystander").raw
    with pytest.raises(Refused):
        verify(dumps(body))


@KINDS
def test_a_proof_of_one_kind_is_none_of_another(kind: int) -> None:
    body: Any = loads(scenes()[kind].proof)
    for other in MAKERS:
        if other != kind:
            with pytest.raises((Refused, evidence.NotProven)):
                verify(dumps([other, *body[1:]]))


@pytest.mark.parametrize("junk", [b"", b"\x80", b"\x01", b"\x81\x01", b"\x83\xf5\x80\x40"])
def test_junk_is_no_proof(junk: bytes) -> None:
    with pytest.raises(Refused):
        verify(junk)


# What an honest wallet's counterparts may try ----------------------------------------------------


def test_a_question_cannot_hold_a_payment_before_it_is_signed() -> None:
    """All a payment says can be foreseen by who asks for it, but not its signature."""
    alice, bob = rich("alice"), BANK.wallet("bob")
    request = messages.read_request(ask(bob, 10), NETWORK)
    body = [1, request.hash, 10, 0, 1, 1, 1]
    stranger = key_of("stranger")
    foreseen = cose.sign(cose.PAYMENT, body, stranger, alice.me.hash, NETWORK)
    early = [evidence.digest(foreseen.raw), foreseen.hash]
    statement = settle.statement(alice, evidence.question(SALT, early))
    entries = [alice.entry(at) or b"" for at in range(alice.state.position)]
    payment = answer(alice, bob.me.raw, request.raw)
    assert messages.read_payment(payment, NETWORK).hash == foreseen.hash
    proof = evidence.proof(
        evidence.DEBIT_MISSING, OPERATORS, alice.me, statement, entries, payment, SALT, early
    )
    with pytest.raises(evidence.NotProven):
        verify(proof)


def test_value_from_who_syncs_later_is_no_overdraft() -> None:
    alice, bob, carol = rich("alice"), BANK.wallet("bob"), BANK.wallet("carol")
    transfer(alice, bob, 4_000)
    transfer(bob, carol, 4_000)
    assert proofs(journal(bob), journal(carol)) == {}


def test_a_payment_after_the_statement_is_not_missing() -> None:
    alice, bob = rich("alice"), BANK.wallet("bob")
    before = journal(alice)
    pay(alice, bob, 10)
    assert proofs(before, journal(bob), journal(alice)) == {}


def test_an_account_holds_what_its_journal_does_not_show() -> None:
    account = BANK.account()
    transfer(account, BANK.wallet("bob"), 10)
    assert account.me.form == ACCOUNT
    assert proofs(journal(account)) == {}


def test_an_unknown_operator_is_no_fault_unless_the_epoch_says_so() -> None:
    second = Bank(name="second")
    alice = BANK.wallet("alice")
    alice.trust.operators[second.operator.hash] = second.operator
    both = [BANK.operator.hash, second.operator.hash]
    alice.epoch = read_epoch(BANK.epoch(2, operators=both), NETWORK)
    payer_ = second.certificate("payer")
    request = messages.read_request(ask(alice, 10), NETWORK)
    body = [1, request.hash, 10, 0, 1, 1, 1]
    payment = cose.sign(cose.PAYMENT, body, key_of("payer"), payer_.hash, NETWORK, messages.Payment)
    take(alice, payer_.raw, payment.raw)
    found = journal(alice)
    assert find([found], trust()) == []
    assert find([found], trust(), [alice.epoch]) == []
    denies = read_epoch(BANK.epoch(2), NETWORK)
    (proof,) = find([found], trust(), [denies])
    assert verify(proof).kind == audit.CREDIT_WITHOUT_DEBIT


def test_an_entry_of_a_kind_to_come_is_not_judged() -> None:
    alice = rich("alice")
    state = alice.state.copy()
    state.credit(1, 5)
    alice.apply(book.Step(state, entry=[9, bytes(32), bytes(32), b"later"]))
    assert proofs(journal(alice)) == {}


def test_a_journal_that_is_not_what_was_signed_is_not_taken() -> None:
    alice = rich("alice")
    whole = journal(alice)
    with pytest.raises(Refused):
        Journal(alice.me, whole.statement.raw, whole.entries[:-1], NETWORK)


def test_anothers_forged_words_do_not_hide_a_thief() -> None:
    """A journal full of forgeries, read first, takes no place from what is genuine."""
    thief, journals = forked_sequence()
    accomplice = BANK.wallet("accomplice")
    genuine: Any = loads(journals[0].entries[-1])
    genuine[PAYMENT_RAW] = genuine[PAYMENT_RAW][:-1] + b"\x00"
    for entry in (genuine, loads(journals[0].entries[-1])):
        accomplice.apply(book.Step(accomplice.state.copy(), entry=entry))  # type: ignore[arg-type]
    named = {verify(raw).wallet.id for raw in find([journal(accomplice), *journals], trust())}
    assert named == {thief.me.id, accomplice.me.id}


def test_resending_and_replaying_prove_nothing() -> None:
    alice, bob = rich("alice"), BANK.wallet("bob")
    request = ask(bob, 10)
    payment = answer(alice, bob.me.raw, request)
    again = loads(payer.recall(alice, payer.read_order(alice, bob.me.raw, request)) or b"")
    receipts = [take(bob, alice.me.raw, payment) for _ in range(3)]
    for receipt in receipts:
        finish(alice, receipt)
    parts = (payment, again[0])  # type: ignore[index]
    with pytest.raises(evidence.NotProven):
        verify(evidence.proof(evidence.FORKED_SEQUENCE, OPERATORS, alice.me, *parts))
    with pytest.raises(evidence.NotProven):
        verify(evidence.proof(evidence.FORKED_POSITION, OPERATORS, bob.me, *receipts[:2]))
    assert proofs(journal(alice), journal(bob)) == {}


@pytest.mark.emulated
def test_micropython_comes_to_the_same_verdicts(tmp_path: Path) -> None:
    lines = [(scene.proof, scene.accused, kind) for kind, scene in sorted(scenes().items())]
    spoiled: Any = loads(lines[0][0])
    spoiled[4] = spoiled[3]
    lines.append((dumps(spoiled), b"", 0))
    cases = tmp_path / "proofs"
    text = [f"{proof.hex()} {accused.hex() or '-'} {kind}" for proof, accused, kind in lines]
    cases.write_text("\n".join([BANK.authority.raw.hex(), *text]) + "\n", "ascii")
    script = Path(__file__).with_name("evidence_verdicts.py")
    assert run(str(MICROPYTHON), script, cases).split() == [str(kind) for *_, kind in lines]
