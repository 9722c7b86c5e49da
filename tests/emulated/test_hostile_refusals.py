"""Well-formed messages that must be refused, each with its own word, and replays of good ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from simulator.scenarios.rig import PIN, Rig

from jiaozi.wallet import payee
from jiaozi.wallet.book import Book, Step
from jiaozi.wire import commands
from jiaozi.wire.messages import Void, read_outcome, read_request
from jiaozi_host.errors import WalletRefused
from jiaozi_host.wallet import WalletClient
from jiaozi_sim.client import Wallet
from tests.emulated.pairs import memory, restart
from tests.emulated.strangers import altered, bring_to_epoch, session, stranger
from tests.fixtures.wallets import Bank, answer, ask, finish, take

FUNDS = 1_000_00


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(tmp_path_factory.mktemp("refusals")) as made:
        yield made


@pytest.fixture(scope="module")
def alice(rig: Rig, firmware_elf: Callable[[str], Path]) -> Wallet:
    wallet = rig.add("alice", "visual_card", firmware_elf("visual_card"))
    rig.provision(wallet)
    rig.top_up(wallet, FUNDS)
    return wallet


@pytest.fixture
def client(rig: Rig, alice: Wallet) -> Iterator[WalletClient]:
    """Alice on a reader, selected."""
    with rig.at_reader(alice) as link:
        made = rig.client(link)
        made.select()
        yield made


@pytest.fixture
def bob(rig: Rig) -> Book:
    """A stranger with money."""
    return stranger(rig, "bob", 500_00)


def refused(call: Callable[..., object], *arguments: object) -> str:
    """The name of the refusal that a command meets."""
    with pytest.raises(WalletRefused) as refusal:
        call(*arguments)
    return refusal.value.name


def flipped(signed: bytes) -> bytes:
    """One bit of the signature is another."""
    return signed[:-1] + bytes((signed[-1] ^ 1,))


def raise_amount(body: list[object]) -> None:
    body[1] = 99_999


# Alice is asked to pay ----------------------------------------------------------------------------


@pytest.fixture
def unmoved(alice: Wallet) -> Iterator[None]:
    before = memory(alice).content
    yield
    assert memory(alice).content == before


@pytest.mark.usefixtures("unmoved")
def test_amounts_beyond_limits_and_balance(client: WalletClient, bob: Book) -> None:
    mine = bob.me.raw
    assert refused(client.pay, mine, ask(bob, 5_001_00)) == "OVER_SINGLE"
    assert refused(client.pay, mine, ask(bob, FUNDS + 1)) == "OVER_BALANCE"
    assert refused(client.pay, mine, ask(bob, 0, 10_00)) == "AMOUNT_NEEDED"


@pytest.mark.usefixtures("unmoved")
def test_altered_requests_and_borrowed_certificates(
    rig: Rig, client: WalletClient, bob: Book
) -> None:
    request = ask(bob, 1_00)
    other = stranger(rig, "carol")
    assert refused(client.pay, flipped(bob.me.raw), request) == "BAD_SIGNATURE"
    assert refused(client.pay, bob.me.raw, altered(request, raise_amount)) == "BAD_SIGNATURE"
    assert refused(client.pay, bob.me.raw, flipped(request)) == "BAD_SIGNATURE"
    assert refused(client.pay, other.me.raw, request) == "WRONG_SIGNER"
    elsewhere = Bank(rig.operator.network).wallet("mallory")
    assert refused(client.pay, elsewhere.me.raw, ask(elsewhere, 1_00)) == "UNKNOWN_OPERATOR"


def test_another_amount_than_entered_and_oneself(client: WalletClient, bob: Book) -> None:
    client.verify(PIN)
    client.arm_pay(7_00)
    assert refused(client.pay, bob.me.raw, ask(bob, 8_00)) == "AMOUNT_MISMATCH"
    assert refused(client.pay, bob.me.raw, ask(bob, 0, 6_00)) == "AMOUNT_INVALID"
    own = client.arm_receive(2_00)
    certificate = client.select().certificate
    assert certificate is not None
    assert refused(client.pay, certificate, own) == "SAME_WALLET"
    client.verify(PIN)
    client.disarm()


def test_a_closed_request_is_never_paid_again(client: WalletClient, bob: Book) -> None:
    request = ask(bob, 1_00)
    paid, _ = client.pay(bob.me.raw, request)
    assert client.pay(bob.me.raw, request) == (paid, None)
    certificate = client.select().certificate
    assert certificate is not None
    bob.apply(_cancel(bob, request))
    void = take(bob, certificate, paid, request)
    assert isinstance(read_outcome(void, bob.network), Void)
    broken = altered(void, lambda body: body.__setitem__(2, 77))
    assert refused(client.resolve, broken) == "BAD_SIGNATURE"
    client.resolve(void)
    client.resolve(void)
    assert refused(client.pay, bob.me.raw, request) == "REQUEST_CLOSED"


def _cancel(book: Book, request: bytes) -> Step:
    return payee.cancel(book, read_request(request, book.network).hash)


# Alice is paid ------------------------------------------------------------------------------------


@pytest.fixture
def asked(rig: Rig, alice: Wallet) -> Iterator[tuple[bytes, bytes]]:
    """Alice's certificate and her open request for 3.00, taken back after the test."""
    rig.receive(alice, 3_00, commands.CARD)
    with rig.at_reader(alice) as link:
        hello = WalletClient(link).select()
    assert hello.certificate is not None
    assert hello.request is not None
    yield hello.certificate, hello.request
    with rig.at_reader(alice) as link:
        client = rig.client(link)
        client.select()
        client.verify(PIN)
        client.disarm()


