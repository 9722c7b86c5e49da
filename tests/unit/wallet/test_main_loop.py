"""The main loop over two fake links and a recording person: order, sessions, answers, idle work."""

from __future__ import annotations

import pytest

from _jzcbor import dumps
from jiaozi.wire import apdu, commands, errors
from jiaozi.wire.commands import AUTO, CARD, READER
from tests.fixtures.devices import Wallet, command, provision
from tests.fixtures.wallets import Bank
from tests.unit.wallet.loops import Loop, Peer
from tests.unit.wallet.test_tap import Pair
from wallet.device import Intent
from wallet.hal import phases
from wallet.hal.errors import LinkTimeout, TwoCards
from wallet.person import CANCEL, OK


@pytest.fixture(scope="module")
def bank() -> Bank:
    return Bank()


@pytest.fixture
def wallet(bank: Bank) -> Wallet:
    return provision(bank, "alice")


def serviced(events: list[tuple]) -> str:
    return "".join(event[0] for event in events if event[1] == "service")


def test_links_are_open_before_the_first_screen(wallet: Wallet) -> None:
    loop = Loop(wallet)
    assert loop.events == [("a", "service", CARD), ("b", "service", CARD)]
    assert loop.port.marks == [phases.READY]
    assert loop.step()[-3:] == [("a", "leave"), ("b", "leave"), ("person", "refresh")]


def test_links_are_serviced_in_order_after_the_shortest_wait(wallet: Wallet) -> None:
    loop = Loop(wallet)
    loop.settle()
    a, b = loop.links
    for due in (70, 40), (40, 70), (9000, 9000):
        a.due, b.due = due
        assert serviced(loop.step()) == "ab"
        assert loop.port.waits[-1] == min(*due, 500)
    waits = len(loop.port.waits)
    a.due, b.due = 500, 0
    assert serviced(loop.step()) == "ab"
    assert len(loop.port.waits) == waits


@pytest.mark.parametrize("first", [0, 1])
def test_one_session_at_a_time(wallet: Wallet, first: int) -> None:
    loop = Loop(wallet)
    loop.settle()
    busy, other = loop.links[first], loop.links[1 - first]
    busy.come(apdu.select())
    assert (other.name, "leave") in loop.step()
    other.come(apdu.select())
    for _ in range(3):
        busy.come(command(commands.INFO))
        assert serviced(loop.step()) == busy.name
    assert len(busy.responses) == 4
    assert other.responses == []
    waits = len(loop.port.waits)
    busy.due = 300
    loop.step()
    assert loop.port.waits[waits:] == [300], "a link that is not serviced must not end the wait"
    busy.in_session = False
    assert other.name in serviced(loop.step())
    assert loop.status(other) == apdu.SW_OK


def test_a_session_is_not_inherited_by_the_reader_of_another_link(wallet: Wallet) -> None:
    """It came while the other session was active and sends no SELECT."""
    loop = Loop(wallet)
    loop.settle()
    a, b = loop.links
    b.chosen_at_leave = True
    a.come(apdu.select())
    loop.step()
    assert b.in_session
    a.come(apdu.select(), command(commands.INFO))
    loop.step()
    assert loop.status(a) == apdu.SW_OK
    a.in_session = False
    b.come(command(commands.INFO))
    loop.step()
    assert loop.status(b) == errors.NOT_ALLOWED


def test_idle_work_waits_for_the_end_of_every_session(wallet: Wallet) -> None:
    loop = Loop(wallet)
    loop.settle()
    _, b = loop.links
    b.come(apdu.select())
    for _ in range(3):
        assert ("person", "refresh") not in loop.step()
    b.in_session = False
    assert ("person", "refresh") in loop.step()
    assert ("person", "refresh") not in loop.step()


def test_a_link_may_end_a_success_in_a_status_word_of_its_own(wallet: Wallet) -> None:
    loop = Loop(wallet)
    contact, _ = loop.links
    contact.success = b"\x91\x0f"
    contact.come(apdu.select(), command(commands.INFO), command(0xEE))
    loop.step()
    words = [apdu.split_response(response)[1] for response in contact.responses]
    assert words == [0x910F, 0x910F, errors.INS_UNKNOWN]


