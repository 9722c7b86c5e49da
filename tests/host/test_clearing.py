"""Two operators of one authority: their wallets pay each other, and each payment nets once."""

from __future__ import annotations

import random
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from jiaozi.operator import clearing
from jiaozi.wallet import payee
from jiaozi.wire import cose
from jiaozi.wire.errors import Refused
from jiaozi_host.errors import ClearingRefused
from jiaozi_host.ledger import findings
from jiaozi_host.ledger.clearing import Clearing, Imported
from jiaozi_host.vault import Authority
from tests.fixtures import devices, wallets
from tests.fixtures.journal_recorder import Recorder, in_flight
from tests.fixtures.operator_counter import OperatorCounter

ISSUED = 1_000_000


class Two:
    """Two operators, each with a home, a ledger and wallets of its own."""

    def __init__(self, folder: Path) -> None:
        self.east = OperatorCounter(folder / "east", ISSUED)
        self.west = OperatorCounter(folder / "west", ISSUED, self.east.authority)
        self.east.refresh()
        self.both = (self.east, self.west)

    @staticmethod
    def wallet(counter: OperatorCounter, amount: int = 0) -> devices.Wallet:
        """Make a wallet that keeps its whole journal, for `check`."""
        return counter.wallet(amount, Recorder())

    def other(self, counter: OperatorCounter) -> OperatorCounter:
        return self.west if counter is self.east else self.east

    def files(self, sender: OperatorCounter) -> list[bytes]:
        to = self.other(sender).operator.certificate
        return [raw for _, raw in self.desk(sender).export(to)]

    @staticmethod
    def desk(counter: OperatorCounter) -> Clearing:
        return Clearing(counter.ledger, counter.operator)

    def send(self, sender: OperatorCounter) -> list[Imported]:
        """Export the files of one operator and import them at the other."""
        return [self.desk(self.other(sender)).import_file(raw) for raw in self.files(sender)]

    def clear(self) -> None:
        """Exchange files until neither operator has a new one."""
        for _ in range(3):
            for sender in self.both:
                self.send(sender)

    def check(self, wallets: Iterable[devices.Wallet]) -> None:
        """Check the invariant in each ledger and over both."""
        shown = [counter.report() for counter in self.both]
        assert [one.findings for one in shown] == [[], []]
        assert all(one.holds for one in shown)
        accounts = [counter.account() for counter in self.both]
        journals = [[one.entry(at) or b"" for at in one.positions()] for one in accounts]
        journals += [wallet.store.journal for wallet in wallets]  # type: ignore[attr-defined]
        held = sum(account.state.balance for account in accounts)
        held += sum(wallet.balance for wallet in wallets)
        assert held + in_flight(journals) == 2 * ISSUED

    def advance(self) -> None:
        self.east.advance()
        self.west.refresh()


@pytest.fixture
def two(tmp_path: Path) -> Two:
    return Two(tmp_path)


def pay(source: devices.Wallet, target: devices.Wallet, amount: int) -> bytes:
    return wallets.transfer(source.device.book, target.device.book, amount)


def pay_torn(source: devices.Wallet, target: devices.Wallet, amount: int) -> tuple[bytes, bytes]:
    """Make a payment that never reaches its payee; return it and its request."""
    book = target.device.book
    request = wallets.ask(book, amount)
    return wallets.answer(source.device.book, book.me.raw, request), request


def test_a_payment_across_operators_nets_once(two: Two) -> None:
    alice, bob = two.wallet(two.east, 10_000), two.wallet(two.west)
    pay(alice, bob, 3_000)
    assert two.west.sync(bob).settled
    assert two.west.report().in_flight[0].state == "credited, not cleared"
    assert two.east.sync(alice).settled
    two.clear()
    shown = [counter.report() for counter in two.both]
    assert [one.cleared for one in shown] == [-3_000, 3_000]
    assert [one.value_in_flight for one in shown] == [0, 0]
    two.check([alice, bob])
    two.clear()
    assert [counter.report().cleared for counter in two.both] == [-3_000, 3_000]
    assert two.desk(two.east).positions()[0].netted == -3_000


