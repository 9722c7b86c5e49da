"""Bytes that no honest wallet sends, over the air: each gets a status word and changes nothing."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest
from simulator.scenarios.rig import PIN, Rig

from jiaozi.wire import apdu, commands, errors
from jiaozi_host.errors import WalletRefused
from jiaozi_host.links import Link
from jiaozi_host.provisioning import cash_out, provision, top_up
from jiaozi_host.sync.session import sync_wallet
from jiaozi_host.wallet import WalletClient
from jiaozi_sim.client import Wallet
from tests.emulated.pairs import memory
from tests.emulated.strangers import session

FUNDS = 100_00
LONGEST = 1536
KNOWN = sorted(
    value for name, value in vars(commands).items() if name.isupper() and 0x10 <= value < 0xA4
)
FOR_A_BLANK_DEVICE = {
    commands.INFO,
    commands.CREATE,
    commands.AGREE,
    commands.CONFIRM,
    commands.RECORD,
}
IN_A_TAP = {commands.PAY, commands.PAYMENT, commands.RESOLVE, commands.EPOCH}
PRIVATE = sorted(set(KNOWN) - IN_A_TAP - FOR_A_BLANK_DEVICE | {commands.CREATE})
# Guessing PINs has an effect, as it must: test_hostile_pin is about that.
GUESSES = (commands.VERIFY, commands.CHANGE)
# Any of them ends the channel that the test is in; tests/unit/wallet/test_channel.py is about that.
CHANNEL = (commands.AGREE, commands.CONFIRM, commands.RECORD)
WORDS = {value for name, value in vars(errors).items() if name.isupper()} | {apdu.SW_OK}
WORDS -= {errors.INTERNAL}
TRIES = 200


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(tmp_path_factory.mktemp("input")) as made:
        yield made


@pytest.fixture(scope="module")
def blank(rig: Rig, firmware_elf: Callable[[str], Path]) -> Wallet:
    return rig.add("blank", "visual_card", firmware_elf("visual_card"))


@pytest.fixture(scope="module")
def life(rig: Rig, firmware_elf: Callable[[str], Path]) -> tuple[Wallet, list[bytes]]:
    """A wallet, and every command of an ordinary life of its: what hostile ones are made of."""
    alice = rig.add("alice", "visual_card", firmware_elf("visual_card"))
    sent: list[bytes] = []
    exchange = WalletClient.exchange

    def noted(client: WalletClient, command: bytes) -> bytes:
        sent.append(bytes(command))
        return exchange(client, command)

    with mock.patch.object(WalletClient, "exchange", noted), rig.at_reader(alice) as link:
        provision(link, rig.operator, rig.ledger, PIN)
        top_up(link, rig.operator, rig.ledger, PIN, FUNDS)
        cash_out(link, rig.operator, rig.ledger, PIN, 10_00)
        sync_wallet(link, rig.operator, rig.ledger)
    assert {command[1] for command in sent} > {commands.PAY, commands.PAYMENT, commands.RESOLVE}
    return alice, sent


@pytest.fixture
def wallet(rig: Rig, life: tuple[Wallet, list[bytes]]) -> Iterator[Wallet]:
    """The wallet; after the test its memory is as it was before, and it still pays."""
    alice, _ = life
    before = memory(alice).content
    yield alice
    assert memory(alice).content == before
    with rig.at_reader(alice) as link:
        assert WalletClient(link).select().status == commands.READY


def word(link: Link | WalletClient, command: bytes) -> int:
    """The status word a command gets; it must be one of the registry's, and no fault."""
    status = apdu.split_response(link.exchange(command))[1]
    assert status in WORDS, f"{status:04X} for {command.hex()}"
    return status


def plain(ins: int, data: bytes = b"", cla: int = apdu.CLA, p1: int = 0, p2: int = 0) -> bytes:
    return apdu.build_command(cla, ins, p1, p2, data, apdu.LE_ANY)


def test_unknown_classes_instructions_and_parameters(rig: Rig, wallet: Wallet) -> None:
    with rig.at_reader(wallet) as link:
        assert word(link, apdu.select()) == apdu.SW_OK
        for ins in set(range(0, 256, 3)) - set(KNOWN):
            assert word(link, plain(ins)) == errors.INS_UNKNOWN
        for cla in (0x00, 0x01, 0x40, 0x7F, 0x81, 0x90, 0xFF):
            assert word(link, plain(commands.INFO, cla=cla)) == errors.CLA_UNKNOWN
        for ins in KNOWN:
            assert word(link, plain(ins, p1=1)) == errors.WRONG_P1P2
            assert word(link, plain(ins, p2=0x80)) == errors.WRONG_P1P2


def test_wrong_lengths(rig: Rig, wallet: Wallet, life: tuple[Wallet, list[bytes]]) -> None:
    pay = next(command for command in life[1] if command[1] == commands.PAY)
    with rig.at_reader(wallet) as link:
        assert word(link, apdu.select()) == apdu.SW_OK
        for size in (1, 2, 3, 6, 8, 100, 264, len(pay) - 3, len(pay) - 1):
            assert word(link, pay[:size]) == errors.WRONG_LENGTH
        assert word(link, pay + b"\0") == errors.WRONG_LENGTH
        assert word(link, pay[:5] + b"\xff\xff" + pay[7:]) == errors.WRONG_LENGTH
        assert word(link, plain(commands.PAY, bytes(LONGEST - 9))) == errors.MALFORMED
        for size in (LONGEST - 8, LONGEST, 3_000, 10_000):
            assert word(link, plain(commands.PAY, bytes(size))) == errors.WRONG_LENGTH


