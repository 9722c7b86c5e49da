"""Pictures of a display: enlarged pixels, in a drawn device."""

from __future__ import annotations

from PIL import Image, ImageDraw

_CARD, _EDGE, _ROOM = (238, 240, 244), (150, 156, 168), (255, 255, 255)
_MARGIN = 12  # of the frame round the display, in display pixels
_CORNER = 10


def enlarge(image: Image.Image, scale: int) -> Image.Image:
    """Enlarge every pixel to a square of `scale` dots, without smoothing."""
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)


def in_a_frame(image: Image.Image, scale: int = 3) -> Image.Image:
    """Draw the enlarged display in a card with rounded corners, a round one in a round body.

    Outside a round display its image is transparent.
    """
    display = enlarge(image.convert("RGBA"), scale)
    margin = _MARGIN * scale
    size = (display.width + 2 * margin, display.height + 2 * margin)
    card = Image.new("RGB", size, _ROOM)
    corners = (0, 0, size[0] - 1, size[1] - 1)
    pen = ImageDraw.Draw(card)
    is_round = display.tobytes()[3] == 0  # the first dot's alpha
    corner = min(size) // 2 if is_round else _CORNER * scale
    pen.rounded_rectangle(corners, corner, fill=_CARD, outline=_EDGE, width=scale)
    card.paste(display, (margin, margin), mask=display)
    return card