def test_the_payees_operator_need_not_wait_for_the_payer(two: Two) -> None:
    alice, bob = two.wallet(two.east, 10_000), two.wallet(two.west)
    pay(alice, bob, 3_000)
    two.west.sync(bob)
    two.clear()
    assert two.west.report().cleared == 3_000
    states = [payment.state for payment in two.east.report().in_flight]
    assert states == ["received, payee not synced", "cleared, payer not synced"]
    two.check([alice, bob])
    assert two.east.sync(alice).settled
    assert two.east.report().in_flight == []
    two.check([alice, bob])


def test_a_payment_is_delivered_and_its_receipt_brought_back(two: Two) -> None:
    alice, bob = two.wallet(two.east, 10_000), two.wallet(two.west)
    pay_torn(alice, bob, 4_000)
    two.east.sync(alice)
    two.clear()
    assert two.west.sync(bob).delivered == 1
    assert bob.balance == 4_000
    two.clear()
    assert two.east.sync(alice).resolved == 1
    assert alice.device.book.unresolved() == 0
    assert [counter.report().cleared for counter in two.both] == [-4_000, 4_000]
    two.check([alice, bob])


def test_a_void_brings_the_money_back(two: Two) -> None:
    alice, bob = two.wallet(two.east, 10_000), two.wallet(two.west)
    pay_torn(alice, bob, 4_000)
    bob.device.disarm()
    two.east.sync(alice)
    two.clear()
    two.west.sync(bob)
    two.clear()
    two.east.sync(alice)
    assert (alice.balance, bob.balance) == (10_000, 0)
    assert [counter.report().cleared for counter in two.both] == [0, 0]
    two.check([alice, bob])


def close(two: Two, bob: devices.Wallet) -> None:
    """Bob's request expires and he settles, so he can no longer answer it."""
    two.advance()
    two.advance()
    assert two.west.sync(bob).settled


def test_a_refund_needs_the_payees_statement(two: Two) -> None:
    alice, bob = two.wallet(two.east, 10_000), two.wallet(two.west)
    pay_torn(alice, bob, 4_000)
    close(two, bob)
    assert two.east.sync(alice).refunded == 0
    two.clear()
    assert two.east.sync(alice).refunded == 4_000
    assert alice.balance == 10_000
    assert [counter.report().cleared for counter in two.both] == [0, 0]
    two.check([alice, bob])


def test_who_credits_what_was_closed_is_found_and_nets_nothing(two: Two) -> None:
    alice, bob = two.east.wallet(10_000), two.west.wallet(1_000)
    image = dict(bob.store.data)
    payment, request = pay_torn(alice, bob, 4_000)
    kept = dict(bob.store.data)
    close(two, bob)
    two.east.sync(alice)
    two.clear()
    two.east.sync(alice)
    assert image != kept
    bob.store.data = kept  # a memory put back
    bob.restart()
    wallets.take(bob.device.book, alice.device.book.me.raw, payment, request)
    assert not two.west.sync(bob).settled
    two.clear()
    assert [counter.report().cleared for counter in two.both] == [0, 0]
    kinds = {found.kind for found in two.west.report().findings}
    assert findings.CREDIT_AND_REFUND in kinds
    carol, dave = two.east.wallet(500), two.west.wallet()
    pay(carol, dave, 100)
    two.west.sync(dave)
    two.clear()
    assert [counter.report().cleared for counter in two.both] == [-100, 100]


def test_the_accounts_take_part(two: Two) -> None:
    """A wallet cashes out and tops up with another operator."""
    alice = two.wallet(two.east, 10_000)
    two.west.cash_out(alice, 2_500)
    two.west.top_up(alice, 500)
    two.east.sync(alice)
    two.clear()
    assert [counter.report().cleared for counter in two.both] == [-2_000, 2_000]
    two.check([alice])


