"""Attacks of insiders, who have a certified wallet of their own, on the image."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from simulator.scenarios.rig import Rig

from _jzcbor import dumps
from jiaozi.wallet import payee
from jiaozi.wallet.book import Book
from jiaozi.wire import apdu, commands, errors
from jiaozi_host.ledger.account import open_account
from jiaozi_host.links import Link
from jiaozi_host.provisioning import cash_out
from jiaozi_sim.client import Wallet
from tests.emulated.faces import await_screen
from tests.emulated.pairs import FUNDS, memory
from tests.emulated.strangers import stranger
from tests.fixtures.wallets import ask
from tests.sweep.flows.operator_desk import PIN, OperatorDesk

SMALL, LARGE = 501_00, 2_000_00  # tier 3 confirms above 500.00


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(tmp_path_factory.mktemp("insiders")) as made:
        yield made


@pytest.fixture(scope="module")
def alice(rig: Rig, firmware_elf: Callable[[str], Path]) -> Wallet:
    wallet = rig.add("alice", "visual_card", firmware_elf("visual_card"))
    rig.provision(wallet)
    rig.top_up(wallet, FUNDS)
    return wallet


@pytest.fixture
def till(rig: Rig, request: pytest.FixtureRequest) -> Book:
    """A shop's wallet; each test has its own, to which nothing is pending."""
    return stranger(rig, f"till {request.node.name}")


@pytest.fixture
def thief(rig: Rig, request: pytest.FixtureRequest) -> Book:
    return stranger(rig, f"thief {request.node.name}")


def pay_command(payee: Book, request: bytes) -> bytes:
    data = dumps([payee.me.raw, request])
    return apdu.build_command(apdu.CLA, commands.PAY, 0, 0, data, apdu.LE_ANY)


def answered(link: Link, payee: Book, request: bytes) -> int:
    """The status word of PAY."""
    return int(apdu.split_response(link.exchange(pay_command(payee, request)))[1])


@pytest.mark.parametrize("pause", [0.25, 0.7])
def test_a_second_press_does_not_pay_the_next_question(
    rig: Rig, alice: Wallet, till: Book, thief: Book, pause: float
) -> None:
    before = memory(alice).balance
    with rig.at_reader(alice) as link:
        rig.client(link).select()
        first, second = ask(till, SMALL), ask(thief, LARGE)
        assert answered(link, till, first) == errors.CONSENT_NEEDED
        await_screen(alice, "consent", amount=SMALL, wallet=till.me.id)
        rig.press(alice)
        assert answered(link, till, first) == apdu.SW_OK
        assert answered(link, thief, second) == errors.CONSENT_NEEDED
        time.sleep(pause)
        rig.press_blindly(alice, "ok", 0.1)
        assert answered(link, thief, second) == errors.CONSENT_NEEDED
        await_screen(alice, "consent", amount=LARGE, wallet=thief.me.id, number=2)
        assert answered(link, thief, second) == errors.CONSENT_NEEDED
    assert memory(alice).balance == before - SMALL


def test_the_question_on_the_display_is_of_who_asked_last(
    rig: Rig, alice: Wallet, till: Book, thief: Book
) -> None:
    before = memory(alice).balance
    stolen, due = ask(thief, 600_00), ask(till, SMALL)
    with rig.at_reader(alice) as link:
        rig.client(link).select()
        assert answered(link, thief, stolen) == errors.CONSENT_NEEDED
    with rig.at_reader(alice) as link:
        rig.client(link).select()
        assert answered(link, till, due) == errors.CONSENT_NEEDED
        await_screen(alice, "consent", amount=SMALL, wallet=till.me.id)
        rig.press(alice)
    with rig.at_reader(alice) as link:
        rig.client(link).select()
        assert answered(link, thief, stolen) == errors.CONSENT_NEEDED
    assert memory(alice).balance == before
    with rig.at_reader(alice) as link:
        rig.client(link).select()
        assert answered(link, till, due) == apdu.SW_OK
    assert memory(alice).balance == before - SMALL


class Between(Link):
    """A reader in the middle, which asks for a payment of its own before each command it relays."""

    name = "between"

    def __init__(self, link: Link, command: bytes) -> None:
        self._link, self._command = link, command
        self.on_gesture = link.on_gesture
        self.words: list[int] = []

    def exchange(self, command: bytes) -> bytes:
        if command[1] == commands.RECORD:
            self.words.append(int(apdu.split_response(self._link.exchange(self._command))[1]))
        return self._link.exchange(command)

    def wait_for_card(self, timeout: float, progress: object = None) -> None:
        self._link.wait_for_card(timeout)

    def card_present(self) -> bool:
        return self._link.card_present()

    def close(self) -> None:
        self._link.close()


def test_a_cash_out_pays_nobody_but_the_operator(rig: Rig, alice: Wallet, thief: Book) -> None:
    before, amount = memory(alice).balance, 3_000_00
    with rig.at_reader(alice) as link:
        between = Between(link, pay_command(thief, ask(thief, 0, amount)))
        done = cash_out(between, rig.operator, rig.ledger, PIN, amount)
    assert set(between.words) == {errors.AMOUNT_NEEDED}
    assert (done.amount, memory(alice).balance) == (amount, before - amount)


@pytest.fixture
def desk(firmware_elf: Callable[[str], Path], seed: int) -> Iterator[OperatorDesk]:
    """A wallet on a bench whose time passes at once."""
    made = OperatorDesk(firmware_elf("visual_card"), seed)
    made.add("alice")
    with made.seeded("insiders"):
        made.boot("alice")
        made.provision("alice")
        made.top_up("alice", FUNDS)
        yield made
    made.close()


@pytest.mark.parametrize(("seconds", "pays"), [(100, True), (125, False), (3_600, False)])
def test_arming_to_pay_ends_in_two_minutes(desk: OperatorDesk, seconds: int, pays: bool) -> None:
    desk.pay("alice", 1_000_00, commands.CARD)
    desk.bench.run_for(seconds)
    with desk.at_reader("alice") as link:
        desk.client(link)
        account = open_account(desk.ledger, desk.operator)
        request = bytes(account.apply(payee.request(account, 0, 2_000_00)))
        word = answered(link, account, request)
    assert word == (apdu.SW_OK if pays else errors.AMOUNT_NEEDED)
