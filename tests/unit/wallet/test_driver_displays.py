"""The display drivers against the simulator's models of their chips: the exact pixels arrive."""

import random

import pytest

from jiaozi_sim.chips.gc9a01 import Gc9a01 as RoundModel
from jiaozi_sim.chips.ssd1680 import Ssd1680 as PaperModel
from jiaozi_sim.scheduler import VirtualScheduler
from tests.fixtures.hardware_fakes import PlainPort, SpiWires
from wallet.drivers.gc9a01 import Gc9a01, rgb
from wallet.drivers.ssd1680 import Ssd1680
from wallet.hal.errors import DisplayError


class Paper:
    def __init__(self) -> None:
        self.scheduler = VirtualScheduler()
        self.wires = SpiWires()
        self.model = self.wires.model = PaperModel(self.scheduler, self.wires.drive)
        pins = {role: self.wires.pin(role) for role in ("cs", "dc", "reset", "busy")}
        self.display = Ssd1680(self.wires, **pins, port=PlainPort(self.scheduler))

    def seen(self):
        """The panel, held in landscape as board.toml says."""
        self.scheduler.run_for(3)
        assert self.model.violations == []
        return self.model.image().rotate(90, expand=True)


def dots(seed: int, wide: int, high: int) -> set[tuple[int, int]]:
    dice = random.Random(seed)
    corners = {(0, 0), (wide - 1, 0), (0, high - 1), (wide - 1, high - 1)}
    return corners | {(dice.randrange(wide), dice.randrange(high)) for _ in range(300)}


def painter(points: set[tuple[int, int]], paper: int, ink: int):
    def paint(fb, top: int, bottom: int) -> None:
        fb.fill(paper)
        for x, y in points:
            if top <= y < bottom:
                fb.pixel(x, y - top, ink)

    return paint


def test_paper_shows_what_is_painted_fully_then_partially():
    paper = Paper()
    for seed in range(3):
        points = dots(seed, 250, 122)
        paper.display.draw(painter(points, 1, 0))
        image = paper.seen()
        assert image.size == (250, 122)
        black = {(x, y) for x in range(250) for y in range(122) if not image.getpixel((x, y))}
        assert black == points
    assert paper.model.updates == 3


def test_paper_is_drawn_without_waiting_for_its_refresh():
    paper = Paper()
    paper.display.draw(painter(set(), 1, 0))
    before = paper.scheduler.now()
    assert before < 0.1
    paper.display.draw(painter({(5, 5)}, 1, 0))
    assert 1.9 < paper.scheduler.now() - before < 2.2
    assert not paper.seen().getpixel((5, 5))


def test_paper_refreshes_fully_now_and_then():
    paper = Paper()
    seconds = []
    for i in range(33):
        paper.display.draw(painter({(i, i)}, 1, 0))
        before = paper.scheduler.now()
        while paper.model.busy:
            paper.scheduler.step()
        seconds.append(paper.scheduler.now() - before)
    assert [i for i, s in enumerate(seconds) if s > 1] == [0, 31]


def test_paper_that_stays_busy_is_an_error_and_set_up_anew():
    paper = Paper()
    paper.display.draw(painter(set(), 1, 0))
    paper.scheduler.run_for(3)
    paper.wires.outputs["busy"] = 1
    with pytest.raises(DisplayError):
        paper.display.draw(painter(set(), 1, 0))
    paper.display.draw(painter({(7, 9)}, 1, 0))
    assert not paper.seen().getpixel((7, 9))


def test_round_screen_shows_what_is_painted():
    scheduler = VirtualScheduler()
    wires = SpiWires()
    wires.model = RoundModel()
    pins = {role: wires.pin(role) for role in ("cs", "dc", "reset")}
    display = Gc9a01(wires, **pins, port=PlainPort(scheduler))
    for seed, colour in enumerate(((255, 0, 0), (0, 255, 0), (0, 0, 255))):
        points = {p for p in dots(seed, 240, 240) if (p[0] - 120) ** 2 + (p[1] - 120) ** 2 < 118**2}
        display.draw(painter(points, rgb(0, 0, 0), rgb(*colour)))
        image = wires.model.image().convert("RGB")
        lit = {(x, y) for x in range(240) for y in range(240) if any(image.getpixel((x, y)))}
        assert lit == points
        assert {image.getpixel(point) for point in points} == {colour}
    assert wires.model.violations == []
    assert wires.written < 3 * (240 * 240 * 2 + 300)