def test_payments_that_are_not_for_alice_or_not_genuine(
    rig: Rig, alice: Wallet, asked: tuple[bytes, bytes], client: WalletClient, bob: Book
) -> None:
    carol = stranger(rig, "carol")
    stray = answer(bob, carol.me.raw, ask(carol, 3_00))
    before = memory(alice).content
    assert refused(client.payment, bob.me.raw, stray) == "OTHER_REQUEST"
    hers = ask(carol, 2_00)
    assert refused(client.payment, bob.me.raw, stray, hers) == "OTHER_REQUEST"
    bob = stranger(rig, "bob", 500_00)
    payment = answer(bob, *asked)
    assert refused(client.payment, flipped(bob.me.raw), payment) == "BAD_SIGNATURE"
    rich = altered(payment, lambda body: body.__setitem__(2, 300_00))
    assert refused(client.payment, bob.me.raw, rich) == "BAD_SIGNATURE"
    assert refused(client.payment, carol.me.raw, payment) == "WRONG_SIGNER"
    assert refused(client.resolve, payment) == "MALFORMED"
    assert memory(alice).content == before


def test_a_replayed_payment_gets_the_same_receipt_for_ever(
    rig: Rig, alice: Wallet, asked: tuple[bytes, bytes], bob: Book
) -> None:
    payment = answer(bob, *asked)
    balance = memory(alice).balance
    receipts = []
    for again in range(4):
        if again == 2:
            restart(alice)
        with rig.at_reader(alice) as link:
            client = WalletClient(link)
            client.select()
            receipts.append(client.payment(bob.me.raw, payment))
            assert refused(client.resolve, receipts[0]) == "UNKNOWN_PAYMENT"
    assert len(set(receipts)) == 1
    finish(bob, receipts[0])
    assert memory(alice).balance == balance + 3_00


# Alice learns of newer epochs ---------------------------------------------------------------------


def test_the_revoked_are_neither_paid_nor_credited(
    rig: Rig, alice: Wallet, asked: tuple[bytes, bytes], bob: Book
) -> None:
    payment = answer(bob, *asked)
    request = ask(bob, 1_00)
    balance = memory(alice).balance
    rig.authority.advance(revoke=[bob.me.id])
    bring_to_epoch(rig, alice)
    with rig.at_reader(alice) as link:
        client = WalletClient(link)
        client.select()
        assert refused(client.pay, bob.me.raw, request) == "REVOKED"
        # An authentic payment for one's own request is answered, if only by a void.
        void = client.payment(bob.me.raw, payment)
        assert client.payment(bob.me.raw, payment) == void
    assert isinstance(read_outcome(void, bob.network), Void)
    assert memory(alice).balance == balance
    finish(bob, void)
    assert bob.state.balance == 500_00


def test_an_expired_request_is_not_paid_and_a_late_payment_voided(
    rig: Rig, alice: Wallet, asked: tuple[bytes, bytes]
) -> None:
    dora = stranger(rig, "dora", 500_00)
    payment, request = answer(dora, *asked), ask(dora, 1_00)
    for _ in range(2):
        rig.authority.advance()
    bring_to_epoch(rig, alice)
    with rig.at_reader(alice) as link:
        client = WalletClient(link)
        client.select()
        assert refused(client.pay, dora.me.raw, request) == "REQUEST_EXPIRED"
        void = client.payment(dora.me.raw, payment)
    assert isinstance(read_outcome(void, dora.network), Void)
    finish(dora, void)
    assert dora.state.balance == 500_00


def test_an_older_epoch_is_left_alone(rig: Rig, alice: Wallet) -> None:
    old = rig.operator.published.epoch.raw
    rig.authority.advance()
    bring_to_epoch(rig, alice)
    with rig.at_reader(alice) as link:
        client = session(rig, link)
        client.update(rig.operator.operators, rig.operator.policy(3), old)
        assert client.info().epoch == rig.operator.published.epoch.number


def test_alice_still_pays(client: WalletClient, alice: Wallet, rig: Rig) -> None:
    erin = stranger(rig, "erin")
    balance = memory(alice).balance
    certificate = client.select().certificate
    assert certificate is not None
    paid, _ = client.pay(erin.me.raw, ask(erin, 4_00))
    client.resolve(take(erin, certificate, paid))
    assert (memory(alice).balance, erin.state.balance) == (balance - 4_00, 4_00)
    assert memory(alice).pending == 0
