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


class Buttons:
    """Two push buttons, low when pressed."""

    def __init__(self) -> None:
        self.levels = {OK: 1, CANCEL: 1}
        self.keys = Keys(
            tuple((name, lambda name=name: self.levels[name], 0) for name in self.levels),
            Port([]),
        )

    def press(self, answer: str) -> None:
        self.levels[answer] = 0


class Glass:
    """A touch controller on its bus, with two areas."""

    POINTS: ClassVar = {CANCEL: (30, 200), OK: (200, 200)}

    def __init__(self) -> None:
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
    display, pressed, other = Display(Ssd1680), means(), Buttons()
    inputs = [other.keys, other.keys]
    inputs[place] = pressed.keys
    loop, again = ask(Viewer(display, *inputs))
    assert display.draws == 1, "the question is drawn within the session"
    assert again() == errors.CONSENT_NEEDED
    pressed.press(answer)
    loop.step()
    assert again() == sw


def test_without_a_person_consent_is_never_given(ask: Callable) -> None:
    loop, again = ask(Nobody())
    loop.port.now += 61_000
    assert again() == errors.CONSENT_NEEDED
    assert loop.device.book.state.balance == 10_000
