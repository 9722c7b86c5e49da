"""Attacks by certified thieves and corrupt operators on how the ledger judges honest wallets."""

from __future__ import annotations

import hashlib

import pytest

from jiaozi.wallet import payee
from jiaozi.wallet.book import Book
from jiaozi.wire import cose, errors
from jiaozi.wire.cose import SigningKey, sign
from jiaozi_host import provisioning
from jiaozi_host.errors import CardGone
from jiaozi_host.ledger import findings
from jiaozi_host.ledger.clearing import Clearing
from jiaozi_host.sync.session import sync_wallet
from tests.fixtures import wallets
from tests.fixtures.counter_steps import certified, give, is_at_peace, transfer
from tests.fixtures.operator_counter import PIN, OperatorCounter, Reader

# One id, two operators ----------------------------------------------------------------------------


def test_a_payment_by_a_clone_of_an_id_is_no_debit_of_its_other_holder(
    east: OperatorCounter, west: OperatorCounter
) -> None:
    honest, shop = east.wallet(10_000), east.wallet()
    clone = certified(west, honest.device.book.me.id)
    give(clone, 5_000)
    transfer(clone, shop, 1_000)
    assert east.sync(shop).settled
    is_at_peace(east, honest)
    is_at_peace(east, shop)


def test_a_receipt_by_a_clone_of_an_id_does_not_roll_its_other_holder_back(
    east: OperatorCounter, west: OperatorCounter
) -> None:
    honest, payer = east.wallet(10_000), east.wallet(10_000)
    clone = certified(west, honest.device.book.me.id)
    for _ in range(4):
        transfer(payer, clone, 100)
    assert east.sync(payer).settled
    is_at_peace(east, honest)
    transfer(honest, payer, 100)
    is_at_peace(east, honest)


def test_the_floor_of_one_holder_of_an_id_closes_nothing_of_the_other(
    east: OperatorCounter, west: OperatorCounter
) -> None:
    honest, payer = east.wallet(), east.wallet(10_000)
    for _ in range(3):
        wallets.ask(honest.device.book, 100)
    clone = certified(west, honest.device.book.me.id)
    request = wallets.ask(clone.device.book, 4_000)
    payment = wallets.answer(payer.device.book, clone.device.book.me.raw, request)
    wallets.take(clone.device.book, payer.device.book.me.raw, payment)
    east.advance()
    east.advance()
    assert east.sync(honest).settled
    done = east.sync(payer)
    assert (done.settled, done.refunded) == (True, 0)
    assert east.report().value_in_flight == 4_000


def test_a_proof_against_a_clone_of_an_id_names_the_clone(
    east: OperatorCounter, west: OperatorCounter
) -> None:
    honest, first, second = east.wallet(10_000), east.wallet(), east.wallet()
    clone = certified(west, honest.device.book.me.id)
    give(clone, 5_000)
    image = dict(clone.store.data)
    transfer(clone, first, 1_000)
    clone.store.data = image
    clone.restart()
    transfer(clone, second, 2_000)
    assert east.sync(first).settled
    assert east.sync(second).settled
    named = east.report().findings
    assert len(named) == 2
    assert {found.certificate for found in named} == {clone.device.book.me.hash}
    assert {found.operator for found in named} == {west.operator.certificate.id}
    is_at_peace(east, honest)


def test_a_top_up_torn_at_a_clone_is_not_finished_at_the_other_holder(
    east: OperatorCounter, west: OperatorCounter
) -> None:
    honest = east.wallet()
    clone = certified(west, honest.device.book.me.id)
    reader = Reader(clone)
    reader.lose = 6  # PAYMENT
    with pytest.raises(CardGone):
        provisioning.top_up(reader, east.operator, east.ledger, PIN, 4_000)
    done = east.top_up(honest, 4_000)
    assert (done.amount, done.resumed, done.stuck) == (4_000, [], [])


# A certificate that the register lacks ------------------------------------------------------------


def test_a_clearing_file_with_a_wallet_missing_in_our_register_is_taken(
    east: OperatorCounter, west: OperatorCounter
) -> None:
    lost, shop = certified(east, b"notlist1"), west.wallet()
    give(lost, 5_000)
    transfer(lost, shop, 1_000)
    assert west.sync(shop).settled
    (file,) = Clearing(west.ledger, west.operator).export(east.operator.certificate)
    assert Clearing(east.ledger, east.operator).import_file(file[1]).netted == -1_000
    (found,) = east.report().findings
    assert found.kind == findings.UNREGISTERED
    assert (found.certificate, found.wallet) == (east.operator.certificate.hash, b"")


# Findings about another ---------------------------------------------------------------------------


def test_the_counter_goes_on_after_a_thief_has_paid_it_twice(east: OperatorCounter) -> None:
    thief, shop = east.wallet(10_000), east.wallet()
    image = dict(thief.store.data)
    transfer(thief, shop, 9_000)
    assert east.sync(shop).settled
    thief.store.data = image
    thief.restart()
    reader = Reader(thief)
    book = thief.device.book
    request = east.account().request_from(book.me, 2_000)
    payment = wallets.answer(book, east.account().me.raw, request.raw)
    reader.close()
    east.account().receive(book.me.raw, payment)
    east.account()  # posts the account's journal
    kinds = {found.kind for found in east.report().findings}
    assert findings.DOUBLE_SPEND in kinds
    assert east.sync(shop).settled


