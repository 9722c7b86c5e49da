"""Every board.toml is valid, and the schema refuses what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from jiaozi_sim.board import BOARDS, BoardError, load_board, parse_board

NAMES = sorted(path.parent.name for path in BOARDS.glob("*/board.toml"))
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
    assert board.chips[0].pins == {"cs": 5, "dc": 6, "reset": 7, "busy": 8}
    assert board.chips[0].options == {"width": 250, "height": 122, "rotation": 90}
    assert [(button.name, button.pin, button.active) for button in board.buttons] == [
        ("ok", 10, 0),
        ("cancel", 11, 0),
    ]


@pytest.mark.parametrize(
    ("was", "becomes", "complaint"),
    [
        ('name = "visual_card"', "", "lacks 'name'"),
        ('form = "card"', 'form = "brick"', "'brick' is none of"),
        ('machine = "mps2-an386"', 'machine = "z80"', "'z80' is none of"),
        ("nfc = 1", "nfc = 0", "two roles on one UART"),
        ("nfc = 1", "nfc = 5", "not within 0 to 4"),
        ("nfc = 1", "nfc = true", "wrong type"),
        ("nfc = 1", "modem = 1", "unknown modem"),
        ("page = 4096", "page = 5000", "no multiple"),
        ("page = 4096", 'page = "4096"', "wrong type"),
        ("size = 131072", "size = 262144", "not within"),
        ('model = "ssd1680"', 'model = "ssd9999"', "is none of"),
        ('bus = "spi0"', 'bus = "i2c0"', "is no spi bus"),
        ("busy = 8", "", "lacks 'busy'"),
        ("busy = 8", "busy = 6", "pin 6 is used by ssd1680.dc and ssd1680.busy"),
        ("pin = 11", "pin = 10", "pin 10 is used by"),
        ("pin = 11", "pin = 32", "not within 0 to 31"),
        ('name = "cancel"', 'name = "ok"', "two buttons of one name"),
        ("[emulated]", "[emulated]\ncolour = 1", "unknown colour"),
        ("[[chip]]", "[chip]", "wrong type"),
        ("[nvm]", "[nvm", "line"),
    ],
)
def test_refused(was: str, becomes: str, complaint: str) -> None:
    assert was in GOOD
    with pytest.raises(BoardError, match=complaint):
        parse_board(GOOD.replace(was, becomes, 1))


def test_a_missing_or_misnamed_board(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match="No such file"):
        load_board("visual_card", tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "board.toml").write_text(GOOD)
    with pytest.raises(BoardError, match="names itself 'visual_card'"):
        load_board("other", tmp_path)


def test_hardware_sections_are_none_of_the_simulators_business() -> None:
    assert parse_board(GOOD + '\n[hardware]\nchip = "RP2350"\n') == parse_board(GOOD)