def test_a_link_that_fails_does_not_stop_the_others(wallet: Wallet) -> None:
    loop = Loop(wallet)
    a, b = loop.links
    a.failure = LinkTimeout("chip is silent")
    b.come(apdu.select())
    loop.step()
    assert loop.status(b) == apdu.SW_OK


# Roles -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "given"), [(AUTO, AUTO), (READER, READER), (CARD, CARD)])
def test_an_armed_wallet_looks_for_cards_on_links_that_can(
    wallet: Wallet, role: int, given: int
) -> None:
    loop = Loop(wallet, can_read="a")
    assert loop.step()[:2] == [("a", "service", CARD), ("b", "service", CARD)]
    loop.device.intent = Intent(commands.PAY_OUT, 100, role, None)
    assert loop.step()[:2] == [("a", "service", given), ("b", "service", CARD)]


def test_a_card_that_is_found_is_read_with_the_other_links_stopped() -> None:
    pair = Pair()
    pair.bob.arm(commands.RECEIVE, 2_500)
    loop = Loop(pair.bob, can_read="b")
    loop.settle()
    _, b = loop.links
    seen: list[list[tuple]] = []

    def exchange(sent: bytes) -> bytes:
        seen.append(list(loop.events))
        return pair.alice.exchange(sent)

    b.peer = peer = Peer(exchange)
    loop.step()
    assert pair.alice.balance == 7_500
    assert loop.device.book.state.balance == 2_500
    assert peer.released
    assert ("a", "leave") in seen[0]
    assert all(("person", "refresh") not in events for events in seen)
    assert loop.person.screens[-1] == ("received", {"amount": 2_500})
    assert ("person", "refresh") in loop.events


def test_after_two_cards_the_wallet_pauses(wallet: Wallet) -> None:
    loop = Loop(wallet, can_read="a")
    a, _ = loop.links
    loop.device.intent = Intent(commands.PAY_OUT, 100, AUTO, None)
    a.failure = TwoCards("two")
    loop.step()
    assert loop.person.screens[-1] == ("refused", {"reason": "two cards"})
    a.failure = None
    assert ("a", "service", CARD) in loop.step()
    loop.port.now += 1_500
    assert ("a", "service", AUTO) in loop.step()


# Answers -----------------------------------------------------------------------------------------


def asked(pair: Pair) -> tuple[Loop, bytes]:
    """Alice's loop after the payee's reader, still in session, asked for what needs consent."""
    pair.bob.arm(commands.RECEIVE, 2_500)
    certificate, request = pair.bob.select()[3:]
    loop = Loop(pair.alice)
    loop.settle()
    pay = command(commands.PAY, dumps([certificate, request]))
    loop.links[0].come(apdu.select(), pay)
    loop.step()
    assert loop.status(loop.links[0]) == errors.CONSENT_NEEDED
    return loop, pay


@pytest.mark.parametrize(
    ("answer", "sw", "balance"),
    [(OK, apdu.SW_OK, 7_500), (CANCEL, errors.CONSENT_REFUSED, 10_000)],
)
def test_a_question_is_drawn_and_answered_within_the_session(
    answer: str, sw: int, balance: int
) -> None:
    loop, pay = asked(Pair(unconfirmed_single=1_000))
    link = loop.links[0]
    assert loop.person.screens[-1] == ("consent", {"amount": 2_500, "wallet": b"bob_____"})
    assert loop.step()[-1] == ("person", "refresh")
    link.come(pay)
    loop.step()
    assert loop.status(link) == errors.CONSENT_NEEDED
    loop.person.answers = [answer]
    loop.step()
    link.come(pay)
    loop.step()
    assert loop.status(link) == sw
    assert loop.device.book.state.balance == balance
    assert link.in_session


def test_cancel_clears_the_armed_operation_with_every_link_stopped(wallet: Wallet) -> None:
    loop = Loop(wallet)
    loop.settle()
    loop.links[0].come(apdu.select())
    loop.step()
    loop.device.intent = Intent(commands.PAY_OUT, 100, CARD, None)
    loop.person.answers = [OK]
    loop.step()
    assert loop.device.intent is not None
    loop.person.answers = [CANCEL]
    events = loop.step()
    assert loop.device.intent is None
    assert events.index(("a", "stop")) < events.index(("b", "stop"))
    assert loop.person.screens[-1][0] == "home"