def test_a_wallet_rotates_though_it_was_paid_by_a_thief(east: OperatorCounter) -> None:
    thief, first, second = east.wallet(10_000), east.wallet(), east.wallet()
    image = dict(thief.store.data)
    transfer(thief, first, 1_000)
    thief.store.data = image
    thief.restart()
    transfer(thief, second, 2_000)
    for wallet in (first, second):
        done = sync_wallet(Reader(wallet), east.operator, east.ledger, rotate_after=0)
        assert (done.settled, done.rotated is not None) == (True, True)


# Outcomes that a wallet refuses -------------------------------------------------------------------


class OddKey(SigningKey):
    """A key that signs with a point of small order as R: OpenSSL takes it, libsodium does not."""

    ORDER = 2**252 + 27742317777372353535851937790883648493

    def sign(self, message: bytes) -> bytes:
        wide = bytearray(hashlib.sha512(self._seed).digest()[:32])
        wide[0] &= 248
        wide[31] = wide[31] & 63 | 64
        secret = int.from_bytes(wide, "little")
        point = b"\x01" + bytes(31)
        digest = hashlib.sha512(point + self.public + message).digest()
        scalar = int.from_bytes(digest, "little") * secret % self.ORDER
        return point + scalar.to_bytes(32, "little")


def voided_by(thief: Book, payer: Book, amount: int) -> tuple[bytes, bytes]:
    """Pay a request that the thief has cancelled; return payment and request."""
    request = wallets.ask(thief, amount)
    payment = wallets.answer(payer, thief.me.raw, request)
    thief.apply(payee.cancel(thief, next(iter(thief.open))))
    return payment, request


def sign_amiss(thief: Book, payer: Book, payment: bytes, request: bytes) -> bytes:
    """Void a payment by a void that names another request; return it."""
    _, step = payee.receive(thief, payer.me.raw, payment, request)
    assert step is not None
    assert step.entry is not None
    body = [bytes(32), *cose.body_of(step.reply)[1:]]
    void = sign(cose.VOID, body, thief.key, thief.me.hash, thief.network).raw
    step.reply, step.entry[-1] = void, void
    return bytes(thief.apply(step))


@pytest.mark.parametrize("thief_first", [False, True])
@pytest.mark.parametrize("odd", ["signature", "request"])
def test_money_voided_in_a_way_that_its_payer_refuses_comes_back(
    east: OperatorCounter, odd: str, thief_first: bool
) -> None:
    honest, thief = east.wallet(10_000), east.wallet()
    book = thief.device.book
    payment, request = voided_by(book, honest.device.book, 4_000)
    if odd == "signature":
        key, book.key = book.key, OddKey(book.key._seed)
        void = wallets.take(book, honest.device.book.me.raw, payment, request)
        book.key = key
    else:
        void = sign_amiss(book, honest.device.book, payment, request)
    with pytest.raises(errors.Refused):
        wallets.finish(honest.device.book, void)
    for wallet in (thief, honest) if thief_first else (honest, thief):
        east.sync(wallet)
    is_at_peace(east, honest)
    assert honest.balance == 10_000
    assert honest.device.book.unresolved() == 0
    named = {found.certificate for found in east.report().findings}
    assert named == {book.me.hash}
    shown = east.report()
    assert (shown.in_flight, shown.holds) == ([], True)


def test_a_void_that_no_payer_takes_does_not_stop_the_clearing(
    east: OperatorCounter, west: OperatorCounter
) -> None:
    honest, other = west.wallet(10_000), west.wallet(10_000)
    thief, shop = east.wallet(), east.wallet()
    payment, request = voided_by(thief.device.book, honest.device.book, 4_000)
    sign_amiss(thief.device.book, honest.device.book, payment, request)
    transfer(other, shop, 1_000)
    for wallet in (honest, other):
        assert west.sync(wallet).settled
    for counter, wallet in ((east, thief), (east, shop)):
        counter.sync(wallet)
    desks = [Clearing(one.ledger, one.operator) for one in (west, east)]
    for _ in range(2):
        for sender, receiver, to in ((0, 1, east), (1, 0, west)):
            for _, raw in desks[sender].export(to.operator.certificate):
                desks[receiver].import_file(raw)
    assert [one.report().cleared for one in (west, east)] == [-1_000, 1_000]
    assert west.report().findings == []


def test_a_void_that_a_wallet_refuses_is_noted_and_refunded(
    east: OperatorCounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    payer, shop = east.wallet(10_000), east.wallet()
    payment, request = voided_by(shop.device.book, payer.device.book, 4_000)
    wallets.take(shop.device.book, payer.device.book.me.raw, payment, request)
    assert east.sync(shop).settled

    def refuse(*_: object) -> object:
        raise errors.Refused(errors.BAD_SIGNATURE)

    with monkeypatch.context() as patched:
        patched.setattr("jiaozi.wallet.payer.read_outcome", refuse)
        done = east.sync(payer)
    assert (done.settled, done.refunded, payer.balance) == (True, 4_000, 10_000)
    (found,) = done.findings
    assert (found.kind, found.certificate) == (
        findings.OUTCOME_REFUSED,
        payer.device.book.me.hash,
    )
    assert shop.device.book.me.id.hex() in found.detail
    again = east.sync(payer)
    assert (again.settled, again.undelivered, again.refunded) == (True, [], 0)
    assert east.report().in_flight == []
    is_at_peace(east, shop)
