"""How a display's pixels become a picture."""

from __future__ import annotations

from PIL import Image

from jiaozi_sim.chips.canvas import enlarge, in_a_frame
from jiaozi_sim.chips.gc9a01 import Gc9a01


def test_every_pixel_becomes_a_square() -> None:
    image = Image.new("L", (3, 2), 255)
    image.putpixel((1, 0), 0)
    large = enlarge(image, 4)
    dark = {(x, y) for x in range(12) for y in range(8) if large.getpixel((x, y)) == 0}
    assert dark == {(x, y) for x in range(4, 8) for y in range(4)}


def test_a_rectangular_display_is_set_in_a_card() -> None:
    card = in_a_frame(Image.new("L", (50, 30), 0), scale=2)
    assert card.size == ((50 + 24) * 2, (30 + 24) * 2)
    assert card.getpixel((24, 24)) == card.getpixel((24 + 99, 24 + 59)) == (0, 0, 0)
    assert card.getpixel((23, 24)) != (0, 0, 0)


def test_a_round_display_is_set_in_a_round_body() -> None:
    watch = in_a_frame(Gc9a01().image(), scale=1)
    assert watch.size == (264, 264)
    assert watch.getpixel((0, 0)) == (255, 255, 255)  # the room
    assert watch.getpixel((132, 132)) == (0, 0, 0)  # dark glass
    assert watch.getpixel((43, 43)) not in {(0, 0, 0), (255, 255, 255)}  # the body
