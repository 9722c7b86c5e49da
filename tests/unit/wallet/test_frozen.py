"""A wallet that may begin nothing new: frozen by its operator, or of too old a firmware."""

from __future__ import annotations

import pytest

from _jzcbor import dumps, loads
from jiaozi.wallet import payee
from jiaozi.wallet.book import Book
from jiaozi.wallet.store_keys import FIRMWARE_KEY, JOURNAL_KEY
from jiaozi.wire import commands, errors, policies
from jiaozi.wire.apdu import SW_OK
from jiaozi.wire.cose import decode
from jiaozi.wire.errors import Refused
from jiaozi.wire.journal import CREDITED
from tests.fixtures import devices, wallets
from tests.fixtures.devices import open_session, provision
from tests.fixtures.wallets import Bank
from wallet import version
from wallet.roles.tap import open_request, wants_tap


@pytest.fixture
def bank() -> Bank:
    return Bank()


def freeze(bank: Bank, wallet: devices.Wallet) -> None:
    wallet.select()
    open_session(bank, wallet)
    wallet.must(commands.FREEZE)


def refusal(wallet: devices.Wallet, ins: int, data: bytes) -> int:
    wallet.select()
    return wallet.give_plain(ins, data)[1]


def test_a_frozen_wallet_begins_nothing_and_finishes_all(bank: Bank) -> None:
    alice, bob = provision(bank, "alice"), bank.wallet("bob")
    wallets.transfer(bank.account(), alice.device.book, 5_000)
    alice.arm(commands.RECEIVE, 700)
    request = open_request(alice.device)
    assert request is not None
    asked = wallets.ask(bob, 1_000)
    pending = wallets.answer(alice.device.book, bob.me.raw, asked)
    freeze(bank, alice)
    assert alice.select()[1] == commands.FROZEN
    assert alice.screens[-1] == ("frozen", {})
    alice.restart()
    assert alice.screens[-1:] in ([], [("frozen", {})])
    book = alice.device.book
    # What is under way: the same payment again, its receipt, and what comes for its own request.
    assert wallets.answer(book, bob.me.raw, asked) == pending
    wallets.finish(book, wallets.take(bob, book.me.raw, pending))
    bob_pays = wallets.answer(bob, book.me.raw, request.raw)
    wallets.take(book, bob.me.raw, bob_pays)
    assert book.state.balance == 5_000 - 1_000 + 700
    # What is new.
    another = wallets.ask(bob, 500)
    assert refusal(alice, commands.PAY, dumps([bob.me.raw, another])) == errors.FROZEN
    with pytest.raises(Refused, match="960B"):
        payee.request(book, 500)
    for direction in (commands.PAY_OUT, commands.RECEIVE):
        alice.select()
        alice.open_channel()
        alice.must(commands.VERIFY, devices.PIN)
        armed = dumps([direction, 100, commands.AUTO])
        assert alice.give(commands.ARM, armed)[1] == errors.FROZEN
    # What its operator reads.
    alice.select()
    open_session(bank, alice)
    alice.must(commands.STATEMENT, bytes(16))
    assert loads(alice.must(commands.INFO))[0] == commands.FROZEN


def test_only_the_operator_freezes(bank: Bank) -> None:
    alice = provision(bank, "alice")
    alice.select()
    alice.open_channel()
    assert alice.give(commands.FREEZE)[1] == errors.SESSION_NEEDED
    alice.must(commands.VERIFY, devices.PIN)
    assert alice.give(commands.FREEZE)[1] == errors.SESSION_NEEDED
    assert alice.select()[1] == commands.READY


def test_a_frozen_wallet_is_not_made_anew(bank: Bank) -> None:
    alice = provision(bank, "alice")
    freeze(bank, alice)
    assert alice.give(commands.CREATE)[1] == errors.ALREADY_PROVISIONED
    assert alice.give(commands.INSTALL, dumps([b"", b"1234"]))[1] == errors.ALREADY_PROVISIONED


