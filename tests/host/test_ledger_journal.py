"""Journal entries are accepted only if every signed part verifies."""

from __future__ import annotations

from pathlib import Path

import pytest

from _jzcbor import dumps, loads
from _jzcrypto import sha256
from jiaozi.wallet import payee
from jiaozi.wallet.store_keys import JOURNAL_KEY, STATE_KEY
from jiaozi.wire.certificates import Certificate
from jiaozi.wire.errors import Refused
from jiaozi.wire.journal import CREDITED, OUTCOME_RAW, PAID, PAYMENT_RAW, REFUNDED, TAKEN, VOIDED
from jiaozi.wire.trust import Trust
from jiaozi_host.ledger import findings
from jiaozi_host.ledger.journal import read_entry
from tests.fixtures import devices, wallets
from tests.fixtures.operator_counter import OperatorCounter

SIGNED_PARTS = {
    PAID: (3, 4, 5),
    CREDITED: (3, 4, 5, 6),
    VOIDED: (3, 4, 5, 6),
    REFUNDED: (3,),
}


class Journals:
    """Make one entry of each kind: (entry, position, whose)."""

    def __init__(self, folder: Path) -> None:
        counter = OperatorCounter(folder)
        self.trust: Trust = counter.operator.published.trust
        payer, payee_ = counter.wallet(10_000), counter.wallet()
        self.payer: Certificate = payer.device.book.me
        self.payee: Certificate = payee_.device.book.me
        self.stranger: Certificate = counter.wallet().device.book.me
        wallets.transfer(payer.device.book, payee_.device.book, 1_000)
        request = wallets.ask(payee_.device.book, 500)
        payment = wallets.answer(payer.device.book, self.payee.raw, request)
        target = payee_.device.book
        target.apply(payee.cancel(target, next(iter(target.open))))
        wallets.finish(payer.device.book, wallets.take(target, self.payer.raw, payment, request))
        self.entries: dict[int, tuple[bytes, int, Certificate]] = {}
        for wallet in (payer, payee_):
            for position in wallet.device.book.positions():
                raw = wallet.device.book.entry(position)
                self.entries[raw[1]] = (raw, position, wallet.device.book.me)
        # The payer's first entry was credited by the account; the payee's is between wallets.
        self.entries[CREDITED] = (target.entry(0), 0, self.payee)


@pytest.fixture(scope="module")
def journals(tmp_path_factory: pytest.TempPathFactory) -> Journals:
    return Journals(tmp_path_factory.mktemp("journals"))


def alter_signature(raw: bytes) -> bytes:
    """Flip the last bit of a signed object: well formed, not authentic."""
    return raw[:-1] + bytes([raw[-1] ^ 1])


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5])
def test_authentic_entries_are_read(journals: Journals, kind: int) -> None:
    raw, position, wallet = journals.entries[kind]
    assert read_entry(raw, position, wallet, journals.trust).kind == kind


@pytest.mark.parametrize(
    ("kind", "part"),
    [(kind, part) for kind, parts in SIGNED_PARTS.items() for part in parts if kind != REFUNDED],
)
def test_an_altered_signature_is_refused(journals: Journals, kind: int, part: int) -> None:
    raw, position, wallet = journals.entries[kind]
    body = loads(raw)
    body[part] = alter_signature(body[part])
    with pytest.raises(Refused, match="9601"):
        read_entry(dumps(body), position, wallet, Trust(*_anew(journals.trust)))


def _anew(trust: Trust) -> tuple[Certificate, list[Certificate], int]:
    """Return a trust with an empty cache, so that certificates are verified again."""
    return trust.authority, list(trust.operators.values()), trust.network


@pytest.mark.parametrize("kind", [PAID, CREDITED, VOIDED])
def test_an_entry_of_another_wallet_is_refused(journals: Journals, kind: int) -> None:
    raw, position, _ = journals.entries[kind]
    with pytest.raises(Refused):
        read_entry(raw, position, journals.stranger, journals.trust)


@pytest.mark.parametrize("kind", [CREDITED, VOIDED])
def test_an_answer_at_another_position_is_refused(journals: Journals, kind: int) -> None:
    raw, position, wallet = journals.entries[kind]
    with pytest.raises(Refused):
        read_entry(raw, position + 1, wallet, journals.trust)


