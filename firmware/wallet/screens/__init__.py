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

    def draw(self, name: str, **data) -> None:
        """Draw a screen unless the display shows it already. Never on a tap's path.

        name: one of `PAGES`; data: the arguments of its function. After a DisplayError the wallet
        goes on without; the next call draws again.
        """
        page = PAGES[name](**data)
        if page == self._page:
            return
        try:
            self._display.draw(self._paint_part(page))
        except DisplayError:
            self._page = None
            return
        self._page = page

    def _paint_part(self, page: tuple):
        def paint_part(fb, top: int, bottom: int) -> None:
            self._canvas.part(fb, top, bottom)
            paint(self._canvas, self._display, page)

        return paint_part
