"""What a person sees: screens as data, and the drawing of them."""

from wallet.hal.errors import DisplayError
from wallet.screens.canvas import Canvas
from wallet.screens.layout import paint
from wallet.screens.pages import PAGES


class Screens:
    """The one screen of a wallet. `show` is cheap and may be called anywhere; `refresh` draws.

    display: see `wallet.hal.display`.
    """

    def __init__(self, display):
        self._display = display
        self._canvas = Canvas(display)
        self._page = None
        self._wanted: tuple[str, dict] = ("", {})
        self._last = 0

    def show(self, name: str, **data) -> None:
        """Record which screen is due. name: one of `PAGES`, data: what its function takes."""
        self._wanted = (name, data)
        if name == "paid":
            self._last = -data["amount"]
        elif name == "received":
            self._last = data["amount"]

    def refresh(self) -> None:
        """Draw the screen that is due, if it is not what is seen. Never on a tap's path.

        A display that does not work is tried again at the next screen; the wallet works without.
        """
        name, data = self._wanted
        if not name:
            return
        if name == "home":
            data = dict(data, last=self._last)
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