def test_a_file_is_taken_once_and_in_order(two: Two) -> None:
    alice, bob = two.east.wallet(10_000), two.west.wallet()
    pay(alice, bob, 1_000)
    two.west.sync(bob)
    (first,) = two.files(two.west)
    assert two.files(two.west) == [first], "what is not confirmed is exported again, the same"
    pay(alice, bob, 500)
    two.west.sync(bob)
    again, second = two.files(two.west)
    assert again == first
    desk = two.desk(two.east)
    with pytest.raises(ClearingRefused, match="file 1 is missing before file 2"):
        desk.import_file(second)
    assert desk.import_file(first).netted == -1_000
    assert desk.import_file(first) == Imported(two.west.operator.certificate.hash, 1, False, 1, 0)
    assert desk.import_file(second).netted == -500
    assert not desk.import_file(first).new
    assert two.east.report().cleared == -1_500


def test_what_is_not_confirmed_yet_is_not_booked_in(two: Two) -> None:
    alice, bob = two.wallet(two.east, 10_000), two.wallet(two.west)
    pay(alice, bob, 1_000)
    two.west.sync(bob)
    two.send(two.west)
    assert [counter.report().cleared for counter in two.both] == [-1_000, 0]
    pay(alice, bob, 500)
    two.west.sync(bob)
    two.files(two.west)
    two.send(two.east)
    assert [counter.report().cleared for counter in two.both] == [-1_000, 1_000]
    two.check([alice, bob])


def test_another_file_with_a_number_used_before_is_refused(two: Two) -> None:
    alice, bob = two.east.wallet(10_000), two.west.wallet()
    pay(alice, bob, 1_000)
    two.west.sync(bob)
    two.send(two.west)
    to = two.east.operator.certificate.hash
    with pytest.raises(ClearingRefused, match="a different file 1"):
        two.desk(two.east).import_file(two.west.operator.clearing(to, 1, 0, []))


def test_a_payment_in_two_files_nets_once(two: Two) -> None:
    alice, bob = two.east.wallet(10_000), two.west.wallet()
    pay(alice, bob, 1_000)
    two.west.sync(bob)
    (first,) = two.files(two.west)
    desk, to = two.desk(two.east), two.east.operator.certificate
    desk.import_file(first)
    items = cose.parse(cose.CLEARING, first, cose.TEST).body[3]
    assert desk.import_file(two.west.operator.clearing(to.hash, 2, 0, items)).netted == 0
    assert two.east.report().cleared == -1_000


def items_of(raw: bytes) -> list[list[object]]:
    return [list(item) for item in cose.parse(cose.CLEARING, raw, cose.TEST).body[3]]


def test_forged_and_foreign_files_are_refused(two: Two, tmp_path: Path) -> None:
    alice, bob = two.east.wallet(10_000), two.west.wallet()
    pay(alice, bob, 1_000)
    two.west.sync(bob)
    (raw,) = two.files(two.west)
    desk, to, west = two.desk(two.east), two.east.operator.certificate, two.west.operator
    (item,) = items_of(raw)
    before = two.east.report()

    def refused(bad: bytes, match: str) -> None:
        with pytest.raises(ClearingRefused, match=match):
            desk.import_file(bad)
        assert two.east.report().lines == before.lines
        assert two.east.report().cleared == 0

    refused(raw[:-1] + bytes([raw[-1] ^ 1]), "a signature does not verify")
    refused(b"\x80", "not a valid message")
    refused(west.clearing(west.certificate.hash, 1, 0, []), "for another operator")
    refused(west.clearing(to.hash, 0, 0, []), "for another operator")
    refused(west.clearing(to.hash, 1, 9, []), "never exported")
    refused(west.clearing(to.hash, 1, 0, [[9, *item[1:]]]), "not a valid message")
    refused(west.clearing(to.hash, 1, 0, [[clearing.VOIDED, *item[1:]]]), "lacks its proof")
    refused(west.clearing(to.hash, 1, 0, [[clearing.FORWARDED, *item[1:]]]), "lacks its proof")
    refused(west.clearing(to.hash, 1, 0, [[clearing.CLOSED, *item[1:]]]), "not a valid message")
    other = wallets.ask(bob.device.book, 1_000)
    refused(west.clearing(to.hash, 1, 0, [[*item[:2], other, *item[3:]]]), "lacks its proof")
    stranger = OperatorCounter(tmp_path / "stranger", 0)
    refused(stranger.operator.clearing(to.hash, 1, 0, []), "is not known here")
    live = clearing.make(to.hash, 1, 0, [], west._key, west.certificate, cose.LIVE)
    refused(live, "a signature does not verify")


