"""Attacks of strangers, who have a reader and no wallet's key, on the image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from simulator.scenarios.rig import PIN, Rig

from _jzcbor import dumps
from jiaozi.wire import apdu, commands, errors
from jiaozi.wire.commands import PIN_TRIES
from jiaozi_host.errors import WrongPin
from jiaozi_host.wallet import WalletClient
from jiaozi_sim.client import Wallet
from tests.emulated.faces import await_screen
from tests.emulated.pairs import memory

WRONG = "9999"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(tmp_path_factory.mktemp("strangers")) as made:
        yield made


@pytest.fixture(scope="module")
def alice(rig: Rig, firmware_elf: Callable[[str], Path]) -> Wallet:
    wallet = rig.add("alice", "visual_card", firmware_elf("visual_card"))
    rig.provision(wallet)
    return wallet


def word(client: WalletClient, ins: int, data: bytes) -> int:
    """The status word of one command, without waiting for anybody's gesture."""
    command = apdu.build_command(apdu.CLA, ins, 0, 0, data, apdu.LE_ANY)
    return int(apdu.split_response(client.exchange(command))[1])


def test_a_passer_by_spends_no_try_of_the_pin(rig: Rig, alice: Wallet) -> None:
    guesses = [(commands.VERIFY, WRONG.encode()), (commands.CHANGE, dumps([b"9998", b"1111"]))]
    with rig.at_reader(alice) as link:
        for _ in range(2):
            client = rig.client(link)
            client.select()
            client.open_channel()
            for ins, data in guesses * 2:
                assert word(client, ins, data) == errors.GESTURE_NEEDED
        await_screen(alice, "allow_pin")
    assert memory(alice).tries == PIN_TRIES


def test_one_gesture_is_one_try_in_this_contact(rig: Rig, alice: Wallet) -> None:
    with rig.at_reader(alice) as link:
        client = rig.client(link)
        client.select()
        with pytest.raises(WrongPin):
            client.verify(WRONG)
        assert word(client, commands.VERIFY, WRONG.encode()) == errors.GESTURE_NEEDED
        rig.press(alice)
    with rig.at_reader(alice) as link:  # the owner has taken the wallet away
        client = rig.client(link)
        client.select()
        client.open_channel()
        assert word(client, commands.VERIFY, WRONG.encode()) == errors.GESTURE_NEEDED
    assert memory(alice).tries == PIN_TRIES - 1
    with rig.at_reader(alice) as link:
        client = rig.client(link)
        client.select()
        client.verify(PIN)
    assert memory(alice).tries == PIN_TRIES


def test_the_owner_refuses_the_pin(rig: Rig, alice: Wallet) -> None:
    with rig.at_reader(alice) as link:
        client = rig.client(link)
        client.select()
        client.open_channel()
        assert word(client, commands.VERIFY, WRONG.encode()) == errors.GESTURE_NEEDED
        rig.press(alice, "cancel")
        assert word(client, commands.VERIFY, WRONG.encode()) == errors.GESTURE_REFUSED
    assert memory(alice).tries == PIN_TRIES
