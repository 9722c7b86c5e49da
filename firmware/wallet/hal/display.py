"""Interface of a display.

width, height   pixels
is_round        True if only the inner circle is visible
format          framebuf format of the buffer given to `paint`
colours         native values of the roles below, in order
draw(paint)     call paint(fb, top, bottom) for every part of the picture. fb is a FrameBuffer
                of the full width with the display's rows from `top` (may be negative) up to
                `bottom`; paint fills all of it. May wait until an earlier picture is done.
                Raises DisplayError when the display does not work.
is_drawn()      True if the picture of the last draw is complete on the glass
"""

from micropython import const

PAPER = const(0)
INK = const(1)
SOFT = const(2)  # for secondary text
GOOD = const(3)
BAD = const(4)
"""Roles of colours. On a black-and-white display the last four are the same."""
