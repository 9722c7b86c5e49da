"""What a display is to the screens.

    width, height   pixels
    is_round        whether only the circle inside is seen
    format          the framebuf format of what `paint` gets
    colours         native values of the roles below, in their order
    draw(paint)     calls paint(fb, top, bottom) for every part of the picture: fb is a FrameBuffer
                    of the full width with the display's rows from `top` (which may be negative) to
                    before `bottom`, all of which are to be painted. May wait until an earlier
                    picture is done. Raises DisplayError when the display does not work.
"""

from micropython import const

PAPER = const(0)
INK = const(1)
SOFT = const(2)  # ink for what matters less
GOOD = const(3)
BAD = const(4)
"""Roles of colours. A black-and-white display has one ink for the last four."""