@pytest.mark.parametrize(("least", "able"), [(0, True), (1, True), (2, False)])
def test_below_the_policys_firmware_nothing_new_begins(bank: Bank, least: int, able: bool) -> None:
    alice = provision(bank, "alice", version=2, firmware=least)
    assert version.FIRMWARE == 1
    alice.select()
    alice.open_channel()
    alice.must(commands.VERIFY, devices.PIN)
    armed = dumps([commands.RECEIVE, 100, commands.AUTO])
    assert alice.give(commands.ARM, armed)[1] == (SW_OK if able else errors.FIRMWARE_OLDER)
    bob = bank.wallet("bob")
    asked = dumps([bob.me.raw, wallets.ask(bob, 500)])
    refused = refusal(alice, commands.PAY, asked)
    assert (refused == errors.FIRMWARE_OLDER) == (not able)


def test_a_policy_says_its_firmware_or_has_none(bank: Bank) -> None:
    plain, least = (
        policies.read_policy(bank.policy(firmware=number), bank.network) for number in (0, 3)
    )
    assert (len(plain.body), plain.firmware) == (13, 0)
    assert (len(least.body), least.firmware) == (14, 3)


def test_firmware_older_than_what_has_run_refuses_everything(bank: Bank) -> None:
    alice = provision(bank, "alice")
    assert alice.store.data[FIRMWARE_KEY] == version.FIRMWARE.to_bytes(4, "little")
    alice.store.data[FIRMWARE_KEY] = (version.FIRMWARE + 1).to_bytes(4, "little")
    before = dict(alice.store.data)
    alice.restart()
    alice.device.home()
    assert alice.screens[-1] == ("outdated", {})
    assert alice.select()[1:] == [commands.OUTDATED, 0, None, None]
    for ins in (commands.AGREE, commands.PAY, commands.CREATE, commands.EPOCH, commands.RESOLVE):
        assert alice.give_plain(ins)[1] == errors.FIRMWARE_OLDER
    told = loads(alice.give_plain(commands.INFO)[0])
    assert (told[0], told[-1]) == (commands.OUTDATED, version.FIRMWARE)
    assert not wants_tap(alice.device)
    assert alice.store.data == before


def test_newer_firmware_notes_itself(bank: Bank) -> None:
    alice = provision(bank, "alice")
    alice.store.data[FIRMWARE_KEY] = bytes(4)
    alice.restart()
    assert alice.store.data[FIRMWARE_KEY] == version.FIRMWARE.to_bytes(4, "little")


def test_a_second_payment_with_one_number_is_voided(bank: Bank) -> None:
    alice, bob = bank.wallet("alice"), bank.wallet("bob")
    wallets.transfer(bank.account(), alice, 5_000)
    image = dict(alice.store.data)
    wallets.transfer(alice, bob, 1_000)
    alice.store.data = dict(image)  # put back, and another payment with the same number
    thief = Book(alice.store)
    payment = wallets.answer(thief, bob.me.raw, wallets.ask(bob, 900))
    for again in (bob, Book(bob.store)):
        outcome = wallets.take(again, thief.me.raw, payment)
        wallets.finish(thief, outcome)
        assert again.state.balance == 1_000
    assert thief.state.balance == 5_000
    # The next number is no twin, though it was used in the life that was put back.
    wallets.transfer(thief, bob, 300)
    assert bob.state.balance == 1_300


@pytest.mark.parametrize("number", [1, 23, 24, 255, 256, 65_535, 65_536, 2**30 - 2])
def test_numbers_are_read_where_they_stand(bank: Bank, number: int) -> None:
    alice, bob = bank.wallet("alice"), bank.wallet("bob")
    wallets.transfer(bank.account(), alice, 5_000)
    alice.state.sequence = number
    wallets.transfer(alice, bob, 100)
    [entry] = [decode(raw) for key, raw in bob.store.data.items() if key >= JOURNAL_KEY]
    assert entry[0] == CREDITED
    again = Book(bob.store)
    for book in (bob, again):
        assert len(book._numbers) == 1
        alice.state.sequence = number
        twin = wallets.answer(alice, bob.me.raw, wallets.ask(book, 50))
        _, step = payee.receive(book, alice.me.raw, twin)
        assert step is not None
        assert step.state.balance == 100
