"""Persons answer consent through one interface, whatever they press."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from _jzcbor import dumps
from jiaozi.wire import apdu, commands, errors
from jiaozi_sim.chips.cst816s import Cst816s as TouchModel
from tests.fixtures.devices import command
from tests.unit.wallet.loops import Loop, Port
from tests.unit.wallet.test_screens import Display
from tests.unit.wallet.test_tap import Pair
from wallet.drivers.cst816s import Cst816s
from wallet.drivers.ssd1680 import Ssd1680
from wallet.person import CANCEL, OK
from wallet.person.keys import Keys
from wallet.person.nobody import Nobody
from wallet.person.touch import TouchKeys
from wallet.person.viewer import Viewer

PAUSE_MS = 1_000


class Buttons:
    """Two push buttons, low when pressed."""

    def __init__(self, port: Port) -> None:
        self.levels = {OK: 1, CANCEL: 1}
        self.keys = Keys(
            tuple((name, lambda name=name: self.levels[name], 0) for name in self.levels), port
        )

    def press(self, answer: str) -> None:
        self.levels[answer] = 0

    def release(self) -> None:
        self.levels = dict.fromkeys(self.levels, 1)


class Glass:
    """A touch controller on its bus, with two areas."""

    POINTS: ClassVar = {CANCEL: (30, 200), OK: (200, 200)}

    def __init__(self, port: Port) -> None:
        self.level = 1
        self.model = TouchModel(self._drive)
        self.keys = TouchKeys(
            Cst816s(self, lambda: self.level),
            ((CANCEL, 0, 160, 120, 240), (OK, 120, 160, 240, 240)),
        )

    def _drive(self, role: str, level: int) -> None:
        self.level = level

    def readfrom_mem_into(self, address: int, register: int, buffer: bytearray) -> None:
        self.model.i2c_write(bytes((register,)))
        buffer[:] = self.model.i2c_read(len(buffer))

    def press(self, answer: str) -> None:
        self.model.touch(*self.POINTS[answer])

    def release(self) -> None:
        self.model.release()


@pytest.fixture
def ask() -> Callable[[Any], tuple[Loop, Callable[[], int]]]:
    """A loop with that person whose wallet was asked for consent, and how to ask once more."""

    def asked(person: Any) -> tuple[Loop, Callable[[], int]]:
        pair = Pair(unconfirmed_single=1_000)
        pair.bob.arm(commands.RECEIVE, 2_500)
        pay = command(commands.PAY, dumps(pair.bob.select()[3:]))
        loop = Loop(pair.alice, person=person)
        loop.links[0].come(apdu.select())
        loop.step()

        def again() -> int:
            loop.links[0].come(pay)
            loop.step()
            return loop.status(loop.links[0])

        assert again() == errors.CONSENT_NEEDED
        return loop, again

    return asked


@pytest.mark.parametrize(("answer", "sw"), [(OK, apdu.SW_OK), (CANCEL, errors.CONSENT_REFUSED)])
@pytest.mark.parametrize("means", [Buttons, Glass])
@pytest.mark.parametrize("place", [0, 1])
def test_a_person_at_a_display_answers_by_any_input(
    ask: Callable, means: type, answer: str, sw: int, place: int
) -> None:
    port = Port([])
    display, pressed, other = Display(Ssd1680), means(port), Buttons(port)
    inputs = [other.keys, other.keys]
    inputs[place] = pressed.keys
    loop, again = ask(Viewer(display, port, *inputs))
    assert display.draws == 1, "the question is drawn within the session"
    loop.step()
    port.now += PAUSE_MS
    assert again() == errors.CONSENT_NEEDED
    pressed.press(answer)
    loop.step()
    assert again() == sw


class Asked:
    """A person with two keys, whose display is slow, and a question that is due.

    poll: what the keys answer after some time has passed.
    """

    def __init__(self, means: type) -> None:
        self.port = Port([])
        self.display = Display(Ssd1680)
        self.means = means(self.port)
        self.person = Viewer(self.display, self.port, self.means.keys)
        self.person.poll(False)
        self.port.now += PAUSE_MS
        self.question(2_500)

    def question(self, amount: int) -> None:
        self.person.show("consent", amount=amount, wallet=b"bob_____")

    def draw(self) -> None:
        self.person.refresh()
        self.display.refreshing = True

    def drawn(self) -> None:
        self.display.refreshing = False
        assert self.poll() == []

    def poll(self, ms: int = 50, asking: bool = True) -> list[str]:
        self.port.now += ms
        return self.person.poll(asking)


@pytest.fixture(params=[Buttons, Glass])
def asked(request: pytest.FixtureRequest) -> Asked:
    return Asked(request.param)


def test_a_press_before_the_question_is_drawn_is_no_answer(asked: Asked) -> None:
    asked.means.press(OK)  # the screen before is still there
    assert asked.poll() == []
    asked.means.release()
    asked.draw()
    assert asked.poll(PAUSE_MS) == []
    asked.means.press(OK)  # the panel refreshes
    assert asked.poll() == []
    asked.drawn()
    assert asked.poll(5 * PAUSE_MS) == [], "a key that is held does not become a press"
    asked.means.release()
    assert asked.poll() == []
    assert asked.poll(PAUSE_MS) == []
    asked.means.press(OK)
    assert asked.poll() == [OK]


def test_a_press_between_the_last_poll_and_the_drawing_is_no_answer(asked: Asked) -> None:
    assert asked.poll() == []
    asked.means.press(OK)  # while the picture is painted and sent, which takes a while
    asked.person.refresh()
    assert asked.poll() == []


@pytest.mark.parametrize("pause", [250, 500, 900])
def test_a_second_press_is_not_the_answer_to_the_next_question(asked: Asked, pause: int) -> None:
    asked.draw()
    asked.drawn()
    asked.means.press(OK)
    assert asked.poll() == [OK]
    asked.means.release()
    assert asked.poll(asking=False) == []
    asked.question(60_000)
    asked.draw()
    asked.drawn()
    asked.means.press(OK)
    assert asked.poll(pause - 50) == []
    asked.means.release()
    assert asked.poll() == []
    assert asked.poll(PAUSE_MS) == []
    asked.means.press(OK)
    assert asked.poll() == [OK]


def test_a_question_in_place_of_another_is_drawn_anew(asked: Asked) -> None:
    asked.draw()
    asked.drawn()
    asked.question(60_000)
    asked.means.press(OK)
    assert asked.poll() == []


def test_a_broken_display_confirms_nothing_but_cancels_what_is_armed(asked: Asked) -> None:
    asked.display.broken = True
    asked.person.refresh()
    for _ in range(3):
        assert asked.poll(PAUSE_MS) == []
    asked.means.press(OK)
    assert asked.poll() == []
    asked.means.release()
    asked.poll()
    asked.means.press(CANCEL)
    assert asked.poll(asking=False) == [CANCEL]


def test_both_keys_at_once_cancel() -> None:
    asked = Asked(Buttons)
    asked.draw()
    asked.drawn()
    asked.means.press(OK)
    asked.means.press(CANCEL)
    assert asked.poll() == [CANCEL]


def test_without_a_person_consent_is_never_given(ask: Callable) -> None:
    loop, again = ask(Nobody())
    loop.port.now += 61_000
    assert again() == errors.CONSENT_NEEDED
    assert loop.device.book.state.balance == 10_000
