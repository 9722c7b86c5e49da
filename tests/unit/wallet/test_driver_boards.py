"""Buttons, touch, and each board.py: every driver gets its own pins and buses."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import wallet.hal
from jiaozi_sim.board import BOARDS, board_names, load_board
from jiaozi_sim.chips.cst816s import Cst816s as TouchModel
from jiaozi_sim.scheduler import VirtualScheduler
from tests.fixtures.hardware_fakes import PlainPort
from wallet.drivers.cst816s import Cst816s
from wallet.links.contactless import Contactless
from wallet.person.keys import Keys
from wallet.person.touch import TouchKeys
from wallet.person.viewer import Viewer

NAMES = board_names()


class Pin:
    """`machine.Pin`: remembers by number how it was made."""

    IN, OUT, PULL_UP, PULL_DOWN = 0, 1, 1, 2
    made: dict[int, "Pin"]

    def __init__(self, number, mode, pull=None, value=None) -> None:
        self.number, self.mode, self.level = number, mode, 1 if pull == self.PULL_UP else value or 0
        self.made[number] = self

    def __call__(self, *level: int) -> int:
        if level:
            self.level = level[0]
        return self.level


class Bus:
    """`machine.SPI`, `machine.I2C` and `machine.UART`."""

    made: dict[str, int]
    rates: dict[str, int]

    def __init__(self, number, *_, **options) -> None:
        self.made[type(self).__name__] = number
        self.rates[type(self).__name__] = options.get("baudrate") or options.get("freq")
        self.options = options


class SPI(Bus): ...


class I2C(Bus): ...


class UART(Bus): ...


def load(name: str, path: Path) -> ModuleType:
    """A module from its file."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def board(request, monkeypatch):
    """A board's module, made from stand-ins for the device's modules."""
    port = PlainPort(VirtualScheduler())
    port.random = lambda count: bytes(range(count))
    machine = ModuleType("machine")
    vars(machine).update(Pin=Pin, SPI=SPI, I2C=I2C, UART=UART)
    Pin.made, Bus.made, Bus.rates = {}, {}, {}
    monkeypatch.setitem(sys.modules, "machine", machine)
    monkeypatch.setitem(sys.modules, "_jznvm", ModuleType("_jznvm"))
    monkeypatch.setitem(sys.modules, "wallet.hal.port", port)
    monkeypatch.setattr(wallet.hal, "port", port, raising=False)
    wiring = load("wiring", BOARDS / request.param / "generated" / "wiring.py")
    monkeypatch.setitem(sys.modules, "wiring", wiring)
    module = load("board", BOARDS / request.param / "board.py")
    return SimpleNamespace(module=module, data=load_board(request.param), port=port)


@pytest.mark.parametrize("board", NAMES, indirect=True)
def test_display_and_chip_hang_where_the_data_says(board):
    display = board.module.display()
    chip = board.data.display
    assert type(display).__name__.lower() == chip.model
    assert {role: getattr(display, f"_{role}").number for role in chip.pins} == chip.pins
    assert f"spi{Bus.made['SPI']}" == chip.bus
    assert Bus.rates["SPI"] == chip.bus_hz
    assert (display.width, display.height) == (chip.width, chip.height)
    nfc = board.module.nfc()
    assert Bus.made["UART"] == board.data.uarts["nfc"]
    assert nfc._uart.options["rxbuf"] >= 1024
    assert nfc._uart.options["timeout"] > 0
    assert len(nfc._uid) == 3


@pytest.mark.parametrize("board", NAMES, indirect=True)
def test_a_board_has_a_contactless_link_and_a_person_at_a_display(board):
    [link] = board.module.links()
    assert type(link) is Contactless
    assert type(board.module.person()) is Viewer


@pytest.mark.parametrize("board", NAMES, indirect=True)
def test_buttons_are_where_the_data_says(board):
    person = board.module.person()
    assert person.poll(False) == []
    for button in board.data.buttons:
        board.port.sleep_ms(100)
        Pin.made[button.pin].level = button.pressed_level
        assert person.poll(False) == [button.name]
    for chip in board.data.chips:
        if chip.model == "cst816s":
            assert f"i2c{Bus.made['I2C']}" == chip.bus
            assert Bus.rates["I2C"] == chip.bus_hz
            assert {Pin.made[pin].mode for pin in chip.pins.values()} == {Pin.IN, Pin.OUT}


def test_a_press_counts_once_however_the_contact_bounces():
    port = PlainPort(VirtualScheduler())
    level = [1]
    buttons = Keys((("ok", lambda: level[0], 0),), port)
    seen = []
    press, release = ((5, 0), (1, 1), (1, 0), (1, 1), (1, 0), (40, 0)), ((200, 1), (2, 0), (1, 1))
    for pause, level[0] in press + release:
        port.sleep_ms(pause)
        seen += buttons.poll()
    assert seen == ["ok"]
    port.sleep_ms(50)
    buttons.poll()
    level[0] = 0
    port.sleep_ms(50)
    assert buttons.poll() == ["ok"]


def test_a_button_held_at_power_up_is_no_press():
    port = PlainPort(VirtualScheduler())
    assert Keys((("ok", lambda: 0, 0),), port).poll() == []


class Wire:
    """An I2C bus with the touch model, and its interrupt line."""

    def __init__(self) -> None:
        self.level = 1
        self.asleep = False
        self.model = TouchModel(self._drive)

    def _drive(self, role: str, level: int) -> None:
        self.level = level

    def readfrom_mem_into(self, address: int, register: int, buffer) -> None:
        assert address == 0x15
        if self.asleep:
            raise OSError(110)
        self.model.i2c_write(bytes((register,)))
        buffer[:] = self.model.i2c_read(len(buffer))


def test_touch_is_a_key_once_for_each_finger():
    wire = Wire()
    touch = Cst816s(wire, lambda: wire.level)
    keys = TouchKeys(touch, (("cancel", 0, 160, 120, 240), ("ok", 120, 160, 240, 240)))
    seen = []
    for point in ((200, 200), (30, 170), (30, 30), (120, 160), (239, 239)):
        wire.model.touch(*point)
        seen.append(keys.poll())
        wire.model.touch(*point)  # moved
        seen.append(keys.poll())
        wire.model.release()
        seen.append(keys.poll())
    assert [names for names in seen if names] == [["ok"], ["cancel"], ["ok"], ["ok"]]
    assert keys.poll() == []


def test_touch_asleep_is_no_error():
    wire = Wire()
    wire.asleep = True
    wire.model.touch(10, 10)
    assert Cst816s(wire, lambda: wire.level).taken() is None