def test_malformed_data(rig: Rig, wallet: Wallet) -> None:
    texts = (
        b"",
        b"\x80",
        b"\x82\x40\x40",
        b"\xff" * 40,
        b"\x9f\xff",
        b"\x81" * 300,
        b"\xfb" + bytes(8),
    )
    with rig.at_reader(wallet) as link:
        assert word(link, apdu.select()) == apdu.SW_OK
        for ins in (commands.PAY, commands.PAYMENT, commands.RESOLVE):
            for data in texts:
                assert word(link, plain(ins, data)) == errors.MALFORMED


def test_nothing_but_select_is_taken_before_select(rig: Rig, wallet: Wallet) -> None:
    with rig.at_reader(wallet) as link:  # an owner was here, and left
        client = rig.client(link)
        client.select()
        client.verify(PIN)
    with rig.at_reader(wallet) as link:  # and the operator
        session(rig, link)
    with rig.at_reader(wallet) as link:
        for ins in KNOWN:
            assert word(link, plain(ins)) == errors.NOT_ALLOWED
        other = apdu.build_command(0, commands.SELECT, 4, 0, b"\xa0\0\0\0\3\0\0", 256)
        assert word(link, apdu.select()) == apdu.SW_OK
        assert word(link, other) == errors.NOT_FOUND
        assert word(link, plain(commands.INFO)) == errors.NOT_ALLOWED


def test_commands_out_of_order(rig: Rig, wallet: Wallet) -> None:
    with rig.at_reader(wallet) as link:
        assert word(link, apdu.select()) == apdu.SW_OK
        for ins in PRIVATE:
            assert word(link, plain(ins, bytes(16))) == errors.CHANNEL_NEEDED
        assert word(link, plain(commands.CONFIRM, bytes(16))) == errors.CHANNEL_NEEDED
        assert word(link, plain(commands.RECORD, bytes(16))) == errors.CHANNEL_NEEDED
        client = rig.client(link)
        client.select()
        client.verify(PIN)
        for ins in PRIVATE:  # beside the channel, not in it
            assert word(link, plain(ins, bytes(16))) == errors.CHANNEL_NEEDED
        with pytest.raises(WalletRefused, match="SESSION_NEEDED"):
            client.statement(bytes(16))
        assert word(link, apdu.select()) == apdu.SW_OK  # which ends the channel
        assert word(link, plain(commands.RECORD, bytes(16))) == errors.CHANNEL_NEEDED
        client.select()
        with pytest.raises(WalletRefused, match="PIN_NEEDED"):
            client.disarm()


def test_a_blank_device_does_nothing_but_be_made_a_wallet(rig: Rig, blank: Wallet) -> None:
    before = blank.nvm_read()
    with rig.at_reader(blank) as link:
        assert word(link, apdu.select()) == apdu.SW_OK
        for ins in set(KNOWN) - FOR_A_BLANK_DEVICE:
            assert word(link, plain(ins)) == errors.NOT_ALLOWED
        assert word(link, plain(commands.CREATE)) == errors.CHANNEL_NEEDED
        assert word(link, plain(commands.AGREE, bytes(37))) == errors.MALFORMED
        assert word(link, plain(commands.CONFIRM, bytes(37))) == errors.CHANNEL_NEEDED
    assert blank.nvm_read() == before


def mutated(rng: random.Random, command: bytes) -> bytes:
    """A command with something wrong in it, mostly in its data, and lengths that fit or do not."""
    cla, ins, p1, p2, data, _ = apdu.parse_command(command)
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(data) + 1)
        size = rng.choice((1, 2, 8, 40))
        kind = rng.randrange(5)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at:at] = rng.randbytes(size)
        elif kind == 2:
            del data[at : at + size]
        elif kind == 3:
            data[at : at + size] = rng.randbytes(size)
        else:
            data[at:at] = data[at // 2 : at // 2 + size]
    if rng.random() < 0.1:
        ins = rng.randrange(256)
    built = apdu.build_command(cla, ins, p1, p2, bytes(data), apdu.LE_ANY)
    return built if rng.random() < 0.9 else built[: rng.randrange(1, len(built))]


def test_mutated_commands_of_a_real_life(
    rig: Rig, wallet: Wallet, life: tuple[Wallet, list[bytes]], rng: random.Random
) -> None:
    real = life[1]
    money = [c for c in real if c[1] in (commands.PAY, commands.PAYMENT, commands.RESOLVE)]
    met = set()
    with rig.at_reader(wallet) as link:
        client = session(rig, link)
        for number in range(TRIES):
            seed = rng.choice(money if number % 2 else real)
            command = mutated(rng, seed) if number % 10 else rng.randbytes(rng.randrange(1, 300))
            # These may do what they are for; in the operator's channel that includes to freeze.
            if len(command) > 1 and command[1] in (*GUESSES, *CHANNEL, commands.FREEZE):
                continue
            met.add(word(client if number % 3 else link, command))
            if number % 20 == 0:
                client = session(rig, link)
    print({f"{status:04X}" for status in met})
    assert len(met) >= 5


def test_it_still_pays(rig: Rig, life: tuple[Wallet, list[bytes]]) -> None:
    alice, _ = life
    balance = memory(alice).balance
    rig.cash_out(alice, 5_00)
    assert memory(alice).balance == balance - 5_00
    assert rig.sync(alice).settled
    assert rig.report().holds