def test_an_operator_that_is_not_valid_any_more_is_not_heard(two: Two) -> None:
    alice, bob = two.east.wallet(10_000), two.west.wallet()
    pay(alice, bob, 1_000)
    two.west.sync(bob)
    (raw,) = two.files(two.west)
    two.east.authority.advance(operators=[two.east.operator.certificate.hash])
    two.east.refresh()
    with pytest.raises(ClearingRefused, match="no longer valid"):
        two.desk(two.east).import_file(raw)


def test_two_payments_with_one_number_are_proven_across_operators(two: Two) -> None:
    thief, first, second = two.east.wallet(10_000), two.west.wallet(), two.west.wallet()
    image = dict(thief.store.data)
    pay(thief, first, 9_000)
    thief.store.data = image
    thief.restart()
    pay(thief, second, 8_000)
    assert two.west.sync(first).settled
    two.west.sync(second)
    two.send(two.west)
    found = {one.kind: one.wallet for one in two.east.report().findings}
    thief_id = thief.device.book.me.id
    assert found[findings.DOUBLE_SPEND] == thief_id
    assert found["proven forked sequence"] == thief_id


def test_a_home_takes_no_older_epoch_and_no_other_authority(two: Two, tmp_path: Path) -> None:
    two.west.refresh()
    old = (two.west.home / "public" / "epoch.cbor").read_bytes()
    two.advance()
    (two.east.home / "public" / "epoch.cbor").write_bytes(old)
    with pytest.raises(Exception, match="older than"):
        two.west.refresh()
    Authority.init(tmp_path / "other", None)
    two.west.authority.home = tmp_path / "other"
    with pytest.raises(Exception, match="another authority"):
        two.west.refresh()


@pytest.mark.parametrize("turn", range(3))
def test_any_order_of_taps_syncs_and_files_adds_up(two: Two, seed: int, turn: int) -> None:
    rng = random.Random(f"{seed}:{turn}")
    owners = [two.east, two.east, two.west, two.west]
    people = [two.wallet(owner, 50_000) for owner in owners]
    lost: list[bytes] = []
    for _ in range(30):
        act = rng.choice(["pay", "pay", "torn", "cancel", "sync", "send", "lose", "again", "age"])
        source, target = rng.sample(range(4), 2)
        sender = owners[source]
        if act in ("pay", "torn"):
            tap = pay if act == "pay" else pay_torn
            with suppress(Refused):  # expired in the other's epoch, or too many are open
                tap(people[source], people[target], rng.randint(1, 5_000))
        elif act == "cancel":
            book = people[target].device.book
            for request in list(book.open):
                book.apply(payee.cancel(book, request))
        elif act == "sync":
            assert sender.sync(people[source]).settled
        elif act == "send":
            two.send(sender)
        elif act == "lose":
            lost += two.files(sender)
        elif act == "again" and lost:
            raw = rng.choice(lost)
            to = cose.parse(cose.CLEARING, raw, cose.TEST).body[0]
            taker = two.east if to == two.east.operator.certificate.hash else two.west
            with suppress(ClearingRefused):  # files before it are missing
                two.desk(taker).import_file(raw)
        elif act == "age":
            two.advance()
        two.check(people)
    for _ in range(3):
        two.advance()
    for _ in range(3):
        for owner, person in zip(owners, people, strict=True):
            assert owner.sync(person).settled
        two.clear()
    two.check(people)
    east, west = (counter.report() for counter in two.both)
    assert (east.in_flight, west.in_flight) == ([], [])
    assert east.cleared == -west.cleared
    assert all(not person.device.book.pending() for person in people)
