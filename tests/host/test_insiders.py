"""Attacks by certified thieves and corrupt operators on how the ledger judges honest wallets."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from _jzcbor import dumps
from jiaozi.wallet import payee
from jiaozi.wallet.book import Book, Step
from jiaozi.wire import apdu, certificates, commands, cose, errors
from jiaozi.wire.cose import SigningKey, sign
from jiaozi_host import provisioning
from jiaozi_host.errors import BadAnswer, CardGone, LedgerError
from jiaozi_host.ledger import findings
from jiaozi_host.ledger.clearing import Clearing
from jiaozi_host.sync.session import sync_wallet
from jiaozi_host.vault.published import copy_public
from tests.fixtures import devices, wallets
from tests.fixtures.operator_counter import PIN, OperatorCounter, Reader


@pytest.fixture
def east(tmp_path: Path) -> OperatorCounter:
    return OperatorCounter(tmp_path / "east")


@pytest.fixture
def west(tmp_path: Path, east: OperatorCounter) -> OperatorCounter:
    """Another operator of the same authority, which is corrupt."""
    made = OperatorCounter(tmp_path / "west", authority=east.authority)
    east.refresh()
    return made


def certified(counter: OperatorCounter, identity: bytes) -> devices.Wallet:
    """A device with an id of the operator's choice, which is not in the operator's register."""
    device, operator = devices.Wallet(), counter.operator
    device.select()
    device.open_channel(operator.channel_identity())
    public, claims = device.must(commands.CREATE), [certificates.CARD, 3, 0, 1000]
    certificate = certificates.issue(
        cose.WALLET,
        identity,
        public,
        claims,
        operator._key,
        operator.certificate,
        operator.network,
    )
    device.must(commands.INSTALL, dumps([operator.package(certificate), PIN.encode()]))
    return device


def give(wallet: devices.Wallet, amount: int) -> None:
    """Give money to a wallet that its operator does not list, as a corrupt operator can."""
    state = wallet.device.book.state.copy()
    state.credit(1, amount)
    wallet.device.book.apply(Step(state))


def transfer(source: devices.Wallet, target: devices.Wallet, amount: int) -> bytes:
    return wallets.transfer(source.device.book, target.device.book, amount)


def is_at_peace(counter: OperatorCounter, wallet: devices.Wallet) -> None:
    """Check that a sync settles the wallet, and that no finding names it."""
    done = counter.sync(wallet)
    assert (done.settled, done.frozen) == (True, False)
    me = wallet.device.book.me
    named = [found for found in counter.report().findings if found.wallet == me.id]
    assert [one.kind for one in named if one.operator == counter.operator.certificate.id] == []


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


# The counter --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rotates", [False, True])
@pytest.mark.parametrize("delivers", [False, True])
@pytest.mark.parametrize("name", ["top_up", "cash_out"])
def test_the_counter_remembers_what_a_sync_has_finished(
    east: OperatorCounter, name: str, delivers: bool, rotates: bool
) -> None:
    """Whatever exchange is lost: with a sync in between, the same command moves money once."""
    act = getattr(provisioning, name)
    after = 14_000 if name == "top_up" else 6_000
    lost = 2
    while True:
        wallet = east.wallet(10_000)
        reader = Reader(wallet)
        reader.lose, reader.delivers = lost, delivers
        try:
            act(reader, east.operator, east.ledger, PIN, 4_000)
            break
        except CardGone:
            pass
        if rotates:
            wallet.device.disarm()  # a wallet rotates only at rest
        rotate_after = 0 if rotates else None
        done = sync_wallet(Reader(wallet), east.operator, east.ledger, rotate_after=rotate_after)
        assert done.settled
        done = act(Reader(wallet), east.operator, east.ledger, PIN, 4_000)
        assert (wallet.balance, done.amount + sum(done.resumed)) == (after, 4_000), lost
        assert not done.voided
        second = act(Reader(wallet), east.operator, east.ledger, PIN, 1_000)
        assert (second.amount, second.resumed) == (1_000, []), lost
        lost += 1
    assert lost > 6
    assert east.report().findings == []


def test_what_was_voided_is_not_owed(east: OperatorCounter) -> None:
    wallet = east.wallet(10_000)
    book = wallet.device.book
    account = east.account()
    request = account.request_from(book.me, 4_000)
    payment = wallets.answer(book, account.me.raw, request.raw)
    account.request_from(book.me, 3_000)  # cancels the first
    account.receive(book.me.raw, payment, request.raw)
    assert east.sync(wallet).settled
    assert wallet.balance == 10_000
    done = east.cash_out(wallet, 4_000)
    assert (done.amount, done.resumed, wallet.balance) == (4_000, [], 6_000)


# Being late ---------------------------------------------------------------------------------------


@pytest.fixture
def late(east: OperatorCounter, tmp_path: Path) -> OperatorCounter:
    """An operator whose desk has not heard of the authority's latest epochs."""
    return OperatorCounter(tmp_path / "late", authority=east.authority)


