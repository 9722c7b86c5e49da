"""Screens: pages as data, and drawing them on a display."""

from wallet.hal.errors import DisplayError
from wallet.screens.canvas import Canvas
from wallet.screens.layout import paint
from wallet.screens.pages import PAGES


class Screens:
    """The screens on one display (see `wallet.hal.display`)."""

    def __init__(self, display):
        self._display = display
        self._canvas = Canvas(display)
        self._page = None

    def draw(self, name: str, **data) -> bool:
        """Draw a screen unless the display shows it already. Never on a tap's path.

        Returns False if the display does not work.

        name: one of `PAGES`; data: the arguments of its function. After a DisplayError the wallet
        goes on without; the next call draws again.
        """
        page = PAGES[name](**data)
        if page == self._page:
            return True
        try:
            self._display.draw(self._paint_part(page))
        except DisplayError:
            self._page = None
            return False
        self._page = page
        return True

    def is_drawn(self) -> bool:
        """True if the last screen is complete on the display."""
        return self._display.is_drawn()

    def _paint_part(self, page: tuple):
        def paint_part(fb, top: int, bottom: int) -> None:
            self._canvas.part(fb, top, bottom)
            paint(self._canvas, self._display, page)

        return paint_part
