"""Every board.toml is valid, and the schema rejects invalid ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from jiaozi_sim.board import BOARDS, BoardError, board_names, load_board, parse_board
from tests.unit.boards.bare import BARE

NAMES = board_names()
GOOD = (BOARDS / "visual_card" / "board.toml").read_text()


def test_there_are_boards() -> None:
    assert {"visual_card", "wearable"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_board_is_valid(name: str) -> None:
    board = load_board(name)
    assert board.uarts["host"] == 0
    assert board.nvm.size == 128 * 1024


def test_what_is_read() -> None:
    board = load_board("visual_card")
    assert board.contactless is not None
    assert board.uarts == {"host": 0, "nfc": 1, "bridge": 2, "contact": 3, "log": 4}
    assert board.display is not None
    assert board.display.pins == {"cs": 5, "dc": 6, "reset": 7, "busy": 8}
    assert (board.display.width, board.display.height, board.display.rotation) == (250, 122, 90)
    assert [(button.name, button.pin, button.pressed_level) for button in board.buttons] == [
        ("ok", 10, 0),
        ("cancel", 11, 0),
    ]


def test_a_board_may_have_nothing() -> None:
    board = parse_board(BARE)
    assert (board.display, board.contactless) == (None, None)
    assert "nfc" not in board.uarts


@pytest.mark.parametrize(
    ("was", "becomes", "complaint"),
    [
        ('name = "visual_card"', "", "^board: name: is missing$"),
        (
            'form = "card"',
            'form = "brick"',
            "^board: form = 'brick': .*'wearable' or 'sim'",
        ),
        ('machine = "mps2-an386"', 'machine = "z80"', "^target emulated: machine = 'z80': "),
        ("host = 0", "host = 1", "^board: UART 1 is used by host and nfc$"),
        ("host = 0", "host = 5", "^target emulated uart: host = 5: .* less than or equal to 4$"),
        ("host = 0", "host = true", "^target emulated uart: host = True: .* valid integer$"),
        ("host = 0", "host = 0, modem = 1", "^target emulated uart: modem: unknown key$"),
        ("page = 4096", "page = 5000", "^nvm: size must be a multiple of page"),
        ("page = 4096", 'page = "4096"', "^nvm: page = '4096': .* valid integer$"),
        ("size = 131072", "size = 262144", "^nvm: size = 262144: .* less than or equal to 131072$"),
        ('model = "ssd1680"', 'model = "ssd9999"', "^chip: 2: .*'ssd9999'"),
        ('bus = "spi0"', 'bus = "i2c0"', "^chip 2 ssd1680: bus = 'i2c0': .* pattern"),
        ("busy = 8", "", "^chip 2 ssd1680: busy: is missing$"),
        ("busy = 8", "busy = 6", "^board: pin 6 is used by ssd1680.dc and ssd1680.busy$"),
        ("busy = 8", "busy = 8\ncolour = 1", "^chip 2 ssd1680: colour: unknown key$"),
        ("pin = 11", "pin = 10", "^board: pin 10 is used by button ok and button cancel$"),
        ("pin = 11", "pin = 32", "^button 2: pin = 32: .* less than 32$"),
        ('active = "low"', "active = 0", "^button 1: active = 0: .* 'low' or 'high'$"),
        ('name = "cancel"', 'name = "ok"', "^board: name ok is used by a button and a button$"),
        ('person = "keys"', 'person = "touch"', '^board: person: "touch" goes with a cst816s'),
        ('person = "keys"', 'person = "nobody"', '^board: person: "nobody" goes with no button'),
        ('links = ["contactless"]', "links = []", '^board: links: "contactless" goes with a pn532'),
        ("[memory]", "[hardware]\nx = 1\n[memory]", "^board: hardware: unknown key$"),
        ("[nvm]", "[nvm", "line"),
    ],
)
def test_refused(was: str, becomes: str, complaint: str) -> None:
    assert was in GOOD
    with pytest.raises(BoardError, match=complaint) as refused:
        parse_board(GOOD.replace(was, becomes, 1))
    assert "\n" not in str(refused.value)


def test_a_missing_or_misnamed_board(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match="No such file"):
        load_board(tmp_path / "visual_card")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "board.toml").write_text(GOOD)
    with pytest.raises(BoardError, match="name = 'visual_card': not the name of its folder"):
        load_board(tmp_path / "other")


def test_a_key_area_is_on_the_display() -> None:
    good = (BOARDS / "wearable" / "board.toml").read_text()
    with pytest.raises(BoardError, match=r"^board: touch_key cancel is not on the display$"):
        parse_board(good.replace("bottom = 240", "bottom = 241", 1))
