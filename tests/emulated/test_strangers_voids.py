"""Strangers with certified keys cannot use up the journal of a wallet, on the image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from simulator.scenarios.rig import PIN, Rig

from jiaozi.wallet.book import ANSWER_SLOTS, MOST_VOIDS
from jiaozi.wire import commands
from jiaozi.wire.journal import MOST_VOIDS_A_PAYER
from jiaozi.wire.messages import Receipt, read_outcome
from jiaozi_host.errors import WalletRefused
from jiaozi_host.wallet import WalletClient
from jiaozi_sim.client import Wallet
from tests.emulated.pairs import memory
from tests.emulated.strangers import signed_payment, stranger
from tests.fixtures.wallets import answer

ASKED = 3_00


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(tmp_path_factory.mktemp("strangers")) as made:
        yield made


@pytest.fixture(scope="module")
def alice(rig: Rig, firmware_elf: Callable[[str], Path]) -> Wallet:
    wallet = rig.add("alice", "visual_card", firmware_elf("visual_card"))
    rig.provision(wallet)
    return wallet


@pytest.fixture
def request_of_alice(rig: Rig, alice: Wallet) -> bytes:
    """An open request of hers for 3.00."""
    rig.receive(alice, ASKED, commands.CARD)
    with rig.at_reader(alice) as link:
        request = WalletClient(link).select().request
    assert request is not None
    return request


def refused(call: Callable[..., object], *arguments: object) -> str:
    """The name of the refusal that a command meets."""
    with pytest.raises(WalletRefused) as refusal:
        call(*arguments)
    return refusal.value.name


def test_a_flood_of_wrong_amounts_takes_no_slot(
    rig: Rig, alice: Wallet, request_of_alice: bytes
) -> None:
    thief, bob = stranger(rig, "flooder"), stranger(rig, "bob", 500_00)
    before = memory(alice).content
    with rig.at_reader(alice) as link:
        client = WalletClient(link)
        client.select()
        for number in range(1, 64):
            payment = signed_payment(thief, request_of_alice, number, ASKED + number)
            assert refused(client.payment, thief.me.raw, payment) == "AMOUNT_INVALID"
    assert memory(alice).content == before
    with rig.at_reader(alice) as link:
        client = WalletClient(link)
        certificate = client.select().certificate
        assert certificate is not None
        paid = answer(bob, certificate, request_of_alice)
        receipt = client.payment(bob.me.raw, paid)
    assert isinstance(read_outcome(receipt, bob.network), Receipt)


def test_voids_leave_most_of_the_journal_and_all_that_is_reserved(
    rig: Rig, alice: Wallet, request_of_alice: bytes
) -> None:
    with rig.at_reader(alice) as link:
        client = rig.client(link)
        client.select()
        client.verify(PIN)
        client.disarm()  # the request is cancelled: each payment for it would be voided
    rig.receive(alice, ASKED, commands.CARD)
    free = memory(alice).book.slots()
    for number in range(MOST_VOIDS // MOST_VOIDS_A_PAYER):
        thief = stranger(rig, f"thief {number}")
        payments = [signed_payment(thief, request_of_alice, n, ASKED) for n in (1, 2, 3)]
        with rig.at_reader(alice) as link:
            client = WalletClient(link)
            client.select()
            for payment in payments[:MOST_VOIDS_A_PAYER]:
                void = client.payment(thief.me.raw, payment, request_of_alice)
                assert client.payment(thief.me.raw, payment) == void
            third = (thief.me.raw, payments[-1], request_of_alice)
            assert refused(client.payment, *third) == "TOO_MANY_VOIDS"
    late, bob = stranger(rig, "late"), stranger(rig, "bob again", 500_00)
    payment = signed_payment(late, request_of_alice, 1, ASKED)
    with rig.at_reader(alice) as link:
        client = WalletClient(link)
        hello = client.select()
        assert hello.certificate is not None
        assert hello.request is not None
        assert refused(client.payment, late.me.raw, payment, request_of_alice) == "TOO_MANY_VOIDS"
        assert memory(alice).book.slots() == free - MOST_VOIDS * ANSWER_SLOTS
        receipt = client.payment(bob.me.raw, answer(bob, hello.certificate, hello.request))
    assert isinstance(read_outcome(receipt, bob.network), Receipt)