@pytest.mark.parametrize(
    ("kind", "part"), [(1, 1), (1, 2), (2, 1), (2, 2), (3, 2), (4, 1), (4, 2), (5, 2)]
)
def test_a_hash_that_is_not_the_objects_is_refused(
    journals: Journals, kind: int, part: int
) -> None:
    raw, position, wallet = journals.entries[kind]
    body = loads(raw)
    body[part] = bytes(32)
    with pytest.raises(Refused):
        read_entry(dumps(body), position, wallet, journals.trust)


def test_only_the_operators_own_settlement_refunds(tmp_path: Path) -> None:
    counter = OperatorCounter(tmp_path, issued=0)
    wallet, other = counter.wallet().device.book.me, counter.wallet().device.book.me
    trust, closed = counter.operator.published.trust, b"\x05" * 32
    raw = counter.operator.settlement(wallet, bytes(16), 0, bytes(32), [closed])

    def read(payment: bytes, settlement: bytes, owner: Certificate) -> int:
        entry = dumps([REFUNDED, bytes(32), payment, settlement])
        return read_entry(entry, 0, owner, trust).kind

    assert read(closed, raw, wallet) == REFUNDED
    for payment, settlement, owner in [
        (closed, alter_signature(raw), wallet),
        (b"\x06" * 32, raw, wallet),
        (closed, raw, other),
    ]:
        with pytest.raises(Refused):
            read(payment, settlement, owner)


def test_a_debit_of_less_than_the_payment_is_refused(journals: Journals) -> None:
    raw, position, wallet = journals.entries[PAID]
    body = loads(raw)
    body[TAKEN][-1] -= 1
    with pytest.raises(Refused):
        read_entry(dumps(body), position, wallet, journals.trust)


@pytest.mark.parametrize(
    "junk",
    [b"", b"\x80", b"\x81\x06", b"\xa0", b"\xff", dumps([1, 2, 3]), dumps([[1]]), dumps([True])],
)
def test_junk_is_refused(journals: Journals, junk: bytes) -> None:
    with pytest.raises(Refused):
        read_entry(junk, 0, journals.payer, journals.trust)


def rewrite(wallet: devices.Wallet, position: int, entry: bytes) -> None:
    """Replace an entry and rebuild the chain, as an opened device can."""
    data = wallet.store.data
    old = wallet.device.book.entry(position)
    state = wallet.device.book.state.copy()
    head = bytes(32)
    for at in wallet.device.book.positions():
        head = sha256(head + (entry if at == position else wallet.device.book.entry(at)))
    state.head = head
    data[JOURNAL_KEY + position] = entry
    data[STATE_KEY] = state.encode()
    assert old != entry
    wallet.restart()


def test_a_forged_credit_counts_for_nothing(tmp_path: Path) -> None:
    counter = OperatorCounter(tmp_path)
    source, thief = counter.wallet(10_000), counter.wallet()
    counter.sync(source)
    wallets.transfer(source.device.book, thief.device.book, 1_000)
    body = loads(thief.device.book.entry(0))
    body[PAYMENT_RAW] = alter_signature(body[PAYMENT_RAW])
    rewrite(thief, 0, dumps(body))
    done = counter.sync(thief)
    assert not done.settled
    kinds = {found.kind for found in done.findings}
    assert {findings.ENTRY_INVALID, findings.BALANCE_MISMATCH} <= kinds
    line = next(one for one in counter.report().lines if one.id == thief.device.book.me.id)
    assert (line.balance, line.journal) == (1_000, 0)
    assert not counter.report().holds


@pytest.mark.parametrize(("side", "part"), [("payer", 3), ("payer", 1), ("payee", OUTCOME_RAW)])
def test_an_outcome_of_nobody_or_for_another_request_is_not_taken(
    tmp_path: Path, side: str, part: int
) -> None:
    counter = OperatorCounter(tmp_path)
    source, target = counter.wallet(10_000), counter.wallet()
    counter.sync(source)
    wallets.transfer(source.device.book, target.device.book, 1_000)
    wallet = source if side == "payer" else target
    position = wallet.device.book.positions()[-1]
    body = loads(wallet.device.book.entry(position))
    body[part] = bytes(32) if part == 1 else alter_signature(body[part])
    rewrite(wallet, position, dumps(body))
    assert findings.ENTRY_INVALID in {found.kind for found in counter.sync(wallet).findings}