@pytest.mark.parametrize(
    ("name", "behind"), [("sync", 1), ("sync", 20), ("top_up", 20), ("cash_out", 5)]
)
def test_a_desk_takes_the_epoch_that_a_wallet_has_heard_of(
    late: OperatorCounter, name: str, behind: int
) -> None:
    """Behind by many epochs its channel key would have expired for the wallet."""
    wallet = late.wallet(10_000)
    for _ in range(behind):
        late.authority.advance()
    news = late.authority.published.epoch
    wallet.select()
    wallet.must(commands.EPOCH, news.raw)
    act = late.sync if name == "sync" else lambda one: getattr(late, name)(one, 100)
    done = act(wallet)
    assert getattr(done, "settled", True)
    assert late.operator.published.epoch.raw == news.raw
    assert late.account().epoch.number == wallet.device.book.epoch.number == news.number


def test_a_forged_epoch_is_not_taken_from_a_wallet(
    late: OperatorCounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallet = late.wallet(10_000)
    before = late.operator.published.epoch.raw
    late.authority.advance()
    raw = late.authority.published.epoch.raw
    wallet.device.book.adopt(cose.parse(cose.EPOCH, raw, cose.TEST, type(wallet.device.book.epoch)))
    wallet.device.book.epoch.raw = raw[:-1] + bytes([raw[-1] ^ 1])
    with pytest.raises(BadAnswer, match="epoch does not verify"):
        late.sync(wallet)
    assert late.operator.published.epoch.raw == before


def test_a_desk_that_lacks_an_operator_says_so_and_blames_nobody(
    east: OperatorCounter, late: OperatorCounter, tmp_path: Path
) -> None:
    wallet = late.wallet()
    new = OperatorCounter(tmp_path / "new", authority=east.authority)
    payer = new.wallet(10_000)
    trust, news = new.operator.published.trust, new.operator.published.epoch
    rules = dumps([new.operator.operators, late.operator.policy(3), news.raw])
    wallet.select()
    wallet.open_channel(late.operator.channel_identity())
    wallet.must(commands.UPDATE, rules)  # at another desk of the same operator
    assert new.operator.certificate.hash in trust.operators
    transfer(payer, wallet, 1_000)
    with pytest.raises(LedgerError, match="does not know yet") as said:
        late.sync(wallet)
    assert "refresh" in said.value.remedy
    assert late.report().findings == []
    copy_public(late.authority.home, late.home)
    late.operator.refresh()
    is_at_peace(late, wallet)


def test_the_wallet_of_a_desk_that_is_behind_gets_its_policy(late: OperatorCounter) -> None:
    wallet = late.wallet(10_000)
    late.authority.advance()
    news = late.authority.published.epoch
    wallet.select()
    wallet.must(commands.EPOCH, news.raw)
    path = late.home / "operator" / "policies.toml"
    path.write_text(path.read_text().replace("version = 1", "version = 2"))
    old = late.operator.published.epoch.raw
    wallet.select()
    wallet.open_channel(late.operator.channel_identity())
    rules = dumps([late.operator.operators, late.operator.policy(3), old])
    answer, sw = wallet.give(commands.UPDATE, rules)
    assert (answer, sw) == (b"", apdu.SW_OK)
    assert wallet.device.book.policy.version == 2
    assert wallet.device.book.epoch.raw == news.raw
