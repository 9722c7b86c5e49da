"""What a wallet's display must show, drawn by the firmware's own code on this machine."""

from __future__ import annotations

from functools import cache

from PIL import Image

from jiaozi_sim.client import Wallet
from tests.unit.wallet.test_screens import Display
from wallet.drivers.gc9a01 import Gc9a01
from wallet.drivers.ssd1680 import Ssd1680
from wallet.screens import Screens

_CARD_SIZE = (Ssd1680.width, Ssd1680.height)


@cache
def _drawn(kind: type, name: str, data: tuple[tuple[str, object], ...]) -> bytes:
    display = Display(kind)
    Screens(display).draw(name, **dict(data))
    return display.image.tobytes()


def _coarse(picture: Image.Image) -> bytes:
    """The colours as far as RGB565 can tell them apart."""
    bands = picture.convert("RGB").split()
    masks = (0xF8, 0xFC, 0xF8) if picture.mode != "L" else (0xFF,) * 3
    kept = [
        band.point([value & mask for value in range(256)])
        for band, mask in zip(bands, masks, strict=True)
    ]
    return Image.merge("RGB", kept).tobytes()


def await_screen(wallet: Wallet, name: str, /, **data: object) -> None:
    """Wait until the display shows that screen. Raises SimulatorError when it does not come."""
    kind = Ssd1680 if wallet.picture().size == _CARD_SIZE else Gc9a01
    expected = _drawn(kind, name, tuple(data.items()))
    wallet.wait_picture(lambda picture: _coarse(picture) == expected)
